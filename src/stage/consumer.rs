//! Consumers: stages that take events and emit none.

use super::emit::Emit;
use super::kind::{Consumes, Kind, Never, Taking};
use super::port::Upstream;
use super::reason::{Answer, Asking, Ended, Init, Next, Reason};
use super::reference::StageRef;
use crate::error::BoxError;

/// A stage that takes events, as many as it asks for, and emits none.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Answer, Consumer, Next, Reason, Subscription, Upstream};
/// use std::sync::mpsc::{Sender, channel};
///
/// /// Adds up, and reports the sum at its end.
/// struct Sum(u64, Sender<u64>);
///
/// impl Consumer for Sum {
///     type Event = u64;
///
///     fn handle_events(&mut self, batch: Vec<u64>, _from: &Upstream<u64>) -> Answer {
///         self.0 += batch.iter().sum::<u64>();
///         Ok(Next::Go)
///     }
///
///     fn terminate(&mut self, _reason: &Reason) {
///         let _ = self.1.send(self.0);
///     }
/// }
///
/// let (report, sums) = channel();
/// let numbers = stage::from_iter(1..=100u64).start()?;
/// let sum = stage::consumer(Sum(0, report))
///     .subscribe_to(&numbers, Subscription::new())
///     .start()?;
/// sum.join()?; // It ends when its producer does: the subscription is permanent.
/// assert_eq!(sums.recv(), Ok(5050));
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait Consumer: Sized + Send + 'static {
    /// What it takes.
    type Event: Send + 'static;

    /// Called first, on the stage's own thread, before `start` returns. `this` is for casts to itself.
    fn init(&mut self, this: &StageRef<Consumes<Self>>) -> Result<Init, BoxError> {
        let _ = this;
        Ok(Init::Run)
    }

    /// Events of one subscription: at least one, and with automatic demand at most `max_demand - min_demand`.
    fn handle_events(&mut self, batch: Vec<Self::Event>, from: &Upstream<Self::Event>) -> Answer;

    /// It has subscribed; the producer may not know yet.
    fn handle_subscribe(&mut self, producer: &Upstream<Self::Event>) -> Result<Asking, BoxError> {
        let _ = producer;
        Ok(Asking::Automatic)
    }

    /// A subscription has ended; all its events were handled before. Then, as the subscription's `cancel` says, the
    /// stage ends or goes on.
    fn handle_cancel(&mut self, producer: &Upstream<Self::Event>, ended: &Ended) -> Answer {
        let _ = (producer, ended);
        Ok(Next::Go)
    }

    /// Whether it acknowledges events itself; for stages of this crate.
    #[doc(hidden)]
    fn settles(&self) -> bool {
        false
    }

    /// Whether something of it is at work while its thread waits; for stages of this crate.
    #[doc(hidden)]
    fn works(&self) -> bool {
        false
    }

    /// Called last, before the producers are told.
    fn terminate(&mut self, reason: &Reason) {
        let _ = reason;
    }
}

impl<C: Consumer> Kind for Consumes<C> {
    type Stage = C;
    type In = C::Event;
    type Out = Never;
    const TAKES: bool = true;
    const EMITS: bool = false;

    fn stage(&mut self) -> &mut C {
        &mut self.0
    }
    fn init(&mut self, this: &StageRef<Self>) -> Result<Init, BoxError> {
        self.0.init(this)
    }
    fn terminate(&mut self, reason: &Reason) {
        self.0.terminate(reason);
    }
    fn events(
        &mut self,
        batch: Vec<C::Event>,
        from: &Upstream<C::Event>,
        _out: &mut Emit<Never>,
    ) -> Answer {
        self.0.handle_events(batch, from)
    }
    fn settles(&self) -> bool {
        self.0.settles()
    }
    fn works(&self) -> bool {
        self.0.works()
    }
    fn subscribed(&mut self, to: &Upstream<C::Event>) -> Result<Asking, BoxError> {
        self.0.handle_subscribe(to)
    }
    fn lost(
        &mut self,
        producer: &Upstream<C::Event>,
        ended: &Ended,
        _out: &mut Emit<Never>,
    ) -> Answer {
        self.0.handle_cancel(producer, ended)
    }
}

impl<C: Consumer> Taking for Consumes<C> {}
