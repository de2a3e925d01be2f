//! One worker of a load: rows gathered, written in pieces, refused ones singled out, and committed.
//!
//! The rows of a unit stay in hand until they are written. A piece that the sink refuses is halved until the rows are
//! found that it does not want; the policy has those, and may have one tried again later: then the unit waits there, and
//! the worker with it. A commit that fails is not tried again, since nobody knows what it left.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Commits, Load, Of, refused};
use crate::error::{BoxError, Error};
use crate::output::Output;
use crate::reject::{Policy, Reject, Rejected, Verdict};
use crate::run::Context;
use crate::sink::{Sink, Writer};
use crate::step::rest;

/// The rule that a row was rejected by which the sink refused.
const RULE: &str = "into_sink";

/// One worker's rows.
pub(crate) struct Loading<'s, T, S: Sink<T>, R: Policy<T> + 's> {
    load: &'s Load<Of<S, T>, S::Writer, R>,
    cx: &'s Context,
    policy: R::Worker<'s>,
    /// `None` if it could not be opened, and once it was left for the end.
    writer: Option<S::Writer>,
    rows: Vec<T>,
    /// What is to be done with the rows before more are taken.
    due: Option<Unit>,
    /// Whether the writer is prepared for the end.
    ready: bool,
    /// Set once an error was left with the worker: nothing is written behind it.
    failed: bool,
}

/// What is written and committed together.
#[derive(Debug)]
struct Unit {
    /// The split that is complete with it.
    split: Option<u64>,
    /// Pieces of the rows that are still to be written, the last first.
    pieces: Vec<Range<usize>>,
    /// How often the first of them, a single row, was tried.
    tried: u32,
    /// When it is tried again, since the start of the run.
    until: Option<Duration>,
}

impl<'s, T, S: Sink<T>, R: Policy<T>> Loading<'s, T, S, R> {
    pub(super) fn new(
        load: &'s Load<Of<S, T>, S::Writer, R>,
        writer: Option<S::Writer>,
        cx: &'s Context,
    ) -> Self {
        Loading {
            load,
            cx,
            policy: load.policy.open(cx),
            writer,
            rows: Vec::new(),
            due: None,
            ready: false,
            failed: false,
        }
    }

    /// Whether rows wait for the end of their split.
    fn by_split(&self) -> bool {
        matches!(self.load.commits, Commits::Splits(_))
    }

    /// The rows in hand are to be written, with the split that is complete with them.
    fn is_due(&mut self, split: Option<u64>) {
        let starts = (0..self.rows.len()).step_by(self.load.batch).rev();
        let pieces = starts.map(|at| at..(at + self.load.batch).min(self.rows.len()));
        self.due = Some(Unit {
            split,
            pieces: pieces.collect(),
            tried: 0,
            until: None,
        });
    }

    /// Does what is due; false while that has to wait.
    fn work(&mut self) -> bool {
        let Some(mut unit) = self.due.take() else {
            return true;
        };
        match self.write(&mut unit) {
            Ok(true) => {}
            Ok(false) => {
                self.due = Some(unit);
                return false;
            }
            Err(error) => {
                self.rows.clear();
                self.fail(error);
                return true;
            }
        }
        let count = self.rows.len();
        self.rows.clear();
        match self.commit(unit.split) {
            Ok(()) => self.cx.counts.gives(count, size_of::<T>()),
            Err(error) => self.fail(refused("commit a batch", error)),
        }
        true
    }

    /// Leaves an error with the worker, and takes back what is not committed: others may wait for the writer to let go.
    fn fail(&mut self, error: Error) {
        self.failed = true;
        if let Some(mut writer) = self.writer.take() {
            writer.abort();
        }
        self.cx.fault(error);
    }

    /// Writes the pieces of a unit; false while a row of them waits to be tried again.
    fn write(&mut self, unit: &mut Unit) -> Result<bool, Error> {
        if unit.until.is_some_and(|until| self.cx.elapsed() < until) {
            return Ok(false);
        }
        unit.until = None;
        let Some(writer) = &mut self.writer else {
            return Ok(true);
        };
        while let Some(piece) = unit.pieces.pop() {
            let Err(error) = writer.write(&self.rows[piece.clone()]) else {
                unit.tried = 0;
                continue;
            };
            if !self.load.policy.singles_out() {
                return Err(refused("take a batch", error));
            }
            if piece.len() > 1 {
                let middle = piece.start + piece.len() / 2;
                unit.pieces.push(middle..piece.end);
                unit.pieces.push(piece.start..middle);
                continue;
            }
            unit.tried += 1;
            let row = self.rows.remove(piece.start);
            let error = refused("take a row", error);
            let rejected = Rejected::new(row, error, RULE).elsewhere();
            match self.policy.reject(rejected.after(unit.tried)) {
                Verdict::Settled => {
                    unit.tried = 0;
                    for later in &mut unit.pieces {
                        *later = later.start - 1..later.end - 1;
                    }
                }
                Verdict::Fail(error) => return Err(error),
                Verdict::Again { item, after } => {
                    self.rows.insert(piece.start, item);
                    unit.pieces.push(piece);
                    unit.until = Some(self.cx.elapsed().saturating_add(after));
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Commits what was written, where it is not to wait for the end. If that fails, nothing of it is left to commit.
    fn commit(&mut self, split: Option<u64>) -> Result<(), BoxError> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        match (&self.load.commits, split) {
            (Commits::AtEnd, _) => Ok(()),
            (Commits::Splits(keeper), Some(split)) => {
                // What was rejected of the split is not read again either.
                self.policy.border()?;
                let marked = match keeper.in_sink() {
                    true => writer.mark(&keeper.mark(Some(split))),
                    false => Ok(()),
                };
                marked
                    .and_then(|()| writer.commit())
                    .inspect_err(|_| writer.abort())?;
                keeper.note(Some(split))
            }
            (Commits::Batches | Commits::Splits(_), _) => {
                writer.commit().inspect_err(|_| writer.abort())
            }
        }
    }
}

impl<T: Send, S: Sink<T>, R: Policy<T>> Output<T> for Loading<'_, T, S, R> {
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let most = if self.by_split() {
            usize::MAX
        } else {
            self.load.batch
        };
        loop {
            let flow = items.try_for_each(|item| {
                self.rows.push(item);
                if self.rows.len() >= most || self.cx.shared.halted() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            if flow.is_continue() || self.cx.shared.halted() {
                return None;
            }
            self.is_due(None);
            if !self.work() {
                return Some(items);
            }
            if self.failed {
                return None;
            }
        }
    }

    fn border(&mut self) {
        if self.by_split() {
            self.is_due(Some(self.cx.split.get()));
            self.work();
        }
    }

    fn deliver(&mut self) -> bool {
        self.work()
    }

    fn finish(&mut self) -> bool {
        if !self.work() {
            return false;
        }
        if self.cx.shared.draining() {
            self.load.loaded.drained.store(true, Ordering::Relaxed);
        }
        if self.by_split() {
            // Of a split that a drained run has not read to its end; the next run reads it again.
            self.rows.clear();
        } else if !self.rows.is_empty() {
            self.is_due(None);
            if !self.work() {
                return false;
            }
        }
        if let (Some(writer), false) = (&mut self.writer, self.ready) {
            self.ready = true;
            if let Err(error) = writer.prepare() {
                self.cx.fault(refused("prepare a commit", error));
            }
        }
        if let Some(writer) = self.writer.take() {
            self.load.loaded.writers.put(self.cx.index, writer);
        }
        true
    }

    fn timer(&self) -> Option<Instant> {
        let until = self.due.as_ref()?.until?;
        self.cx.shared.started.checked_add(until)
    }

    fn wait(&mut self, until: Option<Instant>) {
        // Nothing but time brings the next try.
        rest(until);
    }
}
