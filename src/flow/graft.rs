//! Joining two graphs: flows that meet in one edge, in one stage, or that begin at the same fork.
//!
//! An edge that both graphs know is told by its address, and becomes one: the producers of both send over it.

use std::sync::Arc;

use super::Flow;
use crate::edge::AnyEdge;
use crate::plan::End;
use crate::run::Graph;

/// Makes the edges that an open chain of another flow takes from inputs of this one as well.
pub(super) fn take_from_both<'env, P, Q>(ours: &mut Flow<'env, P>, theirs: Flow<'env, Q>) -> Q {
    let numbers = graft(&mut ours.graph, theirs.graph);
    let inputs = theirs.inputs.into_iter().map(|edge| numbers[edge]);
    ours.inputs.extend(inputs);
    theirs.pipe
}

/// Adds the stages and edges of another graph to this one; returns the numbers that its edges have here.
///
/// Options of a run that both set are those of this graph.
pub(super) fn graft<'env>(ours: &mut Graph<'env>, theirs: Graph<'env>) -> Vec<usize> {
    let nodes = ours.plan.nodes.len();
    let mut numbers = Vec::with_capacity(theirs.edges.len());
    for (edge, mut planned) in theirs.edges.into_iter().zip(theirs.plan.edges) {
        planned.from.iter_mut().for_each(|stage| *stage += nodes);
        planned.to += nodes;
        match number_of(ours, &*edge) {
            Some(number) => {
                let known = &mut ours.plan.edges[number];
                known.from.append(&mut planned.from);
                known.to = planned.to;
                numbers.push(number);
            }
            None => {
                numbers.push(ours.edges.len());
                ours.edges.push(edge);
                ours.plan.edges.push(planned);
            }
        }
    }
    for mut node in theirs.plan.nodes {
        if let End::Edge(edge) = &mut node.end {
            *edge = numbers[*edge];
        }
        ours.plan.nodes.push(node);
    }
    ours.stages.extend(theirs.stages);
    ours.afters.extend(theirs.afters);
    let run = &mut ours.run;
    run.deadline = run.deadline.or(theirs.run.deadline);
    run.clock = run.clock.take().or(theirs.run.clock);
    run.token = run.token.take().or(theirs.run.token);
    run.seed = run.seed.or(theirs.run.seed);
    run.held |= theirs.run.held;
    run.observers.extend(theirs.run.observers);
    run.watchers.extend(theirs.run.watchers);
    run.name = run.name.take().or(theirs.run.name);
    numbers
}

/// The number of an edge in a graph, if it is there.
pub(super) fn number_of<'env>(graph: &Graph<'env>, edge: &(dyn AnyEdge + 'env)) -> Option<usize> {
    graph
        .edges
        .iter()
        .position(|known| std::ptr::addr_eq(Arc::as_ptr(known), edge))
}
