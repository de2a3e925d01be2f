//! A run over time: what its stages had done, and how full its edges were, at moments of it.
//!
//! However long a run takes, there are at most [`MOST`] moments: when there are as many, every second one is dropped, and from then on they
//! are taken half as often. Each has the sums since the start, so nothing is lost by that but sharpness.

use std::time::Duration;

use super::{Report, Shared, lock};

/// The most moments that are kept; even.
const MOST: usize = 512;

/// What was seen of a run at moments of it, kept by [`Flow::timeline`](crate::Flow::timeline).
///
/// # Examples
/// ```
/// use millstream::Flow;
/// use std::time::Duration;
///
/// let report = Flow::from_range(0..1000u64).timeline(Duration::from_millis(1)).run()?;
/// let last = report.timeline().unwrap().moments().last().unwrap();
/// assert_eq!(last.items_in(0), 1000);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    every: Duration,
    moments: Vec<Moment>,
}

/// What was seen at one moment.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    at: Duration,
    stages: Vec<Done>,
    fills: Vec<u64>,
}

/// What a stage had done.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    items_in: u64,
    items_out: u64,
    busy: Duration,
    blocked: Duration,
}

impl Timeline {
    pub(crate) fn new(every: Duration) -> Self {
        Timeline {
            every,
            moments: Vec::new(),
        }
    }

    /// How long it is from one moment to the next.
    pub fn interval(&self) -> Duration {
        self.every
    }

    /// The moments in their order; at most 512.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// Items a second that a stage worked on, from each moment to the next, with the later of the two. What it took counts, or
    /// what it gave where its source does not count.
    pub fn rates(&self, stage: usize) -> Vec<(Duration, f64)> {
        let start = Moment::default();
        let before = std::iter::once(&start).chain(&self.moments);
        let pairs = before.zip(&self.moments);
        pairs
            .filter(|(before, after)| after.at > before.at)
            .map(|(before, after)| {
                let took = after.items_in(stage).saturating_sub(before.items_in(stage));
                let gave = after
                    .items_out(stage)
                    .saturating_sub(before.items_out(stage));
                let time = (after.at - before.at).as_secs_f64();
                (after.at, took.max(gave) as f64 / time)
            })
            .collect()
    }

    /// Adds what is seen now.
    pub(crate) fn add(&mut self, seen: &Report) {
        if self.moments.len() >= MOST {
            let mut number = 0;
            self.moments.retain(|_| {
                number += 1;
                number % 2 == 0
            });
            self.every = self.every.saturating_mul(2);
        }
        self.moments.push(Moment::of(seen));
    }

    /// The same with what the run had done when the report was made.
    pub(super) fn until(&self, report: &Report) -> Self {
        let mut all = self.clone();
        let end = report.elapsed;
        // The last look may have been a moment later than what the run then turned out to have taken.
        while all.moments.last().is_some_and(|last| last.at >= end) {
            all.moments.pop();
        }
        let last = all.moments.last().map(|last| last.at);
        // Two moments that are near each other would make a peak of a few items.
        if last.is_some_and(|last| end - last < self.every / 2) {
            all.moments.pop();
        }
        all.moments.push(Moment::of(report));
        all
    }
}

impl Moment {
    fn of(report: &Report) -> Self {
        let stages = report.stages.iter();
        Moment {
            at: report.elapsed,
            stages: stages
                .map(|stage| Done {
                    items_in: stage.items_in(),
                    items_out: stage.items_out(),
                    busy: stage.workers.iter().map(|w| w.busy).sum(),
                    blocked: stage.workers.iter().map(|w| w.waiting_output).sum(),
                })
                .collect(),
            fills: report.edges.iter().map(|edge| edge.fill).collect(),
        }
    }

    fn done(&self, stage: usize) -> Done {
        self.stages.get(stage).copied().unwrap_or_default()
    }

    /// When it was, from the start of the run.
    pub fn at(&self) -> Duration {
        self.at
    }

    /// Items that a stage had taken in.
    pub fn items_in(&self, stage: usize) -> u64 {
        self.done(stage).items_in
    }

    /// Items that a stage had handed on.
    pub fn items_out(&self, stage: usize) -> u64 {
        self.done(stage).items_out
    }

    /// The time that a stage's workers had been at work, all together.
    pub fn busy(&self, stage: usize) -> Duration {
        self.done(stage).busy
    }

    /// The time that a stage's workers had been without room, all together.
    pub fn blocked(&self, stage: usize) -> Duration {
        self.done(stage).blocked
    }

    /// Batches that were in an edge.
    pub fn fill(&self, edge: usize) -> u64 {
        self.fills.get(edge).copied().unwrap_or(0)
    }
}

impl Shared {
    /// What has been done so far.
    pub(crate) fn report(&self) -> Report {
        let mut report = self.report_now();
        let timeline = self.timeline.get();
        report.timeline = timeline.map(|line| lock(line).until(&report));
        report
    }

    /// The same without what was before.
    pub(super) fn report_now(&self) -> Report {
        let until = self.over.get().copied();
        self.scene
            .report(until.unwrap_or_else(|| self.scene.took(self.age())))
    }
}

impl Report {
    /// What was seen of the run over time; `None` unless the flow was told to keep a [`timeline`](crate::Flow::timeline).
    pub fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EdgeReport, StageReport, WorkerReport};
    use super::*;

    fn seen(millis: u64, items: u64) -> Report {
        let worker = WorkerReport {
            items_in: items,
            busy: Duration::from_millis(millis),
            ..WorkerReport::default()
        };
        Report {
            stages: vec![StageReport {
                input: None,
                name: "s".to_owned(),
                workers: vec![worker.clone(), worker],
            }],
            edges: vec![EdgeReport {
                fill: millis % 5,
                ..EdgeReport::default()
            }],
            elapsed: Duration::from_millis(millis),
            ..Report::default()
        }
    }

    #[test]
    fn a_long_run_keeps_its_whole_length_and_few_moments() {
        let mut line = Timeline::new(Duration::from_millis(1));
        let mut at = 0;
        while at < 100_000 {
            at += line.interval().as_millis() as u64;
            line.add(&seen(at, at));
        }
        assert!(line.moments().len() <= MOST && line.moments().len() >= MOST / 2 - 1);
        assert_eq!(line.interval(), Duration::from_millis(256));
        // However it was thinned out, the rates are those of the run: two workers of one item a millisecond.
        for (_, rate) in line.rates(0) {
            assert!((rate - 2_000.0).abs() < 1e-6, "{rate}");
        }
    }

    #[test]
    fn the_end_of_the_run_is_its_last_moment() {
        let mut line = Timeline::new(Duration::from_millis(10));
        line.add(&seen(10, 5));
        let end = seen(14, 9);
        let whole = line.until(&end);
        let last = whole.moments().last().unwrap();
        assert_eq!(
            (last.at(), last.items_in(0)),
            (Duration::from_millis(14), 18)
        );
        assert_eq!((last.busy(0), last.fill(0)), (Duration::from_millis(28), 4));
        assert_eq!(whole.moments().len(), 1, "the one just before gives way");
        assert_eq!(whole.until(&end).moments().len(), 1);
        assert_eq!(line.until(&seen(17, 9)).moments().len(), 2);
        assert_eq!((last.items_in(7), last.fill(7)), (0, 0));
    }
}
