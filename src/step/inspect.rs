//! `inspect`: looks at each item and passes it on.

use std::fmt;
use std::iter;

use super::{Adapt, Adapted, Pipe, Release, Splits};
use crate::run::Context;

/// The chain of [`Flow::inspect`](crate::Flow::inspect).
pub struct Inspect<P, F> {
    pub(crate) pipe: P,
    pub(crate) f: F,
}

impl<P: Pipe, F> Pipe for Inspect<P, F>
where
    F: Fn(&P::Item) + Send + Sync,
{
    type Item = P::Item;
    type Iter<'s>
        = iter::Inspect<P::Iter<'s>, &'s F>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Look<'s, F>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: Look(&self.f),
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.pipe.splits()
    }
}

/// The step of [`Inspect`] in one worker.
#[derive(Debug)]
pub struct Look<'s, F>(&'s F);

impl<'s, I: Iterator, F> Adapt<I> for Look<'s, F>
where
    F: Fn(&I::Item),
{
    type Out = iter::Inspect<I, &'s F>;

    fn adapt(&self, chunk: I) -> Self::Out {
        chunk.inspect(self.0)
    }
}

impl<P, F> fmt::Debug for Inspect<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspect").finish_non_exhaustive()
    }
}
