//! `adapt`: a step of the user's own, from a chunk's iterator to another iterator.
//!
//! Items go in over an erased border a batch at a time, as with `boxed`, and come out by a virtual call each.

use std::fmt;
use std::marker::PhantomData;

use super::boxed::Erased;
use super::{Adapt, Adapted, Pipe, Release};
use crate::run::Context;

/// A chunk of the input, as [`Flow::adapt`](crate::Flow::adapt) gives it to its closure: some items, in their order.
///
/// It lives as long as `'c`, which is no longer than what the flow borrows: the iterator made of it may borrow the same.
pub struct Chunk<'c, 'env: 'c, T> {
    items: Erased<'c, T>,
    outlived: PhantomData<&'env ()>,
}

impl<T> Iterator for Chunk<'_, '_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.items.next()
    }
}

/// The chain of [`Flow::adapt`](crate::Flow::adapt).
pub struct Chunks<'env, P, F> {
    pipe: P,
    f: F,
    /// The closure takes chunks of a flow over just this life, no longer and no shorter.
    life: PhantomData<fn(&'env ()) -> &'env ()>,
}

impl<P, F> Chunks<'_, P, F> {
    pub(crate) fn new(pipe: P, f: F) -> Self {
        Chunks {
            pipe,
            f,
            life: PhantomData,
        }
    }
}

impl<'env, P: Pipe, F, U> Pipe for Chunks<'env, P, F>
where
    F: for<'c> Fn(Chunk<'c, 'env, P::Item>) -> Box<dyn Iterator<Item = U> + 'c> + Send + Sync,
{
    type Item = U;
    type Iter<'s>
        = Box<dyn Iterator<Item = U> + 's>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Own<'s, 'env, F>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: Own(&self.f, PhantomData),
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// The step of [`Chunks`] in one worker.
#[derive(Debug)]
pub struct Own<'s, 'env, F>(&'s F, PhantomData<fn(&'env ()) -> &'env ()>);

impl<'s, 'env: 's, I, F, U> Adapt<I> for Own<'s, 'env, F>
where
    I: Iterator + 's,
    F: for<'c> Fn(Chunk<'c, 'env, I::Item>) -> Box<dyn Iterator<Item = U> + 'c>,
{
    type Out = Box<dyn Iterator<Item = U> + 's>;

    fn adapt(&self, chunk: I) -> Self::Out {
        (self.0)(Chunk {
            items: Erased::new(chunk),
            outlived: PhantomData,
        })
    }
}

impl<T> fmt::Debug for Chunk<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").finish_non_exhaustive()
    }
}

impl<P, F> fmt::Debug for Chunks<'_, P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").finish_non_exhaustive()
    }
}
