//! The most items that can be in flight: how the engine's buffers add up.
//!
//! Items are in a source's chunk, in a sender's half-full batches, in a channel, or in the batch a worker is on;
//! nowhere else, save for what a stage says it keeps. Each place is a [`Part`]: a product with a formula in
//! words. Sums and products saturate, so that absurd options give an absurd number and not a wrong one.

use super::words::{batches, count, items, threads};
use super::{Edge, End, Plan, Routing};
use crate::options::Neighbours;

/// One place where items can be, and how many at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) place: &'static str,
    /// The factors with their units: `2 threads × 4 batches × 1,024 items`.
    pub(crate) formula: String,
    pub(crate) items: u64,
}

/// A factor of a part: its value, and how it is written.
type Factor = (u64, String);

fn part(place: &'static str, factors: &[Factor]) -> Part {
    let words: Vec<&str> = factors.iter().map(|(_, words)| words.as_str()).collect();
    Part {
        place,
        formula: words.join(" × "),
        items: factors
            .iter()
            .fold(1, |product: u64, (value, _)| product.saturating_mul(*value)),
    }
}

/// A factor that is a number of things.
fn of(n: usize, words: fn(u64) -> String) -> Factor {
    (n as u64, words(n as u64))
}

/// The chunks that the workers of a stage with a source have taken; `None` for a stage that takes from an edge.
pub(crate) fn source(plan: &Plan, stage: usize) -> Option<Part> {
    if plan.edges_into(stage).next().is_some() {
        return None;
    }
    let group = &plan.nodes[stage].group;
    if let Some(beside) = &group.producers {
        return Some(asked(group.workers(), beside));
    }
    // What an item weighs is known only where a batch is made; a chunk is bounded by its items.
    let chunk = of(group.items(0), items);
    Some(part("taken", &[of(group.workers(), threads), chunk]))
}

/// What stages that subscribe to the workers of a last stage have asked for; `None` for other stages.
pub(crate) fn consumers(plan: &Plan, stage: usize) -> Option<Part> {
    let group = &plan.nodes[stage].group;
    let beside = group.consumers.as_ref()?;
    Some(asked(group.workers(), beside))
}

/// What is under way between workers and stages, which is bounded by the demand.
fn asked(workers: usize, beside: &Neighbours) -> Part {
    let sum = |sum: u64, most: &u64| sum.saturating_add(*most);
    let each = beside.stages.iter().map(|(_, most)| most).fold(0, sum);
    let each = (each, count(each, "event", "events"));
    part("asked for", &[of(workers, threads), each])
}

/// What an edge and the workers at its two ends hold.
pub(crate) fn edge(plan: &Plan, edge: &Edge) -> [Part; 3] {
    let group = &plan.nodes[edge.to].group;
    let consumers = group.workers();
    let batch = || of(plan.batch(edge), items);
    // One shared queue has room for as many batches as a queue a consumer would have together.
    let waiting = part(
        "waiting",
        &[of(consumers, threads), of(group.buffer, batches), batch()],
    );
    let (targets, working) = match edge.routing {
        Routing::Hash | Routing::Function => (consumers, of(consumers, threads)),
        // Besides the workers' own pieces, one batch lies open and is being cut into them.
        Routing::Shared => (
            1,
            (
                (consumers as u64).saturating_add(1),
                format!("({} + 1 being shared out)", threads(consumers as u64)),
            ),
        ),
    };
    let open = (
        (targets as u64).saturating_add(1),
        format!(
            "({} + 1 to be sent)",
            count(targets as u64, "target", "targets")
        ),
    );
    [
        waiting,
        part(
            "filling up",
            &[of(plan.senders(edge), threads), open, batch()],
        ),
        part("being worked on", &[working, batch()]),
    ]
}

/// What is between a last stage and the thread that iterates over its items; empty for other stages.
pub(crate) fn caller(plan: &Plan, stage: usize) -> Vec<Part> {
    let node = &plan.nodes[stage];
    let End::Caller { buffer } = node.end else {
        return Vec::new();
    };
    let batch = || of(node.group.items(0), items);
    let open = (2, "(1 filling up + 1 to be sent)".to_owned());
    vec![
        part("waiting", &[of(buffer, batches), batch()]),
        part(
            "filling up",
            &[of(node.group.workers(), threads), open, batch()],
        ),
        part("in the caller's hands", &[of(1, batches), batch()]),
    ]
}

/// The items of some parts together.
pub(crate) fn sum(parts: &[Part]) -> u64 {
    parts
        .iter()
        .fold(0, |sum: u64, part| sum.saturating_add(part.items))
}

/// The most items that can be in flight in a run of the plan.
pub(crate) fn most_in_flight(plan: &Plan) -> u64 {
    let edges = plan.edges.iter().map(|e| sum(&edge(plan, e)));
    let ends = (0..plan.nodes.len()).flat_map(|stage| {
        let taken = source(plan, stage).map_or(0, |part| part.items);
        let asked = consumers(plan, stage).map_or(0, |part| part.items);
        [taken, sum(&caller(plan, stage)), asked]
    });
    edges.chain(ends).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{merge, word_count};
    use super::*;

    fn values(parts: &[Part]) -> Vec<u64> {
        parts.iter().map(|part| part.items).collect()
    }

    #[test]
    fn a_hash_edge_has_a_queue_and_an_open_batch_a_target() {
        let mut plan = word_count();
        plan.nodes[0].group.stages = Some(3);
        let group = &mut plan.nodes[1].group;
        (group.stages, group.buffer, group.batch) = (Some(5), 7, 11);
        for routing in [Routing::Hash, Routing::Function] {
            plan.edges[0].routing = routing;
            let parts = edge(&plan, &plan.edges[0]);
            assert_eq!(
                values(&parts),
                [5 * 7 * 11, 3 * (5 + 1) * 11, 5 * 11],
                "{parts:?}"
            );
        }
        assert_eq!(most_in_flight(&plan), 385 + 198 + 55 + 3 * 1024);
    }

    #[test]
    fn a_shared_edge_has_one_target_and_one_batch_being_cut() {
        let mut plan = word_count();
        plan.edges[0].routing = Routing::Shared;
        plan.nodes[0].group.stages = Some(3);
        let group = &mut plan.nodes[1].group;
        (group.stages, group.buffer, group.batch) = (Some(5), 7, 11);
        let parts = edge(&plan, &plan.edges[0]);
        assert_eq!(values(&parts), [5 * 7 * 11, 3 * (1 + 1) * 11, (5 + 1) * 11]);
        assert_eq!(
            parts[2].formula,
            "(5 threads + 1 being shared out) × 11 items"
        );
    }

    #[test]
    fn bytes_bound_a_batch_and_so_the_sum() {
        let mut plan = word_count();
        plan.edges[0].item_bytes = 1024;
        let parts = edge(&plan, &plan.edges[0]);
        assert_eq!(
            values(&parts),
            [2 * 4 * 64, 2 * 3 * 64, 2 * 64],
            "64 KiB hold 64 items"
        );
    }

    #[test]
    fn the_senders_of_a_merge_are_added_up() {
        let plan = merge();
        let parts = edge(&plan, &plan.edges[0]);
        assert_eq!(parts[1].items, (1 + 2) * 2 * 10);
        assert!(source(&plan, 0).is_some() && source(&plan, 1).is_some());
        assert_eq!(source(&plan, 2), None);
        let in_caller = (3 + 4 * 2 + 1) * 10;
        assert_eq!(sum(&caller(&plan, 2)), in_caller);
        let sources = 1024 + 2 * 1024;
        let on_edge = 4 * 4 * 10 + 60 + 5 * 10;
        assert_eq!(most_in_flight(&plan), sources + on_edge + in_caller);
    }

    #[test]
    fn absurd_options_saturate() {
        let mut plan = word_count();
        plan.nodes[1].group.buffer = usize::MAX;
        assert_eq!(most_in_flight(&plan), u64::MAX);
    }

    #[test]
    fn an_empty_plan_holds_nothing() {
        assert_eq!(most_in_flight(&Plan::default()), 0);
    }
}
