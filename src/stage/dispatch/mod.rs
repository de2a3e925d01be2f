//! Dispatchers: who gets which events, and how much demand goes on to the producer. Plain arithmetic: they are told what
//! happens and say what follows; the stage's thread sends it.
//!
//! - [`DemandDispatch`]: the consumer that has asked for most is served first.
//! - [`RoundRobin`]: consumers take turns.
//! - [`Broadcast`]: every consumer gets every event, or those that it selects.
//! - [`PartitionBy`]: a function says to which partition an event belongs, and each partition has one consumer.
//! - [`Dispatcher`]: the trait they implement, for one's own.

mod broadcast;
mod credit;
mod demand;
mod partition;
mod round_robin;
#[cfg(test)]
mod tests;

pub use broadcast::Broadcast;
pub use demand::DemandDispatch;
pub use partition::PartitionBy;
pub use round_robin::RoundRobin;

use super::subscription::{Partition, Tag, Wants};

/// An info of the stage that keeps its place among the events; the stage knows what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InfoId(pub(crate) u64);

/// Something a dispatcher has seen that its owner may want to know. Nothing fails by it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A consumer of a [`DemandDispatch`] asked for more than is expected of each: consumers with a larger
    /// `max_demand` than others get more than their share.
    AskedMore {
        /// Whose ask it was.
        from: Tag,
        /// How much it asked for.
        asked: u64,
        /// What [`DemandDispatch::max_demand`] says, or else what was asked for first.
        expected: u64,
    },
    /// A queue of a [`PartitionBy`] has reached its limit. The producer is not asked for more until that partition's
    /// consumer takes some, so the other partitions wait for it.
    PartitionFull {
        /// Whose events wait.
        partition: Partition,
        /// How many wait.
        waiting: usize,
    },
}

/// What a dispatcher wants done. The stage does it in this order: it sends the events, hands out the infos, repeats the
/// asks, gives the notices to its callback, and asks the producer for the demand.
#[derive(Debug)]
pub struct Outbox<E> {
    /// Events for the consumer of a subscription: no more than it has asked for.
    pub(crate) events: Vec<(Tag, Vec<E>)>,
    /// Infos whose turn it is.
    pub(crate) infos: Vec<InfoId>,
    /// Demand that a consumer gets back, since events it was counted for are not for it: the stage calls
    /// [`Dispatcher::ask`] for it, as if the consumer had asked again.
    pub(crate) asks: Vec<(Tag, u64)>,
    /// What the stage's callback may be told.
    pub(crate) notices: Vec<Notice>,
    /// New demand for the producer, on top of what the method returns.
    pub(crate) demand: u64,
}

impl<E> Default for Outbox<E> {
    fn default() -> Self {
        Outbox {
            events: Vec::new(),
            infos: Vec::new(),
            asks: Vec::new(),
            notices: Vec::new(),
            demand: 0,
        }
    }
}

impl<E> Outbox<E> {
    /// Sends events to the consumer of a subscription: no more than it has asked for.
    pub fn send(&mut self, to: Tag, events: Vec<E>) {
        if !events.is_empty() {
            self.events.push((to, events));
        }
    }

    /// Asks again on behalf of a consumer, since events it was counted for are not for it.
    pub fn ask(&mut self, from: Tag, n: u64) {
        if n > 0 {
            self.asks.push((from, n));
        }
    }

    /// Hands an info out.
    pub fn info(&mut self, info: InfoId) {
        self.infos.push(info);
    }

    /// Asks the producer for so many events more; for [`Dispatcher::dispatch`], which returns events and not demand.
    pub fn demand(&mut self, n: u64) {
        self.demand = self.demand.saturating_add(n);
    }

    /// Tells the owner of the stage something.
    pub fn notice(&mut self, notice: Notice) {
        self.notices.push(notice);
    }
}

/// Shares a producer's events among its consumers.
///
/// What the methods return, but for [`dispatch`](Dispatcher::dispatch), is *new* demand: events that the producer is to
/// give on top of all it was asked for. The stage serves new demand from its buffer first.
///
/// One dispatcher belongs to one stage, and runs on its thread. A panic in it is that stage's end.
///
/// # Examples
/// A dispatcher that gives everything to the consumer that came last:
/// ```
/// use millstream::stage::{Tag, Wants};
/// use millstream::stage::dispatch::{Dispatcher, Outbox};
///
/// #[derive(Default)]
/// struct Newest {
///     consumers: Vec<(Tag, u64)>,
/// }
///
/// impl<E> Dispatcher<E> for Newest {
///     fn subscribe(&mut self, from: Tag, _: &Wants<E>) -> Result<u64, String> {
///         self.consumers.push((from, 0));
///         Ok(0)
///     }
///
///     fn cancel(&mut self, from: Tag, _: &mut Outbox<E>) -> u64 {
///         self.consumers.retain(|(tag, _)| *tag != from);
///         0
///     }
///
///     fn ask(&mut self, from: Tag, n: u64, _: &mut Outbox<E>) -> u64 {
///         for (tag, demand) in &mut self.consumers {
///             if *tag == from {
///                 *demand += n;
///                 return n;
///             }
///         }
///         0
///     }
///
///     fn dispatch(&mut self, mut events: Vec<E>, out: &mut Outbox<E>) -> Result<Vec<E>, String> {
///         let Some((tag, demand)) = self.consumers.last_mut() else {
///             return Ok(events);
///         };
///         let fit = usize::try_from(*demand).map_or(events.len(), |d| d.min(events.len()));
///         let rest = events.split_off(fit);
///         *demand -= fit as u64;
///         out.send(*tag, events);
///         Ok(rest)
///     }
/// }
/// ```
pub trait Dispatcher<E>: Send {
    /// Called once, before anything else. An error (options that cannot work) refuses the start of the stage, and says
    /// what to do.
    fn start(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// A consumer subscribes; an error refuses it, and says what to do. A consumer has no demand until it asks.
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
        out.info(info);
    }

    /// The stage has `held` events in its buffer that no new demand was used for. Returns how many of them it is to
    /// dispatch now, since consumers wait; these count as demanded anew.
    ///
    /// Why: a consumer asks for ten and goes. The producer answers with three, which are buffered, and still owes seven.
    /// The next consumer asks for five: nothing new, since seven are on their way. But it must get the three first.
    ///
    /// The stage calls it after every change, when new demand is used up and the buffer is not empty, until it
    /// returns zero.
    fn draw(&mut self, held: u64) -> u64 {
        let _ = held;
        0
    }

    /// How many events it has taken and not given to anybody. A stage that is [done](crate::stage::Next::Done) waits until
    /// there are none.
    fn queued(&self) -> usize {
        0
    }
}

/// As many as fit a `Vec`, of a demand.
fn fit(demand: u64, len: usize) -> usize {
    usize::try_from(demand).map_or(len, |demand| demand.min(len))
}
