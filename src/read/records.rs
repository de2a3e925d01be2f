//! A chunk of records: each is parsed when it is asked for, by the one function [`Work::record`].
//!
//! The iterator owns what it works with and leaves it on the feed's desk when it is through, so nothing is shared or counted
//! for a record.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::block::Block;
use super::{Format, Read};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::{Context, bump};

/// Records of a block that are being parsed.
pub(super) struct Work<P> {
    pub(super) parser: P,
    pub(super) block: Arc<Block>,
    /// The next record, or what is to be skipped before it, and where the last one ends.
    pub(super) at: usize,
    pub(super) end: usize,
}

/// A record that could not be read.
pub(super) struct RowError {
    /// Where it lies in its block: the raw text is there.
    raw: Range<usize>,
    error: BoxError,
}

impl<P> Work<P> {
    /// Reads the next record and goes on behind it; `None` if only what is to be skipped is left.
    #[inline]
    fn record<F>(&mut self, format: &F, cx: &Context) -> Option<Result<F::Item, RowError>>
    where
        F: Format<Parser = P>,
    {
        let (at, end) = (self.at, self.end);
        let start = at + format.skip(&self.block.bytes()[at..end]);
        if start >= end {
            self.at = end;
            return None;
        }
        cx.byte.set(self.block.byte(start));
        // It stands behind the record already while the format's code runs, which may panic.
        let rest = self.block.rest(start, end);
        self.at = end;
        let (len, item) = format.record(&mut self.parser, rest);
        self.at = start + len.clamp(1, end - start);
        match item {
            Ok(item) => Some(Ok(item)),
            Err(error) => Some(Err(RowError {
                raw: start..self.at,
                error,
            })),
        }
    }

    /// What a record that could not be read ends the run with.
    #[cold]
    fn failure(&self, row: RowError) -> Error {
        let error = Error::wrap(ErrorKind::Row, row.error);
        let within = match error.position() {
            Some(position) if position.file.is_some() => return error,
            Some(position) => position.byte as usize,
            None => 0,
        };
        let at = row.raw.start + within.min(row.raw.len());
        error.at(self.block.position(at))
    }
}

/// Records of a block, parsed as they are asked for.
pub struct Records<'s, F: Format> {
    source: &'s Read<F>,
    cx: &'s Context,
    /// `None` once it is through.
    work: Option<Work<F::Parser>>,
    /// The last record is the one that begins before this.
    until: usize,
    desk: Rc<Cell<Option<Work<F::Parser>>>>,
    items: u64,
}

impl<'s, F: Format> Records<'s, F> {
    pub(super) fn new(
        source: &'s Read<F>,
        cx: &'s Context,
        work: Work<F::Parser>,
        until: usize,
        desk: Rc<Cell<Option<Work<F::Parser>>>>,
    ) -> Self {
        Records {
            source,
            cx,
            work: Some(work),
            until,
            desk,
            items: 0,
        }
    }

    /// Leaves the work to the feed.
    fn leave(&mut self) {
        if let Some(work) = self.work.take() {
            bump(&self.cx.counts.items_in, self.items);
            self.desk.set(Some(work));
        }
    }
}

impl<F: Format> Iterator for Records<'_, F> {
    type Item = F::Item;

    #[inline]
    fn next(&mut self) -> Option<F::Item> {
        let work = self.work.as_mut()?;
        if work.at < self.until {
            match work.record(&self.source.format, self.cx) {
                Some(Ok(item)) => {
                    self.items += 1;
                    return Some(item);
                }
                Some(Err(row)) => {
                    let error = work.failure(row);
                    self.cx.fault(error);
                }
                None => {}
            }
        }
        self.leave();
        None
    }

    /// A record has at least one byte.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let at = self.work.as_ref().map_or(self.until, |work| work.at);
        (0, Some(self.until.saturating_sub(at)))
    }
}

impl<F: Format> Drop for Records<'_, F> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<F: Format> fmt::Debug for Records<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}
