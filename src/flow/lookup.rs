//! Lookup joins: each item meets what a map or a function has for its key, without a boundary.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use super::Flow;
use crate::step::{FilterMap, Map, Pipe};

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Pairs each item with what a map has for its key; items whose key is not there are dropped.
    ///
    /// All workers read the map at once, and nothing crosses a thread for it: the join to take where one side is in
    /// memory already.
    ///
    /// *Order* kept. *Threads* the stage's. *Memory* none beside the map. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::collections::HashMap;
    ///
    /// let prices = HashMap::from([("tea", 3), ("coffee", 4)]);
    /// let paid = Flow::from_iter(["tea", "milk", "tea"])
    ///     .lookup_join(&prices, |item| *item)
    ///     .map(|(_item, price)| *price)
    ///     .sum::<i32>()?;
    /// assert_eq!(paid, 6);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn lookup_join<K, V, S, F>(
        self,
        map: &'env HashMap<K, V, S>,
        key: F,
    ) -> Flow<'env, FilterMap<P, impl Fn(P::Item) -> Option<(P::Item, &'env V)> + Send + Sync + 'env>>
    where
        K: Hash + Eq + Sync,
        V: Sync,
        S: BuildHasher + Sync,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        let f = move |item| {
            let value = map.get(&key(&item))?;
            Some((item, value))
        };
        self.step("lookup_join", |pipe| FilterMap { pipe, f })
    }

    /// Pairs each item with what a function has for its key; items for which it has nothing are dropped.
    ///
    /// The function runs on the workers of the stage, several at a time: it may read a table of any kind, or call a
    /// service.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`lookup_join`](Flow::lookup_join).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let names = ["zero", "one", "two"];
    /// let named = Flow::from_iter([2, 7, 1])
    ///     .lookup_join_with(|n| *n, |n: &usize| names.get(*n).copied())
    ///     .sorted()?;
    /// assert_eq!(named, [(1, "one"), (2, "two")]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn lookup_join_with<K, V, F, G>(
        self,
        key: F,
        lookup: G,
    ) -> Flow<'env, FilterMap<P, impl Fn(P::Item) -> Option<(P::Item, V)> + Send + Sync + 'env>>
    where
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&K) -> Option<V> + Send + Sync + 'env,
    {
        let f = move |item| {
            let value = lookup(&key(&item))?;
            Some((item, value))
        };
        self.step("lookup_join_with", |pipe| FilterMap { pipe, f })
    }

    /// Pairs each item with what a map has for its key, or with `None`.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`lookup_join`](Flow::lookup_join).
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::collections::HashMap;
    ///
    /// let prices = HashMap::from([("tea", 3)]);
    /// let unpriced = Flow::from_iter(["tea", "milk"])
    ///     .left_lookup_join(&prices, |item| *item)
    ///     .filter(|(_item, price)| price.is_none())
    ///     .count()?;
    /// assert_eq!(unpriced, 1);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn left_lookup_join<K, V, S, F>(
        self,
        map: &'env HashMap<K, V, S>,
        key: F,
    ) -> Flow<'env, Map<P, impl Fn(P::Item) -> (P::Item, Option<&'env V>) + Send + Sync + 'env>>
    where
        K: Hash + Eq + Sync,
        V: Sync,
        S: BuildHasher + Sync,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        let f = move |item| {
            let value = map.get(&key(&item));
            (item, value)
        };
        self.step("left_lookup_join", |pipe| Map { pipe, f })
    }

    /// Pairs each item with what a function has for its key, or with `None`.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`lookup_join`](Flow::lookup_join).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let halves = Flow::from_iter([4, 5])
    ///     .left_lookup_join_with(|n| *n, |n: &i32| (n % 2 == 0).then_some(n / 2))
    ///     .sorted()?;
    /// assert_eq!(halves, [(4, Some(2)), (5, None)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn left_lookup_join_with<K, V, F, G>(
        self,
        key: F,
        lookup: G,
    ) -> Flow<'env, Map<P, impl Fn(P::Item) -> (P::Item, Option<V>) + Send + Sync + 'env>>
    where
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&K) -> Option<V> + Send + Sync + 'env,
    {
        let f = move |item| {
            let value = lookup(&key(&item));
            (item, value)
        };
        self.step("left_lookup_join_with", |pipe| Map { pipe, f })
    }
}
