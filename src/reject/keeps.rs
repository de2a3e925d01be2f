//! What a step keeps of an item while a closure has it: nothing, or a copy. So a policy that drops items costs nothing.

use super::{Fail, Rejected, Retry, Skip};
use crate::error::BoxError;

/// What a policy wants kept of an item of type `T` that is given away to a closure, should it be rejected.
///
/// [`Fail`] and [`Skip`] want nothing; the others want the item, so it is cloned before each try.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no policy for items of type `{T}` that a closure is given",
    label = "cannot keep the item",
    note = "policies that need the item keep a clone of it: `{T}` must be `Clone`, or use `try_map_ref`, whose closure borrows the item",
    note = "a closure is `|rejected: Rejected<{T}>| -> Result<(), E>`"
)]
pub trait Keeps<T> {
    /// What is kept.
    #[doc(hidden)]
    type Kept;

    /// Keeps it, before the item is given away.
    #[doc(hidden)]
    fn keep(item: &T) -> Self::Kept;

    /// The item, if that was kept.
    #[doc(hidden)]
    fn back(kept: Self::Kept) -> Option<T>;
}

/// Policies that look at nothing but the error.
macro_rules! keep_nothing {
    ($($policy:ty)*) => {$(
        impl<T> Keeps<T> for $policy {
            type Kept = ();

            #[inline]
            fn keep(_item: &T) {}

            fn back((): ()) -> Option<T> {
                None
            }
        }
    )*};
}

keep_nothing! { Fail Skip }

/// The body of a policy's [`Keeps`] that wants the item.
macro_rules! keep_a_clone {
    ($item:ty) => {
        type Kept = $item;

        #[inline]
        fn keep(item: &$item) -> $item {
            item.clone()
        }

        fn back(kept: $item) -> Option<$item> {
            Some(kept)
        }
    };
}
pub(super) use keep_a_clone;

impl<T: Clone, O> Keeps<T> for Retry<O> {
    keep_a_clone!(T);
}

impl<T, F, E> Keeps<T> for F
where
    T: Clone,
    F: Fn(Rejected<T>) -> Result<(), E>,
    E: Into<BoxError>,
{
    keep_a_clone!(T);
}
