//! The open chain of a flow: how a step extends it, how it is closed into a stage, and how a boundary begins the next.
//!
//! Every stage of the plan is made here, with its edges: nodes and closed stages have the same numbers.

use std::sync::Arc;

use super::{Flow, keeps};
use crate::edge::Edge;
use crate::error::Error;
use crate::options::Group;
use crate::output::Sink;
use crate::plan::{self, End, Node, Routing};
use crate::run::{Closed, Graph, Prepared, Report};
use crate::step::Pipe;

/// What a boundary needs to know to be added to the plan.
pub(crate) struct Crossing {
    /// The first step of the stage behind it, in words.
    pub(crate) kind: &'static str,
    pub(crate) routing: Routing,
    pub(crate) item_bytes: usize,
    /// What the stage behind it keeps in memory, in words.
    pub(crate) keeps: Option<keeps::Keep>,
    /// The default of its `buffer`, if it differs.
    pub(crate) buffer: Option<usize>,
    /// The default of its `batch`, if it differs.
    pub(crate) batch: Option<usize>,
}

impl<'env, P> Flow<'env, P> {
    /// The same flow with one more step on its chain.
    pub(crate) fn step<Q>(mut self, kind: &'static str, add: impl FnOnce(P) -> Q) -> Flow<'env, Q> {
        self.steps.push(kind);
        self.under(add)
    }

    /// The same flow with its chain wrapped, under the name of the step before.
    pub(crate) fn under<Q>(self, add: impl FnOnce(P) -> Q) -> Flow<'env, Q> {
        Flow {
            graph: self.graph,
            pipe: add(self.pipe),
            group: self.group,
            steps: self.steps,
            keeps: self.keeps,
            inputs: self.inputs,
        }
    }
}

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// A flow over a source that is fused into its first stage.
    pub(crate) fn from_pipe(kind: &'static str, pipe: P) -> Self {
        Flow {
            graph: Graph::default(),
            pipe,
            group: Group::default(),
            steps: vec![kind],
            keeps: Vec::new(),
            inputs: Vec::new(),
        }
    }

    /// Closes the chain into a stage with this end.
    pub(crate) fn close<S>(self, end: End, sink: S) -> Graph<'env>
    where
        S: Sink<P::Item> + 'env,
    {
        let mut graph = self.graph;
        let here = graph.plan.nodes.len();
        for edge in self.inputs {
            graph.plan.edges[edge].to = here;
        }
        graph.plan.nodes.push(Node {
            steps: self.steps,
            group: self.group,
            end,
            keeps: self.keeps,
        });
        graph.stages.push(Arc::new(Closed {
            pipe: self.pipe,
            sink,
        }));
        graph
    }

    /// Closes the chain over an edge and starts a new one behind it.
    pub(crate) fn cross<S, M, Q>(
        self,
        sink: S,
        edge: Arc<Edge<M>>,
        crossing: Crossing,
        pipe: Q,
    ) -> Flow<'env, Q>
    where
        S: Sink<P::Item> + 'env,
        M: Send + 'env,
        Q: Pipe + 'env,
    {
        let number = self.graph.edges.len();
        let from = self.graph.plan.nodes.len();
        let mut group = Group::default();
        group.buffer = crossing.buffer.unwrap_or(group.buffer);
        group.batch = crossing.batch.unwrap_or(group.batch);
        if crossing.routing == Routing::Shared {
            group.ordered = self.group.ordered;
            group.order_used = self.group.order_used;
            group.tickets = self.group.ordered;
        }
        let mut graph = self.close(End::Edge(number), sink);
        graph.edges.push(edge);
        graph.plan.edges.push(plan::Edge {
            from: vec![from],
            // Set when the stage behind is closed.
            to: from + 1,
            routing: crossing.routing,
            item_bytes: crossing.item_bytes,
        });
        Flow {
            graph,
            pipe,
            group,
            steps: vec![crossing.kind],
            keeps: crossing.keeps.into_iter().collect(),
            inputs: vec![number],
        }
    }

    /// Closes the last stage and runs the graph to its end.
    pub(crate) fn finish<S>(self, method: &'static str, sink: S) -> Result<Report, Error>
    where
        S: Sink<P::Item> + 'env,
    {
        Prepared::new(self.close(End::Result(method), sink))?.run()
    }
}
