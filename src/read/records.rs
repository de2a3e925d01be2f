//! A chunk of records: each is parsed when it is asked for, by the one function [`Work::record`].
//!
//! The iterator owns what it works with and leaves it on the feed's desk when it is through, so nothing is shared or counted
//! for a record.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::block::Block;
use super::{Format, Read};
use crate::error::{BoxError, Error, ErrorKind};
use crate::reject::{AtOnce, Fail, Reject, Rejected, Verdict};
use crate::run::{Context, bump};

/// The rule by which a record is rejected that cannot be read.
const RULE: &str = "read";

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

    /// A record that could not be read, as it stands in the file, and where.
    #[cold]
    fn rejected(&self, row: RowError) -> Rejected<String> {
        let raw = String::from_utf8_lossy(&self.block.bytes()[row.raw.clone()]);
        let item = raw.trim_end_matches(['\n', '\r']).to_owned();
        Rejected::new(item, self.failure(row), RULE)
    }

    /// The error of a record that could not be read.
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
pub struct Records<'s, F: Format, R: AtOnce<String> + 's = Fail> {
    source: &'s Read<F, R>,
    cx: &'s Context,
    /// `None` once it is through.
    work: Option<Work<F::Parser>>,
    /// The last record is the one that begins before this.
    until: usize,
    desk: Rc<Cell<Option<Work<F::Parser>>>>,
    policy: Rc<RefCell<R::Worker<'s>>>,
    items: u64,
}

impl<'s, F: Format, R: AtOnce<String>> Records<'s, F, R> {
    pub(super) fn new(
        source: &'s Read<F, R>,
        cx: &'s Context,
        work: Work<F::Parser>,
        until: usize,
        desk: Rc<Cell<Option<Work<F::Parser>>>>,
        policy: Rc<RefCell<R::Worker<'s>>>,
    ) -> Self {
        Records {
            source,
            cx,
            work: Some(work),
            until,
            desk,
            policy,
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

impl<F: Format, R: AtOnce<String>> Iterator for Records<'_, F, R> {
    type Item = F::Item;

    #[inline]
    fn next(&mut self) -> Option<F::Item> {
        let work = self.work.as_mut()?;
        while work.at < self.until {
            match work.record(&self.source.format, self.cx) {
                Some(Ok(item)) => {
                    self.items += 1;
                    return Some(item);
                }
                Some(Err(row)) => {
                    let rejected = work.rejected(row);
                    match self.policy.borrow_mut().reject(rejected) {
                        // However many are rejected, a run that ends does not wait for the last of them.
                        Verdict::Settled if !self.cx.shared.halted() => {}
                        Verdict::Fail(error) => {
                            self.cx.fault(error);
                            break;
                        }
                        // Nothing is read again at once: such a policy is none for readers.
                        Verdict::Settled | Verdict::Again { .. } => break,
                    }
                }
                None => break,
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

impl<F: Format, R: AtOnce<String>> Drop for Records<'_, F, R> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<F: Format, R: AtOnce<String>> fmt::Debug for Records<'_, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}
