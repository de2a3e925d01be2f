//! Where order that `ordered` asked for would be lost.
//!
//! The builder carries order over shared queues; routing by a key or a function ends it.

use super::{Edge, Plan, Routing};

/// The edges where order that was asked for, and that no step has used, ends; each with the stage in front of it.
pub(crate) fn order_lost(plan: &Plan) -> impl Iterator<Item = (usize, &Edge)> {
    plan.edges
        .iter()
        .filter(|edge| edge.routing != Routing::Shared)
        .filter_map(|edge| {
            let asked = edge.from.iter().find(|&&stage| {
                let group = &plan.nodes[stage].group;
                group.ordered && !group.order_used
            })?;
            Some((*asked, edge))
        })
}

#[cfg(test)]
mod tests {
    use super::super::samples::chain;
    use super::*;

    #[test]
    fn order_ends_at_a_hash_boundary_unless_it_was_used() {
        let mut plan = chain(&[Routing::Shared, Routing::Hash]);
        assert_eq!(order_lost(&plan).count(), 0);
        plan.nodes[0].group.ordered = true;
        assert_eq!(order_lost(&plan).count(), 0, "a shared queue keeps it");
        plan.nodes[1].group.ordered = true;
        let lost: Vec<_> = order_lost(&plan).map(|(asked, e)| (asked, e.to)).collect();
        assert_eq!(lost, [(1, 2)]);
        plan.nodes[1].group.order_used = true;
        assert_eq!(order_lost(&plan).count(), 0);
    }
}
