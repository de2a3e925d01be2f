//! The runs that a dashboard shows: those that go on, and the latest that have ended. Stages that are looked at together are one, which
//! goes on as long as somebody could add a stage.
//!
//! A look keeps what a run has done so far, and what it did since the look before: rates and shares on the page are those of that time. So
//! memory is bounded: three reports and [`LOOKS`] rates a stage for each run, and of runs that have ended as many as the options say. Of
//! those the counters are let go.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Error, ErrorKind};
use crate::run::{Doing, EdgeReport, Report, StageReport, Watched, WorkerReport, lock};
use crate::stage::Graph;

/// How many looks a curve shows.
pub(super) const LOOKS: usize = 180;

/// All runs.
#[derive(Debug)]
pub(super) struct Board {
    runs: Mutex<Runs>,
    /// A run has begun or ended.
    pub(super) changed: Notify,
    /// How many have begun, and how many have ended.
    count: AtomicU64,
}

#[derive(Debug)]
struct Runs {
    /// Those that go on, then those that have ended, each in the order in which they began or ended.
    going: Vec<Run>,
    ended: VecDeque<Run>,
    keep: usize,
    /// Rates are over at least this time: over less they would be peaks of a few items. The next look then has the time of both.
    least: Duration,
}

/// One run, as it was seen last.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) name: Option<String>,
    pub(super) kind: Kind,
    /// While it goes on.
    source: Option<Source>,
    pub(super) state: State,
    /// Why it failed, or was stopped.
    pub(super) error: Option<String>,
    /// What it had done at the last look.
    pub(super) report: Report,
    /// What it had done when a rate was taken last.
    base: Report,
    /// What it did from the last but one of these to the last; of a run that has ended, all of it.
    pub(super) recent: Report,
    /// Items a second of each stage, between looks.
    pub(super) rates: Vec<VecDeque<f64>>,
}

/// What it is that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Flow,
    Stages,
}

/// Where its numbers come from.
#[derive(Debug, Clone)]
enum Source {
    Run(Watched),
    Stages(Graph),
}

impl Source {
    fn report(&self) -> Report {
        match self {
            Source::Run(watched) => watched.report_now(),
            Source::Stages(graph) => graph.report(),
        }
    }
}

/// How it is about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Done,
    Failed,
    Stopped,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Done => "done",
            State::Failed => "failed",
            State::Stopped => "stopped",
        }
    }
}

impl Board {
    /// With so much time between two looks, and so many that have ended.
    pub(super) fn new(every: Duration, keep: usize) -> Self {
        Board {
            runs: Mutex::new(Runs {
                going: Vec::new(),
                ended: VecDeque::new(),
                keep,
                least: every / 2,
            }),
            changed: Notify::new(),
            count: AtomicU64::new(0),
        }
    }

    /// A run begins.
    pub(super) fn begin(&self, run: &Watched) {
        let source = Source::Run(run.clone());
        let name = run.name().map(str::to_owned);
        let run = Run::new(run.number(), name, Kind::Flow, source);
        lock(&self.runs).going.push(run);
        self.news();
    }

    /// Shows stages from now on.
    pub(super) fn show(&self, graph: &Graph) {
        let mut runs = lock(&self.runs);
        if runs.going.iter().any(|run| run.number == graph.number()) {
            return;
        }
        let name = Some(graph.name().to_owned());
        let source = Source::Stages(graph.clone());
        let mut run = Run::new(graph.number(), name, Kind::Stages, source);
        run.look(runs.least);
        runs.going.push(run);
        drop(runs);
        self.news();
    }

    /// A run has ended.
    pub(super) fn end(&self, number: u64, outcome: Result<(), &Error>) {
        let mut runs = lock(&self.runs);
        let Some(at) = runs.going.iter().position(|run| run.number == number) else {
            return;
        };
        let mut run = runs.finish(at);
        run.state = match outcome {
            Ok(()) => State::Done,
            Err(error) if error.kind() == ErrorKind::Stopped => State::Stopped,
            Err(_) => State::Failed,
        };
        run.error = outcome.err().map(Error::to_string);
        runs.keep(run);
        drop(runs);
        self.news();
    }

    fn news(&self) {
        self.count.fetch_add(1, Ordering::Release);
        self.changed.notify_one();
    }

    /// Another number than before if a run has begun or ended since.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Looks at all that go on; whether there are any.
    pub(super) fn look(&self) -> bool {
        let mut runs = lock(&self.runs);
        let least = runs.least;
        for run in &mut runs.going {
            run.look(least);
        }
        let any = !runs.going.is_empty();
        while let Some(at) = runs.going.iter().position(Run::is_over) {
            // It may have ended since the look above.
            let run = runs.finish(at);
            runs.keep(run);
        }
        any
    }

    /// All runs as they were seen last: those that go on first, then the others, in each case the latest first.
    pub(super) fn runs(&self) -> Vec<Run> {
        let runs = lock(&self.runs);
        let (going, ended) = (runs.going.iter().rev(), runs.ended.iter().rev());
        going.chain(ended).cloned().collect()
    }

    /// The same with what each has done by now; what is said of the last looks stays.
    pub(super) fn runs_now(&self) -> Vec<Run> {
        let mut runs = self.runs();
        for run in &mut runs {
            if let Some(source) = &run.source {
                run.report = source.report();
            }
        }
        runs
    }
}

impl Runs {
    /// Takes out a run that has ended: looks at it for the last time, and lets go of its counters.
    fn finish(&mut self, at: usize) -> Run {
        let mut run = self.going.remove(at);
        run.look(self.least);
        run.source = None;
        run.recent = run.report.clone();
        run
    }

    /// Keeps a run that has ended.
    fn keep(&mut self, run: Run) {
        self.ended.push_back(run);
        while self.ended.len() > self.keep {
            self.ended.pop_front();
        }
    }
}

impl Run {
    fn new(number: u64, name: Option<String>, kind: Kind, source: Source) -> Self {
        let report = source.report();
        Run {
            number,
            name,
            kind,
            source: Some(source),
            state: State::Running,
            error: None,
            recent: difference(&report, &report),
            rates: vec![VecDeque::new(); report.stages.len()],
            base: report.clone(),
            report,
        }
    }

    /// Whether nothing can happen to it any more; the end of a flow is told.
    fn is_over(&self) -> bool {
        matches!(&self.source, Some(Source::Stages(graph)) if graph.is_over())
    }

    fn look(&mut self, least: Duration) {
        let Some(source) = &self.source else {
            return;
        };
        self.report = source.report();
        if let Source::Stages(graph) = source {
            self.error = graph.failure();
            self.state = match (graph.is_running(), &self.error) {
                (true, _) => State::Running,
                (false, Some(_)) => State::Failed,
                (false, None) => State::Done,
            };
            // Stages may have come.
            let stages = self.report.stages.len();
            self.rates.resize_with(stages, VecDeque::new);
        }
        let since = self.report.elapsed.saturating_sub(self.base.elapsed);
        if since < least && same_shape(&self.report, &self.recent) {
            for (shown, edge) in self.recent.edges.iter_mut().zip(&self.report.edges) {
                (shown.fill, shown.high_water) = (edge.fill, edge.high_water);
            }
            return;
        }
        self.recent = difference(&self.report, &self.base);
        self.base = self.report.clone();
        for (rates, stage) in self.rates.iter_mut().zip(&self.recent.stages) {
            if rates.len() == LOOKS {
                rates.pop_front();
            }
            rates.push_back(rate(stage, since));
        }
    }

    /// Items a second of a stage, in the time of the last looks.
    pub(super) fn rate(&self, stage: usize) -> f64 {
        let recent = self.recent.stages.get(stage);
        recent.map_or(0.0, |stage| rate(stage, self.recent.elapsed))
    }

    /// What a stage was doing for the most part, in a word.
    pub(super) fn doing(&self, stage: usize) -> &'static str {
        let workers = self.report.stages.get(stage).map(StageReport::workers);
        let workers = workers.unwrap_or_default();
        if self.state != State::Running || workers.iter().all(|w| w.doing == Doing::Ended) {
            return "ended";
        }
        let Some(recent) = self.recent.stages.get(stage) else {
            return "busy";
        };
        let (busy, starved, blocked) = (
            recent.busy_share(),
            recent.starved_share(),
            recent.blocked_share(),
        );
        if busy >= starved && busy >= blocked {
            "busy"
        } else if starved >= blocked {
            "starved"
        } else {
            "blocked"
        }
    }

    /// Where the time of a stage went: between the last looks; of one that has ended, in its whole life.
    pub(super) fn time_of(&self, stage: usize) -> Option<&StageReport> {
        let of = match self.doing(stage) {
            "ended" => &self.report,
            _ => &self.recent,
        };
        of.stages.get(stage)
    }
}

/// Items a second: what a stage took counts, or what it gave where its source does not count.
fn rate(stage: &StageReport, time: Duration) -> f64 {
    let items = stage.items_in().max(stage.items_out());
    items as f64 / time.as_secs_f64().max(1e-9)
}

/// Whether two reports have the same stages and edges.
fn same_shape(a: &Report, b: &Report) -> bool {
    let edges = a.edges.iter().zip(&b.edges);
    a.stages.len() == b.stages.len() && a.edges.len() == b.edges.len() && edges.clone().all(same)
}

/// Whether two edges are between the same stages.
fn same((a, b): (&EdgeReport, &EdgeReport)) -> bool {
    (&a.from, a.to) == (&b.from, b.to)
}

/// What was done between two reports of a run.
fn difference(now: &Report, before: &Report) -> Report {
    let stages = now.stages.iter().enumerate().map(|(at, stage)| {
        let earlier = before.stages.get(at).map(StageReport::workers);
        let earlier = earlier.unwrap_or_default();
        let none = WorkerReport::default();
        let workers = stage.workers.iter().enumerate();
        StageReport {
            name: stage.name.clone(),
            input: None,
            workers: workers
                .map(|(at, worker)| since(worker, earlier.get(at).unwrap_or(&none)))
                .collect(),
        }
    });
    let edge = |edge: &EdgeReport| {
        let earlier = before.edges.iter().find(|earlier| same((edge, earlier)));
        let earlier = earlier.and_then(|earlier| earlier.passed).unwrap_or(0);
        EdgeReport {
            passed: edge.passed.map(|passed| passed.saturating_sub(earlier)),
            ..edge.clone()
        }
    };
    Report {
        stages: stages.collect(),
        plan: now.plan.clone(),
        edges: now.edges.iter().map(edge).collect(),
        elapsed: now.elapsed.saturating_sub(before.elapsed),
        seeded: now.seeded,
        ..Report::default()
    }
}

/// What one worker did between them, as far as the page shows it.
fn since(now: &WorkerReport, before: &WorkerReport) -> WorkerReport {
    WorkerReport {
        items_in: now.items_in.saturating_sub(before.items_in),
        items_out: now.items_out.saturating_sub(before.items_out),
        batches_in: now.batches_in.saturating_sub(before.batches_in),
        batches_out: now.batches_out.saturating_sub(before.batches_out),
        bytes_in: now.bytes_in.saturating_sub(before.bytes_in),
        bytes_out: now.bytes_out.saturating_sub(before.bytes_out),
        busy: now.busy.saturating_sub(before.busy),
        waiting_input: now.waiting_input.saturating_sub(before.waiting_input),
        waiting_output: now.waiting_output.saturating_sub(before.waiting_output),
        doing: now.doing,
        ..WorkerReport::default()
    }
}
