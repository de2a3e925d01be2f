//! `flat_map`: one item in, any number out, one at a time: an expanding step never grows a buffer.

use std::fmt;
use std::iter;

use super::{Adapt, Adapted, Pipe, Release, Splits};
use crate::run::Context;

/// The chain of [`Flow::flat_map`](crate::Flow::flat_map).
pub struct FlatMap<P, F> {
    pub(crate) pipe: P,
    pub(crate) f: F,
}

impl<P: Pipe, F, U> Pipe for FlatMap<P, F>
where
    F: Fn(P::Item) -> U + Send + Sync,
    U: IntoIterator,
{
    type Item = U::Item;
    type Iter<'s>
        = iter::FlatMap<P::Iter<'s>, U, &'s F>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Spread<'s, F>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: Spread(&self.f),
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.pipe.splits()
    }
}

/// The step of [`FlatMap`] in one worker.
#[derive(Debug)]
pub struct Spread<'s, F>(&'s F);

impl<'s, I: Iterator, F, U> Adapt<I> for Spread<'s, F>
where
    F: Fn(I::Item) -> U,
    U: IntoIterator,
{
    type Out = iter::FlatMap<I, U, &'s F>;

    fn adapt(&self, chunk: I) -> Self::Out {
        chunk.flat_map(self.0)
    }
}

impl<P, F> fmt::Debug for FlatMap<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlatMap").finish_non_exhaustive()
    }
}
