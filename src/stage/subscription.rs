//! Subscriptions: what a consumer wants of a producer, and the names both know it by.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// What a dispatcher is told of a consumer.
pub(crate) struct Wants<E> {
    pub(crate) consumer: StageId,
    pub(crate) partition: Option<Partition>,
    pub(crate) selector: Option<Arc<dyn Fn(&E) -> bool + Send + Sync>>,
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
