//! `concat`: a stage with two input edges, the second taken from when the first has ended.
//!
//! Pieces of the second are numbered behind those of the first, so an ordered stage goes on without a gap.

use std::fmt;
use std::time::Instant;
use std::vec;

use super::Shuffled;
use super::shared::Sharing;
use crate::error::Error;
use crate::run::Context;
use crate::step::{Feed, Pipe, Pull, Release};

/// The input of a stage behind [`Flow::concat`](crate::Flow::concat).
pub struct Concat<'env, T> {
    pub(crate) first: Shuffled<'env, T>,
    pub(crate) second: Shuffled<'env, T>,
}

impl<T: Send> Pipe for Concat<'_, T> {
    type Item = T;
    type Iter<'s>
        = vec::IntoIter<T>
    where
        Self: 's;
    type Feed<'s>
        = Chained<'s, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        let (first, second) = (self.first.open(cx), self.second.open(cx));
        // The second may begin before where the first ended: to windows it is a split that nobody has begun.
        cx.takes_from_several();
        cx.unread.set(true);
        Chained {
            first: Some(first),
            second,
            before: 0,
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.first.release(how);
        self.second.release(how);
    }
}

/// One worker's end of both edges.
pub struct Chained<'s, T> {
    /// `None` once it has ended.
    first: Option<Sharing<'s, T>>,
    second: Sharing<'s, T>,
    /// Pieces that the first was cut into.
    before: u64,
    cx: &'s Context,
}

impl<T> Feed for Chained<'_, T> {
    type Iter = vec::IntoIter<T>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let Some(first) = &mut self.first else {
            let pulled = self.second.pull()?;
            if matches!(pulled, Pull::Chunk(_)) {
                self.cx.ticket.set(self.before + self.cx.ticket.get());
            }
            return Ok(pulled);
        };
        let pulled = first.pull()?;
        if matches!(pulled, Pull::End) {
            // All its producers are gone and nothing is left of its batches, so the number is final.
            self.before = first.pieces();
            self.first = None;
            return Ok(Pull::Border);
        }
        Ok(pulled)
    }

    fn wait(&mut self, until: Option<Instant>) {
        match &mut self.first {
            Some(first) => first.wait(until),
            None => self.second.wait(until),
        }
    }
}

impl<T> fmt::Debug for Concat<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concat").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Chained<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chained").finish_non_exhaustive()
    }
}
