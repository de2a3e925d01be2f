//! `with_origin`: each item with the place in the input that it came from.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::{Adapt, Adapted, Pipe, Release, Splits};
use crate::run::Context;

/// Where in the input an item came from: see [`Flow::with_origin`](crate::Flow::with_origin).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Origin {
    file: Option<Arc<Path>>,
    byte: u64,
}

impl Origin {
    /// The file, or what the reader was named; `None` if the source has no places, or is on the other side of a boundary.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Bytes from the beginning of the file to the item, after decompression.
    pub fn byte(&self) -> u64 {
        self.byte
    }
}

/// The chain of [`Flow::with_origin`](crate::Flow::with_origin).
pub struct WithOrigin<P> {
    pub(crate) pipe: P,
}

impl<P: Pipe> Pipe for WithOrigin<P> {
    type Item = (Origin, P::Item);
    type Iter<'s>
        = Located<'s, P::Iter<'s>>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Locate<'s>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: Locate(cx),
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.pipe.splits()
    }
}

/// The step of [`WithOrigin`] in one worker.
#[derive(Debug)]
pub struct Locate<'s>(&'s Context);

impl<'s, I: Iterator> Adapt<I> for Locate<'s> {
    type Out = Located<'s, I>;

    fn adapt(&self, chunk: I) -> Self::Out {
        Located { chunk, cx: self.0 }
    }
}

/// The items of a chunk with their places.
pub struct Located<'s, I> {
    chunk: I,
    cx: &'s Context,
}

impl<I: Iterator> Iterator for Located<'_, I> {
    type Item = (Origin, I::Item);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let item = self.chunk.next()?;
        let file = self.cx.file.borrow().clone();
        let byte = if file.is_some() {
            self.cx.byte.get()
        } else {
            0
        };
        Some((Origin { file, byte }, item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunk.size_hint()
    }
}

impl<P> fmt::Debug for WithOrigin<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithOrigin").finish_non_exhaustive()
    }
}

impl<I> fmt::Debug for Located<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Located").finish_non_exhaustive()
    }
}
