//! Stages for tests of stages: a producer one pushes into, and a consumer that records what it gets.

use std::fmt;
use std::marker::PhantomData;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::emit::{Caller, Emit};
use super::kind::{Consumes, Produces};
use super::message::Call;
use super::port::Upstream;
use super::reason::{Answer, Ended, Next, Reason};
use super::reference::StageRef;
use super::start::{self, Builder};
use super::subscription::Tag;
use super::{Consumer, Producer};
use crate::error::Error;

/// The producer of [`pushed`].
pub struct Pushed<E> {
    demanded: Vec<usize>,
    events: PhantomData<fn() -> E>,
}

/// A producer that emits what is [pushed](StageRef::push) into it, whether it was asked for or not, and keeps a record of
/// what it was asked for.
///
/// # Examples
/// ```
/// use millstream::stage::testing::{Record, pushed, recorder};
/// use millstream::stage::Subscription;
///
/// let producer = pushed().start()?;
/// let (consumer, records) = recorder();
/// let few = Subscription::new().max_demand(2).min_demand(0);
/// let consumer = consumer.subscribe_to(&producer, few).start()?;
///
/// producer.push(["a", "b", "c"])?;
/// assert_eq!(records.recv().unwrap().events(), Some(vec!["a", "b"]));
/// assert_eq!(records.recv().unwrap().events(), Some(vec!["c"]));
///
/// drop(producer);
/// consumer.join()?;
/// assert!(matches!(records.recv(), Ok(Record::Cancelled(_, ended)) if ended.is_down()));
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn pushed<E: Send + 'static>() -> Builder<Produces<Pushed<E>>> {
    start::producer(Pushed {
        demanded: Vec::new(),
        events: PhantomData,
    })
}

impl<E: Send + 'static> Producer for Pushed<E> {
    type Event = E;

    fn handle_demand(&mut self, n: usize, _: &mut Emit<E>) -> Answer {
        self.demanded.push(n);
        Ok(Next::Go)
    }
}

/// Events to emit.
struct Push<E>(Vec<E>);

impl<E: Send + 'static> Call<Push<E>> for Pushed<E> {
    type Reply = ();
    type Event = E;
    fn handle_call(
        &mut self,
        message: Push<E>,
        caller: &mut Caller<()>,
        out: &mut Emit<E>,
    ) -> Answer {
        out.append(message.0);
        caller.reply(());
        Ok(Next::Go)
    }
}

/// What was demanded so far.
struct Demanded;

impl<E: Send + 'static> Call<Demanded> for Pushed<E> {
    type Reply = Vec<usize>;
    type Event = E;
    fn handle_call(
        &mut self,
        _: Demanded,
        caller: &mut Caller<Vec<usize>>,
        _: &mut Emit<E>,
    ) -> Answer {
        caller.reply(self.demanded.clone());
        Ok(Next::Go)
    }
}

impl<E: Send + 'static> StageRef<Produces<Pushed<E>>> {
    /// Has the producer emit events; returns when they are sent or buffered. If its buffer blocks and is full, this waits.
    pub fn push(&self, events: impl IntoIterator<Item = E>) -> Result<(), Error> {
        self.call(Push(events.into_iter().collect()))
    }

    /// Each demand the producer was called with so far.
    pub fn demanded(&self) -> Result<Vec<usize>, Error> {
        self.call(Demanded)
    }
}

impl<E> fmt::Debug for Pushed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pushed")
            .field("demanded", &self.demanded)
            .finish()
    }
}

/// What a [`recorder`] has seen.
#[derive(Debug)]
pub enum Record<E> {
    /// A batch.
    Events(Vec<E>),
    /// The end of a subscription.
    Cancelled(Tag, Ended),
    /// Its own end.
    Terminated(Reason),
}

impl<E> Record<E> {
    /// The batch, if it is one.
    pub fn events(self) -> Option<Vec<E>> {
        match self {
            Record::Events(events) => Some(events),
            _ => None,
        }
    }
}

/// The consumer of [`recorder`].
pub struct Recorder<E> {
    records: Sender<Record<E>>,
}

/// A consumer that sends all it sees through a channel, without bound. See [`pushed`] for an example.
pub fn recorder<E: Send + 'static>() -> (Builder<Consumes<Recorder<E>>>, Receiver<Record<E>>) {
    let (records, receiver) = channel();
    (start::consumer(Recorder { records }), receiver)
}

impl<E: Send + 'static> Recorder<E> {
    fn record(&self, record: Record<E>) {
        // A test that looks no more does not care.
        let _ = self.records.send(record);
    }
}

impl<E: Send + 'static> Consumer for Recorder<E> {
    type Event = E;

    fn handle_events(&mut self, batch: Vec<E>, _: &Upstream<E>) -> Answer {
        self.record(Record::Events(batch));
        Ok(Next::Go)
    }

    fn handle_cancel(&mut self, producer: &Upstream<E>, ended: &Ended) -> Answer {
        self.record(Record::Cancelled(producer.tag(), ended.clone()));
        Ok(Next::Go)
    }

    fn terminate(&mut self, reason: &Reason) {
        self.record(Record::Terminated(reason.clone()));
    }
}

impl<E> fmt::Debug for Recorder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}
