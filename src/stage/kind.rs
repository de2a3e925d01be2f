//! The three kinds of stages as types: what each takes and emits. They show in signatures as parameters of
//! [`StageRef`]; nobody makes values of them.

use super::dispatch::Notice;
use super::emit::Emit;
use super::port::{Downstream, Upstream};
use super::reason::{Answer, Asking, Ended, Init, Next, Reason};
use super::reference::StageRef;
use crate::error::BoxError;

/// What never comes: the events of a stage that emits none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Never {}

/// A kind of stage around a stage of the user's: the callbacks as the stage's thread calls them. Not for implementing;
/// what a kind does not have is never called.
pub trait Kind: Sized + Send + 'static {
    /// The user's type.
    type Stage;
    /// The events it takes.
    type In: Send + 'static;
    /// The events it emits.
    type Out: Send + 'static;

    #[doc(hidden)]
    const TAKES: bool;
    #[doc(hidden)]
    const EMITS: bool;

    #[doc(hidden)]
    fn stage(&mut self) -> &mut Self::Stage;
    #[doc(hidden)]
    fn init(&mut self, this: &StageRef<Self>) -> Result<Init, BoxError>;
    #[doc(hidden)]
    fn terminate(&mut self, reason: &Reason);
    #[doc(hidden)]
    fn discarded(&mut self, _count: usize) {}
    #[doc(hidden)]
    fn notice(&mut self, _notice: &Notice) {}
    #[doc(hidden)]
    fn demand(&mut self, _n: usize, _out: &mut Emit<Self::Out>) -> Answer {
        Ok(Next::Go)
    }
    #[doc(hidden)]
    fn events(
        &mut self,
        _batch: Vec<Self::In>,
        _from: &Upstream<Self::In>,
        _out: &mut Emit<Self::Out>,
    ) -> Answer {
        Ok(Next::Go)
    }
    /// Whether it says itself when events are done with.
    #[doc(hidden)]
    fn settles(&self) -> bool {
        false
    }
    /// Whether something of it is at work while its thread waits.
    #[doc(hidden)]
    fn works(&self) -> bool {
        false
    }
    #[doc(hidden)]
    fn subscribed(&mut self, _to: &Upstream<Self::In>) -> Result<Asking, BoxError> {
        Ok(Asking::Automatic)
    }
    #[doc(hidden)]
    fn lost(
        &mut self,
        _producer: &Upstream<Self::In>,
        _ended: &Ended,
        _out: &mut Emit<Self::Out>,
    ) -> Answer {
        Ok(Next::Go)
    }
    #[doc(hidden)]
    fn joined(&mut self, _consumer: &Downstream, _out: &mut Emit<Self::Out>) -> Answer {
        Ok(Next::Go)
    }
    #[doc(hidden)]
    fn left(
        &mut self,
        _consumer: &Downstream,
        _ended: &Ended,
        _out: &mut Emit<Self::Out>,
    ) -> Answer {
        Ok(Next::Go)
    }
}

/// Kinds that emit events: producers and producer-consumers.
pub trait Emitting: Kind {}

/// Kinds that take events: producer-consumers and consumers.
pub trait Taking: Kind {}

/// The kind of a [`Producer`](super::Producer).
#[derive(Debug)]
pub struct Produces<S>(pub(crate) S);

/// The kind of a [`ProducerConsumer`](super::ProducerConsumer).
#[derive(Debug)]
pub struct Transforms<S>(pub(crate) S);

/// The kind of a [`Consumer`](super::Consumer).
#[derive(Debug)]
pub struct Consumes<S>(pub(crate) S);
