//! `try_map` and `try_flat_map`: the first error ends the run, with the stage and the position it happened at.

use std::fmt;
use std::iter;

use super::{Adapt, Adapted, Pipe, Release, Splits};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::Context;

/// The chain of [`Flow::try_map`](crate::Flow::try_map).
pub struct TryMap<P, F> {
    pub(crate) pipe: P,
    pub(crate) f: F,
}

impl<P: Pipe, F, U, E> Pipe for TryMap<P, F>
where
    F: Fn(P::Item) -> Result<U, E> + Send + Sync,
    E: Into<BoxError>,
{
    type Item = U;
    type Iter<'s>
        = Tried<'s, P::Iter<'s>, F>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Trier<'s, F>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: Trier { f: &self.f, cx },
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.pipe.splits()
    }
}

/// The step of [`TryMap`] in one worker.
#[derive(Debug)]
pub struct Trier<'s, F> {
    f: &'s F,
    cx: &'s Context,
}

impl<'s, I: Iterator, F, U, E> Adapt<I> for Trier<'s, F>
where
    F: Fn(I::Item) -> Result<U, E>,
    E: Into<BoxError>,
{
    type Out = Tried<'s, I, F>;

    fn adapt(&self, chunk: I) -> Self::Out {
        Tried {
            chunk,
            f: self.f,
            cx: self.cx,
        }
    }
}

/// A chunk that ends at the first error, which it leaves with the worker.
#[derive(Debug)]
pub struct Tried<'s, I, F> {
    chunk: I,
    f: &'s F,
    cx: &'s Context,
}

impl<I: Iterator, F, U, E> Iterator for Tried<'_, I, F>
where
    F: Fn(I::Item) -> Result<U, E>,
    E: Into<BoxError>,
{
    type Item = U;

    #[inline]
    fn next(&mut self) -> Option<U> {
        match (self.f)(self.chunk.next()?) {
            Ok(item) => Some(item),
            Err(error) => {
                self.cx.fault(Error::wrap(ErrorKind::Step, error));
                None
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.chunk.size_hint().1)
    }
}

/// The chain of [`Flow::try_flat_map`](crate::Flow::try_flat_map).
pub struct TryFlatMap<P, F> {
    pub(crate) pipe: P,
    pub(crate) f: F,
}

impl<P: Pipe, F, U, E> Pipe for TryFlatMap<P, F>
where
    F: Fn(P::Item) -> Result<U, E> + Send + Sync,
    U: IntoIterator,
    E: Into<BoxError>,
{
    type Item = U::Item;
    type Iter<'s>
        = iter::Flatten<Tried<'s, P::Iter<'s>, F>>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, TrySpread<'s, F>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: TrySpread(Trier { f: &self.f, cx }),
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.pipe.splits()
    }
}

/// The step of [`TryFlatMap`] in one worker.
#[derive(Debug)]
pub struct TrySpread<'s, F>(Trier<'s, F>);

impl<'s, I: Iterator, F, U, E> Adapt<I> for TrySpread<'s, F>
where
    F: Fn(I::Item) -> Result<U, E>,
    U: IntoIterator,
    E: Into<BoxError>,
{
    type Out = iter::Flatten<Tried<'s, I, F>>;

    fn adapt(&self, chunk: I) -> Self::Out {
        self.0.adapt(chunk).flatten()
    }
}

impl<P, F> fmt::Debug for TryMap<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryMap").finish_non_exhaustive()
    }
}

impl<P, F> fmt::Debug for TryFlatMap<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryFlatMap").finish_non_exhaustive()
    }
}
