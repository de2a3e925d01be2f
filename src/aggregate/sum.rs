//! The sum of a value. The accumulator is the value's own type and starts at the first value, so that types
//! without a zero can be added up.

use super::{Aggregate, Place, debug_by_name};
use std::ops::AddAssign;

/// The sum of a value over the items of a key: what [`Over::sum`](super::Over::sum) gives back.
pub struct Sum<F> {
    value: F,
}

impl<F> Sum<F> {
    #[inline]
    pub(super) fn new(value: F) -> Self {
        Sum { value }
    }
}

debug_by_name! { Sum<F> }

impl<T, V, F> Aggregate<T> for Sum<F>
where
    V: AddAssign + Send,
    F: Fn(&T) -> V + Send + Sync,
{
    type Acc = V;
    type Out = V;

    #[inline]
    fn first(&self, item: &T, _: Place) -> V {
        (self.value)(item)
    }

    #[inline]
    fn fold(&self, acc: &mut V, item: &T, _: Place) {
        *acc += (self.value)(item);
    }

    #[inline]
    fn merge(&self, acc: &mut V, other: V) {
        *acc += other;
    }

    #[inline]
    fn finish(&self, acc: V) -> V {
        acc
    }
}
