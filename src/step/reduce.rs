//! `reduce`: one accumulator a worker, emitted when its input ends.

use std::fmt;
use std::option;

use super::{Feed, Pipe, Pull, Release, consume, waits_as_inner};
use crate::error::Error;
use crate::run::Context;

/// The chain of [`Flow::reduce`](crate::Flow::reduce).
pub struct Reduce<P, N, F> {
    pub(crate) pipe: P,
    pub(crate) init: N,
    pub(crate) f: F,
}

impl<P: Pipe, N, F, A> Pipe for Reduce<P, N, F>
where
    N: Fn() -> A + Send + Sync,
    F: Fn(&mut A, P::Item) + Send + Sync,
{
    type Item = A;
    type Iter<'s>
        = option::IntoIter<A>
    where
        Self: 's;
    type Feed<'s>
        = Reducer<'s, P::Feed<'s>, A, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Reducer {
            feed: self.pipe.open(cx),
            state: Some((self.init)()),
            f: &self.f,
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// One worker's accumulator.
#[derive(Debug)]
pub struct Reducer<'s, D, A, F> {
    feed: D,
    /// `None` once it has been emitted.
    state: Option<A>,
    f: &'s F,
    cx: &'s Context,
}

impl<D: Feed, A, F> Feed for Reducer<'_, D, A, F>
where
    F: Fn(&mut A, <D::Iter as Iterator>::Item),
{
    type Iter = option::IntoIter<A>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let Some(state) = &mut self.state else {
            return Ok(Pull::End);
        };
        Ok(match self.feed.pull()? {
            Pull::Chunk(chunk) => {
                consume(chunk, self.cx, |item| (self.f)(state, item));
                Pull::Again
            }
            Pull::Again | Pull::Border => Pull::Again,
            Pull::Pending => Pull::Pending,
            Pull::End => Pull::Chunk(self.state.take().into_iter()),
        })
    }

    waits_as_inner!();
}

impl<P, N, F> fmt::Debug for Reduce<P, N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reduce").finish_non_exhaustive()
    }
}
