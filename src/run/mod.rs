//! Running a plan: workers on threads, or under a seeded scheduler on one thread.
//!
//! The runner knows no operator. It knows stages, which lend workers; workers, which make steps that never
//! block; and what to do when a step says that it lacks input or room. How a run starts, ends and fails is
//! told in `src/run/README.md`.

mod after;
mod clock;
mod context;
mod counts;
mod drive;
mod gate;
mod graph;
mod hottest;
mod lines;
mod observer;
mod report;
mod scene;
mod seeded;
mod shared;
mod size;
mod start;
mod stop;
mod threads;
mod timeline;
mod times;
mod watch;

use std::time::Instant;

use crate::error::Error;

pub(crate) use after::{After, Afters};
pub(crate) use clock::Clock;
pub use clock::ManualClock;
pub use context::Context;
pub(crate) use context::Page;
pub(crate) use counts::{Count, Counts, Fill, bump};
pub(crate) use drive::Closed;
pub(crate) use graph::Graph;
pub use observer::Observer;
pub use report::{Doing, EdgeReport, EdgeUnit, Report, StageReport, WorkerReport};
#[cfg(test)]
pub(crate) use scene::Scene;
pub(crate) use shared::{Shared, lock};
pub(crate) use size::{Counted, Measure};
pub use size::{InputSize, Unit};
#[cfg(feature = "stream")]
pub(crate) use start::cannot_spawn;
pub(crate) use start::{Launched, Prepared};
pub use stop::StopToken;
pub use timeline::{Moment, Timeline};
pub(crate) use watch::quietly;
pub(crate) use watch::{Lost, Watcher, next_number};
pub use watch::{Watch, Watched, Watching};

/// What lends workers: a closed chain of steps with what feeds it and where its items go.
///
/// Lending (instead of a factory closure) keeps `'env` covariant, so that flows over borrowed and over static
/// data can meet in one graph.
pub(crate) trait Stage: Send + Sync {
    /// Opens the worker of one partition, on the thread that will drive it.
    fn worker<'s>(&'s self, cx: &'s Context) -> Box<dyn Worker + 's>;

    /// Lets go of every channel end that no worker has taken, so that neighbours see the end.
    fn abandon(&self);
}

/// One partition of a stage at work.
pub(crate) trait Worker {
    /// Does a bounded piece of work without ever blocking.
    fn step(&mut self) -> Result<Step, Error>;

    /// Blocks until there may be input or `until` has passed; called after [`Step::Empty`].
    fn wait_input(&mut self, until: Option<Instant>);

    /// Blocks until there may be room downstream or `until` has passed; called after [`Step::Full`].
    fn wait_room(&mut self, until: Option<Instant>);

    /// When half-full batches must go on their way even if they stay half-full; `None` when there are none.
    fn linger(&self) -> Option<Instant>;

    /// Hands half-full batches over, as far as there is room.
    fn flush(&mut self);

    /// Whether opening it failed, which its first step will say: nobody must wait before that.
    fn is_broken(&self) -> bool {
        false
    }

    /// When a step wants to be asked again even if no input comes, in the time of the run.
    fn timer(&self) -> Option<Instant> {
        None
    }
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something was done; step again.
    Progress,
    /// Nothing to do until input comes.
    Empty,
    /// Nothing to do until there is room downstream.
    Full,
    /// The worker is done and has handed everything over.
    Done,
}
