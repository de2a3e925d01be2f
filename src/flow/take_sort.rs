//! The first few of all items in an order, as one item of a flow; `top` in `sorted.rs` is the same as an end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::sorted::{Ranked, keep};
use super::{Flow, Unreduced, keeps};
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'env,
{
    /// One sorted vector of the `n` smallest items of the whole flow, the smallest first.
    ///
    /// Each worker keeps `n` items in a heap and hands them on when its input ends; one worker behind them merges.
    /// Fewer items than `n` come all, and none give an empty vector. Equal items come in any order.
    /// [`take_top`](Flow::take_top) is for the largest; [`top`](Flow::top) ends a flow with them.
    ///
    /// *Order* one item. *Threads* a new one, for what follows too. *Memory* `n` items a worker, and `n` where they
    /// are merged. *Ends* with its input, after the vector.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let lowest = Flow::from_iter([5, 3, 9, 1]).take_sort(2);
    /// assert_eq!(lowest.collect_vec()?, [[1, 3]]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn take_sort(
        self,
        n: usize,
    ) -> Flow<'env, impl Pipe<Item = Vec<P::Item>> + Unreduced + use<'env, P>>
    where
        P::Item: Ord,
    {
        self.first_of("take_sort", n, |item| item, |item| item)
    }

    /// One vector of the `n` items with the smallest keys, sorted by them; a key is computed once an item.
    ///
    /// *Order*, *threads* and *end* as in [`take_sort`](Flow::take_sort). *Memory* `n` items and their keys a worker,
    /// and `n` where they are merged.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let shortest = Flow::from_iter(["mill", "a", "stream"]).take_sort_by_key(2, |word| word.len());
    /// assert_eq!(shortest.collect_vec()?, [["a", "mill"]]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn take_sort_by_key<K, F>(
        self,
        n: usize,
        key: F,
    ) -> Flow<'env, impl Pipe<Item = Vec<P::Item>> + Unreduced + use<'env, P, K, F>>
    where
        K: Ord + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        let rank = move |item: P::Item| Ranked {
            key: key(&item),
            item,
        };
        self.first_of("take_sort_by_key", n, rank, |ranked| ranked.item)
    }

    /// One sorted vector of the `n` largest items of the whole flow, the largest first: [`top`](Flow::top) in the middle of a
    /// flow.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`take_sort`](Flow::take_sort).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let highest = Flow::from_iter([5, 3, 9, 1]).take_top(2);
    /// assert_eq!(highest.collect_vec()?, [[9, 5]]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn take_top(
        self,
        n: usize,
    ) -> Flow<'env, impl Pipe<Item = Vec<P::Item>> + Unreduced + use<'env, P>>
    where
        P::Item: Ord,
    {
        self.first_of("take_top", n, Reverse, |ranked| ranked.0)
    }

    /// One vector of the `n` items with the largest keys, the largest first; a key is computed once an item.
    ///
    /// *Order*, *threads* and *end* as in [`take_sort`](Flow::take_sort). *Memory* `n` items and their keys a worker,
    /// and `n` where they are merged.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let busiest = Flow::from_iter("banana".chars())
    ///     .count_by(|letter| *letter)
    ///     .take_top_by_key(1, |(_, count)| *count);
    /// assert_eq!(busiest.collect_vec()?, [[('a', 3)]]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn take_top_by_key<K, F>(
        self,
        n: usize,
        key: F,
    ) -> Flow<'env, impl Pipe<Item = Vec<P::Item>> + Unreduced + use<'env, P, K, F>>
    where
        K: Ord + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        let rank = move |item: P::Item| Ranked {
            key: Reverse(key(&item)),
            item,
        };
        self.first_of("take_top_by_key", n, rank, |ranked| ranked.item)
    }

    /// The first `n` items in the order of what `rank` makes of them: a heap a worker, and one where they meet.
    fn first_of<R, F, G>(
        mut self,
        kind: &'static str,
        n: usize,
        rank: F,
        item: G,
    ) -> Flow<'env, impl Pipe<Item = Vec<P::Item>> + Unreduced + use<'env, P, R, F, G>>
    where
        R: Ord + Send + 'env,
        F: Fn(P::Item) -> R + Send + Sync + 'env,
        G: Fn(R) -> P::Item + Send + Sync + 'env,
    {
        self.group.ordered = false;
        self.group.reduced = true;
        self.keeps.push(keeps::heaps::<R>(n));
        let heaps = self.under(|pipe| crate::step::Reduce {
            pipe,
            init: BinaryHeap::new,
            f: move |heap: &mut BinaryHeap<R>, next| keep(heap, rank(next), n),
        });
        heaps.into_one(
            kind,
            BinaryHeap::new,
            move |heap: &mut BinaryHeap<R>, more: BinaryHeap<R>| {
                more.into_iter().for_each(|next| keep(heap, next, n));
            },
            move |heap: BinaryHeap<R>| heap.into_sorted_vec().into_iter().map(&item).collect(),
        )
    }
}
