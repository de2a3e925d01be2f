//! The arithmetic mean: a sum, as `Average` wants it kept, and the number of values in it, divided only at the end.

use super::{Aggregate, Average, Place, debug_by_name};

/// The mean of a number over the items of a key: what [`Over::mean`](super::Over::mean) gives back.
pub struct Mean<F> {
    value: F,
}

impl<F> Mean<F> {
    #[inline]
    pub(super) fn new(value: F) -> Self {
        Mean { value }
    }
}

debug_by_name! { Mean<F> }

impl<T, V, F> Aggregate<T> for Mean<F>
where
    V: Average,
    F: Fn(&T) -> V + Send + Sync,
{
    type Acc = (V::Sum, u64);
    type Out = f64;

    #[inline]
    fn first(&self, item: &T, _: Place) -> Self::Acc {
        ((self.value)(item).to_sum(), 1)
    }

    #[inline]
    fn fold(&self, acc: &mut Self::Acc, item: &T, _: Place) {
        acc.0 += (self.value)(item).to_sum();
        acc.1 += 1;
    }

    #[inline]
    fn merge(&self, acc: &mut Self::Acc, other: Self::Acc) {
        acc.0 += other.0;
        acc.1 += other.1;
    }

    #[inline]
    fn finish(&self, (sum, count): Self::Acc) -> f64 {
        V::mean(sum, count)
    }
}
