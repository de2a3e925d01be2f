//! From a plan to a run: check it, open the edges, make the contexts; then hand them to threads or to a scheduler.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::after::settle;
use super::counts::Counts;
use super::report::Report;
use super::scene::Scene;
use super::watch::{Lost, Watchers, next_number, unwanted};
use super::{
    After, Afters, Clock, Context, Graph, ManualClock, Measure, Observer, Shared, Stage, seeded,
    threads,
};
use crate::edge::AnyEdge;
use crate::error::{Error, ErrorKind};
use crate::options::{Group, RunOptions};
use crate::plan::{self, End, Plan, Routing};

/// A graph whose edges are open: ready to run.
pub(crate) struct Prepared<'env> {
    pub(crate) stages: Vec<Arc<dyn Stage + 'env>>,
    pub(crate) edges: Vec<Arc<dyn AnyEdge + 'env>>,
    /// Every worker to be started.
    pub(crate) workers: Vec<Seat>,
    pub(crate) shared: Arc<Shared>,
    /// What is to be done when all of them have ended.
    pub(crate) afters: Afters<'env>,
    pub(crate) seed: Option<u64>,
    /// Those who are told when it begins and ends.
    pub(super) watchers: Arc<Watchers>,
    /// Those who look at it once it has begun.
    observers: Vec<Observer>,
}

/// One worker to be started: its place and its options, from which its thread makes its [`Context`].
pub(crate) struct Seat {
    pub(crate) stage: usize,
    pub(crate) name: Arc<str>,
    pub(crate) index: usize,
    pub(crate) of: usize,
    /// Whether a source is fused into the stage, so that a held run holds this worker.
    pub(crate) source: bool,
    group: Group,
    next: Group,
    branches: Vec<Group>,
    tickets: bool,
}

impl Seat {
    pub(crate) fn context(&self, shared: &Arc<Shared>) -> Context {
        let mut context = Context::new(
            shared.clone(),
            self.stage,
            self.name.clone(),
            (self.index, self.of),
            self.group.clone(),
            self.next.clone(),
            self.tickets,
        );
        context.branches = self.branches.clone();
        context
    }
}

impl<'env> Prepared<'env> {
    /// Checks the plan and opens the edges; nothing runs yet.
    pub(crate) fn new(graph: Graph<'env>) -> Result<Self, Error> {
        let Graph {
            plan,
            stages,
            edges,
            afters,
            run,
        } = graph;
        plan::check(&plan)?;
        let RunOptions {
            deadline,
            token,
            seed,
            clock,
            held,
            observers,
            watchers,
            name,
        } = run;
        let clock = match (clock, seed) {
            (Some(clock), _) => Clock::Manual(clock),
            (None, Some(_)) => Clock::Seeded(ManualClock::new()),
            (None, None) => Clock::Machine,
        };
        for watcher in &watchers {
            watcher.ready()?;
        }
        let names = plan::stage_names(&plan);
        for (edge, any) in plan.edges.iter().zip(&edges) {
            open(&plan, edge, &**any);
        }
        let looked_at = !(observers.is_empty() && watchers.is_empty());
        let mut workers = Vec::new();
        let mut counts = Vec::new();
        for (stage, node) in plan.nodes.iter().enumerate() {
            let group = node.group.clone();
            let next = match node.end {
                End::Edge(edge) => plan.nodes[plan.edges[edge].to].group.clone(),
                _ => group.clone(),
            };
            let branches: Vec<Group> = match node.end {
                End::Fork(_) => plan
                    .edges_from(stage)
                    .map(|(_, edge)| plan.nodes[edge.to].group.clone())
                    .collect(),
                _ => Vec::new(),
            };
            let of = group.workers();
            let source = plan.edges_into(stage).next().is_none();
            let measure = Arc::new(Measure::new(looked_at));
            counts.push((0..of).map(|_| Arc::new(Counts::of(&measure))).collect());
            workers.extend((0..of).map(|index| Seat {
                stage,
                name: names[stage].clone(),
                index,
                of,
                source,
                tickets: group.tickets,
                group: group.clone(),
                next: next.clone(),
                branches: branches.clone(),
            }));
        }
        // A deadline that the clock cannot express never passes.
        let until = deadline.and_then(|after| Instant::now().checked_add(after));
        let lost = Lost::default();
        let scene = Scene {
            fills: edges.iter().map(|edge| edge.fills()).collect(),
            names,
            workers: counts,
            plan: Arc::new(plan),
            number: next_number(),
            name,
            seeded: seed.is_some(),
            lost: lost.clone(),
            settles: OnceLock::new(),
        };
        let shared = Shared::new(token, until, seed.is_some(), clock, scene);
        if held {
            shared.hold();
        }
        Ok(Prepared {
            stages,
            edges,
            workers,
            shared,
            afters,
            seed,
            watchers: Arc::new(Watchers::new(watchers, lost)),
            observers,
        })
    }

    /// Shows the run to all who look at it: from here on it will end. One that is refused, or never started, is shown to nobody, who
    /// would wait for its end for good.
    fn begin(&self) {
        for observer in &self.observers {
            observer.looks_at(&self.shared);
        }
        self.watchers.begin(&self.shared);
    }

    /// Refuses a held run where the caller waits for its end and so cannot let it go.
    fn refuse_held(&self) -> Result<(), Error> {
        if !self.shared.is_held() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Plan,
            "a flow that is `held` begins when somebody calls `forward`, which nobody can while this method waits for \
             its end: leave `held` out, or end the flow with `start`, `serve`, `serve_to_all` or `into_iter`",
        ))
    }

    /// Runs to the end on scoped threads (or on this one, if seeded), then gives the report.
    pub(crate) fn run(self) -> Result<Report, Error> {
        self.refuse_held()?;
        self.begin();
        match self.seed {
            Some(seed) => seeded::drive(&self, seed, false),
            None => std::thread::scope(|scope| threads::spawn_scoped(&self, scope)),
        }
        outcome(&self.shared, &self.afters, &self.watchers)
    }

    /// Runs on scoped threads while `during` uses what comes out of it.
    pub(crate) fn run_with<R>(self, during: impl FnOnce() -> R) -> Result<R, Error> {
        self.refuse_held()?;
        self.begin();
        let over = OverOnDrop(&self.shared);
        let made = std::thread::scope(|scope| {
            threads::spawn_scoped(&self, scope);
            // If `during` panics, the threads must still end before the scope can.
            let halt = HaltOnDrop(&self);
            let made = during();
            drop(halt);
            made
        });
        // Its end is noted below, behind what is left to do.
        std::mem::forget(over);
        outcome(&self.shared, &self.afters, &self.watchers).map(|_| made)
    }

    /// Lets go of every channel end that no worker took.
    pub(crate) fn abandon(&self) {
        for stage in &self.stages {
            stage.abandon();
        }
        for edge in &self.edges {
            edge.abandon();
        }
    }
}

/// Ends a run that nobody looks at any more.
struct HaltOnDrop<'p, 'env>(&'p Prepared<'env>);

impl Drop for HaltOnDrop<'_, '_> {
    fn drop(&mut self) {
        self.0.shared.halt();
    }
}

/// Notes that a run is over whose caller panicked while it used the items.
struct OverOnDrop<'p>(&'p Shared);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl Prepared<'static> {
    /// Starts threads of their own that outlive this call.
    pub(crate) fn launch(self) -> Launched {
        self.begin();
        let run = Arc::new(self);
        let threads = threads::spawn(&run);
        Launched {
            shared: run.shared.clone(),
            watchers: run.watchers.clone(),
            // Not the run itself: what its stages own is to go with the last worker.
            afters: run.afters.clone(),
            threads,
        }
    }
}

/// A run on threads of its own.
pub(crate) struct Launched {
    pub(crate) shared: Arc<Shared>,
    afters: Afters<'static>,
    watchers: Arc<Watchers>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Launched {
    /// Waits for all threads, then gives the report or the failure.
    pub(crate) fn join(&mut self) -> Result<Report, Error> {
        for thread in self.threads.drain(..) {
            // A worker's panic is caught and recorded on its thread; a panic here came from dropping a payload.
            let _ = thread.join();
        }
        let afters = std::mem::take(&mut self.afters);
        outcome(&self.shared, &afters, &self.watchers)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.threads.iter().all(|thread| thread.is_finished())
    }
}

/// What came of a run whose workers have all ended, when all that is to be done after them is done.
fn outcome(
    shared: &Shared,
    afters: &[Arc<dyn After + '_>],
    watchers: &Watchers,
) -> Result<Report, Error> {
    let _ = shared.scene.settles.set(shared.age());
    let failure = settle(shared, afters);
    shared.ended();
    let report = shared.report();
    match failure {
        Some(error) => {
            let error = error.with_report(report);
            watchers.end(Err(&error));
            Err(error)
        }
        None => {
            if shared.is_short() {
                watchers.end(Err(&unwanted()));
            } else {
                watchers.end(Ok(()));
            }
            Ok(report)
        }
    }
}

fn open(plan: &Plan, edge: &plan::Edge, any: &dyn AnyEdge) {
    let producers = edge
        .from
        .iter()
        .map(|&s| plan.nodes[s].group.workers())
        .sum();
    let group = &plan.nodes[edge.to].group;
    let consumers = group.workers();
    let (channels, capacity) = match edge.routing {
        Routing::Shared => (1, consumers * group.buffer),
        Routing::Hash | Routing::Function => (consumers, group.buffer),
    };
    any.open(producers, consumers, channels, capacity);
}

/// The error of a thread that could not be started.
pub(crate) fn cannot_spawn(name: &str, error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Spawn,
        format!(
            "cannot start the thread {name}: {error}; ask for fewer with `stages(n)`, or raise the system's limit"
        ),
    )
    .because(Box::new(error))
}
