//! Reports made by hand, for the unit tests of this folder.

use std::sync::Arc;
use std::time::Duration;

use crate::plan::{End, Plan};
use crate::run::{EdgeReport, Report, StageReport, WorkerReport};

/// What a worker of a run of one second did: the rest of the second it waited for input.
pub(super) fn worker(items: u64, busy: u64, blocked: u64) -> WorkerReport {
    WorkerReport {
        items_in: items,
        items_out: items,
        batches_in: items.div_ceil(1000),
        batches_out: items.div_ceil(1000),
        busy: Duration::from_millis(busy),
        waiting_output: Duration::from_millis(blocked),
        waiting_input: Duration::from_millis(1000_u64.saturating_sub(busy + blocked)),
        ..WorkerReport::default()
    }
}

/// A report of a run of one second; each stage has a name and its workers.
pub(super) fn report(mut plan: Plan, stages: &[(&str, &[WorkerReport])]) -> Report {
    for (node, (name, workers)) in plan.nodes.iter_mut().zip(stages) {
        node.group.name = Some((*name).into());
        node.group.stages = Some(workers.len());
    }
    let edges = plan.edges.iter().map(|edge| EdgeReport {
        from: edge.from.clone(),
        to: edge.to,
        capacity: 8,
        fill: 1,
        high_water: 6,
        ..EdgeReport::default()
    });
    Report {
        edges: edges.collect(),
        stages: stages
            .iter()
            .map(|(name, workers)| StageReport {
                input: None,
                name: (*name).to_owned(),
                workers: workers.to_vec(),
            })
            .collect(),
        elapsed: Duration::from_secs(1),
        plan: Arc::new(plan),
        ..Report::default()
    }
}

/// The same plan whose last stage gives to the thread that calls.
pub(super) fn taken(mut plan: Plan) -> Plan {
    if let Some(last) = plan.nodes.last_mut() {
        last.end = End::Caller { buffer: 4 };
    }
    plan
}
