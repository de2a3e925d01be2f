//! Supervision: stages that are started again when they fail, with their subscriptions.

mod child;
mod limit;
mod running;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use child::{Child, ChildRef, child};
pub(super) use limit::Limit;
pub use limit::Restart;
pub use running::{Exit, Supervising};

use super::kind::Kind;
use crate::error::{Error, ErrorKind};
use crate::run::ManualClock;
use child::Ward;
use running::{Children, OnExit};

/// Who is restarted with a child that is. Those that are stopped for it are stopped in reverse order, and all are started
/// in the order they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Nobody. Its consumers go on and are subscribed to the restart.
    #[default]
    OneForOne,
    /// Those given behind it, which can know it: its consumers, and theirs.
    RestForOne,
    /// All.
    OneForAll,
}

/// Stages that are watched together: each is a [child](child()) made by a closure, and is started again when it fails.
///
/// Children are started in the order they were given, producers before their consumers, and stopped in reverse order. A
/// child that ended and is not to come again stays away; with `RestForOne` and `OneForAll` it is started again with
/// those that failed, unless it is [`Restart::Temporary`]. When no child is left to come again, the supervisor ends
/// well. When there are more restarts than [`max_restarts`](Supervisor::max_restarts) allows, all are stopped and it
/// ends with an error. A start that fails counts as a restart of that child, so it is tried again until the limit is
/// reached.
///
/// Nothing is waited between the end of a child and its restart. What a child that failed had in flight is lost, unless
/// its subscriptions have [redelivery](super::Subscription::redeliver).
///
/// It costs one thread that sleeps until a child ends.
///
/// # Examples
/// A consumer that fails at its third batch is started again, and no event is lost:
/// ```
/// use millstream::stage::{self, Next, Subscription, Supervisor};
/// use std::sync::mpsc::channel;
///
/// let (sender, received) = channel();
/// let mut supervisor = Supervisor::new();
/// let numbers = supervisor.add(stage::child("numbers", || stage::from_iter(0..10u64)));
/// let few = Subscription::new().max_demand(2).redeliver();
/// supervisor.add(
///     stage::child("fragile", move || {
///         let (mut batches, sender) = (0, sender.clone());
///         stage::for_each_batch(move |batch: Vec<u64>| {
///             batches += 1;
///             if batches == 3 {
///                 return Err("tired".into());
///             }
///             sender.send(batch[0])?;
///             Ok(Next::Go)
///         })
///     })
///     .subscribe_to(&numbers, few),
/// );
/// supervisor.max_restarts(10, std::time::Duration::from_secs(5)).start()?.join()?;
/// assert_eq!(received.iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
/// # Ok::<(), millstream::Error>(())
/// ```
#[must_use = "a supervisor does nothing before it is started"]
pub struct Supervisor {
    id: u64,
    children: Vec<Box<dyn Ward>>,
    strategy: Strategy,
    limit: Limit,
    on_exit: Option<OnExit>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl Supervisor {
    /// No children yet; one for one, at most 3 restarts in 5 seconds.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Supervisor {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            children: Vec::new(),
            strategy: Strategy::default(),
            limit: Limit::new(),
            on_exit: None,
        }
    }

    /// Adds a child behind the others, and gives what others can subscribe to it by.
    pub fn add<K: Kind>(&mut self, child: Child<K>) -> ChildRef<K> {
        let (child, slot) = child.enter(self.id, self.children.len());
        self.children.push(Box::new(slot));
        child
    }

    /// Who is restarted with a child that is.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// At most so many restarts in a time, of all children together; those of a strategy that belong together are one.
    /// None is allowed with zero.
    pub fn max_restarts(mut self, most: usize, within: Duration) -> Self {
        self.limit.set(most, within);
        self
    }

    /// The clock by which restarts are counted: for tests.
    pub fn clock(mut self, clock: &ManualClock) -> Self {
        self.limit.set_clock(clock);
        self
    }

    /// Called for each child that has ended by itself, before anything is done about it, on the supervisor's thread. A
    /// panic in it is the supervisor's end.
    pub fn on_exit(mut self, on_exit: impl FnMut(&Exit<'_>) + Send + 'static) -> Self {
        self.on_exit = Some(Box::new(on_exit));
        self
    }

    /// Starts the children, and then the thread that watches them.
    ///
    /// # Errors
    /// What the start of a child gave; those started before are stopped. An `init` that declines is none.
    /// [`ErrorKind::Option`] if a child is subscribed to one of another supervisor; [`ErrorKind::Spawn`] if there is no
    /// thread to be had.
    pub fn start(self) -> Result<Supervising, Error> {
        for child in &self.children {
            if child.links().iter().any(|(plan, _)| *plan != self.id) {
                let message =
                    "subscribe_to: the producer is a child of another supervisor; add both to one";
                return Err(Error::new(ErrorKind::Option, message).of_stage(child.name()));
            }
        }
        let mut children = Children::new(self.children);
        if let Err(error) = children.start_all() {
            children.stop_all();
            return Err(error);
        }
        Supervising::watch(children, self.strategy, self.limit, self.on_exit)
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children: Vec<&str> = self.children.iter().map(|child| child.name()).collect();
        f.debug_struct("Supervisor")
            .field("children", &children)
            .field("strategy", &self.strategy)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
