//! Joins of two flows by key: inner, left, right and full.

use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use super::graft::take_from_both;
use super::{Crossing, Flow, keeps};
use crate::plan::Routing;
use crate::state::{
    Entry, FullOuter, Inner, JoinKind, Joined, KeyedEdge, LeftOuter, RightOuter, SendByKey, Side,
};
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Clone + Send + 'env,
{
    /// Pairs the items of two flows that have equal keys.
    ///
    /// A key that several items have on both sides gives each pair of them. Pairs come while both flows run, soon after
    /// their second half has arrived: new rows are matched together, as soon as they are many, or at the latest after
    /// [`linger`](Flow::linger), or as long as keeps the time for it small beside the time between. The two flows may be
    /// of different types; options of the run of either hold for both, and where both set one, this flow's counts.
    ///
    /// ```text
    ///  orders ────▶ by key ═╦═▶ inner_join 0 ─┬─▶ collect
    ///  customers ─▶ by key ═╩═▶ inner_join 1 ─┘
    /// ```
    ///
    /// *Order* none. *Threads* [`stages`](Flow::stages) new ones, one a core by default, each with its own keys.
    /// *Memory* the rows of both sides with their keys until one side is complete, then the rows of that side and up to
    /// half as many of the other; with [`build`](Flow::build) the declared side alone in that way. *Ends* when both flows
    /// have ended.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let customers = Flow::from_iter([(1, "Ada"), (2, "Grace")]);
    /// let orders = Flow::from_iter([(1, "tea"), (1, "cake"), (3, "milk")]);
    /// let bought = orders
    ///     .inner_join(customers, |order| order.0, |customer| customer.0)
    ///     .map(|(order, customer)| (customer.1, order.1))
    ///     .sorted()?;
    /// assert_eq!(bought, [("Ada", "cake"), ("Ada", "tea")]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn inner_join<Q, K, F, G>(
        self,
        right: Flow<'env, Q>,
        left_key: F,
        right_key: G,
    ) -> Flow<'env, Joined<K, P::Item, Q::Item, Inner>>
    where
        Q: Pipe + 'env,
        Q::Item: Clone + Send + 'env,
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&Q::Item) -> K + Send + Sync + 'env,
    {
        self.join("inner_join", right, left_key, right_key)
    }

    /// Pairs as [`inner_join`](Flow::inner_join) does, and gives each item of this flow that nothing matched with `None`.
    ///
    /// Items without a match come at the end, or once the other flow is complete.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`inner_join`](Flow::inner_join).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let joined = Flow::from_range(0..3)
    ///     .left_join(Flow::from_range(2..5), |l| *l, |r| *r)
    ///     .sorted()?;
    /// assert_eq!(joined, [(0, None), (1, None), (2, Some(2))]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn left_join<Q, K, F, G>(
        self,
        right: Flow<'env, Q>,
        left_key: F,
        right_key: G,
    ) -> Flow<'env, Joined<K, P::Item, Q::Item, LeftOuter>>
    where
        Q: Pipe + 'env,
        Q::Item: Clone + Send + 'env,
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&Q::Item) -> K + Send + Sync + 'env,
    {
        self.join("left_join", right, left_key, right_key)
    }

    /// Pairs as [`inner_join`](Flow::inner_join) does, and gives each item of the other flow that nothing matched with
    /// `None`.
    ///
    /// Items without a match come at the end, or once this flow is complete.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`inner_join`](Flow::inner_join).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let joined = Flow::from_range(0..3)
    ///     .right_join(Flow::from_range(2..4), |l| *l, |r| *r)
    ///     .sorted()?;
    /// assert_eq!(joined, [(None, 3), (Some(2), 2)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn right_join<Q, K, F, G>(
        self,
        right: Flow<'env, Q>,
        left_key: F,
        right_key: G,
    ) -> Flow<'env, Joined<K, P::Item, Q::Item, RightOuter>>
    where
        Q: Pipe + 'env,
        Q::Item: Clone + Send + 'env,
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&Q::Item) -> K + Send + Sync + 'env,
    {
        self.join("right_join", right, left_key, right_key)
    }

    /// Pairs as [`inner_join`](Flow::inner_join) does, and gives each item of either flow that nothing matched with
    /// `None`.
    ///
    /// Items without a match come at the end, or once the other flow is complete.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`inner_join`](Flow::inner_join).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let joined = Flow::from_range(0..2)
    ///     .full_join(Flow::from_range(1..3), |l| *l, |r| *r)
    ///     .sorted()?;
    /// assert_eq!(joined, [(None, Some(2)), (Some(0), None), (Some(1), Some(1))]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn full_join<Q, K, F, G>(
        self,
        right: Flow<'env, Q>,
        left_key: F,
        right_key: G,
    ) -> Flow<'env, Joined<K, P::Item, Q::Item, FullOuter>>
    where
        Q: Pipe + 'env,
        Q::Item: Clone + Send + 'env,
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&Q::Item) -> K + Send + Sync + 'env,
    {
        self.join("full_join", right, left_key, right_key)
    }

    fn join<Q, K, F, G, M>(
        self,
        kind: &'static str,
        right: Flow<'env, Q>,
        left_key: F,
        right_key: G,
    ) -> Flow<'env, Joined<K, P::Item, Q::Item, M>>
    where
        Q: Pipe + 'env,
        Q::Item: Clone + Send + 'env,
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&Q::Item) -> K + Send + Sync + 'env,
        M: JoinKind<P::Item, Q::Item>,
    {
        let (left_edge, right_edge) = (KeyedEdge::new(), KeyedEdge::new());
        let timed = (Arc::default(), Arc::default());
        let pipe = || Joined {
            left: left_edge.clone(),
            right: right_edge.clone(),
            build: None,
            timed: timed.clone(),
            kind: PhantomData,
        };
        let into_left = SendByKey {
            edge: left_edge.clone(),
            key: left_key,
            timed: timed.0.clone(),
        };
        let into_right = SendByKey {
            edge: right_edge.clone(),
            key: right_key,
            timed: timed.1.clone(),
        };
        let mut joined = self.gathering::<K>().cross(
            into_left,
            left_edge.edge.clone(),
            crossing::<K, P::Item>(kind),
            pipe(),
        );
        let other = right.gathering::<K>().cross(
            into_right,
            right_edge.edge.clone(),
            crossing::<K, Q::Item>(kind),
            pipe(),
        );
        take_from_both(&mut joined, other);
        joined
            .keeps
            .push(keeps::rows_of_both::<K, P::Item, Q::Item>());
        // Pairs have no place among the chunks of either input that `ordered` could keep.
        joined.group.reduced = true;
        joined
    }
}

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Says that the stage gathers rows for the parts of a join.
    fn gathering<K>(mut self) -> Self {
        self.keeps.push(keeps::rows_to_join::<K, P::Item>());
        self
    }
}

impl<'env, K, L, R, M> Flow<'env, Joined<K, L, R, M>> {
    /// Declares the side of a join that is kept in memory, right behind the join.
    ///
    /// The join takes nothing from the other side before the declared one is complete; its producers wait meanwhile, at
    /// their bounded queues. Then each of its rows is matched and let go of. So memory is the declared side, however
    /// long the other is: declare the smaller one. Without `build` both sides are taken as they come, and pairs come
    /// sooner.
    ///
    /// Rows of the other side that nothing matched come at once, those of the declared side at the end. Channels that
    /// one program fills for both sides must not fill the other side first and wait for it. Two branches of one flow
    /// cannot be joined in this way, since they come at one pace: that is an error when the flow starts.
    ///
    /// ```
    /// use millstream::{Flow, Side};
    ///
    /// let few = Flow::from_range(0..10u64);
    /// let pairs = Flow::from_range(0..10_000u64)
    ///     .inner_join(few, |many| many % 20, |few| *few)
    ///     .build(Side::Right)
    ///     .count()?;
    /// assert_eq!(pairs, 5_000);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn build(mut self, side: Side) -> Self {
        self.pipe.build = Some(side);
        self.steps.push("build");
        self.keeps = vec![keeps::rows_of_one::<K, L, R>(side == Side::Left)];
        self
    }
}

fn crossing<K, T>(kind: &'static str) -> Crossing {
    Crossing {
        kind,
        routing: Routing::Hash,
        item_bytes: size_of::<Entry<K, T>>(),
        keeps: None,
        // Parcels of a part: with smaller ones their vectors cost more than their rows.
        buffer: Some(32),
        batch: Some(512),
    }
}
