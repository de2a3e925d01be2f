//! What a run did, in numbers: rows, batches, how full the edges were, and where each worker's time went.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::hottest::Hot;
use super::size::InputSize;
use super::timeline::Timeline;
use crate::plan::Plan;

/// What a run did, as [`Flow::run`](crate::Flow::run) returns it, [`Error::report`](crate::Error::report) keeps it, and
/// an [`Observer`](crate::Observer) shows it while it goes on.
///
/// # Examples
/// ```
/// use millstream::Flow;
///
/// let report = Flow::from_range(0..10_000).partition().stages(2).run()?;
/// assert_eq!(report.stages().len(), 2);
/// assert_eq!(report.stages()[1].items_in(), 10_000);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub(crate) plan: Arc<Plan>,
    pub(crate) stages: Vec<StageReport>,
    pub(crate) edges: Vec<EdgeReport>,
    pub(crate) elapsed: Duration,
    pub(crate) timeline: Option<Timeline>,
    /// Whether one thread drove all workers.
    pub(crate) seeded: bool,
    /// Those who looked at the run and panicked.
    pub(crate) lost: u64,
}

/// What one stage of a run did.
#[derive(Debug, Clone, Default)]
pub struct StageReport {
    pub(crate) name: String,
    pub(crate) workers: Vec<WorkerReport>,
    pub(crate) input: Option<InputSize>,
}

/// What one worker, the thread of one partition of a stage, did.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WorkerReport {
    /// Items taken in; zero for sources that do not count (lines of a text).
    pub items_in: u64,
    /// Items handed to the next stage, gathered for the result or written into a sink; zero where the end folds them.
    pub items_out: u64,
    /// Chunks or batches taken in.
    pub batches_in: u64,
    /// Batches handed to the next stage.
    pub batches_out: u64,
    /// Bytes taken in: of files what was read, of batches what their items have in place.
    pub bytes_in: u64,
    /// Bytes handed on: what the items of the batches have in place.
    pub bytes_out: u64,
    /// Items that came too late for their window.
    pub late: u64,
    /// Items that were rejected, by the name of the rule or step that did.
    pub rejected: BTreeMap<String, u64>,
    /// How often a rejected item was tried again.
    pub retried: u64,
    /// Distinct keys that it had at the end, where its stage reduces by key. Within windows the keys of each window, and sessions, that are
    /// over: a key counts in each.
    pub keys: u64,
    /// Items that went into tables before a hash boundary.
    pub combined: u64,
    /// Entries that came of them and were sent: of a key, or within windows of a key in a window.
    pub entries: u64,
    /// Panics of closures: at most one, since it ends the run.
    pub panics: u64,
    /// Time at work: neither waiting for input nor for room. In a seeded run, the time in which it had the thread.
    pub busy: Duration,
    /// Time without input; waiting for an iterator that another worker reads, for a permit or for the next try is among it.
    pub waiting_input: Duration,
    /// Time held back by a full edge downstream.
    pub waiting_output: Duration,
    /// What it was doing when the report was made.
    pub doing: Doing,
    /// The keys of its sample, if its stage takes one.
    pub(crate) hot: Hot,
}

/// What a worker does at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Doing {
    /// It works, or its thread has not begun. In a seeded run, in which all take turns on one thread, also that it could work.
    #[default]
    Working,
    /// It waits for input.
    Starved,
    /// It waits for room in front of the next stage.
    Blocked,
    /// It has ended.
    Ended,
}

impl Doing {
    pub(super) fn of(byte: u8) -> Self {
        match byte {
            1 => Doing::Starved,
            2 => Doing::Blocked,
            3 => Doing::Ended,
            _ => Doing::Working,
        }
    }
}

/// How full one edge of a run was, over all its channels.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EdgeReport {
    /// The stages that send over it, by number.
    pub from: Vec<usize>,
    /// The stage that takes from it, by number.
    pub to: usize,
    /// Batches (or what the `unit` says) that it has room for.
    pub capacity: u64,
    /// Batches in it when the report was made.
    pub fill: u64,
    /// The most batches that were in it: the sum of each channel's most.
    pub high_water: u64,
    /// What its capacity and its fill are counted in.
    pub unit: EdgeUnit,
    /// Items that went over it, where the edge itself counts them.
    pub(crate) passed: Option<u64>,
}

/// What an edge counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EdgeUnit {
    /// Batches, as they lie in a channel of a flow.
    #[default]
    Batches,
    /// Events, as a stage that was asked for them sends them ([`stage::Graph`](crate::stage::Graph)).
    Events,
}

#[cfg(feature = "dashboard")]
impl EdgeUnit {
    /// What so many are called.
    pub(crate) fn word(self, n: u64) -> &'static str {
        match (self, n) {
            (EdgeUnit::Batches, 1) => "batch",
            (EdgeUnit::Batches, _) => "batches",
            (EdgeUnit::Events, 1) => "event",
            (EdgeUnit::Events, _) => "events",
        }
    }
}

impl EdgeReport {
    /// The most that was in it, as a part of its capacity, from 0 to 1.
    pub fn high_water_share(&self) -> f64 {
        (self.high_water as f64 / self.capacity.max(1) as f64).min(1.0)
    }
}

impl Report {
    /// The stages in the order of the plan.
    pub fn stages(&self) -> &[StageReport] {
        &self.stages
    }

    /// The edges between them, in the order of the plan.
    pub fn edges(&self) -> &[EdgeReport] {
        &self.edges
    }

    /// What ran.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Items that were rejected, in all stages, by the name of the rule or step that did; what ended the run is not among
    /// them.
    ///
    /// ```
    /// use millstream::{Flow, Skip};
    ///
    /// let parsed = Flow::from_iter(["1", "two"]).try_map(|text| text.parse::<u32>()).on_error(Skip);
    /// let report = parsed.run()?;
    /// assert_eq!(report.rejected()["try_map"], 1);
    /// assert!(report.to_string().contains("rejected: 1 by `try_map`"));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn rejected(&self) -> BTreeMap<String, u64> {
        added(self.stages.iter().flat_map(StageReport::workers))
    }

    /// How often a rejected item was tried again, in all stages.
    pub fn retried(&self) -> u64 {
        self.stages.iter().map(StageReport::retried).sum()
    }

    /// From the start of the run to the end of its last worker, and what is done then: sinks commit. A run whose workers have ended
    /// grows no older while nobody waits for its end.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl StageReport {
    /// The stage's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its workers, one a partition.
    pub fn workers(&self) -> &[WorkerReport] {
        &self.workers
    }

    /// The sum over its workers of one of their numbers.
    fn sum(&self, of: impl Fn(&WorkerReport) -> u64) -> u64 {
        self.workers.iter().map(of).sum()
    }

    /// Items its workers took in.
    pub fn items_in(&self) -> u64 {
        self.sum(|w| w.items_in)
    }

    /// Items its workers handed on.
    pub fn items_out(&self) -> u64 {
        self.sum(|w| w.items_out)
    }

    /// Chunks or batches its workers took in.
    pub fn batches_in(&self) -> u64 {
        self.sum(|w| w.batches_in)
    }

    /// Batches its workers handed on.
    pub fn batches_out(&self) -> u64 {
        self.sum(|w| w.batches_out)
    }

    /// Bytes its workers took in.
    pub fn bytes_in(&self) -> u64 {
        self.sum(|w| w.bytes_in)
    }

    /// Bytes its workers handed on.
    pub fn bytes_out(&self) -> u64 {
        self.sum(|w| w.bytes_out)
    }

    /// Items that came too late for their window.
    pub fn late(&self) -> u64 {
        self.sum(|w| w.late)
    }

    /// Items that its workers rejected, by the name of the rule or step that did.
    pub fn rejected(&self) -> BTreeMap<String, u64> {
        added(&self.workers)
    }

    /// How often its workers tried a rejected item again.
    pub fn retried(&self) -> u64 {
        self.sum(|w| w.retried)
    }

    /// Panics of closures in its workers.
    pub fn panics(&self) -> u64 {
        self.sum(|w| w.panics)
    }

    /// Distinct keys of a stage that reduces by key; within windows, keys of each window.
    pub fn keys(&self) -> u64 {
        self.sum(|w| w.keys)
    }

    /// How many items went into one entry that was sent on, on average, where a stage combines by key before a hash
    /// boundary: 1 says that combining gained nothing.
    pub fn combine_ratio(&self) -> Option<f64> {
        let combined = self.sum(|w| w.combined);
        (combined > 0).then(|| combined as f64 / self.sum(|w| w.entries).max(1) as f64)
    }

    /// The most items that one worker took in, as a multiple of what each would have if all had as many: 1 is even.
    /// `None` for one worker, or if there were no items.
    pub fn skew(&self) -> Option<f64> {
        let all = self.items_in();
        let most = self.workers.iter().map(|w| w.items_in).max()?;
        (self.workers.len() > 1 && all > 0)
            .then(|| most as f64 * self.workers.len() as f64 / all as f64)
    }

    /// What part of its workers' lives went where.
    pub(crate) fn shares(&self) -> Shares {
        let time = |of: fn(&WorkerReport) -> Duration| -> f64 {
            self.workers.iter().map(of).sum::<Duration>().as_secs_f64()
        };
        let (busy, input, output) = (
            time(|w| w.busy),
            time(|w| w.waiting_input),
            time(|w| w.waiting_output),
        );
        let all = (busy + input + output).max(f64::MIN_POSITIVE);
        Shares {
            busy: busy / all,
            input: input / all,
            output: output / all,
        }
    }

    /// The part of its workers' lives spent at work, from 0 to 1.
    pub fn busy_share(&self) -> f64 {
        self.shares().busy
    }

    /// The part of its workers' lives spent without input, from 0 to 1.
    pub fn starved_share(&self) -> f64 {
        self.shares().input
    }

    /// The part of its workers' lives spent without room in front of the next stage, from 0 to 1.
    pub fn blocked_share(&self) -> f64 {
        self.shares().output
    }
}

/// Parts of time, which add up to one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shares {
    pub(crate) busy: f64,
    pub(crate) input: f64,
    pub(crate) output: f64,
}

/// What several workers rejected.
fn added<'w>(workers: impl IntoIterator<Item = &'w WorkerReport>) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (rule, count) in workers.into_iter().flat_map(|w| &w.rejected) {
        *sums.entry(rule.clone()).or_default() += count;
    }
    sums
}

impl fmt::Display for Report {
    /// A table: a line a stage, then what was rejected and tried again and which observers panicked, if any, and the
    /// sentence about what held the run back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<24} {:>7} {:>12} {:>12} {:>10} {:>10} {:>10}",
            "stage", "workers", "items in", "items out", "busy", "no input", "no room"
        )?;
        for stage in &self.stages {
            let sum = |part: fn(&WorkerReport) -> Duration| -> Duration {
                stage.workers.iter().map(part).sum()
            };
            writeln!(
                f,
                "{:<24} {:>7} {:>12} {:>12} {:>10} {:>10} {:>10}",
                stage.name,
                stage.workers.len(),
                stage.items_in(),
                stage.items_out(),
                format!("{:.1?}", sum(|w| w.busy)),
                format!("{:.1?}", sum(|w| w.waiting_input)),
                format!("{:.1?}", sum(|w| w.waiting_output)),
            )?;
        }
        let rejected = self.rejected();
        if !rejected.is_empty() {
            let rules = rejected.iter();
            let rules: Vec<String> = rules.map(|(rule, n)| format!("{n} by `{rule}`")).collect();
            writeln!(f, "rejected: {}", rules.join(", "))?;
        }
        if self.retried() > 0 {
            writeln!(f, "tried again: {}", self.retried())?;
        }
        if self.lost > 0 {
            writeln!(f, "observers that panicked: {}", self.lost)?;
        }
        write!(f, "{:.1?} in all", self.elapsed)?;
        match self.advice() {
            Some(said) => write!(f, "\n{said}"),
            None => Ok(()),
        }
    }
}
