//! `map_batch`: many items in at a time, any number out.
//!
//! Items are gathered across chunks up to the stage's batch, and let go of earlier at a border of the input, when
//! the input idles, and at its end. Under `ordered` a batch never spans two chunks.

use std::fmt;

use super::{Feed, Pipe, Pull, Release, waits_as_inner};
use crate::error::Error;
use crate::run::Context;

/// The chain of [`Flow::map_batch`](crate::Flow::map_batch).
pub struct MapBatch<P, F> {
    pub(crate) pipe: P,
    pub(crate) f: F,
}

impl<P: Pipe, F, U> Pipe for MapBatch<P, F>
where
    F: Fn(Vec<P::Item>) -> U + Send + Sync,
    U: IntoIterator,
{
    type Item = U::Item;
    type Iter<'s>
        = Batched<'s, P::Iter<'s>, U, F>
    where
        Self: 's;
    type Feed<'s>
        = Batcher<'s, P::Feed<'s>, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Batcher {
            feed: self.pipe.open(cx),
            chunk: None,
            batch: Vec::new(),
            f: &self.f,
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// One worker's batch in the making.
pub struct Batcher<'s, D: Feed, F> {
    feed: D,
    /// What is left of the chunk that filled the last batch.
    chunk: Option<D::Iter>,
    batch: Vec<<D::Iter as Iterator>::Item>,
    f: &'s F,
    cx: &'s Context,
}

impl<'s, D: Feed, F, U> Batcher<'s, D, F>
where
    F: Fn(Vec<<D::Iter as Iterator>::Item>) -> U,
    U: IntoIterator,
{
    /// Hands over what was gathered, or `otherwise` if that is nothing.
    fn let_go(
        &mut self,
        otherwise: Pull<Batched<'s, D::Iter, U, F>>,
    ) -> Pull<Batched<'s, D::Iter, U, F>> {
        if self.batch.is_empty() {
            return otherwise;
        }
        let batch = std::mem::take(&mut self.batch);
        Pull::Chunk(Batched {
            made: Some((self.f)(batch).into_iter()),
            chunk: None,
            most: 0,
            f: self.f,
        })
    }
}

impl<'s, D: Feed, F, U> Feed for Batcher<'s, D, F>
where
    F: Fn(Vec<<D::Iter as Iterator>::Item>) -> U,
    U: IntoIterator,
{
    type Iter = Batched<'s, D::Iter, U, F>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let most = self
            .cx
            .group
            .items(size_of::<<D::Iter as Iterator>::Item>());
        let pulled = match self.chunk.take() {
            Some(rest) => Pull::Chunk(rest),
            None => self.feed.pull()?,
        };
        Ok(match pulled {
            Pull::Chunk(chunk) if self.cx.ordered => Pull::Chunk(Batched {
                made: None,
                chunk: Some(chunk),
                most,
                f: self.f,
            }),
            Pull::Chunk(mut chunk) => {
                let lacking = most - self.batch.len();
                self.batch.extend(chunk.by_ref().take(lacking));
                if self.batch.len() < most {
                    return Ok(Pull::Again);
                }
                self.chunk = Some(chunk);
                self.let_go(Pull::Again)
            }
            Pull::Again => Pull::Again,
            Pull::Border => self.let_go(Pull::Border),
            Pull::Pending => self.let_go(Pull::Pending),
            Pull::End => self.let_go(Pull::End),
        })
    }

    waits_as_inner!();
}

/// What came of one batch, or under `ordered` of the batches of one chunk.
pub struct Batched<'s, I: Iterator, U: IntoIterator, F> {
    made: Option<U::IntoIter>,
    chunk: Option<I>,
    most: usize,
    f: &'s F,
}

impl<I: Iterator, U: IntoIterator, F> Iterator for Batched<'_, I, U, F>
where
    F: Fn(Vec<I::Item>) -> U,
{
    type Item = U::Item;

    fn next(&mut self) -> Option<U::Item> {
        loop {
            if let Some(item) = self.made.as_mut().and_then(Iterator::next) {
                return Some(item);
            }
            let batch: Vec<I::Item> = self.chunk.as_mut()?.by_ref().take(self.most).collect();
            if batch.is_empty() {
                return None;
            }
            self.made = Some((self.f)(batch).into_iter());
        }
    }
}

impl<P, F> fmt::Debug for MapBatch<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapBatch").finish_non_exhaustive()
    }
}

impl<D: Feed, F> fmt::Debug for Batcher<'_, D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").finish_non_exhaustive()
    }
}

impl<I: Iterator, U: IntoIterator, F> fmt::Debug for Batched<'_, I, U, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batched").finish_non_exhaustive()
    }
}
