//! Files read as a stream: owned lines, and no more memory than a block a worker.
//!
//! Blocks are cut as in a [`Text`](super::Text), but a block lives only until its last line was given. Files are
//! opened when their turn comes, so a file that is missing is an error of the run.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::text::cutter::{Claim, Cutter, Supplied, Supply};
use super::text::file::OpenFile;
use super::text::form::Form;
use super::text::load::{Lazy, load};
use super::text::span::{first_line, lines_in};
use super::text::{BLOCK, Block};
use super::{begin, reads};
use crate::error::Error;
use crate::run::Context;
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull};

/// The source of [`Flow::read_lines`](crate::Flow::read_lines) (of `str`) and
/// [`Flow::read_byte_lines`](crate::Flow::read_byte_lines) (of `[u8]`).
pub struct ReadLines<F: Form + ?Sized> {
    cutter: Cutter<Files<F>>,
    block: u64,
}

impl<F: Form + ?Sized> ReadLines<F> {
    pub(crate) fn new(paths: Vec<PathBuf>) -> Self {
        ReadLines::sized(paths, BLOCK)
    }

    /// The same with blocks of another size.
    pub(super) fn sized(paths: Vec<PathBuf>, block: u64) -> Self {
        let files = Files {
            paths: paths.into_iter(),
            file: None,
            at: 0,
            size: block,
            form: std::marker::PhantomData,
        };
        ReadLines {
            cutter: Cutter::new(files),
            block,
        }
    }

    /// How many blocks are in work.
    #[cfg(test)]
    pub(super) fn live(&self) -> usize {
        self.cutter.open()
    }
}

/// The blocks of files that are opened one after the other.
struct Files<F: ?Sized> {
    paths: std::vec::IntoIter<PathBuf>,
    file: Option<Arc<OpenFile>>,
    at: u64,
    size: u64,
    form: std::marker::PhantomData<fn() -> Box<F>>,
}

/// A block in work, read by the first worker that needs it.
struct Live<F: Form + ?Sized> {
    file: Arc<OpenFile>,
    block: Lazy<Block<F::Owned>>,
}

impl<F: ?Sized> Files<F> {
    /// The lengths of all files, as long as nobody has begun one; one that cannot be opened is an error later.
    fn size(&self) -> Option<u64> {
        let lens = self.paths.as_slice().iter().map(|path| {
            let about = std::fs::metadata(path).ok()?;
            about.is_file().then_some(about.len())
        });
        lens.sum()
    }
}

impl<F: Form + ?Sized> Supply for Files<F> {
    type Block = Live<F>;

    fn next(&mut self) -> Result<Supplied<Live<F>>, Error> {
        loop {
            if let Some(file) = &self.file {
                if self.at < file.len {
                    let start = self.at;
                    self.at = (start + self.size).min(file.len);
                    let live = Live {
                        file: Arc::clone(file),
                        block: Lazy::default(),
                    };
                    return Ok(Some((live, start..self.at)));
                }
                self.file = None;
            }
            let Some(path) = self.paths.next() else {
                return Ok(None);
            };
            self.file = Some(Arc::new(OpenFile::open(&path)?));
            self.at = 0;
        }
    }
}

impl<F: Form + ?Sized> Pipe for ReadLines<F> {
    type Item = F::Owned;
    type Iter<'s>
        = OwnedLines<'s, F>
    where
        Self: 's;
    type Feed<'s>
        = ReadFeed<'s, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> ReadFeed<'s, F> {
        let size = || self.cutter.look(Files::size);
        cx.counts.measure.bytes(size);
        ReadFeed {
            source: self,
            cx,
            // Sizes are bytes here: a piece of one byte holds one line at most.
            pace: Pace::new(1, self.block as usize),
            mine: None,
        }
    }
}

/// One worker's end of files being read.
pub struct ReadFeed<'s, F: Form + ?Sized> {
    source: &'s ReadLines<F>,
    cx: &'s Context,
    pace: Pace,
    mine: Option<Arc<Claim<Live<F>>>>,
}

impl<'s, F: Form + ?Sized> Feed for ReadFeed<'s, F> {
    type Iter = OwnedLines<'s, F>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        let size = self.pace.next(self.cx.now()) as u64;
        let cutter = &self.source.cutter;
        let Some(piece) = cutter.take(&mut self.mine, size, self.cx.ordered)? else {
            return Ok(Pull::End);
        };
        let live = &piece.claim.block;
        let block = live
            .block
            .get(|| load::<F>(&live.file, &piece.claim.span))?;
        let data: &F = block.data.borrow();
        let lines = lines_in(data.bytes(), block.start, &piece.range);
        let start = block.start;
        // Lines are not counted: that would be a second look at each of them.
        reads(self.cx, piece.claim.place, cutter.unread());
        begin(self.cx, piece.ticket, 0);
        let read = piece.range.end - piece.range.start;
        self.cx.counts.bytes_in.add(read);
        self.cx.byte.set(start + lines.start as u64);
        self.cx.file.replace(Some(Arc::clone(&live.file.name)));
        Ok(Pull::Chunk(OwnedLines {
            cx: self.cx,
            claim: piece.claim,
            start,
            lines,
        }))
    }

    /// Files are never empty for a while.
    fn wait(&mut self, _until: Option<Instant>) {}
}

/// Lines copied out of a block as they are asked for.
pub struct OwnedLines<'s, F: Form + ?Sized> {
    cx: &'s Context,
    claim: Arc<Claim<Live<F>>>,
    /// Where in the file the block's data begins.
    start: u64,
    /// What is left, in the block's data.
    lines: Range<usize>,
}

impl<F: Form + ?Sized> OwnedLines<'_, F> {
    /// The block's data; the pull that made this iterator has read it.
    #[inline]
    fn data(&self) -> Option<&F> {
        self.claim
            .block
            .block
            .made()
            .map(|block| block.data.borrow())
    }
}

impl<F: Form + ?Sized> Iterator for OwnedLines<'_, F> {
    type Item = F::Owned;

    #[inline]
    fn next(&mut self) -> Option<F::Owned> {
        let Range { start, end } = self.lines;
        if start == end {
            return None;
        }
        let data = self.data()?;
        let (line, with_end) = first_line(&data.bytes()[start..end]);
        let owned = data.part(start..start + line).to_owned();
        self.cx.byte.set(self.start + start as u64);
        self.lines.start = start + with_end;
        Some(owned)
    }

    /// A line has at least one byte.
    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let bytes = self.lines.end - self.lines.start;
        (bytes.min(1), Some(bytes))
    }
}

impl<F: Form + ?Sized> fmt::Debug for ReadLines<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadLines").finish_non_exhaustive()
    }
}

impl<F: Form + ?Sized> fmt::Debug for ReadFeed<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadFeed").finish_non_exhaustive()
    }
}

impl<F: Form + ?Sized> fmt::Debug for OwnedLines<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedLines").finish_non_exhaustive()
    }
}
