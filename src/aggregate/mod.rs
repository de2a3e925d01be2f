//! Declared aggregates: what to make of all items of a key, in a form that can be combined before the exchange.
//!
//! [`Aggregate`] is what the engine asks of every aggregate; [`Over`] is where a user finds the ready ones; each
//! of the other files holds one idea. The invariant they all keep: folding a sequence whole and folding its parts
//! and merging them, in any order of parts, give the same result (float sums and means: up to rounding).

mod average;
mod combine;
mod compare;
mod count;
mod distinct;
mod extreme;
mod gather;
mod mean;
mod over;
mod place;
mod sum;
mod top;
mod tuple;
mod unique;

#[cfg(test)]
mod tests;

pub use average::Average;
pub use combine::{ByRef, Combine, FoldBy, Group, Values};
pub use compare::{ByOrd, ByTotalOrder, Compare};
pub use count::Count;
pub use distinct::Distinct;
pub use extreme::{Max, Min};
pub use gather::Collect;
pub use mean::Mean;
pub use over::Over;
pub use place::{First, Last, Place};
pub use sum::Sum;
pub use top::Top;
pub use unique::{Keep, Unique};

/// What to make of the items that share a key.
///
/// An aggregate is four functions over an accumulator. Workers fold items into accumulators of their own
/// before anything crosses a thread, and merge those later; so `fold` and `merge` must agree: folding a
/// sequence whole gives the same as folding its parts and merging them, in any order of parts.
///
/// The ready aggregates are methods of [`Over`], the value that `aggregate_by` hands to its closure. A tuple of
/// one to eight aggregates is an aggregate. One of your own goes into the tuple beside the ready ones:
///
/// ```
/// use millstream::{Aggregate, Flow, Place};
/// use std::collections::HashMap;
///
/// /// The widest gap between the smallest and the largest amount.
/// struct Spread;
///
/// impl Aggregate<(&'static str, u32)> for Spread {
///     type Acc = (u32, u32);
///     type Out = u32;
///     fn first(&self, item: &(&'static str, u32), _: Place) -> (u32, u32) {
///         (item.1, item.1)
///     }
///     fn fold(&self, acc: &mut (u32, u32), item: &(&'static str, u32), _: Place) {
///         *acc = (acc.0.min(item.1), acc.1.max(item.1));
///     }
///     fn merge(&self, acc: &mut (u32, u32), other: (u32, u32)) {
///         *acc = (acc.0.min(other.0), acc.1.max(other.1));
///     }
///     fn finish(&self, acc: (u32, u32)) -> u32 {
///         acc.1 - acc.0
///     }
/// }
///
/// # fn main() -> Result<(), millstream::Error> {
/// let sales = vec![("tea", 3), ("rice", 7), ("tea", 9), ("tea", 5)];
/// let found: HashMap<&str, (u64, u32)> = Flow::from_iter(sales)
///     .aggregate_by(|sale| sale.0, |a| (a.count(), Spread))
///     .collect()?;
/// assert_eq!(found["tea"], (3, 6));
/// assert_eq!(found["rice"], (1, 0));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate over items of type `{T}`",
    label = "give an aggregate, or a tuple of one to eight of them",
    note = "the ready ones are methods of the closure's argument: `|a| (a.count(), a.sum(|item| item.amount))`",
    note = "one of your own is a type that implements `Aggregate<{T}>`"
)]
pub trait Aggregate<T>: Send + Sync {
    /// What is kept for a key while items come.
    type Acc: Send;
    /// What comes out for a key at the end.
    type Out;
    /// Whether this aggregate looks at the places of items.
    ///
    /// Where it is `false`, the default, the places given to [`first`](Aggregate::first) and
    /// [`fold`](Aggregate::fold) say nothing, and no work was spent on them.
    const PLACED: bool = false;
    /// The accumulator of a key's first item.
    fn first(&self, item: &T, at: Place) -> Self::Acc;
    /// Adds an item to an accumulator.
    fn fold(&self, acc: &mut Self::Acc, item: &T, at: Place);
    /// Adds what another worker (or an earlier round of this one) accumulated for the same key.
    fn merge(&self, acc: &mut Self::Acc, other: Self::Acc);
    /// The result for a key.
    fn finish(&self, acc: Self::Acc) -> Self::Out;
}

/// Debug for an aggregate that holds a closure: its name, and nothing of the closure, which has nothing to show.
macro_rules! debug_by_name {
    ($($name:ident<$($param:ident),+>)+) => {$(
        impl<$($param),+> std::fmt::Debug for $name<$($param),+> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}
use debug_by_name;
