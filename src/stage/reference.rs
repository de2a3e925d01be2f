//! References to running stages: to subscribe and to speak to them.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::emit::Caller;
use super::kind::{Consumes, Emitting, Kind, Produces, Taking, Transforms};
use super::message::{After, Call, Cast, Info, Mailbox, Message, Request, Run};
use super::port::{Emits, Output};
use super::reason::{DemandMode, Reason};
use super::subscription::{StageId, Subscription, Tag};
use crate::error::{Error, ErrorKind};

/// A reference to a [`Producer`](super::Producer) of type `S`.
pub type ProducerRef<S> = StageRef<Produces<S>>;
/// A reference to a [`ProducerConsumer`](super::ProducerConsumer) of type `S`.
pub type ProducerConsumerRef<S> = StageRef<Transforms<S>>;
/// A reference to a [`Consumer`](super::Consumer) of type `S`.
pub type ConsumerRef<S> = StageRef<Consumes<S>>;

/// What a stage has done, and what waits in it: [`StageRef::counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Events given to `handle_events`.
    pub taken: u64,
    /// Events handed to the dispatcher and not given back: consumers have them, or will get them from its queues.
    pub given: u64,
    /// Events that its buffer has dropped.
    pub discarded: u64,
    /// Events in its buffer, that nobody has asked for.
    pub buffered: usize,
    /// In a stage in the middle: messages of its producers that wait for demand.
    pub waiting: usize,
    /// Time in its callbacks and between them: neither starved nor blocked.
    pub busy: Duration,
    /// Time without anything to do: nothing has come, or it has nothing to answer demand with.
    pub starved: Duration,
    /// Time in which it had events, or could have made some, and nobody asked, or its rate did not allow more.
    pub blocked: Duration,
}

/// A reference to a running stage, to subscribe and to speak to it. It does not own the stage: when the stage has
/// ended, its methods return errors. Clones are cheap.
///
/// # Examples
/// ```
/// use millstream::stage::testing::{pushed, recorder};
/// use millstream::stage::Subscription;
///
/// let producer = pushed().name("producer").start()?;
/// let stage = producer.stage();
/// stage.push(0..3)?;
/// assert_eq!((stage.name(), stage.estimate_buffered_count()?), ("producer", 3));
///
/// let (consumer, records) = recorder();
/// let consumer = consumer.start()?;
/// consumer.subscribe(&stage, Subscription::new())?;
/// assert_eq!(records.recv().unwrap().events(), Some(vec![0, 1, 2]));
///
/// producer.stop()?;
/// assert!(stage.push(3..6).is_err());
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct StageRef<K: Kind> {
    pub(crate) mailbox: Arc<Mailbox<K>>,
}

impl<K: Kind> Clone for StageRef<K> {
    fn clone(&self) -> Self {
        StageRef {
            mailbox: self.mailbox.clone(),
        }
    }
}

impl<K: Kind> fmt::Debug for StageRef<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mailbox.fmt(f)
    }
}

impl<K: Kind> StageRef<K> {
    /// The stage's name in this process.
    pub fn id(&self) -> StageId {
        self.mailbox.shared.id
    }

    /// The name the stage was given.
    pub fn name(&self) -> &str {
        &self.mailbox.shared.name
    }

    /// Why it ended; `None` while it runs.
    pub fn ended(&self) -> Option<Reason> {
        self.mailbox.shared.ended.get().cloned()
    }

    /// What the stage has done so far and what waits in it, as its thread saw it last.
    pub fn counts(&self) -> Counts {
        let gauges = &self.mailbox.shared.gauges;
        let report = gauges.report();
        Counts {
            taken: report.items_in,
            given: report.items_out,
            discarded: gauges.dropped(),
            buffered: gauges.buffered.get() as usize,
            waiting: gauges.waiting.get() as usize,
            busy: report.busy,
            starved: report.waiting_input,
            blocked: report.waiting_output,
        }
    }

    /// How many events its buffer has dropped so far.
    pub fn discarded(&self) -> u64 {
        self.mailbox.shared.gauges.dropped()
    }

    /// Sends a message and waits for the reply. Events that the call emits are sent before.
    ///
    /// Fails if the stage has ended, ends before it replies, or drops the [`Caller`]; and if a stage calls itself.
    pub fn call<M>(&self, message: M) -> Result<<K::Stage as Call<M>>::Reply, Error>
    where
        M: Send + 'static,
        K::Stage: Call<M, Event = K::Out>,
    {
        let replies = self.send_call(message)?;
        replies.recv().map_err(|_| self.mailbox.gone())
    }

    /// As [`call`](StageRef::call), but waits no longer than this; the stage still handles the call.
    pub fn call_within<M>(
        &self,
        message: M,
        timeout: Duration,
    ) -> Result<<K::Stage as Call<M>>::Reply, Error>
    where
        M: Send + 'static,
        K::Stage: Call<M, Event = K::Out>,
    {
        let replies = self.send_call(message)?;
        replies.recv_timeout(timeout).map_err(|error| match error {
            RecvTimeoutError::Disconnected => self.mailbox.gone(),
            RecvTimeoutError::Timeout => Error::new(
                ErrorKind::Deadline,
                format!("no reply to the call within {timeout:?}: wait longer, or cast"),
            )
            .of_stage(self.name()),
        })
    }

    fn send_call<M>(&self, message: M) -> Result<Receiver<<K::Stage as Call<M>>::Reply>, Error>
    where
        M: Send + 'static,
        K::Stage: Call<M, Event = K::Out>,
    {
        self.not_from_itself("call", "`cast`")?;
        let (to, replies) = bounded(1);
        let run: Run<K> = Box::new(move |kind, out| {
            let mut caller = Caller::new(to);
            let answer = kind.stage().handle_call(message, &mut caller, out);
            (answer, Some(Box::new(move || caller.send()) as After))
        });
        self.post(Message::Run(run))?;
        Ok(replies)
    }

    /// Sends a message without waiting. Fails if the stage has ended.
    pub fn cast<M>(&self, message: M) -> Result<(), Error>
    where
        M: Send + 'static,
        K::Stage: Cast<M, Event = K::Out>,
    {
        self.post(Message::Run(Box::new(move |kind, out| {
            (kind.stage().handle_cast(message, out), None)
        })))
    }

    /// Sends a message that keeps its place: the stage handles it once all events that were in its buffer before (in
    /// a stage in the middle, also those it has not handled yet) are taken. Returns when the message has its place.
    ///
    /// Fails if the stage has ended, and if it sends this to itself: use [`async_info`](StageRef::async_info).
    pub fn sync_info<M>(&self, message: M) -> Result<(), Error>
    where
        M: Send + 'static,
        K::Stage: Info<M, Event = K::Out>,
    {
        self.not_from_itself("sync_info", "`async_info`")?;
        let (placed, wait) = bounded(1);
        self.send_info(message, Some(placed))?;
        wait.recv().map_err(|_| self.mailbox.gone())
    }

    /// As [`sync_info`](StageRef::sync_info), without waiting.
    pub fn async_info<M>(&self, message: M) -> Result<(), Error>
    where
        M: Send + 'static,
        K::Stage: Info<M, Event = K::Out>,
    {
        self.send_info(message, None)
    }

    fn send_info<M>(&self, message: M, placed: Option<Sender<()>>) -> Result<(), Error>
    where
        M: Send + 'static,
        K::Stage: Info<M, Event = K::Out>,
    {
        let run: Run<K> = Box::new(move |kind, out| (kind.stage().handle_info(message, out), None));
        self.post(Message::Info(run, placed))
    }

    /// Asks the stage to end as if a callback had said [`Next::Done`](super::Next::Done): once its buffer is taken.
    pub fn finish(&self) -> Result<(), Error> {
        self.post(Message::Finish)
    }

    /// Asks the stage to end for a reason, behind all that was sent to it before, and does not wait. What is in its
    /// buffer is dropped.
    pub fn stop_with(&self, reason: Reason) -> Result<(), Error> {
        self.post(Message::Stop(reason))
    }

    fn post(&self, message: Message<K>) -> Result<(), Error> {
        if self.mailbox.post(message) {
            Ok(())
        } else {
            Err(self.mailbox.gone())
        }
    }

    /// A stage that waited for itself would wait for ever.
    pub(super) fn not_from_itself(&self, what: &str, instead: &str) -> Result<(), Error> {
        if self.mailbox.shared.thread.get() == Some(&thread::current().id()) {
            let message = format!(
                "a stage cannot wait for itself: from its own callbacks use {instead}, not `{what}`"
            );
            return Err(Error::new(ErrorKind::Stage, message).of_stage(self.name()));
        }
        Ok(())
    }
}

impl<K: Emitting> StageRef<K> {
    /// About how many events wait in its buffer for somebody to ask for them: as of all messages sent before.
    pub fn estimate_buffered_count(&self) -> Result<usize, Error> {
        self.not_from_itself("estimate_buffered_count", "a count of your own")?;
        let (to, count) = bounded(1);
        self.post(Message::Buffered(to))?;
        count.recv().map_err(|_| self.mailbox.gone())
    }
}

impl<S: super::Producer> StageRef<Produces<S>> {
    /// Whether demand goes to the producer or is collected.
    pub fn demand(&self) -> Result<DemandMode, Error> {
        self.not_from_itself("demand", "`set_demand`")?;
        let (to, mode) = bounded(1);
        self.post(Message::GetDemand(to))?;
        mode.recv().map_err(|_| self.mailbox.gone())
    }

    /// Says whether demand goes to the producer or is collected. Set to forward, it handles all it has collected.
    pub fn set_demand(&self, mode: DemandMode) -> Result<(), Error> {
        self.post(Message::SetDemand(mode))
    }
}

impl<K: Taking> StageRef<K> {
    /// Subscribes the stage to a producer, and returns when the stage has done so; the producer may not know yet.
    ///
    /// Fails if the options cannot work, or the stage has ended. A producer that has ended is no error here: the
    /// subscription ends with [`Reason::NoStage`], and its `cancel` says what that means.
    pub fn subscribe<P>(&self, producer: P, options: Subscription<K::In>) -> Result<Tag, Error>
    where
        P: Emits<Event = K::In>,
    {
        self.request(producer.output(), options, None)
    }

    /// As [`subscribe`](StageRef::subscribe), without waiting; also from a callback of the stage itself.
    pub fn subscribe_async<P>(&self, producer: P, options: Subscription<K::In>) -> Result<(), Error>
    where
        P: Emits<Event = K::In>,
    {
        self.send_request(producer.output(), options, None, None)
    }

    /// Ends a subscription and makes another in one step, so that not even a permanent one ends the stage. Events of
    /// the old one that are under way are handled. It does not matter whether the old one still exists.
    pub fn resubscribe<P>(
        &self,
        old: Tag,
        reason: Reason,
        producer: P,
        options: Subscription<K::In>,
    ) -> Result<Tag, Error>
    where
        P: Emits<Event = K::In>,
    {
        self.request(producer.output(), options, Some((old, reason)))
    }

    /// As [`resubscribe`](StageRef::resubscribe), without waiting; also from a callback of the stage itself.
    pub fn resubscribe_async<P>(
        &self,
        old: Tag,
        reason: Reason,
        producer: P,
        options: Subscription<K::In>,
    ) -> Result<(), Error>
    where
        P: Emits<Event = K::In>,
    {
        self.send_request(producer.output(), options, Some((old, reason)), None)
    }

    fn request(
        &self,
        producer: Output<K::In>,
        options: Subscription<K::In>,
        instead_of: Option<(Tag, Reason)>,
    ) -> Result<Tag, Error> {
        self.not_from_itself("subscribe", "`subscribe_async`")?;
        let (to, tag) = bounded(1);
        self.send_request(producer, options, instead_of, Some(to))?;
        tag.recv().map_err(|_| self.mailbox.gone())
    }

    fn send_request(
        &self,
        producer: Output<K::In>,
        options: Subscription<K::In>,
        instead_of: Option<(Tag, Reason)>,
        reply: Option<Sender<Tag>>,
    ) -> Result<(), Error> {
        options.check()?;
        self.post(Message::SubscribeTo(Box::new(Request {
            producer,
            options,
            instead_of,
            reply,
        })))
    }
}

impl<K: Emitting> Emits for StageRef<K> {
    type Event = K::Out;
    fn output(&self) -> Output<K::Out> {
        Output {
            id: self.id(),
            name: self.mailbox.shared.name.clone(),
            outlet: self.mailbox.clone(),
        }
    }
}
