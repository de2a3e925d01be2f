//! Producer-consumers: stages in the middle, which take events and emit others.

use super::dispatch::Notice;
use super::emit::Emit;
use super::kind::{Emitting, Kind, Taking, Transforms};
use super::port::{Downstream, Upstream};
use super::reason::{Answer, Asking, Ended, Init, Next, Reason};
use super::reference::StageRef;
use crate::error::BoxError;

/// A stage that takes events and emits others. Its demand is handled by the library: it takes `max_demand` events ahead,
/// and handles them when its own consumers ask.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Answer, Emit, Next, ProducerConsumer, Subscription, Upstream};
///
/// /// Emits the difference of each event to the one before.
/// struct Differences(Option<i64>);
///
/// impl ProducerConsumer for Differences {
///     type In = i64;
///     type Out = i64;
///
///     fn handle_events(&mut self, batch: Vec<i64>, _: &Upstream<i64>, out: &mut Emit<i64>) -> Answer {
///         for event in batch {
///             out.extend(self.0.replace(event).map(|before| event - before));
///         }
///         Ok(Next::Go)
///     }
/// }
///
/// let squares = stage::from_iter((0..5i64).map(|n| n * n)).start()?;
/// let differences = stage::producer_consumer(Differences(None))
///     .subscribe_to(&squares, Subscription::new())
///     .start()?;
/// let events: Result<Vec<i64>, _> = stage::stream([(&differences, Subscription::new())])?.collect();
/// assert_eq!(events?, [1, 3, 5, 7]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait ProducerConsumer: Sized + Send + 'static {
    /// What it takes.
    type In: Send + 'static;
    /// What it emits.
    type Out: Send + 'static;

    /// Called first, on the stage's own thread, before `start` returns. `this` is for casts to itself.
    fn init(&mut self, this: &StageRef<Transforms<Self>>) -> Result<Init, BoxError> {
        let _ = this;
        Ok(Init::Run)
    }

    /// Events of one subscription: at least one, and with automatic demand at most `max_demand - min_demand`. It may
    /// emit more than it got, or fewer, or none: what nobody has asked for waits in the stage's buffer.
    fn handle_events(
        &mut self,
        batch: Vec<Self::In>,
        from: &Upstream<Self::In>,
        out: &mut Emit<Self::Out>,
    ) -> Answer;

    /// It has subscribed; the producer may not know yet.
    fn handle_subscribe(&mut self, producer: &Upstream<Self::In>) -> Result<Asking, BoxError> {
        let _ = producer;
        Ok(Asking::Automatic)
    }

    /// The subscription to a producer has ended; all its events were handled before. Then, as the subscription's
    /// `cancel` says, the stage ends or goes on. Ending for a good reason, it first gives away what its buffer has.
    fn handle_cancel(
        &mut self,
        producer: &Upstream<Self::In>,
        ended: &Ended,
        out: &mut Emit<Self::Out>,
    ) -> Answer {
        let _ = (producer, ended, out);
        Ok(Next::Go)
    }

    /// A consumer subscribes. It has asked for nothing yet.
    fn handle_consumer(&mut self, consumer: &Downstream, out: &mut Emit<Self::Out>) -> Answer {
        let _ = (consumer, out);
        Ok(Next::Go)
    }

    /// The subscription of a consumer has ended.
    fn handle_consumer_cancel(
        &mut self,
        consumer: &Downstream,
        ended: &Ended,
        out: &mut Emit<Self::Out>,
    ) -> Answer {
        let _ = (consumer, ended, out);
        Ok(Next::Go)
    }

    /// The buffer was full: so many events were dropped. They are counted by
    /// [`StageRef::discarded`] too.
    fn handle_discarded(&mut self, count: usize) {
        let _ = count;
    }

    /// The dispatcher has seen something worth a look, such as consumers that ask for unequal amounts.
    fn handle_notice(&mut self, notice: &Notice) {
        let _ = notice;
    }

    /// Called last, before the stages at both sides are told.
    fn terminate(&mut self, reason: &Reason) {
        let _ = reason;
    }
}

impl<S: ProducerConsumer> Kind for Transforms<S> {
    type Stage = S;
    type In = S::In;
    type Out = S::Out;
    const TAKES: bool = true;
    const EMITS: bool = true;

    fn stage(&mut self) -> &mut S {
        &mut self.0
    }
    fn init(&mut self, this: &StageRef<Self>) -> Result<Init, BoxError> {
        self.0.init(this)
    }
    fn discarded(&mut self, count: usize) {
        self.0.handle_discarded(count);
    }
    fn notice(&mut self, notice: &Notice) {
        self.0.handle_notice(notice);
    }
    fn terminate(&mut self, reason: &Reason) {
        self.0.terminate(reason);
    }
    fn events(
        &mut self,
        batch: Vec<S::In>,
        from: &Upstream<S::In>,
        out: &mut Emit<S::Out>,
    ) -> Answer {
        self.0.handle_events(batch, from, out)
    }
    fn subscribed(&mut self, to: &Upstream<S::In>) -> Result<Asking, BoxError> {
        self.0.handle_subscribe(to)
    }
    fn lost(
        &mut self,
        producer: &Upstream<S::In>,
        ended: &Ended,
        out: &mut Emit<S::Out>,
    ) -> Answer {
        self.0.handle_cancel(producer, ended, out)
    }
    fn joined(&mut self, consumer: &Downstream, out: &mut Emit<S::Out>) -> Answer {
        self.0.handle_consumer(consumer, out)
    }
    fn left(&mut self, consumer: &Downstream, ended: &Ended, out: &mut Emit<S::Out>) -> Answer {
        self.0.handle_consumer_cancel(consumer, ended, out)
    }
}

impl<S: ProducerConsumer> Emitting for Transforms<S> {}
impl<S: ProducerConsumer> Taking for Transforms<S> {}
