//! Producers: stages that emit what their consumers ask for.

use super::dispatch::Notice;
use super::emit::Emit;
use super::kind::{Emitting, Kind, Never, Produces};
use super::port::Downstream;
use super::reason::{Answer, Ended, Init, Next, Reason};
use super::reference::StageRef;
use crate::error::BoxError;

/// A stage that emits events when its consumers ask for them.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Answer, Emit, Next, Producer, Subscription};
///
/// /// Counts on from a number, for ever.
/// struct Counter(u64);
///
/// impl Producer for Counter {
///     type Event = u64;
///
///     fn handle_demand(&mut self, n: usize, out: &mut Emit<u64>) -> Answer {
///         out.extend(self.0..self.0 + n as u64);
///         self.0 += n as u64;
///         Ok(Next::Go)
///     }
/// }
///
/// let counter = stage::producer(Counter(7)).name("counter").start()?;
/// let stream = stage::stream([(&counter, Subscription::new())])?;
/// let three: Result<Vec<u64>, _> = stream.take(3).collect();
/// assert_eq!(three?, [7, 8, 9]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait Producer: Sized + Send + 'static {
    /// What it emits.
    type Event: Send + 'static;

    /// Called first, on the stage's own thread, before `start` returns. `this` is for casts to itself.
    fn init(&mut self, this: &StageRef<Produces<Self>>) -> Result<Init, BoxError> {
        let _ = this;
        Ok(Init::Run)
    }

    /// Consumers want `n` events more, one or more, that the buffer does not have. A producer that emits fewer owes the
    /// rest, and remembers that itself: it is not asked for them again.
    fn handle_demand(&mut self, n: usize, out: &mut Emit<Self::Event>) -> Answer;

    /// A consumer subscribes. It has asked for nothing yet.
    fn handle_subscribe(&mut self, consumer: &Downstream, out: &mut Emit<Self::Event>) -> Answer {
        let _ = (consumer, out);
        Ok(Next::Go)
    }

    /// A subscription has ended. What its consumer had asked for and not got goes to others.
    fn handle_cancel(
        &mut self,
        consumer: &Downstream,
        ended: &Ended,
        out: &mut Emit<Self::Event>,
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

    /// Called last, before the consumers are told.
    fn terminate(&mut self, reason: &Reason) {
        let _ = reason;
    }
}

impl<P: Producer> Kind for Produces<P> {
    type Stage = P;
    type In = Never;
    type Out = P::Event;
    const TAKES: bool = false;
    const EMITS: bool = true;

    fn stage(&mut self) -> &mut P {
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
    fn demand(&mut self, n: usize, out: &mut Emit<P::Event>) -> Answer {
        self.0.handle_demand(n, out)
    }
    fn joined(&mut self, consumer: &Downstream, out: &mut Emit<P::Event>) -> Answer {
        self.0.handle_subscribe(consumer, out)
    }
    fn left(&mut self, consumer: &Downstream, ended: &Ended, out: &mut Emit<P::Event>) -> Answer {
        self.0.handle_cancel(consumer, ended, out)
    }
}

impl<P: Producer> Emitting for Produces<P> {}
