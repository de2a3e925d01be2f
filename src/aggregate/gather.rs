//! All values of a key, in the order of the input. Each is kept with its place; the order is made at the end.

use super::{Aggregate, Place, debug_by_name};

/// All values of a key, in the order of the input: what [`Over::collect`](super::Over::collect) gives back.
pub struct Collect<F> {
    value: F,
}

impl<F> Collect<F> {
    #[inline]
    pub(super) fn new(value: F) -> Self {
        Collect { value }
    }
}

debug_by_name! { Collect<F> }

impl<T, V, F> Aggregate<T> for Collect<F>
where
    V: Send,
    F: Fn(&T) -> V + Send + Sync,
{
    type Acc = Vec<(Place, V)>;
    type Out = Vec<V>;
    const PLACED: bool = true;

    #[inline]
    fn first(&self, item: &T, at: Place) -> Self::Acc {
        vec![(at, (self.value)(item))]
    }

    #[inline]
    fn fold(&self, acc: &mut Self::Acc, item: &T, at: Place) {
        acc.push((at, (self.value)(item)));
    }

    fn merge(&self, acc: &mut Self::Acc, mut other: Self::Acc) {
        // Move the fewer values: many small parts merged into one must not cost the square of their number.
        if other.len() > acc.len() {
            std::mem::swap(acc, &mut other);
        }
        acc.append(&mut other);
    }

    fn finish(&self, mut acc: Self::Acc) -> Vec<V> {
        // The stable sort of std finds the runs that workers made, and merges them.
        acc.sort_by_key(|(at, _)| *at);
        acc.into_iter().map(|(_, value)| value).collect()
    }
}
