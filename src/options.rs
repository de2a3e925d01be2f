//! What a group of workers, and a whole run, can be told: plain values with their defaults.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorKind;
use crate::run::{ManualClock, Observer, StopToken, Watcher};

/// Options of one stage and of the edge it takes its items from.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) name: Option<Arc<str>>,
    /// Workers; the default is one a core.
    pub(crate) stages: Option<usize>,
    /// Items taken at a time, at most.
    pub(crate) batch: usize,
    /// Bytes taken at a time, at most (at least one item).
    pub(crate) batch_bytes: usize,
    /// Batches that may wait in front of each worker.
    pub(crate) buffer: usize,
    /// How long a half-full batch may wait for more.
    pub(crate) linger: Duration,
    /// Whether what is emitted keeps the order of the input.
    pub(crate) ordered: bool,
    /// Whether chunks must be numbered: for `ordered`, or for aggregates that ask which item came first.
    pub(crate) tickets: bool,
    /// Whether a step such as `take` has used the order, so that it may end at the next boundary.
    pub(crate) order_used: bool,
    /// Whether the source is declared to give its items in the order of time.
    pub(crate) in_time_order: bool,
    /// Whether the stage wants to know how far its producers are in event time.
    pub(crate) timed: bool,
    /// Whether a reduction stands in the stage: what it emits has no order that `ordered` could keep.
    pub(crate) reduced: bool,
    /// The step, if there is one, for which the stage must have one worker.
    pub(crate) single: Option<&'static str>,
    /// What is wrong with a number that a step was given, and what to write instead.
    pub(crate) refused: Option<&'static str>,
    /// The stages that the workers are subscribed to, if the input comes from such.
    pub(crate) producers: Option<Arc<Neighbours>>,
    /// The stages that subscribe to the workers, if the output goes to such.
    pub(crate) consumers: Option<Arc<Neighbours>>,
}

/// Stages beside a flow: those it takes from or gives to.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    /// Their names, and the most events under way to or from each worker.
    pub(crate) stages: Vec<(Arc<str>, u64)>,
    /// Why the flow cannot run with them.
    pub(crate) refused: Option<(ErrorKind, String)>,
}

impl Default for Group {
    fn default() -> Self {
        Group {
            name: None,
            stages: None,
            batch: 1024,
            batch_bytes: 64 * 1024,
            buffer: 4,
            linger: Duration::from_millis(1),
            ordered: false,
            tickets: false,
            order_used: false,
            in_time_order: false,
            timed: false,
            reduced: false,
            single: None,
            refused: None,
            producers: None,
            consumers: None,
        }
    }
}

impl Group {
    pub(crate) fn workers(&self) -> usize {
        self.stages.unwrap_or_else(default_stages)
    }

    /// How many items of a size fit a batch.
    pub(crate) fn items(&self, size: usize) -> usize {
        let fit = NonZeroUsize::new(size).map_or(usize::MAX, |size| self.batch_bytes / size);
        self.batch.min(fit).max(1)
    }
}

/// Options of a whole run.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunOptions {
    pub(crate) deadline: Option<Duration>,
    pub(crate) token: Option<StopToken>,
    pub(crate) seed: Option<u64>,
    pub(crate) clock: Option<ManualClock>,
    /// Whether the sources wait until somebody lets them go.
    pub(crate) held: bool,
    /// Those who look at the run.
    pub(crate) observers: Vec<Observer>,
    /// Those who are told of its beginning and its end.
    pub(crate) watchers: Vec<Watcher>,
    /// What the flow is called by those who look at it.
    pub(crate) name: Option<Arc<str>>,
}

/// One worker a core.
pub(crate) fn default_stages() -> usize {
    num_cpus::get().max(1)
}
