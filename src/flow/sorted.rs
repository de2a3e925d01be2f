//! Ends that sort: all items, or the largest few.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::slice::ParallelSliceMut;

use super::Flow;
use crate::error::Error;
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'env,
{
    /// Runs the flow and sorts its items, in parallel once they are collected.
    ///
    /// Equal items come in any order.
    ///
    /// *Memory* the items.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_iter([3, 1, 2]).sorted()?, [1, 2, 3]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn sorted(self) -> Result<Vec<P::Item>, Error>
    where
        P::Item: Ord,
    {
        let mut items = self.collect_vec()?;
        items.par_sort_unstable();
        Ok(items)
    }

    /// Runs the flow and sorts its items by a key, in parallel once they are collected.
    ///
    /// Items with equal keys come in any order, or in that of the input after [`ordered`](Flow::ordered).
    ///
    /// *Memory* the items.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let words = Flow::from_iter(["ccc", "a", "bb"]).sorted_by_key(|word| word.len())?;
    /// assert_eq!(words, ["a", "bb", "ccc"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn sorted_by_key<K, F>(self, key: F) -> Result<Vec<P::Item>, Error>
    where
        K: Ord,
        F: Fn(&P::Item) -> K + Sync,
    {
        let mut items = self.collect_vec()?;
        items.par_sort_by_key(key);
        Ok(items)
    }

    /// Runs the flow and gives its `n` largest items, the largest first.
    ///
    /// Each worker keeps `n` items in a heap, so the others need not be kept or sorted.
    ///
    /// *Memory* `n` items a worker.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_range(0..1000).top(3)?, [999, 998, 997]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn top(self, n: usize) -> Result<Vec<P::Item>, Error>
    where
        P::Item: Ord,
    {
        let heap = self.fold(
            BinaryHeap::new,
            move |heap, item| kept(heap, Reverse(item), n),
            |a, b| b.into_iter().fold(a, |heap, item| kept(heap, item, n)),
        )?;
        Ok(heap
            .into_sorted_vec()
            .into_iter()
            .map(|item| item.0)
            .collect())
    }

    /// Runs the flow and gives the `n` items with the largest keys, the largest first.
    ///
    /// *Memory* `n` items and their keys a worker.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let frequent = Flow::from_iter("banana".chars())
    ///     .count_by(|letter| *letter)
    ///     .top_by_key(2, |(_, count)| *count)?;
    /// assert_eq!(frequent, [('a', 3), ('n', 2)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn top_by_key<K, F>(self, n: usize, key: F) -> Result<Vec<P::Item>, Error>
    where
        K: Ord + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        let heap = self.fold(
            BinaryHeap::new,
            move |heap, item| {
                kept(
                    heap,
                    Ranked {
                        key: Reverse(key(&item)),
                        item,
                    },
                    n,
                )
            },
            |a, b| b.into_iter().fold(a, |heap, item| kept(heap, item, n)),
        )?;
        Ok(heap
            .into_sorted_vec()
            .into_iter()
            .map(|ranked| ranked.item)
            .collect())
    }
}

/// Adds an item to a heap of the `n` smallest.
pub(super) fn keep<T: Ord>(heap: &mut BinaryHeap<T>, item: T, n: usize) {
    if heap.len() < n {
        heap.push(item);
    } else if let Some(mut largest) = heap.peek_mut() {
        if item < *largest {
            *largest = item;
        }
    }
}

/// [`keep`] for a heap that goes by value.
fn kept<T: Ord>(mut heap: BinaryHeap<T>, item: T, n: usize) -> BinaryHeap<T> {
    keep(&mut heap, item, n);
    heap
}

/// An item that is compared by its key alone.
pub(super) struct Ranked<K, T> {
    pub(super) key: K,
    pub(super) item: T,
}

impl<K: Ord, T> PartialEq for Ranked<K, T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<K: Ord, T> Eq for Ranked<K, T> {}

impl<K: Ord, T> PartialOrd for Ranked<K, T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord, T> Ord for Ranked<K, T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}
