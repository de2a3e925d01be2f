//! `departition`: the one worker that all states come to merges them, and gives one item at the end.
//!
//! It is a reduction with a map behind it, under a type of its own: what it gives is an item of a new stage, which may
//! be reduced again.

use std::fmt;

use super::{Map, Pipe, Reduce, Release};
use crate::run::Context;

/// The chain of [`Flow::departition`](crate::Flow::departition).
pub struct Departition<P, N, M, F>(Map<Reduce<P, N, M>, F>);

impl<P, N, M, F> Departition<P, N, M, F> {
    pub(crate) fn new(pipe: P, init: N, merge: M, finish: F) -> Self {
        let f = merge;
        let pipe = Reduce { pipe, init, f };
        Departition(Map { pipe, f: finish })
    }
}

impl<P: Pipe, N, M, F, B, C> Pipe for Departition<P, N, M, F>
where
    N: Fn() -> B + Send + Sync,
    M: Fn(&mut B, P::Item) + Send + Sync,
    F: Fn(B) -> C + Send + Sync,
{
    type Item = C;
    type Iter<'s>
        = <Map<Reduce<P, N, M>, F> as Pipe>::Iter<'s>
    where
        Self: 's;
    type Feed<'s>
        = <Map<Reduce<P, N, M>, F> as Pipe>::Feed<'s>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        self.0.open(cx)
    }

    fn release(&self, how: Release) {
        self.0.release(how);
    }
}

impl<P, N, M, F> fmt::Debug for Departition<P, N, M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Departition").finish_non_exhaustive()
    }
}
