//! The common shape of steps that only wrap the chunk's iterator: the feed below stays as it is.

use super::{Feed, Pull, waits_as_inner};
use crate::error::Error;

/// Wraps a chunk's iterator into the same chunk with one more step.
pub trait Adapt<I> {
    /// The wrapped iterator.
    type Out: Iterator;
    /// Wraps one chunk.
    fn adapt(&self, chunk: I) -> Self::Out;
}

/// A feed whose chunks get one more step.
#[derive(Debug)]
pub struct Adapted<D, A> {
    pub(crate) feed: D,
    pub(crate) step: A,
}

impl<D: Feed, A: Adapt<D::Iter>> Feed for Adapted<D, A> {
    type Iter = A::Out;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        Ok(self.feed.pull()?.map(|chunk| self.step.adapt(chunk)))
    }

    waits_as_inner!();
}
