//! Stages that are looked at together: those that work on one thing, subscribed to each other.
//!
//! A graph keeps what the stages share with their references: counters and names, not the stages. Its members are in the order in which
//! they came; a restart takes the place of the one before, so that a picture of it stays as it is.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::gauges::Link;
use super::kind::Kind;
use super::message::Shared;
use super::reference::StageRef;
use crate::run::{EdgeReport, EdgeUnit, Report, StageReport, WorkerReport, lock, next_number};

/// How many stages that have ended keep a place of their own.
const ENDED: usize = 64;

/// Stages that are looked at together, in numbers ([`report`](Graph::report)) or on a page
/// (`Dashboard::show_stages`, feature `dashboard`). Clones are the same graph.
///
/// [`Builder::graph`](super::Builder::graph) puts a stage into it as it starts, and [`add`](Graph::add) one that runs. The edges are the
/// subscriptions between them, as they are made and end. A stage that is started again under the name of one that has ended takes its place; once 64
/// others have ended, any new stage takes the place of one of them.
///
/// It does not own the stages: they neither live longer for it nor end with it.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Graph, Subscription};
///
/// let graph = Graph::new("sum");
/// let numbers = stage::from_iter(1..=100u64).name("numbers").graph(&graph).start()?;
/// let sum = stage::for_each(|n: u64| assert!(n <= 100));
/// let sum = sum.name("sum").graph(&graph).subscribe_to(&numbers, Subscription::new().max_demand(10)).start()?;
/// sum.join()?;
///
/// let report = graph.report();
/// assert_eq!(report.stages()[1].items_in(), 100);
/// assert_eq!((report.edges()[0].from[0], report.edges()[0].to), (0, 1));
/// assert!(report.edges()[0].high_water <= 10);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone)]
pub struct Graph(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    number: u64,
    born: Instant,
    members: Mutex<Vec<Arc<Shared>>>,
}

impl Graph {
    /// A graph without stages.
    pub fn new(name: impl Into<String>) -> Self {
        Graph(Arc::new(Inner {
            name: name.into().into(),
            number: next_number(),
            born: Instant::now(),
            members: Mutex::default(),
        }))
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Looks at a stage from now on; one that is in it already stays where it is.
    pub fn add<K: Kind>(&self, stage: &StageRef<K>) {
        let new = &stage.mailbox.shared;
        let mut members = lock(&self.0.members);
        if members.iter().any(|member| member.id == new.id) {
            return;
        }
        let over = |member: &Arc<Shared>| member.ended.get().is_some();
        let restarted = members
            .iter()
            .position(|old| over(old) && old.name == new.name);
        let ended = members.iter().filter(|member| over(member)).count();
        let place = restarted.or_else(|| match ended >= ENDED {
            true => members.iter().position(over),
            false => None,
        });
        match place {
            Some(place) => members[place] = new.clone(),
            None => members.push(new.clone()),
        }
    }

    /// Whether one of its stages runs.
    pub fn is_running(&self) -> bool {
        let members = lock(&self.0.members);
        members.iter().any(|member| member.ended.get().is_none())
    }

    /// What its stages have done so far, each as one worker: a producer's items in are none, and what its buffer dropped is `rejected`
    /// by the rule `buffer`. Numbers are as of when each thread wrote them last.
    ///
    /// The fill and the room of an edge are in events: those sent that the consumer has not begun to handle, and its subscription's
    /// `max_demand`. A subscription that is over stays an edge until there is another between the two.
    ///
    /// Stages have no plan: [`Report::plan`] is empty, and with it the pictures that are made of it (`to_mermaid`, `to_dot`);
    /// `explain_analyze` gives the table alone, and `to_html` draws the stages.
    pub fn report(&self) -> Report {
        let members = lock(&self.0.members).clone();
        let stages: Vec<StageReport> = members.iter().map(|member| stage(member)).collect();
        let ends = members.iter().zip(&stages).map(|(member, stage)| {
            let began = member.gauges.born.saturating_duration_since(self.0.born);
            began + stage.workers().iter().map(lived).sum::<Duration>()
        });
        let elapsed = ends.max().unwrap_or_default();
        let edges = members.iter().enumerate().flat_map(|(to, member)| {
            let links = member.gauges.links().into_iter();
            let members = &members;
            links.filter_map(move |link| {
                let from = members.iter().position(|other| other.id == link.producer)?;
                Some(edge(from, to, &link))
            })
        });
        Report {
            edges: edges.collect(),
            stages,
            elapsed: elapsed.min(self.0.born.elapsed()),
            ..Report::default()
        }
    }

    /// A number that no run of the process and no other graph has.
    #[cfg(feature = "dashboard")]
    pub(crate) fn number(&self) -> u64 {
        self.0.number
    }

    /// Whether nothing can happen to it any more: no stage runs, and nobody else has it who could add one.
    #[cfg(feature = "dashboard")]
    pub(crate) fn is_over(&self) -> bool {
        Arc::strong_count(&self.0) == 1 && !self.is_running()
    }

    /// The first of its stages that failed, and how.
    #[cfg(feature = "dashboard")]
    pub(crate) fn failure(&self) -> Option<String> {
        let members = lock(&self.0.members);
        members.iter().find_map(|member| failure(member))
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("name", &self.0.name)
            .field("number", &self.0.number)
            .field("stages", &lock(&self.0.members).len())
            .finish_non_exhaustive()
    }
}

fn stage(member: &Shared) -> StageReport {
    StageReport {
        name: member.name.to_string(),
        workers: vec![member.gauges.report()],
        input: None,
    }
}

/// How long its thread has lived.
fn lived(worker: &WorkerReport) -> Duration {
    worker.busy + worker.waiting_input + worker.waiting_output
}

fn edge(from: usize, to: usize, link: &Link) -> EdgeReport {
    EdgeReport {
        from: vec![from],
        to,
        capacity: link.most,
        fill: link.under_way(),
        high_water: link.high_water(),
        unit: EdgeUnit::Events,
        passed: Some(link.sent()),
    }
}

/// What went wrong with a stage that has ended.
#[cfg(feature = "dashboard")]
fn failure(member: &Shared) -> Option<String> {
    let error = member.ended.get()?.outcome().err()?;
    Some(error.of_stage(&member.name).to_string())
}
