//! One flow into several: `broadcast`, `split`, `route`, and the branches that become a flow again.
//!
//! A branch is written as a closure over a flow of its own, whose graph has nothing in it but the edge from the fork.
//! What the closure returns is joined to the fork's graph once all branches are known.

use std::fmt;
use std::sync::Arc;

use super::Flow;
use super::graft::{graft, number_of};
use crate::edge::{Batch, Edge, Shuffled, Weigher};
use crate::options::Group;
use crate::output::{Branch, ByFunction, Each, Fork, Hand, Ordered, ToAll, ToOne};
use crate::plan::{self, End, Routing};
use crate::run::Graph;
use crate::step::{Pipe, Take};

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'env,
{
    /// Gives every item to each of several branches: the same input, worked on in several ways, read once.
    ///
    /// Branches follow with [`to`](Branches::to) and [`merge`](Branches::merge), which make one flow of them again, or
    /// with [`end`](Branches::end), where each has an end of its own. All run at once, each on threads of its own. They
    /// share the pace of the slowest: what it has no room for, the others do not get either. One that ends early
    /// ([`take`](Flow::take)) is no longer fed and holds nobody back. Items are cloned for all branches but one.
    ///
    /// *Order* kept in each branch after [`ordered`](Flow::ordered). *Threads* [`stages`](Flow::stages) new ones a
    /// branch, one a core by default. *Memory* bounded, see [`explain`](Flow::explain). *Ends* when its input has, or
    /// when all branches have.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let both = Flow::from_range(1..4)
    ///     .broadcast()
    ///     .to(|n| n.map(|n| n * 10))
    ///     .to(|n| n.filter(|n| n % 2 == 1))
    ///     .merge();
    /// assert_eq!(both.sorted()?, [1, 3, 10, 20, 30]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn broadcast(self) -> Branches<'env, P::Item>
    where
        P::Item: Clone,
    {
        self.fork("broadcast", ToAll)
    }

    /// Gives the items for which the closure says true to the first branch, and the others to the second.
    ///
    /// Without a second branch those others are dropped. How branches follow, and what holds for them, is told at
    /// [`broadcast`](Flow::broadcast).
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`broadcast`](Flow::broadcast).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let numbers = Flow::from_iter(["7", "x", "9"])
    ///     .split(|text| text.parse::<u32>().is_ok())
    ///     .to(|good| good.map(|text| format!("number {text}")))
    ///     .to(|bad| bad.map(|text| format!("not a number: {text}")))
    ///     .merge();
    /// assert_eq!(numbers.sorted()?, ["not a number: x", "number 7", "number 9"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn split<F>(self, first: F) -> Branches<'env, P::Item>
    where
        F: Fn(&P::Item) -> bool + Send + Sync + 'env,
    {
        let choose = move |item: &P::Item, of: usize| {
            let branch = usize::from(!first(item));
            (branch < of).then_some(branch)
        };
        let kind = "split";
        let router = ByFunction(choose);
        self.fork(kind, ToOne { router, kind })
    }

    /// Gives each item to the branch that the closure names, or drops it.
    ///
    /// The closure is given the item and the number of branches; it returns a number below that, or `None` to drop the
    /// item. A number that is too large ends the run with an error. How branches follow, and what holds for them, is
    /// told at [`broadcast`](Flow::broadcast).
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`broadcast`](Flow::broadcast).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let routed = Flow::from_range(0..9usize)
    ///     .route(|n, branches| Some(n % branches))
    ///     .to(|n| n.map(|n| ("fizz", n)))
    ///     .to(|n| n.map(|n| ("one", n)))
    ///     .to(|n| n.map(|n| ("two", n)))
    ///     .merge();
    /// assert_eq!(routed.filter(|(name, _)| *name == "fizz").count()?, 3);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn route<F>(self, choose: F) -> Branches<'env, P::Item>
    where
        F: Fn(&P::Item, usize) -> Option<usize> + Send + Sync + 'env,
    {
        let kind = "route";
        let router = ByFunction(choose);
        self.fork(kind, ToOne { router, kind })
    }

    fn fork<H>(self, kind: &'static str, hand: H) -> Branches<'env, P::Item>
    where
        H: Hand<P::Item> + 'env,
    {
        let mut group = Group::default();
        group.ordered = self.group.ordered;
        group.order_used = self.group.order_used;
        group.tickets = self.group.ordered;
        let close = move |branches| {
            let sink = Ordered::new(Fork { branches, hand });
            self.close(End::Fork(kind), sink)
        };
        Branches {
            close: Box::new(close),
            kind,
            group,
            edges: Vec::new(),
            graph: Graph::default(),
            made: (),
        }
    }
}

/// The branches of a flow, made by [`Flow::broadcast`], [`Flow::split`] and [`Flow::route`].
///
/// Either all branches are merged into one flow again:
///
/// ```
/// use millstream::Flow;
///
/// let halves = Flow::from_range(0..10u32)
///     .split(|n| n % 2 == 0)
///     .to(|even| even.map(|n| n / 2))
///     .to(|odd| odd.map(|n| n * 100).stages(2))
///     .merge();
/// assert_eq!(halves.sum::<u32>()?, 10 + 2500);
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// or each has an end of its own, and they run together:
///
/// ```
/// use millstream::Flow;
///
/// let (sum, largest) = Flow::from_iter([3, 1, 2])
///     .broadcast()
///     .end(|n| n.ending().sum::<u32>())
///     .end(|n| n.ending().fold(|| 0, |a, n| a.max(n), |a, b| a.max(b)))
///     .run()?;
/// assert_eq!((sum, largest), (6, 3));
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// A branch that its closure does not return is closed, and holds nobody back. One that is carried out of its closure
/// and run elsewhere is refused there.
#[must_use = "branches are lazy and do nothing until they are merged into a flow, or their ends run"]
pub struct Branches<'env, T, M = ()> {
    close: Box<dyn FnOnce(Vec<Branch<'env, T>>) -> Graph<'env> + 'env>,
    pub(super) kind: &'static str,
    /// What the branches inherit.
    group: Group,
    edges: Vec<Branch<'env, T>>,
    /// The stages of the branches so far.
    pub(super) graph: Graph<'env>,
    /// What the branches so far make together.
    pub(super) made: M,
}

/// Branches that are merged.
pub struct Merging<'env, U> {
    edge: Arc<Edge<Batch<U>>>,
    weigher: Weigher<'env, U>,
}

impl<'env, T: Send + 'env, M> Branches<'env, T, M> {
    /// The flow that the next branch begins with.
    pub(super) fn begin(&mut self) -> Flow<'env, Shuffled<'env, T>> {
        let branch = Branch {
            edge: Arc::new(Edge::default()),
            weigher: Weigher::none(),
        };
        let flow = self.beginning(&branch);
        self.edges.push(branch);
        flow
    }

    fn beginning(&self, branch: &Branch<'env, T>) -> Flow<'env, Shuffled<'env, T>> {
        let mut graph = Graph::default();
        graph.edges.push(branch.edge.clone());
        // Who sends over it is known when the graphs are joined.
        graph.plan.edges.push(plan::Edge {
            from: Vec::new(),
            to: 0,
            routing: Routing::Shared,
            item_bytes: size_of::<T>(),
        });
        Flow {
            graph,
            pipe: Shuffled::new(branch.edge.clone(), branch.weigher.clone()),
            group: self.group.clone(),
            steps: vec![self.kind],
            keeps: Vec::new(),
            inputs: vec![0],
        }
    }

    /// The same branches, making something else.
    pub(super) fn making<N>(self, made: impl FnOnce(M) -> N) -> Branches<'env, T, N> {
        Branches {
            close: self.close,
            kind: self.kind,
            group: self.group,
            edges: self.edges,
            graph: self.graph,
            made: made(self.made),
        }
    }

    /// Closes the fork and joins the branches to it.
    pub(super) fn join(mut self) -> (Graph<'env>, M) {
        for branch in &self.edges {
            if number_of(&self.graph, &*branch.edge).is_none() {
                // Its closure dropped it: a stage that takes nothing tells the fork so.
                let mut unused = self.beginning(branch).stages(1).name("unused branch");
                unused.group.ordered = false;
                let unused = unused.step("take", |pipe| Take::new(pipe, 0, false));
                let closed = unused.close(End::Result("nothing"), Each(drop));
                graft(&mut self.graph, closed);
            }
        }
        let known: Vec<_> = self.edges.iter().map(|b| b.edge.clone()).collect();
        let mut graph = (self.close)(self.edges);
        let fork = graph.plan.nodes.len() - 1;
        for edge in known {
            graph.edges.push(edge);
            graph.plan.edges.push(plan::Edge {
                from: vec![fork],
                // Known when the branch's stage is joined.
                to: fork,
                routing: Routing::Shared,
                item_bytes: size_of::<T>(),
            });
        }
        graft(&mut graph, self.graph);
        (graph, self.made)
    }
}

impl<'env, T: Send + 'env> Branches<'env, T> {
    /// Adds a branch that will be [merged](Branches::merge) with the others.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..4).broadcast().to(|n| n.map(|n| n * 10)).to(|n| n.filter(|n| *n == 1));
    /// assert_eq!(flow.merge().sorted()?, [0, 1, 10, 20, 30]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn to<Q>(
        self,
        branch: impl FnOnce(Flow<'env, Shuffled<'env, T>>) -> Flow<'env, Q>,
    ) -> Branches<'env, T, Merging<'env, Q::Item>>
    where
        Q: Pipe + 'env,
        Q::Item: Send + 'env,
    {
        let merging = Merging {
            edge: Arc::new(Edge::default()),
            weigher: Weigher::none(),
        };
        self.making(|()| merging).to(branch)
    }
}

impl<'env, T: Send + 'env, U: Send + 'env> Branches<'env, T, Merging<'env, U>> {
    /// Adds a branch that will be [merged](Branches::merge) with the others.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..4).broadcast().to(|n| n.map(|n| n * 10)).to(|n| n.filter(|n| *n == 1));
    /// assert_eq!(flow.merge().sorted()?, [0, 1, 10, 20, 30]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn to<Q>(
        mut self,
        branch: impl FnOnce(Flow<'env, Shuffled<'env, T>>) -> Flow<'env, Q>,
    ) -> Self
    where
        Q: Pipe<Item = U> + 'env,
    {
        let flow = branch(self.begin());
        let (edge, weigher) = (self.made.edge.clone(), self.made.weigher.clone());
        let closed = flow.share("merge", edge, weigher);
        graft(&mut self.graph, closed.graph);
        self
    }

    /// One flow of the items of all branches, as they come.
    ///
    /// *Order* none. *Threads* [`stages`](Flow::stages) new ones. *Memory* bounded, see [`explain`](Flow::explain).
    /// *Ends* when all branches have ended.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..4).split(|n| n % 2 == 0).to(|even| even).to(|odd| odd.map(|n| -n));
    /// assert_eq!(flow.merge().stages(2).sorted()?, [-3, -1, 0, 2]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn merge(self) -> Flow<'env, Shuffled<'env, U>> {
        let (graph, made) = self.join();
        let inputs = number_of(&graph, &*made.edge).into_iter().collect();
        Flow {
            graph,
            pipe: Shuffled::new(made.edge, made.weigher),
            group: Group::default(),
            steps: vec!["merge"],
            keeps: Vec::new(),
            inputs,
        }
    }
}

impl<T, M> fmt::Debug for Branches<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Branches")
            .field("kind", &self.kind)
            .field("branches", &self.edges.len())
            .finish_non_exhaustive()
    }
}

impl<U> fmt::Debug for Merging<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merging").finish_non_exhaustive()
    }
}
