//! `emit_and_reduce`: one accumulator a worker that may emit at every item, and once more at the end.

use std::cell::RefCell;
use std::fmt;
use std::iter;
use std::rc::Rc;

use super::map_with::{Stateful, WithState};
use super::{Adapt, Feed, Pipe, Pull, Release, waits_as_inner};
use crate::error::Error;
use crate::run::Context;

/// The chain of [`Flow::emit_and_reduce`](crate::Flow::emit_and_reduce).
pub struct Emit<P, N, F, E> {
    pub(crate) pipe: P,
    pub(crate) init: N,
    pub(crate) f: F,
    pub(crate) finish: E,
}

impl<P: Pipe, N, F, E, A, U, V> Pipe for Emit<P, N, F, E>
where
    N: Fn() -> A + Send + Sync,
    F: Fn(&mut A, P::Item) -> U + Send + Sync,
    U: IntoIterator,
    E: Fn(A) -> V + Send + Sync,
    V: IntoIterator<Item = U::Item>,
{
    type Item = U::Item;
    type Iter<'s>
        = Emitted<iter::Flatten<WithState<'s, P::Iter<'s>, A, F>>, V::IntoIter>
    where
        Self: 's;
    type Feed<'s>
        = Emitter<'s, P::Feed<'s>, A, F, E>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Emitter {
            feed: self.pipe.open(cx),
            step: Some(Stateful {
                state: Rc::new(RefCell::new((self.init)())),
                f: &self.f,
            }),
            finish: &self.finish,
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// One worker's accumulator.
#[derive(Debug)]
pub struct Emitter<'s, D, A, F, E> {
    feed: D,
    /// `None` once the end has been emitted.
    step: Option<Stateful<'s, A, F>>,
    finish: &'s E,
    cx: &'s Context,
}

impl<'s, D: Feed, A, F, E, U, V> Feed for Emitter<'s, D, A, F, E>
where
    F: Fn(&mut A, <D::Iter as Iterator>::Item) -> U,
    U: IntoIterator,
    E: Fn(A) -> V,
    V: IntoIterator<Item = U::Item>,
{
    type Iter = Emitted<iter::Flatten<WithState<'s, D::Iter, A, F>>, V::IntoIter>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let Some(step) = &self.step else {
            return Ok(Pull::End);
        };
        Ok(match self.feed.pull()? {
            Pull::Chunk(chunk) => Pull::Chunk(Emitted::Item(step.adapt(chunk).flatten())),
            Pull::Again => Pull::Again,
            Pull::Border => Pull::Border,
            Pull::Pending => Pull::Pending,
            // The chunks before are gone, so the state has one owner.
            // The end of an input that failed is no end: `finish` must not see a partial accumulator.
            Pull::End if self.cx.shared.halted() => Pull::End,
            Pull::End => match self.step.take().and_then(|s| Rc::into_inner(s.state)) {
                Some(state) => {
                    let last = (self.finish)(state.into_inner());
                    Pull::Chunk(Emitted::End(last.into_iter()))
                }
                None => Pull::End,
            },
        })
    }

    waits_as_inner!();
}

/// What an item, or the end, emitted.
#[derive(Debug)]
pub enum Emitted<I, J> {
    /// While items come.
    Item(I),
    /// At the end.
    End(J),
}

impl<I: Iterator, J: Iterator<Item = I::Item>> Iterator for Emitted<I, J> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        match self {
            Emitted::Item(items) => items.next(),
            Emitted::End(items) => items.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Emitted::Item(items) => items.size_hint(),
            Emitted::End(items) => items.size_hint(),
        }
    }
}

impl<P, N, F, E> fmt::Debug for Emit<P, N, F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").finish_non_exhaustive()
    }
}
