//! The largest `n` values, in a heap whose root is the smallest of those kept: it never holds more than `n`.

use super::{Aggregate, Compare, Place, debug_by_name};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fmt;
use std::marker::PhantomData;

/// The largest values of a key: what [`Over::top`](super::Over::top) gives back.
///
/// `By` is how values are compared; see [`Compare`].
pub struct Top<F, By> {
    n: usize,
    value: F,
    by: PhantomData<fn(By)>,
}

impl<F, By> Top<F, By> {
    #[inline]
    pub(super) fn new(n: usize, value: F) -> Self {
        Top {
            n,
            value,
            by: PhantomData,
        }
    }

    #[inline]
    fn add<V: Compare<By>>(&self, heap: &mut BinaryHeap<Ranked<V, By>>, entry: Ranked<V, By>) {
        if heap.len() < self.n {
            heap.push(entry);
        } else if let Some(mut smallest) = heap.peek_mut() {
            // Ranks are reversed: a lesser rank is a larger value.
            if entry < *smallest {
                *smallest = entry;
            }
        }
    }
}

debug_by_name! { Top<F, By> }

impl<T, V, F, By> Aggregate<T> for Top<F, By>
where
    V: Compare<By> + Send,
    F: Fn(&T) -> V + Send + Sync,
{
    type Acc = BinaryHeap<Ranked<V, By>>;
    type Out = Vec<V>;

    #[inline]
    fn first(&self, item: &T, at: Place) -> Self::Acc {
        let mut heap = BinaryHeap::new();
        self.fold(&mut heap, item, at);
        heap
    }

    #[inline]
    fn fold(&self, acc: &mut Self::Acc, item: &T, _: Place) {
        self.add(acc, Ranked::new((self.value)(item)));
    }

    fn merge(&self, acc: &mut Self::Acc, other: Self::Acc) {
        for entry in other {
            self.add(acc, entry);
        }
    }

    fn finish(&self, acc: Self::Acc) -> Vec<V> {
        acc.into_sorted_vec()
            .into_iter()
            .map(|entry| entry.value)
            .collect()
    }
}

/// A value in the heap, ordered by `Compare` the other way round: std's heap has its greatest element at the
/// root, and the root has to be the value that goes next.
pub struct Ranked<V, By> {
    value: V,
    by: PhantomData<fn(By)>,
}

impl<V, By> Ranked<V, By> {
    #[inline]
    fn new(value: V) -> Self {
        Ranked {
            value,
            by: PhantomData,
        }
    }
}

impl<V: Compare<By>, By> Ord for Ranked<V, By> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        other.value.compare(&self.value)
    }
}

impl<V: Compare<By>, By> PartialOrd for Ranked<V, By> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<V: Compare<By>, By> PartialEq for Ranked<V, By> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<V: Compare<By>, By> Eq for Ranked<V, By> {}

impl<V: fmt::Debug, By> fmt::Debug for Ranked<V, By> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
