//! Declared aggregates by key: combined by the producers, reduced by the owner of the key.

use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::AddAssign;
use std::sync::Arc;

use super::{Crossing, Flow, keeps};
use crate::aggregate::{Aggregate, ByRef, Combine, Compare, Count, FoldBy, Group, Over, Values};
use crate::plan::Routing;
use crate::state::{Adder, CombineByKey, CombineRefs, Keyed, KeyedEdge};
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: 'env,
{
    pub(super) fn by_key<K, F, C>(
        mut self,
        kind: &'static str,
        key: F,
        combine: C,
    ) -> Flow<'env, Keyed<P::Item, K, C>>
    where
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        C: Combine<P::Item> + 'env,
        C::Acc: 'env,
    {
        self.group.tickets |= C::PLACED;
        self.keeps.push(keeps::combines::<K, C::Acc>());
        let edge = KeyedEdge::new();
        let combine = Arc::new(combine);
        let sink = CombineByKey {
            edge: edge.clone(),
            key,
            combine: combine.clone(),
            item: PhantomData,
        };
        let pipe = Keyed {
            edge: edge.clone(),
            combine,
            item: PhantomData,
        };
        self.cross(sink, edge.edge.clone(), crossing::<K, C::Acc>(kind), pipe)
    }

    /// Counts items by key: pairs of a key and how often it came.
    ///
    /// *Order* none. *Threads* [`stages`](Flow::stages) new ones, one a core by default, each with its own keys.
    /// *Memory* the distinct keys, about as many entries that wait to be counted, plus a constant. *Ends* when all producers have ended; nothing comes out before.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let counts = Flow::from_iter(["a", "b", "a"]).count_by(|word| *word).sorted()?;
    /// assert_eq!(counts, [("a", 2), ("b", 1)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn count_by<K, F>(self, key: F) -> Flow<'env, Keyed<P::Item, K, Count>>
    where
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        self.by_key("count_by", key, Count)
    }

    /// Adds up a value of each item by key.
    ///
    /// Sums are of the value's own type and overflow as it does. Floats are added in no particular order, so their
    /// last digits may differ from run to run.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`count_by`](Flow::count_by).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let sales = [("tea", 3), ("coffee", 5), ("tea", 4)];
    /// let sums = Flow::from_iter(sales).sum_by(|sale| sale.0, |sale| sale.1).sorted()?;
    /// assert_eq!(sums, [("coffee", 5), ("tea", 7)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn sum_by<K, V, F, G>(
        self,
        key: F,
        value: G,
    ) -> Flow<'env, Keyed<P::Item, K, ByRef<crate::aggregate::Sum<G>>>>
    where
        K: Hash + Eq + Send + 'env,
        V: AddAssign + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&P::Item) -> V + Send + Sync + 'env,
    {
        self.by_key("sum_by", key, ByRef(Over::new().sum(value)))
    }

    /// The smallest value by key; floats are compared by `total_cmp`.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`count_by`](Flow::count_by).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let coldest = Flow::from_iter([("Oslo", -3.5), ("Oslo", 1.0)]).min_by(|r| r.0, |r| r.1);
    /// assert_eq!(coldest.collect_vec()?, [("Oslo", -3.5)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn min_by<K, V, By, F, G>(
        self,
        key: F,
        value: G,
    ) -> Flow<'env, Keyed<P::Item, K, ByRef<crate::aggregate::Min<G, By>>>>
    where
        K: Hash + Eq + Send + 'env,
        V: Compare<By> + Send + 'env,
        By: 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&P::Item) -> V + Send + Sync + 'env,
    {
        self.by_key("min_by", key, ByRef(Over::new().min(value)))
    }

    /// The largest value by key; floats are compared by `total_cmp`.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`count_by`](Flow::count_by).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let longest = Flow::from_iter(["ant", "bee", "beetle"])
    ///     .max_by(|word| word.chars().next(), |word| word.len());
    /// assert_eq!(longest.sorted()?, [(Some('a'), 3), (Some('b'), 6)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn max_by<K, V, By, F, G>(
        self,
        key: F,
        value: G,
    ) -> Flow<'env, Keyed<P::Item, K, ByRef<crate::aggregate::Max<G, By>>>>
    where
        K: Hash + Eq + Send + 'env,
        V: Compare<By> + Send + 'env,
        By: 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&P::Item) -> V + Send + Sync + 'env,
    {
        self.by_key("max_by", key, ByRef(Over::new().max(value)))
    }

    /// Gathers the items of each key into a vector.
    ///
    /// *Order* within a vector: runs in the order in which a worker met the items; the runs follow one another in any
    /// order. For the order of the input use `aggregate_by` with [`collect`](Over::collect). *Threads* and *end* as in [`count_by`](Flow::count_by). *Memory* all items.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let mut groups = Flow::from_range(0..5).group_by(|n| n % 2).sorted()?;
    /// groups.iter_mut().for_each(|(_, items)| items.sort());
    /// assert_eq!(groups, [(0, vec![0, 2, 4]), (1, vec![1, 3])]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn group_by<K, F>(self, key: F) -> Flow<'env, Keyed<P::Item, K, Group>>
    where
        P::Item: Send,
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        self.by_key("group_by", key, Group)
    }

    /// Gathers the second halves of pairs by the first: pairs of a key and a vector of its values.
    ///
    /// *Order* within a vector: runs in the order in which a worker met the values, not reversed; the runs follow one
    /// another in any order. With one producer and no more keys than fit its table (some thousand) there is one run.
    /// For the order of the input use `aggregate_by` with [`collect`](Over::collect). *Threads* and *end* as in
    /// [`count_by`](Flow::count_by). *Memory* all values, and the distinct keys; a key is cloned once an item.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let pairs = [("foo", 1), ("foo", 2), ("bar", 3), ("foo", 4), ("bar", 5)];
    /// let groups = Flow::from_iter(pairs).stages(1).group_by_key().sorted()?;
    /// assert_eq!(groups, [("bar", vec![3, 5]), ("foo", vec![1, 2, 4])]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn group_by_key<K, V>(self) -> Flow<'env, Keyed<(K, V), K, Values>>
    where
        P: Pipe<Item = (K, V)>,
        K: Hash + Eq + Clone + Send + 'env,
        V: Send + 'env,
    {
        self.by_key("group_by_key", |pair: &(K, V)| pair.0.clone(), Values)
    }

    /// Folds the items of each key into an accumulator of any type, given how to begin, add, and merge.
    ///
    /// `merge` adds what another worker folded for the same key, so it must not matter where a sequence is cut.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`count_by`](Flow::count_by).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let products = Flow::from_range(1..7u64)
    ///     .fold_by(|n| n % 2, || 1, |product, n| *product *= n, |a, b| *a *= b)
    ///     .sorted()?;
    /// assert_eq!(products, [(0, 48), (1, 15)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn fold_by<K, A, F, N, G, M>(
        self,
        key: F,
        init: N,
        fold: G,
        merge: M,
    ) -> Flow<'env, Keyed<P::Item, K, FoldBy<N, G, M>>>
    where
        K: Hash + Eq + Send + 'env,
        A: Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        N: Fn() -> A + Send + Sync + 'env,
        G: Fn(&mut A, P::Item) + Send + Sync + 'env,
        M: Fn(&mut A, A) + Send + Sync + 'env,
    {
        self.by_key("fold_by", key, FoldBy { init, fold, merge })
    }

    /// Several aggregates of the items of each key at once: counts, sums, extremes, means, firsts, tops, or one's own.
    ///
    /// The second closure is given an [`Over`], whose methods name the aggregates; a tuple of them gives a tuple.
    /// One's own implement [`Aggregate`].
    ///
    /// *Order*, *threads* and *end* as in [`count_by`](Flow::count_by). *Memory* the distinct keys with what each
    /// aggregate keeps for a key, plus a constant.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let readings = [("Oslo", -3), ("Rome", 20), ("Oslo", 1)];
    /// let stations = Flow::from_iter(readings)
    ///     .aggregate_by(|r| r.0, |a| (a.min(|r| r.1), a.mean(|r| r.1), a.max(|r| r.1)))
    ///     .sorted_by_key(|(name, _)| *name)?;
    /// assert_eq!(stations, [("Oslo", (-3, -1.0, 1)), ("Rome", (20, 20.0, 20))]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn aggregate_by<K, A, F, G>(
        self,
        key: F,
        aggregates: G,
    ) -> Flow<'env, Keyed<P::Item, K, ByRef<A>>>
    where
        K: Hash + Eq + Send + 'env,
        A: Aggregate<P::Item> + 'env,
        A::Acc: 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: FnOnce(Over<P::Item>) -> A,
    {
        self.by_key("aggregate_by", key, ByRef(aggregates(Over::new())))
    }

    /// Counts any number of keys of each item, named by reference: no allocation for a key that was seen before.
    ///
    /// For owned items (streamed lines) whose keys are parts of them.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`count_by`](Flow::count_by).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let lines = vec!["a b a".to_string(), "b".to_string()];
    /// let counts = Flow::from_vec(lines)
    ///     .count_each(|line, word| {
    ///         for w in line.split(' ') {
    ///             word.add(w);
    ///         }
    ///     })
    ///     .sorted()?;
    /// assert_eq!(counts, [("a".to_string(), 2), ("b".to_string(), 2)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn count_each<Q, F>(self, name: F) -> Flow<'env, Keyed<P::Item, Q::Owned, Count>>
    where
        Q: ToOwned + Hash + Eq + ?Sized + 'env,
        Q::Owned: Hash + Eq + Send + 'env,
        F: Fn(&P::Item, &mut Adder<'_, Q>) + Send + Sync + 'env,
    {
        self.by_ref("count_each", name)
    }

    /// Counts items by a key that is part of them, named by reference: no allocation for a key that was seen before.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`count_by`](Flow::count_by).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// struct Visit { page: String }
    /// let visits = ["/a", "/b", "/a"].map(|page| Visit { page: page.to_string() });
    /// let counts = Flow::from_iter(visits).count_by_ref(|visit| visit.page.as_str()).sorted()?;
    /// assert_eq!(counts, [("/a".to_string(), 2), ("/b".to_string(), 1)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn count_by_ref<Q, F>(self, key: F) -> Flow<'env, Keyed<P::Item, Q::Owned, Count>>
    where
        Q: ToOwned + Hash + Eq + ?Sized + 'env,
        Q::Owned: Hash + Eq + Send + 'env,
        F: for<'i> Fn(&'i P::Item) -> &'i Q + Send + Sync + 'env,
    {
        self.by_ref(
            "count_by_ref",
            move |item: &P::Item, count: &mut Adder<'_, Q>| {
                count.add(key(item));
            },
        )
    }

    fn by_ref<Q, F>(
        mut self,
        kind: &'static str,
        f: F,
    ) -> Flow<'env, Keyed<P::Item, Q::Owned, Count>>
    where
        Q: ToOwned + Hash + Eq + ?Sized + 'env,
        Q::Owned: Hash + Eq + Send + 'env,
        F: Fn(&P::Item, &mut Adder<'_, Q>) + Send + Sync + 'env,
    {
        let edge = KeyedEdge::new();
        self.keeps.push(keeps::combines::<Q::Owned, u64>());
        let sink = CombineRefs {
            edge: edge.clone(),
            f,
        };
        let pipe = Keyed {
            edge: edge.clone(),
            combine: Arc::new(Count),
            item: PhantomData,
        };
        self.cross(
            sink,
            edge.edge.clone(),
            crossing::<Q::Owned, u64>(kind),
            pipe,
        )
    }
}

fn crossing<K, A>(kind: &'static str) -> Crossing {
    Crossing {
        kind,
        routing: Routing::Hash,
        item_bytes: size_of::<crate::state::Entry<K, A>>(),
        keeps: Some(keeps::keys::<K, A>()),
        // A front table empties in bursts; a queue that takes one in keeps producers and consumers from taking turns.
        buffer: Some(64),
        batch: Some(256),
    }
}
