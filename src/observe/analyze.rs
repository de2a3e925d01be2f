//! Which stage held a run back, and why: a pure function of the report and the number of cores.
//!
//! The time of a worker is measured against the whole run, not against its own life: a source that worked hard for the first tenth
//! of a run is not what the rest of it waited for. The rules are tried in a fixed order, and the first that holds is the finding, so
//! that there is always one sentence and never two that contradict each other.

use crate::plan::{Edge, End, Node, Routing};
use crate::run::{Report, StageReport, WorkerReport};

/// A run shorter than this says more about starting threads than about the flow.
const SHORT: f64 = 0.002;
/// Two stages that are busy for nearly the same part of the run are told apart by who waits for them.
const NEAR: f64 = 0.05;
/// A stage that is busy for less than this holds nobody back,
const BUSY: f64 = 0.5;
/// unless it does nearly all of the work there is: then threads were woken late, and it is still what there is to mend.
const LEAST: f64 = 0.25;
const ALONE: f64 = 4.0;
/// A worker with this many times its part of the items is what the others wait for.
const SKEWED: f64 = 1.5;
/// Cores count as all busy from this part on.
const FULL: f64 = 0.9;
/// Batches with fewer items than this, many of them, and items that take less than so many seconds: handing over is the work.
const TINY: f64 = 8.0;
const MANY: u64 = 256;
const CHEAP: f64 = 20e-6;
/// Sources that one thread at a time reads.
pub(super) const ONE_AT_A_TIME: [&str; 3] = ["iter", "vec", "stream"];
/// The step that waits because it was asked to.
const RATE: &str = "rate_limit";

/// What held a run back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Finding {
    /// The stage, by number.
    pub(super) stage: usize,
    pub(super) cause: Cause,
    /// The part of the run for which its busiest worker worked, from 0 to 1.
    pub(super) busy: f64,
    /// The part of the run for which the stages in front of it had no room.
    pub(super) held: f64,
    /// How many threads were at work at a time, on average, over all stages.
    pub(super) threads: f64,
    pub(super) cores: usize,
}

/// Why a stage held a run back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cause {
    /// The run was too short to say.
    Short,
    /// One thread did the work of all stages in turn.
    Seeded { share: f64 },
    /// All stages had ended after this part of the run; the rest went to what is done then.
    After { stages: f64 },
    /// The thread that takes the items, or the stages that do, were slower than the flow.
    Taker,
    /// The source had nothing to give for most of the time.
    Waiting,
    /// The stage passes items at a rate, or waits before it tries one again, and those in front wait for it.
    Paced { retries: bool, waited: f64 },
    /// Batches of few cheap items went over this edge.
    Tiny { edge: usize, items: f64 },
    /// One worker has much more than its part of the items.
    Skew { partition: usize, share: f64 },
    /// A free reduction is given every item over a hash boundary.
    Reduce,
    /// The stage is busy and reads the source.
    Source,
    /// The stage is busy.
    Busy,
    /// No stage was busy, and this one had more threads than it used.
    Threads { needed: usize },
    /// No stage was busy.
    Quiet,
}

/// Parts of the run, from 0 to 1, that a stage's workers spent on something; on average, and for the worker with most of it.
struct Parts {
    busiest: f64,
    busy: f64,
    starved: f64,
    blocked: f64,
}

impl Parts {
    /// `in_turn` says that the workers read an iterator one at a time.
    fn of(stage: &StageReport, elapsed: f64, in_turn: bool) -> Self {
        let part = |time: fn(&WorkerReport) -> std::time::Duration| {
            let parts = stage.workers().iter().map(move |worker| {
                // A worker may be seen a moment later than the run.
                (time(worker).as_secs_f64() / elapsed).min(1.0)
            });
            (parts.clone().sum::<f64>(), parts.fold(0.0, f64::max))
        };
        let workers = stage.workers().len().max(1) as f64;
        let (busy, own) = part(|w| w.busy);
        let mut busiest = own;
        if in_turn {
            // While one has nothing to read, another reads: together they are what one alone would be.
            let (_, at_it) = part(|w| w.busy + w.waiting_input);
            busiest = busiest.max(at_it.min(busy));
        }
        Parts {
            busiest,
            busy: busy / workers,
            starved: part(|w| w.waiting_input).0 / workers,
            blocked: part(|w| w.waiting_output).0 / workers,
        }
    }
}

/// A report with what is computed of each stage once.
struct View<'r> {
    report: &'r Report,
    parts: Vec<Parts>,
    elapsed: f64,
}

/// What held the run back; `None` if it had no stages.
pub(super) fn analyze(report: &Report, cores: usize) -> Option<Finding> {
    if report.plan.nodes.is_empty() {
        // Stages that ask for events have no plan that could be changed.
        return None;
    }
    let elapsed = report.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let stages = report.stages.iter().enumerate();
    let in_turn = |at: usize| {
        let first = report
            .plan
            .nodes
            .get(at)
            .and_then(|node| node.steps.first());
        first.is_some_and(|step| ONE_AT_A_TIME.contains(step))
    };
    let view = View {
        report,
        parts: stages
            .map(|(at, stage)| Parts::of(stage, elapsed, in_turn(at)))
            .collect(),
        elapsed,
    };
    let most = view.busiest()?;
    let (stage, cause) = view.outside(most).unwrap_or_else(|| view.inside(most));
    Some(Finding {
        stage,
        cause,
        busy: view.parts[stage].busiest,
        held: view.held(stage),
        threads: view.threads(),
        cores,
    })
}

impl View<'_> {
    fn node(&self, stage: usize) -> Option<&Node> {
        self.report.plan.nodes.get(stage)
    }

    fn edges_into(&self, stage: usize) -> impl Iterator<Item = (usize, &Edge)> {
        self.report.plan.edges_into(stage)
    }

    fn is_source(&self, stage: usize) -> bool {
        self.edges_into(stage).next().is_none()
    }

    /// How many threads were at work at a time, on average.
    fn threads(&self) -> f64 {
        let stages = self.parts.iter().zip(&self.report.stages);
        stages
            .map(|(parts, stage)| parts.busy * stage.workers().len() as f64)
            .sum()
    }

    fn workers(&self, stage: usize) -> f64 {
        self.report.stages[stage].workers().len() as f64
    }

    /// The part of the run for which the stages in front had no room, of the one that had least.
    fn held(&self, stage: usize) -> f64 {
        let before = self.edges_into(stage).flat_map(|(_, edge)| &edge.from);
        before
            .map(|&from| self.parts[from].blocked)
            .fold(0.0, f64::max)
    }

    /// The stage whose busiest worker was busy for most of the run; of several that are near each other, the one for which
    /// those before it waited longest.
    fn busiest(&self) -> Option<usize> {
        let most = self.parts.iter().map(|parts| parts.busiest);
        let most = most.fold(0.0, f64::max);
        let near = (0..self.parts.len()).filter(|&s| self.parts[s].busiest >= most - NEAR);
        near.max_by(|&a, &b| {
            let of = |stage| (self.held(stage), self.parts[stage].busiest);
            let (a, b) = (of(a), of(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
    }

    /// Reasons that lie outside the stages' own work.
    fn outside(&self, most: usize) -> Option<(usize, Cause)> {
        if self.elapsed < SHORT {
            return Some((most, Cause::Short));
        }
        if let Some(seeded) = self.seeded() {
            return Some(seeded);
        }
        let stages = self.stages_took();
        if stages < BUSY {
            return Some((most, Cause::After { stages }));
        }
        let busiest = self.parts[most].busiest;
        let stages = 0..self.parts.len();
        let blocked = |stage: &usize| self.parts[*stage].blocked;
        let by_blocked = |a: &usize, b: &usize| blocked(a).total_cmp(&blocked(b));
        let takers = stages.clone().filter(|&stage| {
            let end = self.node(stage).map(|node| node.end);
            matches!(end, Some(End::Caller { .. } | End::Stages(_)))
        });
        let taker = takers.max_by(by_blocked);
        if let Some(taker) = taker.filter(|s| blocked(s) >= BUSY && blocked(s) > busiest) {
            return Some((taker, Cause::Taker));
        }
        if let Some(paced) = self.paced(busiest) {
            return Some(paced);
        }
        if busiest < BUSY {
            let starved = |stage: &usize| self.parts[*stage].starved;
            let sources = stages.filter(|&stage| self.is_source(stage));
            let idle = sources.max_by(|a, b| starved(a).total_cmp(&starved(b)));
            if let Some(idle) = idle.filter(|s| starved(s) >= BUSY) {
                return Some((idle, Cause::Waiting));
            }
        }
        self.tiny()
    }

    /// Where one thread did the work of all, it was never the others that it waited for.
    fn seeded(&self) -> Option<(usize, Cause)> {
        let work = |stage: usize| self.parts[stage].busy * self.workers(stage);
        let stages = (0..self.parts.len()).filter(|_| self.report.seeded);
        let most = stages.max_by(|&a, &b| work(a).total_cmp(&work(b)))?;
        let share = work(most).min(1.0);
        Some((most, Cause::Seeded { share }))
    }

    /// The part of the run after which no worker lived any more.
    fn stages_took(&self) -> f64 {
        let workers = self.report.stages.iter().flat_map(StageReport::workers);
        let lived = workers.map(|w| w.busy + w.waiting_input + w.waiting_output);
        lived.max().unwrap_or_default().as_secs_f64() / self.elapsed
    }

    /// A stage that waits though those in front of it have something for it: because it was asked to.
    fn paced(&self, busiest: f64) -> Option<(usize, Cause)> {
        let retries = |stage: usize| self.report.stages[stage].retried() > 0;
        let limited = |stage: usize| {
            let node = self.node(stage);
            node.is_some_and(|node| node.steps.contains(&RATE))
        };
        let paced = (0..self.parts.len()).filter(|&stage| {
            let waited = self.parts[stage].starved;
            let asked = limited(stage) || retries(stage);
            let held = self.is_source(stage) || self.held(stage) >= BUSY;
            asked && held && waited >= BUSY && waited >= busiest
        });
        let starved = |stage: usize| self.parts[stage].starved;
        let most = paced.max_by(|&a, &b| starved(a).total_cmp(&starved(b)))?;
        let cause = Cause::Paced {
            retries: !limited(most),
            waited: starved(most),
        };
        Some((most, cause))
    }

    /// The edge over which most batches went, if they held few items that cost little.
    fn tiny(&self) -> Option<(usize, Cause)> {
        let edges = self.report.plan.edges.iter().enumerate();
        let of_edge = edges.filter_map(|(at, edge)| {
            let from = edge.from.iter().map(|&from| &self.report.stages[from]);
            let sent: u64 = from.clone().map(StageReport::batches_out).sum();
            let items: u64 = from.map(StageReport::items_out).sum();
            // The busiest thread beside this edge: if it does more for an item than handing it over, that is its work.
            let busy = |stage: usize| self.parts[stage].busiest * self.elapsed;
            let beside = edge.from.iter().copied().chain([edge.to]).map(busy);
            let work = beside.fold(0.0, f64::max);
            let cost = work / items.max(1) as f64;
            let size = items as f64 / sent.max(1) as f64;
            // Batches that are small because there is nothing more to hand over hold nobody back. Where threads are woken late,
            // one waits for room most of the time, and nobody works.
            let works = work >= LEAST * self.elapsed || self.held(edge.to) >= BUSY;
            let tiny = sent >= MANY && size < TINY && cost < CHEAP;
            (tiny && works).then_some((at, edge.to, size, sent))
        });
        of_edge
            .max_by_key(|(.., sent)| *sent)
            .map(|(edge, to, items, _)| (to, Cause::Tiny { edge, items }))
    }

    /// Whether a stage does enough to hold others back.
    fn works(&self, stage: usize) -> bool {
        let workers = self.workers(stage);
        let parts = &self.parts[stage];
        let others = self.threads() - parts.busy * workers;
        parts.busiest >= BUSY || (parts.busiest >= LEAST && parts.busiest >= ALONE * others)
    }

    /// Reasons that lie in a stage.
    fn inside(&self, most: usize) -> (usize, Cause) {
        if !self.works(most) {
            return self.too_many().unwrap_or((most, Cause::Quiet));
        }
        if let Some(skew) = self.skew(most) {
            return (most, skew);
        }
        let reduces = self
            .node(most)
            .is_some_and(|node| node.steps.contains(&"reduce"));
        let hashed = self
            .edges_into(most)
            .any(|(_, edge)| edge.routing == Routing::Hash);
        let cause = match (reduces && hashed, self.is_source(most)) {
            (true, _) => Cause::Reduce,
            (_, true) => Cause::Source,
            _ => Cause::Busy,
        };
        (most, cause)
    }

    /// Whether one worker of a stage has most of the items, and is what the others wait for.
    fn skew(&self, stage: usize) -> Option<Cause> {
        let own = |(_, edge): (usize, &Edge)| edge.routing != Routing::Shared;
        if !self.edges_into(stage).any(own) {
            return None;
        }
        let report = &self.report.stages[stage];
        let skewed = report.skew().is_some_and(|skew| skew >= SKEWED);
        let workers = report.workers().iter().enumerate();
        let (partition, most) = workers.max_by_key(|(_, worker)| worker.items_in)?;
        let parts = &self.parts[stage];
        let busy = most.busy.as_secs_f64() / self.elapsed;
        // The others have time to spare, and the one with the items has none.
        let alone = parts.busiest - busy < NEAR && parts.busiest > parts.busy * 1.2;
        (skewed && alone).then(|| Cause::Skew {
            partition,
            share: most.items_in as f64 / report.items_in().max(1) as f64,
        })
    }

    /// The stage with most threads that had nothing to do, where all were idle for most of the time.
    fn too_many(&self) -> Option<(usize, Cause)> {
        let idle = |stage: usize| {
            let workers = self.report.stages[stage].workers().len();
            let work = self.parts[stage].busy * workers as f64;
            let needed = (work.ceil() as usize).max(1);
            (workers.saturating_sub(needed), needed)
        };
        let stages = (0..self.parts.len()).filter(|&s| self.parts[s].starved >= BUSY);
        let most = stages.max_by_key(|&stage| idle(stage).0)?;
        let (spare, needed) = idle(most);
        (spare > 0).then_some((most, Cause::Threads { needed }))
    }
}

impl Finding {
    /// Whether more threads would find no core that is free, if they compute.
    pub(super) fn cores_full(&self) -> bool {
        self.threads >= FULL * self.cores as f64
    }

    /// Whether more threads were at work than there are cores: then some of them waited, for a core or within a closure.
    pub(super) fn cores_exceeded(&self) -> bool {
        self.threads > 1.1 * self.cores as f64
    }

    /// Cores that were free, on average.
    pub(super) fn spare(&self) -> usize {
        let spare = self.cores as f64 - self.threads;
        spare.round().max(1.0) as usize
    }
}
