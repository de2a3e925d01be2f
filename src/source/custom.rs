//! Sources of one's own: the public trait, and the pipe that drives it.
//!
//! A worker holds one split at a time and reads it to its end. The items before an error are delivered before the
//! error ends the run.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::take::Stride;
use super::{begin, reads};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::{Context, Unit};
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull, Splits};

/// A source of one's own, for [`Flow::from_source`](crate::Flow::from_source).
///
/// A source is a set of splits: files, pages of a table, partitions of a log. Each worker asks for a split when it
/// has none, so [`next_split`](Source::next_split) is called by several threads at a time, and reads it on its own
/// thread; a split may borrow from the source and need not be `Send`.
///
/// # Order
/// Items of one split keep their order. The order across splits is that in which workers came to read them.
///
/// # Errors
/// An error from `next_split` or from a split ends the run; the items that the split gave before it are processed
/// first. It comes out of the flow's terminal method as an [`Error`] of kind [`Source`](ErrorKind::Source). An
/// `Error` of this crate stays as it is: make it with [`Error::new`] and [`Error::at`] to say where in the input it
/// happened.
///
/// # When it ends
/// When `next_split` returned `None` to every worker; it is not called again by a worker that got `None`.
/// A worker that is to stop does so after the call in progress.
///
/// # Examples
/// A table that is read page by page:
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use millstream::{BoxError, Flow, Source};
///
/// struct Pages { next: AtomicU32, pages: u32 }
///
/// impl Source for Pages {
///     type Item = u32;
///     type Split<'s> = Box<dyn Iterator<Item = Result<u32, BoxError>>>;
///
///     fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
///         let page = self.next.fetch_add(1, Ordering::Relaxed);
///         if page >= self.pages {
///             return Ok(None);
///         }
///         Ok(Some(Box::new((page * 10..page * 10 + 10).map(Ok))))
///     }
/// }
///
/// let rows = Flow::from_source(Pages { next: AtomicU32::new(0), pages: 3 });
/// assert_eq!(rows.sum::<u32>()?, (0..30).sum::<u32>());
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait Source: Send + Sync {
    /// What the source gives.
    type Item;
    /// A part of the input that one worker reads from its beginning to its end.
    type Split<'s>: Iterator<Item = Result<Self::Item, BoxError>>
    where
        Self: 's;

    /// The next part that nobody has begun; `None` when there is none and there will be none.
    fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError>;

    /// What the input is, in a line of text that no other input has (paths and sizes, a query and its ranges), if its
    /// splits have numbers that are the same in every run. Such a source can be
    /// [resumed](crate::chain::Load::resume).
    fn input(&self) -> Result<Option<String>, BoxError> {
        Ok(None)
    }

    /// The split with a number, counted from zero; `None` behind the last. It is asked for instead of `next_split`,
    /// each number once, in a run that leaves some of them out; only of a source with an [`input`](Source::input).
    fn split(&self, number: u64) -> Result<Option<Self::Split<'_>>, BoxError> {
        Err(format!(
            "split {number} cannot be asked for: a source with an `input` has to implement `split`"
        )
        .into())
    }

    /// How many items it gives in all, if it knows: for whoever shows how far a run has come
    /// ([`Report::input_size`](crate::Report::input_size)). It is asked once, by a worker, before any split is, and only if
    /// somebody looks. A run that leaves splits out does not ask, since nobody knows what is in those.
    fn size(&self) -> Option<u64> {
        None
    }

    /// How many splits there are in all, if it knows: it is asked where there is no [`size`](Source::size), in the same
    /// way. What counts as taken then are splits that were read to their end.
    fn splits(&self) -> Option<u64> {
        None
    }
}

/// The pipe of [`Flow::from_source`](crate::Flow::from_source).
pub struct FromSource<S> {
    source: S,
    ticket: AtomicU64,
    /// Splits that were begun.
    splits: AtomicU64,
    /// Set while there may be splits that nobody has begun.
    unread: AtomicBool,
    /// The splits that are not to be given, where those are asked for by number.
    done: OnceLock<BTreeSet<u64>>,
}

impl<S> FromSource<S> {
    pub(crate) fn new(source: S) -> Self {
        FromSource {
            source,
            ticket: AtomicU64::new(0),
            splits: AtomicU64::new(0),
            unread: AtomicBool::new(true),
            done: OnceLock::new(),
        }
    }
}

impl<S: Source> FromSource<S> {
    /// How much there is to give in this run.
    fn size(&self) -> Option<(Unit, u64)> {
        let left_out = self.done.get().map_or(0, BTreeSet::len) as u64;
        if left_out == 0 {
            if let Some(items) = self.source.size() {
                return Some((Unit::Items, items));
            }
        }
        let splits = self.source.splits()?;
        Some((Unit::Splits, splits.saturating_sub(left_out)))
    }

    /// The next split, with its number.
    fn next(&self) -> Result<Option<(S::Split<'_>, u64)>, BoxError> {
        let Some(done) = self.done.get() else {
            let split = self.source.next_split()?;
            return Ok(split.map(|split| (split, self.splits.fetch_add(1, Ordering::Relaxed))));
        };
        loop {
            let number = self.splits.fetch_add(1, Ordering::Relaxed);
            if !done.contains(&number) {
                let split = self.source.split(number)?;
                return Ok(split.map(|split| (split, number)));
            }
        }
    }
}

impl<S: Source> Splits for FromSource<S> {
    fn input(&self) -> Result<String, Error> {
        let input = self.source.input();
        let input = input.map_err(|error| Error::wrap(ErrorKind::Source, error))?;
        Ok(input.unwrap_or_default())
    }

    fn leave_out(&self, done: BTreeSet<u64>) {
        // A flow runs once, so nobody has said so before.
        let _ = self.done.set(done);
    }
}

impl<S: Source> Pipe for FromSource<S> {
    type Item = S::Item;
    type Iter<'s>
        = std::vec::IntoIter<S::Item>
    where
        Self: 's;
    type Feed<'s>
        = SourceFeed<'s, S>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> SourceFeed<'s, S> {
        cx.counts.measure.say_in(|| self.size());
        SourceFeed {
            source: self,
            cx,
            pace: Pace::new(1, cx.group.items(size_of::<S::Item>())),
            stride: Stride::default(),
            current: Current::None,
            number: 0,
            slow: false,
        }
    }

    fn splits(&self) -> Option<&dyn Splits> {
        // An error is told when the input is asked for.
        (!matches!(self.source.input(), Ok(None))).then_some(self)
    }
}

/// One worker's end of a source.
pub struct SourceFeed<'s, S: Source + 's> {
    source: &'s FromSource<S>,
    cx: &'s Context,
    pace: Pace,
    stride: Stride,
    current: Current<S::Split<'s>>,
    /// Its number.
    number: u64,
    slow: bool,
}

/// What a worker has at hand.
enum Current<I> {
    None,
    Running(I),
    /// The last items of a split were given; its border is still to be.
    Ended,
    /// The items before an error were given; the error is still to be.
    Failed(BoxError),
}

impl<S: Source> Feed for SourceFeed<'_, S> {
    type Iter = std::vec::IntoIter<S::Item>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let failed = |error| Error::wrap(ErrorKind::Source, error);
        // An error that was met is told, whatever else.
        if self.cx.shared.draining() && !matches!(self.current, Current::Failed(_)) {
            return Ok(Pull::End);
        }
        let since = self.cx.now();
        // Taken out while it runs: a split that panics is dropped and never asked again.
        let mut split = match std::mem::replace(&mut self.current, Current::None) {
            Current::Ended => {
                // Also of a split without items, which gave no chunk to say so.
                self.cx.split.set(self.number);
                self.cx.counts.measure.split_ended();
                return Ok(Pull::Border);
            }
            Current::Failed(error) => return Err(failed(error)),
            Current::Running(split) => split,
            Current::None => match self.source.next().map_err(failed)? {
                Some((split, number)) => {
                    self.number = number;
                    split
                }
                None => {
                    self.source.unread.store(false, Ordering::SeqCst);
                    return Ok(Pull::End);
                }
            },
        };
        let cx = self.cx;
        let size = self.pace.next(self.cx.now());
        let mut error = None;
        let mut good = UntilError {
            split: &mut split,
            error: &mut error,
        };
        let taken = self.stride.take(&mut good, size, since, || cx.now());
        self.slow = taken.slow;
        self.current = match error {
            Some(error) => Current::Failed(error),
            None if taken.ended => Current::Ended,
            None => Current::Running(split),
        };
        if taken.items.is_empty() {
            return Ok(Pull::Again);
        }
        let ticket = self.source.ticket.fetch_add(1, Ordering::Relaxed);
        let unread = self.source.unread.load(Ordering::SeqCst);
        reads(self.cx, self.number, unread);
        begin(self.cx, ticket, taken.items.len());
        Ok(Pull::Chunk(taken.items.into_iter()))
    }

    /// A pull waits for the split itself.
    fn wait(&mut self, _until: Option<Instant>) {}

    fn slow(&self) -> bool {
        self.slow
    }
}

/// The good items of a split, up to the first error, which it puts aside.
struct UntilError<'a, I> {
    split: &'a mut I,
    error: &'a mut Option<BoxError>,
}

impl<T, I: Iterator<Item = Result<T, BoxError>>> Iterator for UntilError<'_, I> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        match self.split.next()? {
            Ok(item) => Some(item),
            Err(error) => {
                *self.error = Some(error);
                None
            }
        }
    }
}

impl<S> fmt::Debug for FromSource<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromSource").finish_non_exhaustive()
    }
}

impl<S: Source> fmt::Debug for SourceFeed<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFeed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
