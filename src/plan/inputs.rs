//! Stages with several input edges: what their inputs must be, lest the run stand still or pairs be any two.
//!
//! Such a stage wants one input before another, so one edge may stay full for as long as the other gives nothing. If
//! its inputs hang together elsewhere, what fills the one may be what the other waits for.

use super::{Edge, Plan};

/// The step of the stage that pairs its inputs.
const PAIRS: &str = "zip";

/// The steps of stages that take from both inputs as they come, and one that makes them wait for a side.
const JOINS: [&str; 4] = ["inner_join", "left_join", "right_join", "full_join"];
const BUILD: &str = "build";

/// What is wrong with the inputs of a stage: the stage, and the complaint.
pub(crate) fn complaint(plan: &Plan) -> Option<(usize, String)> {
    if let Some((_, edge)) = plan.edges_without_producers().next() {
        return Some((
            edge.to,
            "its input is a branch that was carried out of the closure it was given to: return it from there, so that \
             it runs with the flow it belongs to"
                .to_owned(),
        ));
    }
    (0..plan.nodes.len()).find_map(|stage| {
        let inputs: Vec<&Edge> = plan.edges_into(stage).map(|(_, edge)| edge).collect();
        if inputs.len() < 2 {
            return None;
        }
        let steps = &plan.nodes[stage].steps;
        let kind = steps.first().copied().unwrap_or_default();
        if JOINS.contains(&kind) && !steps.contains(&BUILD) {
            return None;
        }
        if hang_together(plan, stage, &inputs) {
            return Some((
                stage,
                format!(
                    "`{kind}` takes one input before the other, and both come from one stage, which would wait for \
                     room in the one while the other waits for it: `merge` them, or read the source twice"
                ),
            ));
        }
        let all_ordered = inputs.iter().all(|edge| {
            let mut producers = edge.from.iter().map(|&stage| &plan.nodes[stage].group);
            producers.all(|group| group.ordered)
        });
        (kind == PAIRS && !all_ordered).then(|| {
            let why = "`zip` pairs items by their order, and at least one of its flows has none: put `ordered()` \
                       at the end of both, or join them by a key";
            (stage, why.to_owned())
        })
    })
}

/// Whether two inputs of a stage are connected without it, whichever way the edges point.
fn hang_together(plan: &Plan, stage: usize, inputs: &[&Edge]) -> bool {
    // Each stage points to one it is connected with, in the end to one that stands for all of them.
    let mut group: Vec<usize> = (0..plan.nodes.len()).collect();
    fn leader(group: &[usize], mut stage: usize) -> usize {
        while group[stage] != stage {
            stage = group[stage];
        }
        stage
    }
    for edge in &plan.edges {
        let mut ends = edge.from.iter().copied().chain([edge.to]);
        let Some(first) = ends.find(|&end| end != stage) else {
            continue;
        };
        for end in ends.filter(|&end| end != stage) {
            let (a, b) = (leader(&group, first), leader(&group, end));
            group[a] = b;
        }
    }
    let mut seen = Vec::new();
    inputs.iter().any(|edge| {
        let mut here: Vec<usize> = edge.from.iter().map(|&s| leader(&group, s)).collect();
        let met = here.iter().any(|leader| seen.contains(leader));
        seen.append(&mut here);
        met
    })
}

#[cfg(test)]
mod tests {
    use super::super::Routing;
    use super::super::samples::chain;
    use super::*;

    /// Stages of which the last takes from two edges, over these producers.
    fn two_inputs(kind: &'static str, edges: &[(&[usize], usize)]) -> Plan {
        let mut plan = chain(&[Routing::Shared; 5]);
        plan.edges = edges
            .iter()
            .map(|(from, to)| Edge {
                from: from.to_vec(),
                to: *to,
                routing: Routing::Shared,
                item_bytes: 8,
            })
            .collect();
        plan.nodes[5].steps = vec![kind];
        plan
    }

    #[test]
    fn inputs_of_their_own_are_good() {
        let plan = two_inputs("concat", &[(&[0], 1), (&[1], 5), (&[2, 3], 5)]);
        assert_eq!(complaint(&plan), None);
    }

    #[test]
    fn a_common_stage_is_refused_however_far_away() {
        let mut plan = two_inputs("inner_join", &[(&[0], 1), (&[0], 2), (&[1], 5), (&[2], 5)]);
        assert_eq!(complaint(&plan), None);
        plan.nodes[5].steps.push(BUILD);
        assert!(complaint(&plan).is_some_and(|(stage, _)| stage == 5));
        let plan = two_inputs("concat", &[(&[0], 1), (&[0], 2), (&[1], 5), (&[2], 5)]);
        assert_eq!(complaint(&plan).map(|(stage, _)| stage), Some(5));
        let mut plan = two_inputs("concat", &[(&[0], 5), (&[1], 5), (&[0], 3), (&[1], 3)]);
        plan.nodes[3].steps = vec!["concat"];
        let (_, text) = complaint(&plan).expect("two flows that meet elsewhere");
        assert!(
            text.starts_with("`concat` takes one input before"),
            "{text}"
        );
    }

    #[test]
    fn pairs_need_order_on_both_sides() {
        let mut plan = two_inputs("zip", &[(&[0], 5), (&[1], 5)]);
        plan.nodes[0].group.ordered = true;
        let (_, text) = complaint(&plan).expect("only one is ordered");
        assert!(text.contains("put `ordered()`"), "{text}");
        plan.nodes[1].group.ordered = true;
        assert_eq!(complaint(&plan), None);
    }

    #[test]
    fn an_edge_that_nobody_feeds_is_refused() {
        let plan = two_inputs("map", &[(&[], 5)]);
        let (_, text) = complaint(&plan).expect("a stray branch");
        assert!(text.contains("return it from there"), "{text}");
    }
}
