//! `map_with`: a step with a value of its own in each worker.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::{Adapt, Adapted, Pipe, Release};
use crate::run::Context;

/// The chain of [`Flow::map_with`](crate::Flow::map_with).
pub struct MapWith<P, N, F> {
    pub(crate) pipe: P,
    pub(crate) init: N,
    pub(crate) f: F,
}

impl<P: Pipe, N, F, S, U> Pipe for MapWith<P, N, F>
where
    N: Fn(usize, usize) -> S + Send + Sync,
    F: Fn(&mut S, P::Item) -> U + Send + Sync,
{
    type Item = U;
    type Iter<'s>
        = WithState<'s, P::Iter<'s>, S, F>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Stateful<'s, S, F>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: Stateful {
                state: Rc::new(RefCell::new((self.init)(cx.index, cx.of))),
                f: &self.f,
            },
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// The step of [`MapWith`] in one worker: it outlives the chunks, so they share its state.
#[derive(Debug)]
pub struct Stateful<'s, S, F> {
    pub(super) state: Rc<RefCell<S>>,
    pub(super) f: &'s F,
}

impl<'s, I: Iterator, S, F, U> Adapt<I> for Stateful<'s, S, F>
where
    F: Fn(&mut S, I::Item) -> U,
{
    type Out = WithState<'s, I, S, F>;

    fn adapt(&self, chunk: I) -> Self::Out {
        WithState {
            chunk,
            state: self.state.clone(),
            f: self.f,
        }
    }
}

/// A chunk whose items meet the worker's state.
#[derive(Debug)]
pub struct WithState<'s, I, S, F> {
    chunk: I,
    state: Rc<RefCell<S>>,
    f: &'s F,
}

impl<I: Iterator, S, F, U> Iterator for WithState<'_, I, S, F>
where
    F: Fn(&mut S, I::Item) -> U,
{
    type Item = U;

    #[inline]
    fn next(&mut self) -> Option<U> {
        let item = self.chunk.next()?;
        Some((self.f)(&mut self.state.borrow_mut(), item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunk.size_hint()
    }
}

impl<P, N, F> fmt::Debug for MapWith<P, N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapWith").finish_non_exhaustive()
    }
}
