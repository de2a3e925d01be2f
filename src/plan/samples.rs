//! Small plans made by hand for the unit tests of this folder. They never depend on the number of cores.

use super::{Edge, End, Node, Plan, Routing};
use crate::options::Group;

fn node(steps: &[&'static str], stages: usize, end: End) -> Node {
    Node {
        steps: steps.to_vec(),
        group: Group {
            stages: Some(stages),
            ..Group::default()
        },
        end,
        keeps: Vec::new(),
    }
}

/// Lines, cut in words, counted: two stages of two workers, and a hash boundary of 32-byte entries.
pub(crate) fn word_count() -> Plan {
    let mut count = node(&["count_by"], 2, End::Result("collect"));
    count.keeps = vec!["distinct keys".into()];
    Plan {
        nodes: vec![node(&["lines", "flat_map"], 2, End::Edge(0)), count],
        edges: vec![Edge {
            from: vec![0],
            to: 1,
            routing: Routing::Hash,
            item_bytes: 32,
        }],
    }
}

/// Two sources of one and two workers, merged into four workers that a caller iterates over; ten items a batch.
pub(crate) fn merge() -> Plan {
    let mut merged = node(&["merge", "map", "filter"], 4, End::Caller { buffer: 3 });
    merged.group.batch = 10;
    merged.group.ordered = true;
    Plan {
        nodes: vec![
            node(&["iter"], 1, End::Edge(0)),
            node(&["receiver"], 2, End::Edge(0)),
            merged,
        ],
        edges: vec![Edge {
            from: vec![0, 1],
            to: 2,
            routing: Routing::Shared,
            item_bytes: 8,
        }],
    }
}

/// Stages `s0`, `s1`, … of one worker in a row, with these boundaries between them.
pub(crate) fn chain(routings: &[Routing]) -> Plan {
    let mut nodes: Vec<Node> = (0..=routings.len())
        .map(|at| node(&["map"], 1, End::Edge(at)))
        .collect();
    for (at, node) in nodes.iter_mut().enumerate() {
        node.group.name = Some(format!("s{at}").into());
    }
    if let Some(last) = nodes.last_mut() {
        last.end = End::Result("collect");
    }
    let edges = routings.iter().enumerate().map(|(at, &routing)| Edge {
        from: vec![at],
        to: at + 1,
        routing,
        item_bytes: 8,
    });
    Plan {
        nodes,
        edges: edges.collect(),
    }
}
