//! What a run did, in numbers: rows, batches, and where each worker's time went.

use std::fmt;
use std::time::Duration;

/// What a run did, as [`Flow::run`](crate::Flow::run) returns it and [`Error::report`](crate::Error::report) keeps it.
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
    pub(crate) stages: Vec<StageReport>,
    pub(crate) elapsed: Duration,
}

/// What one stage of a run did.
#[derive(Debug, Clone, Default)]
pub struct StageReport {
    pub(crate) name: String,
    pub(crate) workers: Vec<WorkerReport>,
}

/// What one worker, the thread of one partition of a stage, did.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WorkerReport {
    /// Items taken in; zero for sources that do not count (lines of a text).
    pub items_in: u64,
    /// Items handed to the next stage or gathered for the result; zero where the end folds them.
    pub items_out: u64,
    /// Chunks or batches taken in.
    pub batches_in: u64,
    /// Batches handed to the next stage.
    pub batches_out: u64,
    /// Items that came too late for their window.
    pub late: u64,
    /// Time at work: neither waiting for input nor for room.
    pub busy: Duration,
    /// Time without input.
    pub waiting_input: Duration,
    /// Time held back by a full edge downstream.
    pub waiting_output: Duration,
}

impl Report {
    /// The stages in the order of the plan.
    pub fn stages(&self) -> &[StageReport] {
        &self.stages
    }

    /// From the start of the run to the end of its last thread.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The stage that held the others back: the one whose workers were busy for the largest part of the run.
    pub fn bottleneck(&self) -> Option<&StageReport> {
        self.stages
            .iter()
            .max_by(|a, b| a.busy_share().total_cmp(&b.busy_share()))
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

    /// Items its workers took in.
    pub fn items_in(&self) -> u64 {
        self.workers.iter().map(|w| w.items_in).sum()
    }

    /// Items its workers handed on.
    pub fn items_out(&self) -> u64 {
        self.workers.iter().map(|w| w.items_out).sum()
    }

    /// Items that came too late for their window.
    pub fn late(&self) -> u64 {
        self.workers.iter().map(|w| w.late).sum()
    }

    /// The part of its workers' lives spent at work, from 0 to 1.
    fn busy_share(&self) -> f64 {
        let busy: Duration = self.workers.iter().map(|w| w.busy).sum();
        let all: Duration = self
            .workers
            .iter()
            .map(|w| w.busy + w.waiting_input + w.waiting_output)
            .sum();
        busy.as_secs_f64() / all.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

impl fmt::Display for Report {
    /// A table: a line a stage, then the sentence about the bottleneck.
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
        write!(f, "{:.1?} in all", self.elapsed)?;
        if let Some(stage) = self.bottleneck() {
            write!(f, "; the stage {} was the busiest", stage.name)?;
        }
        Ok(())
    }
}
