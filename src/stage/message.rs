//! Calls, casts and infos: messages of the user's to a stage, typed, and the mailbox they and all else go through.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::ThreadId;

use crossbeam_channel::Sender;

use super::emit::{Caller, Emit};
use super::gauges::Gauges;
use super::kind::Kind;
use super::port::{Cuts, Inlet, Joining, Outlet, Output};
use super::reason::{Answer, DemandMode, Ended, Reason};
use super::subscription::{Cancel, StageId, Subscription, Tag};
use crate::error::Error;

/// A stage that answers calls with messages of type `M`: [`StageRef::call`](super::StageRef::call).
///
/// # Examples
/// ```
/// use millstream::stage::{self, Answer, Call, Caller, Emit, Next, Producer};
///
/// struct Queue(Vec<u32>);
///
/// impl Producer for Queue {
///     type Event = u32;
///     fn handle_demand(&mut self, _: usize, _: &mut Emit<u32>) -> Answer {
///         Ok(Next::Go)
///     }
/// }
///
/// struct Len;
///
/// impl Call<Len> for Queue {
///     type Reply = usize;
///     type Event = u32;
///     fn handle_call(&mut self, _: Len, caller: &mut Caller<usize>, _: &mut Emit<u32>) -> Answer {
///         caller.reply(self.0.len());
///         Ok(Next::Go)
///     }
/// }
///
/// let queue = stage::producer(Queue(vec![1, 2])).start()?;
/// assert_eq!(queue.call(Len)?, 2);
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait Call<M> {
    /// What the caller gets.
    type Reply: Send + 'static;
    /// What the stage emits; [`Never`](super::Never) for a consumer.
    type Event;
    /// Handles the call. Events it emits are sent before the caller gets its [`reply`](Caller::reply).
    fn handle_call(
        &mut self,
        message: M,
        caller: &mut Caller<Self::Reply>,
        out: &mut Emit<Self::Event>,
    ) -> Answer;
}

/// A stage that takes casts of type `M`: messages without a reply, [`StageRef::cast`](super::StageRef::cast).
///
/// # Examples
/// Events that come from outside. What nobody has asked for waits in the stage's buffer:
/// ```
/// use millstream::stage::{self, Answer, Cast, Emit, Next, Producer, Subscription};
///
/// struct Inbox;
///
/// impl Producer for Inbox {
///     type Event = String;
///     fn handle_demand(&mut self, _: usize, _: &mut Emit<String>) -> Answer {
///         Ok(Next::Go) // Nothing to give by itself.
///     }
/// }
///
/// impl Cast<&'static str> for Inbox {
///     type Event = String;
///     fn handle_cast(&mut self, line: &'static str, out: &mut Emit<String>) -> Answer {
///         out.push(line.to_uppercase());
///         Ok(Next::Go)
///     }
/// }
///
/// let inbox = stage::producer(Inbox).start()?;
/// inbox.cast("hello")?;
/// inbox.finish()?;
/// let stream = stage::stream([(&inbox, Subscription::new())])?;
/// assert_eq!(stream.collect::<Result<String, _>>()?, "HELLO");
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait Cast<M> {
    /// What the stage emits; [`Never`](super::Never) for a consumer.
    type Event;
    /// Handles the cast.
    fn handle_cast(&mut self, message: M, out: &mut Emit<Self::Event>) -> Answer;
}

/// A stage that takes infos of type `M`: messages that keep their place among the events,
/// [`StageRef::sync_info`](super::StageRef::sync_info).
///
/// Infos take no room in a buffer and are never dropped: how many wait is up to those who send them.
///
/// # Examples
/// A note of when a consumer had taken all that came before:
/// ```
/// use millstream::stage::{self, Answer, Emit, Info, Next, Producer, Subscription};
/// use std::sync::mpsc::{Sender, channel};
///
/// struct Source(Sender<&'static str>);
///
/// impl Producer for Source {
///     type Event = u32;
///     fn handle_demand(&mut self, _: usize, _: &mut Emit<u32>) -> Answer {
///         Ok(Next::Go)
///     }
/// }
///
/// impl Info<Vec<u32>> for Source {
///     type Event = u32;
///     fn handle_info(&mut self, events: Vec<u32>, out: &mut Emit<u32>) -> Answer {
///         out.append(events);
///         Ok(Next::Go)
///     }
/// }
///
/// impl Info<&'static str> for Source {
///     type Event = u32;
///     fn handle_info(&mut self, note: &'static str, _: &mut Emit<u32>) -> Answer {
///         self.0.send(note)?;
///         Ok(Next::Go)
///     }
/// }
///
/// let (sender, notes) = channel();
/// let source = stage::producer(Source(sender)).start()?;
/// source.sync_info(vec![1, 2])?;
/// source.sync_info("two are taken")?;
/// assert!(notes.try_recv().is_err());
/// let mut stream = stage::stream([(&source, Subscription::new())])?;
/// assert_eq!(stream.next().unwrap()?, 1);
/// assert_eq!(notes.recv(), Ok("two are taken"));
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait Info<M> {
    /// What the stage emits; [`Never`](super::Never) for a consumer.
    type Event;
    /// Handles the info, once all events before it are taken.
    fn handle_info(&mut self, message: M, out: &mut Emit<Self::Event>) -> Answer;
}

/// What happens when the events of a callback are sent: the reply of a call.
pub(crate) type After = Box<dyn FnOnce() + Send>;

/// A message of the user's, as a call of the handler for it.
pub(crate) type Run<K> =
    Box<dyn FnOnce(&mut K, &mut Emit<<K as Kind>::Out>) -> (Answer, Option<After>) + Send>;

/// A wish to subscribe.
pub(crate) struct Request<E> {
    pub(crate) producer: Output<E>,
    pub(crate) options: Subscription<E>,
    /// The subscription that ends with it, and why.
    pub(crate) instead_of: Option<(Tag, Reason)>,
    pub(crate) reply: Option<Sender<Tag>>,
}

/// All that comes to a stage, in one order.
pub(crate) enum Message<K: Kind> {
    // From its consumers.
    Subscribe(Joining<K::Out>),
    Ask(Tag, u64),
    Cancel(Tag, Ended),
    Acknowledge(Tag, u64),
    // From its dispatcher: demand for events it has given nobody.
    Demand(u64),
    // From its producers.
    Events(Tag, Vec<K::In>),
    Ended(Tag, Ended),
    // From whoever has a reference.
    SubscribeTo(Box<Request<K::In>>),
    /// From its supervisor: a producer is gone and does not come again; what that means.
    Orphaned(Reason, Cancel),
    Run(Run<K>),
    Info(Run<K>, Option<Sender<()>>),
    SetDemand(DemandMode),
    GetDemand(Sender<DemandMode>),
    Buffered(Sender<usize>),
    // Time has passed, or a rate has changed: what waits may go on.
    Look,
    Finish,
    Stop(Reason),
}

/// What a stage and the references to it share.
pub(crate) struct Shared {
    pub(crate) id: StageId,
    pub(crate) name: Arc<str>,
    /// Why it ended, once it has.
    pub(crate) ended: OnceLock<Reason>,
    pub(crate) thread: OnceLock<ThreadId>,
    /// Its owner wants it no more.
    pub(crate) halted: AtomicBool,
    pub(crate) gauges: Gauges,
}

/// Where messages to a stage go in. Unbounded: what producers send was asked for, and asks are few; calls, casts and
/// infos are their senders' to bound.
pub(crate) struct Mailbox<K: Kind> {
    pub(crate) sender: Sender<Message<K>>,
    pub(crate) shared: Arc<Shared>,
}

impl<K: Kind> Mailbox<K> {
    /// Whether the message went in. One that did may still be dropped, if the stage ends before it comes to it.
    pub(crate) fn post(&self, message: Message<K>) -> bool {
        self.sender.send(message).is_ok()
    }

    /// Ends the stage as soon as its callback returns.
    pub(crate) fn halt(&self) {
        self.shared.halted.store(true, Ordering::Release);
        // It may sleep.
        self.post(Message::Stop(Reason::Shutdown));
    }

    /// What to say of a stage that answers no more.
    pub(crate) fn gone(&self) -> Error {
        let name = &self.shared.name;
        let why = match self.shared.ended.get() {
            Some(reason) => format!("the stage has ended: {reason}"),
            None => "the stage ended, or dropped the caller, without a reply".to_owned(),
        };
        Error::new(crate::error::ErrorKind::Stage, why).of_stage(name)
    }
}

impl<K: Kind> Inlet<K::In> for Mailbox<K> {
    fn events(&self, tag: Tag, events: Vec<K::In>) {
        self.post(Message::Events(tag, events));
    }
    fn ended(&self, tag: Tag, ended: Ended) {
        self.post(Message::Ended(tag, ended));
    }
}

impl<K: Kind> Outlet<K::Out> for Mailbox<K> {
    fn subscribe(&self, joining: Joining<K::Out>) {
        self.post(Message::Subscribe(joining));
    }
    fn ask(&self, tag: Tag, n: u64) {
        self.post(Message::Ask(tag, n));
    }
    fn cancel(&self, tag: Tag, ended: Ended) {
        self.post(Message::Cancel(tag, ended));
    }
    fn demand(&self, mode: DemandMode) {
        self.post(Message::SetDemand(mode));
    }
    fn acknowledge(&self, tag: Tag, n: u64) {
        self.post(Message::Acknowledge(tag, n));
    }
}

impl<K: Kind> Cuts for Mailbox<K> {
    fn cut(&self, tag: Tag, ended: Ended) {
        self.post(Message::Cancel(tag, ended));
    }
}

impl<K: Kind> fmt::Debug for Mailbox<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("stage", &self.shared.name)
            .field("id", &self.shared.id)
            .field("ended", &self.shared.ended.get())
            .finish_non_exhaustive()
    }
}
