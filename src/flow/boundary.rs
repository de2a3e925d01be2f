//! Boundaries: where items change threads, and the type of a flow starts anew.

use std::hash::Hash;
use std::sync::Arc;

use super::graft::graft;
use super::{BoxFlow, Crossing, Flow};
use crate::edge::{Batch, Edge, Partitioned, Shuffled, Weigher};
use crate::output::{ByFunction, ByHash, ByItem, Only, Ordered, Route, Router};
use crate::plan::Routing;
use crate::step::{Boxed, Pipe};

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'env,
{
    /// Sends equal items to the same worker of a new stage.
    ///
    /// *Order* that of each producer and worker pair. *Threads* [`stages`](Flow::stages) new ones, one a core by
    /// default. *Memory* bounded, see [`explain`](Flow::explain). *Ends* when all producers have ended.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// // Each distinct item is counted by one worker alone, so the numbers of distinct items add up.
    /// let distinct: usize = Flow::from_iter([1, 2, 1, 3, 2])
    ///     .partition()
    ///     .reduce(std::collections::HashSet::new, |set, n| { set.insert(n); })
    ///     .map(|set| set.len())
    ///     .sum()?;
    /// assert_eq!(distinct, 3);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn partition(self) -> Flow<'env, Partitioned<'env, P::Item>>
    where
        P::Item: Hash,
    {
        self.send_by("partition", ByItem, Routing::Hash)
    }

    /// Sends items with equal keys to the same worker of a new stage.
    ///
    /// *Order* that of each producer and worker pair. *Threads* [`stages`](Flow::stages) new ones, one a core by
    /// default. *Memory* bounded, see [`explain`](Flow::explain). *Ends* when all producers have ended.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let parts = Flow::from_range(0..6)
    ///     .partition_by(|n| n % 2)
    ///     .stages(2)
    ///     .collect_partitions()?;
    /// assert!(parts.iter().flatten().count() == 6);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn partition_by<K, F>(self, key: F) -> Flow<'env, Partitioned<'env, P::Item>>
    where
        K: Hash,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        self.send_by("partition_by", ByHash(key), Routing::Hash)
    }

    /// Sends each item to the worker that the closure names, or drops it.
    ///
    /// The closure is given the item and the number of workers; it returns a number below that, or `None` to drop the
    /// item. A number that is too large ends the run with an error.
    ///
    /// *Order* that of each producer and worker pair. *Threads* [`stages`](Flow::stages) new ones, one a core by
    /// default. *Memory* bounded, see [`explain`](Flow::explain). *Ends* when all producers have ended.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let parts = Flow::from_range(1..11)
    ///     .partition_with(|_, _| Some(0))
    ///     .stages(3)
    ///     .collect_partitions()?;
    /// assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [10, 0, 0]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn partition_with<F>(self, choose: F) -> Flow<'env, Partitioned<'env, P::Item>>
    where
        F: Fn(&P::Item, usize) -> Option<usize> + Send + Sync + 'env,
    {
        self.send_by("partition_with", ByFunction(choose), Routing::Function)
    }

    pub(super) fn send_by<R>(
        self,
        kind: &'static str,
        router: R,
        routing: Routing,
    ) -> Flow<'env, Partitioned<'env, P::Item>>
    where
        R: Router<P::Item> + 'env,
    {
        let edge = Arc::new(Edge::default());
        let weigher = Weigher::none();
        let sink = Route {
            edge: edge.clone(),
            router,
            weigher: weigher.clone(),
        };
        let pipe = Partitioned {
            edge: edge.clone(),
            weigher,
        };
        let crossing = Crossing {
            kind,
            routing,
            item_bytes: size_of::<P::Item>(),
            keeps: None,
            buffer: None,
            batch: None,
        };
        self.cross(sink, edge, crossing, pipe)
    }

    /// Spreads items over the workers of a new stage, whoever is free: for slow steps behind fast ones.
    ///
    /// Workers take from one queue, one item at first, more at a time while items are cheap.
    ///
    /// *Order* none, or that of the input after [`ordered`](Flow::ordered). *Threads* [`stages`](Flow::stages) new
    /// ones, one a core by default. *Memory* bounded, see [`explain`](Flow::explain). *Ends* when all producers have.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let total: u64 = Flow::from_iter(1..=100u64).shuffle().stages(4).map(|n| n * n).sum()?;
    /// assert_eq!(total, 338_350);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn shuffle(self) -> Flow<'env, Shuffled<'env, P::Item>> {
        self.share("shuffle", Arc::new(Edge::default()), Weigher::none())
    }

    /// Closes the chain over an edge with one queue.
    pub(super) fn share(
        self,
        kind: &'static str,
        edge: Arc<Edge<Batch<P::Item>>>,
        weigher: Weigher<'env, P::Item>,
    ) -> Flow<'env, Shuffled<'env, P::Item>> {
        let sink = Ordered::new(Route {
            edge: edge.clone(),
            router: Only,
            weigher: weigher.clone(),
        });
        let pipe = Shuffled::new(edge.clone(), weigher);
        let crossing = Crossing {
            kind,
            routing: Routing::Shared,
            item_bytes: size_of::<P::Item>(),
            keeps: None,
            buffer: None,
            batch: None,
        };
        self.cross(sink, edge, crossing, pipe)
    }

    /// Joins another flow of the same items to this one: both run at once into the workers of a new stage.
    ///
    /// The flows may have different sources and borrow different data. Options of the run
    /// ([`deadline`](Flow::deadline), [`stop_token`](Flow::stop_token), [`seeded`](Flow::seeded)) of either hold for
    /// both; where both set one, this flow's counts.
    ///
    /// *Order* none across the two. *Threads* [`stages`](Flow::stages) new ones. *Memory* bounded, see
    /// [`explain`](Flow::explain). *Ends* when both have ended.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let local = vec![1, 2, 3];
    /// let borrowed = Flow::from_slice(&local).map(|n| *n);
    /// let merged = borrowed.merge(Flow::from_range(4..7));
    /// assert_eq!(merged.sorted()?, [1, 2, 3, 4, 5, 6]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn merge<Q>(self, other: Flow<'env, Q>) -> Flow<'env, Shuffled<'env, P::Item>>
    where
        Q: Pipe<Item = P::Item> + 'env,
    {
        let edge: Arc<Edge<Batch<P::Item>>> = Arc::new(Edge::default());
        let weigher = Weigher::none();
        let mut first = self.share("merge", edge.clone(), weigher.clone());
        let second = other.share("merge", edge, weigher);
        graft(&mut first.graph, second.graph);
        // Two inputs have no common order to keep.
        first.group.ordered = false;
        first.group.order_used = false;
        first
    }

    /// Forgets the names of the steps in the flow's type, so that it can be returned, stored and collected.
    ///
    /// It adds no thread and no queue; items cross the border a batch at a time.
    ///
    /// ```
    /// use millstream::{BoxFlow, Flow};
    ///
    /// fn numbers(even: bool) -> BoxFlow<'static, u32> {
    ///     let flow = Flow::from_range(0..10u32);
    ///     if even { flow.filter(|n| n % 2 == 0).boxed() } else { flow.boxed() }
    /// }
    /// assert_eq!(numbers(true).count()?, 5);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn boxed(self) -> BoxFlow<'env, P::Item> {
        self.step("boxed", Boxed::new)
    }
}
