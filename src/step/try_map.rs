//! `try_map`, `try_map_ref`, `try_items`, `try_flat_map`: how each tries an item, and what it has of one that was rejected.

use std::fmt;
use std::iter;

use super::tries::{Attempt, Tries};
use super::{Adapt, Adapted, Pipe, Release, Splits};
use crate::error::BoxError;
use crate::reject::{Fail, Keeps, Rejected};
use crate::run::Context;

/// The chain of [`Flow::try_map`](crate::Flow::try_map).
pub type TryMap<P, F, R = Fail> = Tries<P, ByValue<F>, R>;

/// The chain of [`Flow::try_map_ref`](crate::Flow::try_map_ref).
pub type TryMapRef<P, F, R = Fail> = Tries<P, ByReference<F>, R>;

/// The chain of [`Flow::try_items`](crate::Flow::try_items).
pub type TryItems<P, R = Fail> = Tries<P, Unwrapped, R>;

/// The chain of [`Flow::try_flat_map`](crate::Flow::try_flat_map).
pub type TryFlatMap<P, F, R = Fail> = Spread<TryMap<P, F, R>>;

/// A try that gives the item away: the policy says what is kept of it.
pub struct ByValue<F> {
    f: F,
    name: &'static str,
}

impl<F> ByValue<F> {
    pub(crate) fn new(name: &'static str, f: F) -> Self {
        ByValue { f, name }
    }
}

impl<T, R, F, U, E> Attempt<T, R> for ByValue<F>
where
    R: Keeps<T>,
    F: Fn(T) -> Result<U, E> + Send + Sync,
    E: Into<BoxError>,
{
    type Out = U;
    type Kept = R::Kept;

    #[inline]
    fn attempt(&self, item: T) -> Result<U, Rejected<R::Kept>> {
        let kept = R::keep(&item);
        (self.f)(item).map_err(|error| Rejected::new(kept, error, self.name))
    }

    fn back(kept: R::Kept) -> Option<T> {
        R::back(kept)
    }
}

/// A try that only looks at the item.
pub struct ByReference<F>(pub(crate) F);

impl<T, R, F, U, E> Attempt<T, R> for ByReference<F>
where
    F: Fn(&T) -> Result<U, E> + Send + Sync,
    E: Into<BoxError>,
{
    type Out = U;
    type Kept = T;

    #[inline]
    fn attempt(&self, item: T) -> Result<U, Rejected<T>> {
        (self.0)(&item).map_err(|error| Rejected::new(item, error, "try_map_ref"))
    }

    fn back(item: T) -> Option<T> {
        Some(item)
    }
}

/// A try that has been made before: the item is its result.
#[derive(Debug, Clone, Copy)]
pub struct Unwrapped;

impl<T, E: Into<BoxError>, R> Attempt<Result<T, E>, R> for Unwrapped {
    type Out = T;
    type Kept = ();

    #[inline]
    fn attempt(&self, item: Result<T, E>) -> Result<T, Rejected<()>> {
        item.map_err(|error| Rejected::new((), error, "try_items"))
    }

    fn back((): ()) -> Option<Result<T, E>> {
        None
    }
}

/// The chain behind a step whose items are collections: their items, one at a time.
#[derive(Debug)]
pub struct Spread<P>(pub(crate) P);

impl<P: Pipe> Pipe for Spread<P>
where
    P::Item: IntoIterator,
{
    type Item = <P::Item as IntoIterator>::Item;
    type Iter<'s>
        = iter::Flatten<P::Iter<'s>>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Spreading>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.0.open(cx),
            step: Spreading,
        }
    }

    fn release(&self, how: Release) {
        self.0.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.0.splits()
    }
}

/// The step of [`Spread`] in one worker.
#[derive(Debug)]
pub struct Spreading;

impl<I: Iterator> Adapt<I> for Spreading
where
    I::Item: IntoIterator,
{
    type Out = iter::Flatten<I>;

    fn adapt(&self, chunk: I) -> Self::Out {
        chunk.flatten()
    }
}

impl<F> fmt::Debug for ByValue<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByValue").field(&self.name).finish()
    }
}

impl<F> fmt::Debug for ByReference<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByReference").finish_non_exhaustive()
    }
}
