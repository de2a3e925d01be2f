//! Subscriptions: what a consumer wants of a producer, and the names both know it by.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::demand::Demand;
use super::redelivery::Redelivery;
use crate::error::{Error, ErrorKind};

/// The name of a subscription: one a call of `subscribe`, unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(u64);

/// The name of a running stage, unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StageId(u64);

fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Tag {
    pub(crate) fn new() -> Self {
        Tag(next())
    }
}

impl StageId {
    pub(crate) fn new() -> Self {
        StageId(next())
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// Which partition of a partitioned producer: a number or a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Partition {
    /// One of so many.
    Number(usize),
    /// One of those that were named.
    Named(Arc<str>),
}

impl From<usize> for Partition {
    fn from(number: usize) -> Self {
        Partition::Number(number)
    }
}

impl From<&str> for Partition {
    fn from(name: &str) -> Self {
        Partition::Named(name.into())
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Partition::Number(number) => number.fmt(f),
            Partition::Named(name) => write!(f, "{name:?}"),
        }
    }
}

/// What the end of a subscription does to its consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cancel {
    /// The consumer ends with it, for the same reason.
    #[default]
    Permanent,
    /// The consumer ends with it unless the reason is a good one.
    Transient,
    /// The consumer goes on.
    Temporary,
}

/// Says of an event whether a consumer of a [`Broadcast`](super::dispatch::Broadcast) wants it.
pub type Selector<E> = Arc<dyn Fn(&E) -> bool + Send + Sync>;

/// What a dispatcher is told of a consumer.
pub struct Wants<E> {
    pub(crate) consumer: StageId,
    pub(crate) partition: Option<Partition>,
    pub(crate) selector: Option<Selector<E>>,
}

impl<E> Wants<E> {
    /// The stage that subscribes.
    pub fn consumer(&self) -> StageId {
        self.consumer
    }

    /// Which partition it wants, if the subscription says so.
    pub fn partition(&self) -> Option<&Partition> {
        self.partition.as_ref()
    }

    /// Which events it wants, if not all.
    pub fn selector(&self) -> Option<&Selector<E>> {
        self.selector.as_ref()
    }
}

impl<E> fmt::Debug for Wants<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wants")
            .field("consumer", &self.consumer)
            .field("partition", &self.partition)
            .field("selects", &self.selector.is_some())
            .finish()
    }
}

/// How a consumer takes events of one producer: how many at a time, which, and what the end of it means.
///
/// A consumer asks for `max_demand` events first. What comes is handled in batches of at most `max_demand − min_demand`; when no
/// more than `min_demand` are on the way, it asks for as many as make `max_demand` again. So `max_demand` bounds what is on the
/// way and waiting, for each subscription of its own. Small numbers suit dear events, large ones cheap events.
///
/// Options that cannot work are found when the subscription is used: subscribing gives the error.
///
/// # Examples
/// ```
/// use millstream::stage::{Cancel, Subscription};
///
/// // Ten at a time at most, and the consumer goes on when the producer is gone.
/// let few: Subscription<String> = Subscription::new()
///     .max_demand(10)
///     .min_demand(5)
///     .cancel(Cancel::Temporary);
/// assert!(few.check().is_ok());
///
/// let error = Subscription::<String>::new().max_demand(1000).min_demand(2000).check().unwrap_err();
/// assert!(error.to_string().contains("at most 999"));
/// ```
pub struct Subscription<E> {
    max_demand: u64,
    /// Half of `max_demand`, if not given.
    min_demand: Option<u64>,
    manual: bool,
    cancel: Cancel,
    partition: Option<Partition>,
    selector: Option<Selector<E>>,
    redelivery: Option<Redelivery<E>>,
}

impl<E> Default for Subscription<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Clone for Subscription<E> {
    fn clone(&self) -> Self {
        Subscription {
            max_demand: self.max_demand,
            min_demand: self.min_demand,
            manual: self.manual,
            cancel: self.cancel,
            partition: self.partition.clone(),
            selector: self.selector.clone(),
            redelivery: self.redelivery.clone(),
        }
    }
}

impl<E> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("max_demand", &self.max_demand)
            .field("min_demand", &self.least())
            .field("manual", &self.manual)
            .field("cancel", &self.cancel)
            .field("partition", &self.partition)
            .field("selects", &self.selector.is_some())
            .field("redelivers", &self.redelivery.is_some())
            .finish()
    }
}

impl<E> Subscription<E> {
    /// At most 1000 events on the way, asked for in halves; the consumer ends with it.
    pub fn new() -> Self {
        Subscription {
            max_demand: 1000,
            min_demand: None,
            manual: false,
            cancel: Cancel::default(),
            partition: None,
            selector: None,
            redelivery: None,
        }
    }

    /// The most events on the way and waiting: at least 1.
    pub fn max_demand(mut self, events: u64) -> Self {
        self.max_demand = events;
        self
    }

    /// When no more than so many are on the way, more are asked for: less than `max_demand`, and half of it if not given. It is
    /// not the least size of a batch.
    pub fn min_demand(mut self, events: u64) -> Self {
        self.min_demand = Some(events);
        self
    }

    /// Nothing is asked for but by the consumer's own calls of `ask`. What comes is one batch a message.
    pub fn manual(mut self) -> Self {
        self.manual = true;
        self
    }

    /// What the end of the subscription does to the consumer.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Which partition of a [`PartitionBy`](super::dispatch::PartitionBy) it takes.
    pub fn partition(mut self, partition: impl Into<Partition>) -> Self {
        self.partition = Some(partition.into());
        self
    }

    /// Which events of a [`Broadcast`](super::dispatch::Broadcast) it takes. It runs on the producer's thread.
    pub fn selector(mut self, wants: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.selector = Some(Arc::new(wants));
        self
    }

    /// Says what is wrong with the options, as subscribing does.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] names the option, its bound, and what it was.
    pub fn check(&self) -> Result<(), Error> {
        let refused = |message| Err(Error::new(ErrorKind::Option, message));
        if self.max_demand == 0 {
            return refused("max_demand(0): it must be at least 1".to_owned());
        }
        let most = self.max_demand - 1;
        match self.min_demand {
            Some(min) if min > most => refused(format!(
                "min_demand({min}): it must be at most {most}, less than max_demand({})",
                self.max_demand
            )),
            _ => Ok(()),
        }
    }

    /// The most events on the way and waiting, and the number from which on more are asked for.
    pub(crate) fn bounds(&self) -> (u64, u64) {
        (self.max_demand, self.least())
    }

    /// Sets what becomes of events that its consumer has not handled.
    pub(super) fn with_redelivery(mut self, redelivery: Redelivery<E>) -> Self {
        self.redelivery = Some(redelivery);
        self
    }

    /// What becomes of events that its consumer has not handled; `None` if they are lost.
    pub(crate) fn redelivery(&self) -> Option<Redelivery<E>> {
        self.redelivery.clone()
    }

    fn least(&self) -> u64 {
        self.min_demand.unwrap_or(self.max_demand / 2)
    }

    /// The arithmetic of a subscription that was checked.
    pub(crate) fn demand(&self) -> Demand {
        if self.manual {
            Demand::manual()
        } else {
            Demand::automatic(self.max_demand, self.least())
        }
    }

    /// The most events on the way and waiting; `None` if that is up to who asks by hand.
    pub(crate) fn most(&self) -> Option<u64> {
        (!self.manual).then_some(self.max_demand)
    }

    /// What its end does to the consumer.
    pub(crate) fn at_end(&self) -> Cancel {
        self.cancel
    }

    /// What the producer's dispatcher is told.
    pub(crate) fn wants(&self, consumer: StageId) -> Wants<E> {
        Wants {
            consumer,
            partition: self.partition.clone(),
            selector: self.selector.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
