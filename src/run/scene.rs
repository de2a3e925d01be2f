//! What a run is made of, for those who look at it: names, counters and fills, and the report that is made of them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::counts::{Counts, Fill};
use super::report::{EdgeReport, Report, StageReport};
use super::size::size_of_input;
use super::watch::Lost;
use crate::plan::{Plan, Routing};

/// What a run is made of, with the counters of its workers and the fill of its channels.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    /// Which run of the process it is, and what the flow is called.
    pub(crate) number: u64,
    pub(crate) name: Option<Arc<str>>,
    /// Whether one thread drives all workers.
    pub(crate) seeded: bool,
    /// Those who looked at the run and panicked.
    pub(crate) lost: Lost,
    pub(crate) plan: Arc<Plan>,
    pub(crate) names: Vec<Arc<str>>,
    /// By stage.
    pub(crate) workers: Vec<Vec<Arc<Counts>>>,
    /// By edge.
    pub(crate) fills: Vec<Vec<Arc<Fill>>>,
    /// When what is to be done after all workers was begun.
    pub(super) settles: OnceLock<Duration>,
}

impl Scene {
    /// How long the run has taken, if it is so old: from its start to the end of its last worker, and what is done then. The time until
    /// somebody comes to wait for its end is none of it.
    pub(super) fn took(&self, age: Duration) -> Duration {
        let workers = self.workers.iter().flatten();
        let ends: Option<Vec<Duration>> = workers.map(|counts| counts.ended_at()).collect();
        let last = ends.and_then(|ends| ends.into_iter().max());
        match (last, self.settles.get()) {
            (None, _) => age,
            (Some(last), None) => last,
            (Some(last), Some(settles)) => last + age.saturating_sub(*settles),
        }
    }

    /// What has been done until now, the time since the start of the run.
    pub(super) fn report(&self, now: Duration) -> Report {
        let stages = self.names.iter().zip(&self.workers);
        let edges = self.plan.edges.iter().zip(&self.fills);
        Report {
            plan: self.plan.clone(),
            stages: stages
                .map(|(name, counts)| {
                    let workers: Vec<_> = counts.iter().map(|counts| counts.report(now)).collect();
                    StageReport {
                        name: name.to_string(),
                        input: size_of_input(counts, &workers),
                        workers,
                    }
                })
                .collect(),
            edges: edges
                .map(|(edge, fills)| {
                    let group = &self.plan.nodes[edge.to].group;
                    let sum = |of: fn(&Fill) -> u64| fills.iter().map(|fill| of(fill)).sum();
                    EdgeReport {
                        from: edge.from.clone(),
                        to: edge.to,
                        capacity: match edge.routing {
                            Routing::Hash | Routing::Function | Routing::Shared => {
                                (group.workers() * group.buffer) as u64
                            }
                        },
                        fill: sum(Fill::now),
                        high_water: sum(Fill::most),
                        ..EdgeReport::default()
                    }
                })
                .collect(),
            elapsed: now,
            timeline: None,
            seeded: self.seeded,
            lost: self.lost.count(),
        }
    }
}
