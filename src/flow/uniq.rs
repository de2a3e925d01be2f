//! Without duplicates: at once within a worker, or at the end over the whole flow.

use std::hash::Hash;

use super::{Flow, keeps};
use crate::aggregate::{Keep, Unique};
use crate::state::Keyed;
use crate::step::{ItsKey, Itself, Map, Pipe, Uniq};

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Drops items that this worker has seen before; new ones pass at once.
    ///
    /// Behind a [`partition`](Flow::partition), where equal items meet in one worker, that is once in the whole flow;
    /// elsewhere an item may come once from each worker. Where nothing has to come out before the input ends,
    /// [`distinct`](Flow::distinct) is faster: workers drop most duplicates before anything crosses a thread, and
    /// its tables are made for millions of keys.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* a clone of each distinct item, as long as the
    /// flow runs. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let letters = Flow::from_iter("mississippi".chars()).partition().uniq();
    /// assert_eq!(letters.sorted()?, ['i', 'm', 'p', 's']);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn uniq(mut self) -> Flow<'env, Uniq<P, Itself>>
    where
        P::Item: Hash + Eq + Clone,
    {
        self.keeps.push(keeps::seen::<P::Item>());
        let mark = Itself;
        self.step("uniq", |pipe| Uniq { pipe, mark })
    }

    /// Drops items with a key that this worker has seen before; the first of each key passes at once.
    ///
    /// Behind a [`partition_by`](Flow::partition_by) of the same key, that is once in the whole flow; elsewhere a key
    /// may come once from each worker. [`distinct_by`](Flow::distinct_by) is the faster form where nothing has to
    /// come out before the input ends.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* the distinct keys, as long as the flow runs.
    /// *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let visits = [("ann", 1), ("bob", 2), ("ann", 3)];
    /// let visitors = Flow::from_iter(visits)
    ///     .partition_by(|visit| visit.0)
    ///     .uniq_by(|visit| visit.0)
    ///     .count()?;
    /// assert_eq!(visitors, 2);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn uniq_by<K, F>(mut self, key: F) -> Flow<'env, Uniq<P, ItsKey<F>>>
    where
        K: Hash + Eq,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        self.keeps.push(keeps::seen::<K>());
        let mark = ItsKey(key);
        self.step("uniq_by", |pipe| Uniq { pipe, mark })
    }
}

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: 'env,
{
    /// Each distinct item once, when the input has ended.
    ///
    /// Workers drop duplicates before anything crosses a thread, and the rest are cut by hash into tables that stay
    /// in cache, as in [`count_by`](Flow::count_by). [`uniq`](Flow::uniq) is the form that emits at once.
    ///
    /// *Order* none. *Threads* [`stages`](Flow::stages) new ones, one a core by default, each with its own items.
    /// *Memory* the distinct items plus a constant. *Ends* when all producers have ended; nothing comes out before.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_iter([3, 1, 3, 2, 1]).distinct().sorted()?, [1, 2, 3]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[allow(clippy::type_complexity)] // The chain under `impl Trait` has no shorter name.
    pub fn distinct(
        self,
    ) -> Flow<
        'env,
        Map<
            Keyed<P::Item, P::Item, Unique>,
            impl Fn((P::Item, ())) -> P::Item + Send + Sync + use<'env, P>,
        >,
    >
    where
        P::Item: Hash + Eq + Clone + Send,
    {
        self.by_key("distinct", P::Item::clone, Unique)
            .under(|pipe| Map {
                pipe,
                f: |(item, ())| item,
            })
    }

    /// Of each key the item that comes first in the input, when the input has ended.
    ///
    /// Behind a boundary, which numbers items anew or not at all, it is one item of the key.
    /// [`uniq_by`](Flow::uniq_by) is the form that emits at once.
    ///
    /// *Order*, *threads* and *end* as in [`distinct`](Flow::distinct). *Memory* the distinct keys with an item and
    /// 16 bytes each, plus a constant.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let visits = [("ann", "home"), ("bob", "help"), ("ann", "cart")];
    /// let entered = Flow::from_iter(visits).distinct_by(|visit| visit.0);
    /// assert_eq!(entered.sorted()?, [("ann", "home"), ("bob", "help")]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[allow(clippy::type_complexity)] // The chain under `impl Trait` has no shorter name.
    pub fn distinct_by<K, F>(
        self,
        key: F,
    ) -> Flow<
        'env,
        Map<
            Keyed<P::Item, K, Keep>,
            impl Fn((K, P::Item)) -> P::Item + Send + Sync + use<'env, P, K, F>,
        >,
    >
    where
        P::Item: Send,
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        self.by_key("distinct_by", key, Keep).under(|pipe| Map {
            pipe,
            f: |(_, item)| item,
        })
    }
}
