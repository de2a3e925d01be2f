//! The smallest and the largest value. The accumulator is the value itself; of equal values any may stay, which
//! nothing can tell apart by order.

use super::{Aggregate, Compare, Place, debug_by_name};
use std::cmp::Ordering;
use std::marker::PhantomData;

/// The smallest value of a key: what [`Over::min`](super::Over::min) gives back.
///
/// `By` is how values are compared; see [`Compare`].
pub struct Min<F, By> {
    value: F,
    by: PhantomData<fn(By)>,
}

/// The largest value of a key: what [`Over::max`](super::Over::max) gives back.
///
/// `By` is how values are compared; see [`Compare`].
pub struct Max<F, By> {
    value: F,
    by: PhantomData<fn(By)>,
}

debug_by_name! { Min<F, By> Max<F, By> }

/// Both aggregates differ only in which way a value must stand to the kept one to take its place.
macro_rules! extreme {
    ($name:ident, $wins:expr) => {
        impl<F, By> $name<F, By> {
            #[inline]
            pub(super) fn new(value: F) -> Self {
                $name {
                    value,
                    by: PhantomData,
                }
            }
        }

        impl<T, V, F, By> Aggregate<T> for $name<F, By>
        where
            V: Compare<By> + Send,
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
                let value = (self.value)(item);
                if value.compare(acc) == $wins {
                    *acc = value;
                }
            }

            #[inline]
            fn merge(&self, acc: &mut V, other: V) {
                if other.compare(acc) == $wins {
                    *acc = other;
                }
            }

            #[inline]
            fn finish(&self, acc: V) -> V {
                acc
            }
        }
    };
}

extreme!(Min, Ordering::Less);
extreme!(Max, Ordering::Greater);
