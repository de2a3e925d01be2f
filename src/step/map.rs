//! `map`: one item in, one item out.

use std::fmt;
use std::iter;

use super::{Adapt, Adapted, Pipe, Release, Splits};
use crate::run::Context;

/// The chain of [`Flow::map`](crate::Flow::map).
pub struct Map<P, F> {
    pub(crate) pipe: P,
    pub(crate) f: F,
}

impl<P: Pipe, F, U> Pipe for Map<P, F>
where
    F: Fn(P::Item) -> U + Send + Sync,
{
    type Item = U;
    type Iter<'s>
        = iter::Map<P::Iter<'s>, &'s F>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Mapper<'s, F>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: Mapper(&self.f),
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.pipe.splits()
    }
}

/// The step of [`Map`] in one worker.
#[derive(Debug)]
pub struct Mapper<'s, F>(&'s F);

impl<'s, I: Iterator, F, U> Adapt<I> for Mapper<'s, F>
where
    F: Fn(I::Item) -> U,
{
    type Out = iter::Map<I, &'s F>;

    fn adapt(&self, chunk: I) -> Self::Out {
        chunk.map(self.0)
    }
}

impl<P, F> fmt::Debug for Map<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").finish_non_exhaustive()
    }
}
