//! Where items stand in the input, and the aggregates that ask which came first.
//!
//! A worker meets its own items in order, but workers do not: so the place travels with the value, and decides.

use super::{Aggregate, debug_by_name};

/// Where an item stands in the input, for aggregates that ask which came first.
///
/// Places are compared, nothing else: the number of the chunk it came in, then its number within the chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub(crate) chunk: u64,
    pub(crate) item: u64,
}

/// The value of a key's first item: what [`Over::first`](super::Over::first) gives back.
pub struct First<F> {
    value: F,
}

/// The value of a key's last item: what [`Over::last`](super::Over::last) gives back.
pub struct Last<F> {
    value: F,
}

debug_by_name! { First<F> Last<F> }

/// Both aggregates differ only in how a place must stand to the kept one to take over. `Last` takes over at an
/// equal place, so that of items that share one the later arrival wins, as `First` keeps the earlier one.
macro_rules! by_place {
    ($name:ident, $wins:tt) => {
        impl<F> $name<F> {
            #[inline]
            pub(super) fn new(value: F) -> Self {
                $name { value }
            }
        }

        impl<T, V, F> Aggregate<T> for $name<F>
        where
            V: Send,
            F: Fn(&T) -> V + Send + Sync,
        {
            type Acc = (Place, V);
            type Out = V;
            const PLACED: bool = true;

            #[inline]
            fn first(&self, item: &T, at: Place) -> (Place, V) {
                (at, (self.value)(item))
            }

            #[inline]
            fn fold(&self, acc: &mut (Place, V), item: &T, at: Place) {
                if at $wins acc.0 {
                    *acc = (at, (self.value)(item));
                }
            }

            #[inline]
            fn merge(&self, acc: &mut (Place, V), other: (Place, V)) {
                if other.0 $wins acc.0 {
                    *acc = other;
                }
            }

            #[inline]
            fn finish(&self, acc: (Place, V)) -> V {
                acc.1
            }
        }
    };
}

by_place!(First, <);
by_place!(Last, >=);
