//! Dispatchers: who gets which events, and how much demand goes on to the producer. Plain arithmetic: they are told what
//! happens and say what follows; the stage's thread sends it.

use super::subscription::{Tag, Wants};

/// An info of the stage that keeps its place among the events; the stage knows what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InfoId(pub(crate) u64);

/// What a dispatcher wants done, in this order.
#[derive(Debug)]
pub struct Outbox<E> {
    /// Events for the consumer of a subscription: no more than it has asked for.
    pub(crate) events: Vec<(Tag, Vec<E>)>,
    /// Demand that a consumer gets back, since events it was counted for are not for it: it asks again.
    pub(crate) asks: Vec<(Tag, u64)>,
    /// Infos whose turn it is.
    pub(crate) infos: Vec<InfoId>,
}

impl<E> Default for Outbox<E> {
    fn default() -> Self {
        Outbox {
            events: Vec::new(),
            asks: Vec::new(),
            infos: Vec::new(),
        }
    }
}

/// Shares a producer's events among its consumers.
///
/// What the methods return is *new* demand: events that the producer may be asked for on top of all it was asked for.
pub trait Dispatcher<E>: Send {
    /// A consumer subscribes; an error refuses it, and says what to do.
    fn subscribe(&mut self, from: Tag, wants: &Wants<E>) -> Result<u64, String>;
    /// A consumer is gone. What it asked for and did not get is not lost.
    fn cancel(&mut self, from: Tag, out: &mut Outbox<E>) -> u64;
    /// A consumer asks for more.
    fn ask(&mut self, from: Tag, n: u64, out: &mut Outbox<E>) -> u64;
    /// Shares events out; returns those that nobody has asked for, in their order. An error (a partition that does not
    /// exist) ends the producer.
    fn dispatch(&mut self, events: Vec<E>, out: &mut Outbox<E>) -> Result<Vec<E>, String>;
    /// An info goes behind all events dispatched so far.
    fn info(&mut self, info: InfoId, out: &mut Outbox<E>) {
        out.infos.push(info);
    }
}
