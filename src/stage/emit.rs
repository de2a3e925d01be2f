//! What a callback gives back: events, and the reply of a call.

use std::fmt;

use crossbeam_channel::Sender;

/// The events a callback emits, in their order. They are sent when the callback returns.
///
/// It is a `Vec` that only grows, and costs what one costs.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Next, Subscription};
///
/// let letters = stage::from_fn(|_, out| {
///     out.push('a');
///     out.extend(['b', 'c']);
///     out.append(vec!['d']);
///     assert_eq!(out.len(), 4);
///     Ok(Next::Done)
/// });
/// let letters = letters.start()?;
/// let stream = stage::stream([(&letters, Subscription::new())])?;
/// assert_eq!(stream.collect::<Result<String, _>>()?, "abcd");
/// # Ok::<(), millstream::Error>(())
/// ```
///
pub struct Emit<E> {
    events: Vec<E>,
}

impl<E> Emit<E> {
    pub(crate) fn new() -> Self {
        Emit { events: Vec::new() }
    }

    pub(crate) fn into_events(self) -> Vec<E> {
        self.events
    }

    /// Emits one event.
    pub fn push(&mut self, event: E) {
        self.events.push(event);
    }

    /// Emits all events of a `Vec`; nothing is copied if they are the first.
    pub fn append(&mut self, mut events: Vec<E>) {
        if self.events.is_empty() {
            self.events = events;
        } else {
            self.events.append(&mut events);
        }
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, n: usize) {
        self.events.reserve(n);
    }

    /// How many were emitted in this callback so far.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing was emitted in this callback so far.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

impl<E> Extend<E> for Emit<E> {
    fn extend<I: IntoIterator<Item = E>>(&mut self, events: I) {
        self.events.extend(events);
    }
}

impl<E> fmt::Debug for Emit<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").field("len", &self.len()).finish()
    }
}

/// The other side of a call: it waits for the reply. A caller that gets none (since this is dropped) gets an error.
///
/// # Examples
/// A call that is answered by a later one:
/// ```
/// use millstream::stage::{self, Answer, Call, Caller, Consumer, Emit, Never, Next, Upstream};
///
/// #[derive(Default)]
/// struct Gate(Vec<Caller<&'static str>>);
///
/// impl Consumer for Gate {
///     type Event = u32;
///     fn handle_events(&mut self, _: Vec<u32>, _: &Upstream<u32>) -> Answer {
///         Ok(Next::Go)
///     }
/// }
///
/// enum Please { LetMeIn, Open }
///
/// impl Call<Please> for Gate {
///     type Reply = &'static str;
///     type Event = Never;
///     fn handle_call(
///         &mut self,
///         please: Please,
///         caller: &mut Caller<&'static str>,
///         _: &mut Emit<Never>,
///     ) -> Answer {
///         match please {
///             Please::LetMeIn => self.0.push(caller.later()),
///             Please::Open => {
///                 self.0.drain(..).for_each(|mut waiting| waiting.reply_now("welcome"));
///                 caller.reply("open");
///             }
///         }
///         Ok(Next::Go)
///     }
/// }
///
/// let gate = stage::consumer(Gate::default()).start()?;
/// let guest = gate.stage();
/// let guest = std::thread::spawn(move || guest.call(Please::LetMeIn));
/// while !guest.is_finished() {
///     assert_eq!(gate.call(Please::Open)?, "open");
/// }
/// assert_eq!(guest.join().unwrap()?, "welcome");
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Caller<R> {
    to: Option<Sender<R>>,
    reply: Option<R>,
}

impl<R> Caller<R> {
    pub(crate) fn new(to: Sender<R>) -> Self {
        Caller {
            to: Some(to),
            reply: None,
        }
    }

    /// Replies once the callback has returned and the events it emitted are sent.
    pub fn reply(&mut self, reply: R) {
        self.reply = Some(reply);
    }

    /// Replies at once, before the events of this callback are sent. Only the first reply counts.
    pub fn reply_now(&mut self, reply: R) {
        if let Some(to) = self.to.take() {
            // A caller that waits no longer needs no reply.
            let _ = to.send(reply);
        }
    }

    /// Takes the caller out of this callback, to reply from a later one with [`reply_now`](Caller::reply_now).
    pub fn later(&mut self) -> Caller<R> {
        Caller {
            to: self.to.take(),
            reply: None,
        }
    }

    /// Sends what [`reply`](Caller::reply) left.
    pub(crate) fn send(mut self) {
        if let Some(reply) = self.reply.take() {
            self.reply_now(reply);
        }
    }
}

impl<R> fmt::Debug for Caller<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("waits", &self.to.is_some())
            .finish()
    }
}
