//! The plan of a flow: what will run, as plain data, before anything runs.
//!
//! The builder adds a node for each stage it closes and an edge for each boundary, in build order; nothing here
//! depends on the order of a hash map. Every number in an [`Edge`] or an [`End`] is that of a node or an edge of
//! the same plan. Pure functions check a plan, explain it and draw it; the runner reads the workers, capacities
//! and names from it.

mod bound;
mod check;
mod explain;
mod figures;
mod inputs;
mod names;
mod order;
mod render;
#[cfg(test)]
pub(crate) mod samples;
mod words;

use std::borrow::Cow;
use std::fmt;

use crate::options::Group;

pub(crate) use check::check;
pub(crate) use explain::routing;
pub(crate) use figures::{Figures, HOT, Link};
pub(crate) use names::stage_names;
pub(crate) use render::{dot, mermaid, results};
#[cfg(feature = "dashboard")]
pub(crate) use render::{json_array, json_text};
pub(crate) use words::{batches, bytes, count, items, list, number, threads};

/// The stages and edges of a flow, in build order.
///
/// It says what will run before anything runs: the stages with their threads and steps, the edges between them,
/// and how many items can be under way at once. It is a description only; changing a flow means building another.
///
/// # Examples
/// ```
/// use millstream::Flow;
///
/// let flow = Flow::from_range(0..1_000_u64)
///     .name("numbers")
///     .stages(2)
///     .partition()
///     .name("unique")
///     .stages(3);
/// let plan = flow.plan();
/// assert_eq!(plan.threads(), 5);
/// assert!(plan.explain().contains("edge from `numbers` to `unique`"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
}

/// One stage: a set of workers that run the same chain.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// What the stage takes its items from, and its steps, in words: `lines`, `map`, `count_by`.
    pub(crate) steps: Vec<&'static str>,
    pub(crate) group: Group,
    /// Where what the stage emits goes.
    pub(crate) end: End,
    /// What the stage keeps besides batches, in words and bytes for `explain`: "the collected items, each 8 bytes".
    pub(crate) keeps: Vec<Cow<'static, str>>,
}

/// Where a stage's items go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Over the edge with this number.
    Edge(usize),
    /// Over all edges that say they come from the stage, as this method decides.
    Fork(&'static str),
    /// Into the result of the flow, by this method.
    Result(&'static str),
    /// To stages that have subscribed, as they ask, by this method.
    Stages(&'static str),
    /// To the thread that called, over a bounded channel of this many batches.
    Caller {
        /// Batches in the channel.
        buffer: usize,
    },
}

/// How items find the consumer they go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Routing {
    /// By the hash of the item or of its key: equal keys meet.
    Hash,
    /// By the user's function.
    Function,
    /// To whichever worker is free, from one shared queue.
    Shared,
}

/// A boundary: the producers' stages, the consumers' stage, and how items are routed.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// Several where flows merge.
    pub(crate) from: Vec<usize>,
    /// The stage that takes from this edge; its group has the edge's batch and buffer.
    pub(crate) to: usize,
    pub(crate) routing: Routing,
    /// Bytes of an item as it lies in a batch, without what it owns elsewhere.
    pub(crate) item_bytes: usize,
}

impl Plan {
    /// The plan as text for people: stages with threads and steps, edges, and the most items that can be in flight.
    ///
    /// The bound is printed where it arises, as a formula with its numbers, and as a total in the last line.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..1_000_u64).stages(2).map(|n| n / 7).count_by(|n| *n).stages(2);
    /// let text = flow.plan().explain();
    /// assert!(text.lines().last().unwrap().starts_with("items in flight: at most "));
    /// ```
    pub fn explain(&self) -> String {
        explain::explain(self)
    }

    /// The plan as a Mermaid flowchart, which many Markdown viewers draw.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..1_000_u64).shuffle();
    /// assert!(flow.plan().to_mermaid().starts_with("flowchart LR\n"));
    /// ```
    pub fn to_mermaid(&self) -> String {
        render::mermaid(self, &Figures::default())
    }

    /// The plan in DOT, the language of Graphviz.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..1_000_u64).shuffle();
    /// assert!(flow.plan().to_dot().starts_with("digraph flow {\n"));
    /// ```
    pub fn to_dot(&self) -> String {
        render::dot(self, &Figures::default())
    }

    /// The plan as one line of JSON, for programs.
    ///
    /// An object with `stages` and `edges` (both in build order, each with its `id`), `threads` and
    /// `most_in_flight`. Times are in microseconds.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..1_000_u64).name("numbers").stages(2);
    /// assert!(flow.plan().to_json().contains(r#""name":"numbers","workers":2"#));
    /// ```
    pub fn to_json(&self) -> String {
        render::json(self)
    }

    /// The most items that can be between a source and a result at once, besides what the stages keep.
    ///
    /// It is the sum of what the sources' chunks, the channels, the half-full batches and the batches being
    /// worked on can hold; a sum too large for 64 bits gives `u64::MAX`. [`explain`](Plan::explain) shows how it
    /// comes about.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let wide = Flow::from_range(0..1_000_u64).stages(1).shuffle().stages(2).batch(100);
    /// let tight = Flow::from_range(0..1_000_u64).stages(1).shuffle().stages(2).batch(5).buffer(1);
    /// assert!(tight.plan().most_in_flight() < wide.plan().most_in_flight());
    /// ```
    pub fn most_in_flight(&self) -> u64 {
        bound::most_in_flight(self)
    }

    /// The threads a run of the flow starts: the workers of all stages.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..1_000_u64).stages(1).shuffle().stages(4);
    /// assert_eq!(flow.plan().threads(), 5);
    /// ```
    pub fn threads(&self) -> usize {
        self.nodes
            .iter()
            .fold(0, |sum, node| node.group.workers().saturating_add(sum))
    }

    /// The edges that a stage takes from; none if a source is fused into it.
    pub(crate) fn edges_into(&self, stage: usize) -> impl Iterator<Item = (usize, &Edge)> {
        self.edges
            .iter()
            .enumerate()
            .filter(move |(_, edge)| edge.to == stage)
    }

    /// The edges that a stage sends over.
    pub(crate) fn edges_from(&self, stage: usize) -> impl Iterator<Item = (usize, &Edge)> {
        let edges = self.edges.iter().enumerate();
        edges.filter(move |(_, edge)| edge.from.contains(&stage))
    }

    /// The edges over which nobody sends.
    pub(crate) fn edges_without_producers(&self) -> impl Iterator<Item = (usize, &Edge)> {
        let edges = self.edges.iter().enumerate();
        edges.filter(|(_, edge)| edge.from.is_empty())
    }

    /// Items in a batch of an edge, at most.
    pub(crate) fn batch(&self, edge: &Edge) -> usize {
        self.nodes[edge.to].group.items(edge.item_bytes)
    }

    /// Workers that send over an edge.
    pub(crate) fn senders(&self, edge: &Edge) -> usize {
        edge.from.iter().fold(0, |sum, &stage| {
            self.nodes[stage].group.workers().saturating_add(sum)
        })
    }
}

impl fmt::Display for Plan {
    /// What [`Plan::explain`] gives.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.explain())
    }
}
