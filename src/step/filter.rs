//! `filter` and `filter_map`: one item in, at most one out.

use std::fmt;
use std::iter;

use super::{Adapt, Adapted, Pipe, Release, Splits};
use crate::run::Context;

/// The chain of [`Flow::filter`](crate::Flow::filter) and `reject`.
pub struct Filter<P, F> {
    pub(crate) pipe: P,
    pub(crate) f: F,
}

impl<P: Pipe, F> Pipe for Filter<P, F>
where
    F: Fn(&P::Item) -> bool + Send + Sync,
{
    type Item = P::Item;
    type Iter<'s>
        = iter::Filter<P::Iter<'s>, &'s F>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Sieve<'s, F>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: Sieve(&self.f),
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.pipe.splits()
    }
}

/// The step of [`Filter`] in one worker.
#[derive(Debug)]
pub struct Sieve<'s, F>(&'s F);

impl<'s, I: Iterator, F> Adapt<I> for Sieve<'s, F>
where
    F: Fn(&I::Item) -> bool,
{
    type Out = iter::Filter<I, &'s F>;

    fn adapt(&self, chunk: I) -> Self::Out {
        chunk.filter(self.0)
    }
}

impl<P, F> fmt::Debug for Filter<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").finish_non_exhaustive()
    }
}

/// The chain of [`Flow::filter_map`](crate::Flow::filter_map).
pub struct FilterMap<P, F> {
    pub(crate) pipe: P,
    pub(crate) f: F,
}

impl<P: Pipe, F, U> Pipe for FilterMap<P, F>
where
    F: Fn(P::Item) -> Option<U> + Send + Sync,
{
    type Item = U;
    type Iter<'s>
        = iter::FilterMap<P::Iter<'s>, &'s F>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, MapSieve<'s, F>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: MapSieve(&self.f),
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.pipe.splits()
    }
}

/// The step of [`FilterMap`] in one worker.
#[derive(Debug)]
pub struct MapSieve<'s, F>(&'s F);

impl<'s, I: Iterator, F, U> Adapt<I> for MapSieve<'s, F>
where
    F: Fn(I::Item) -> Option<U>,
{
    type Out = iter::FilterMap<I, &'s F>;

    fn adapt(&self, chunk: I) -> Self::Out {
        chunk.filter_map(self.0)
    }
}

impl<P, F> fmt::Debug for FilterMap<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterMap").finish_non_exhaustive()
    }
}
