//! The end of `into_sink`: each worker gathers rows and writes them with a writer of its own.
//!
//! What is written and committed together is a *unit*: a batch, or under `resume` all rows of a split with its mark. A
//! unit that fails leaves nothing behind, so it can be tried again. The writers are left in slots; what is committed at
//! the end is committed by the thread that waits for the run ([`Loaded`]).

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Output, Sink, Slots};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::{After, Context};
use crate::sink::{self, Keeper, Writer};

/// When rows become permanent.
#[derive(Debug, Clone, Default)]
pub(crate) enum Commits {
    /// All together, when the run has ended well; with a mark of the whole where one is kept.
    #[default]
    AtEnd,
    /// Each batch as it was written.
    Batches,
    /// The rows of each split with its mark.
    Splits(Arc<Keeper>),
}

/// Writes rows into a sink.
pub(crate) struct Load<S, W> {
    pub(crate) loaded: Arc<Loaded<S, W>>,
    /// Rows written at a time, at most.
    pub(crate) batch: usize,
    pub(crate) commits: Commits,
}

/// What the workers leave of a load, and what is to be done with it when they have ended.
pub(crate) struct Loaded<S, W> {
    sink: S,
    /// The stage, for errors.
    stage: Arc<str>,
    writers: Slots<W>,
    /// Keeps the mark of the whole load, if there is one.
    keeper: Option<Keeper>,
    /// Whether the input was given to its end; a drained run has not seen it.
    drained: AtomicBool,
    /// Whether writers have something to commit at the end.
    at_end: bool,
}

impl<S, W> Loaded<S, W> {
    pub(crate) fn new(sink: S, stage: Arc<str>, at_end: bool, keeper: Option<Keeper>) -> Self {
        Loaded {
            sink,
            stage,
            writers: Slots::new(),
            keeper,
            drained: AtomicBool::new(false),
            at_end,
        }
    }
}

/// A sink for items of a type; it is a type of its own since a sink may take several.
pub(crate) struct Of<S, T>(pub(crate) S, pub(crate) std::marker::PhantomData<fn(T)>);

impl<T, S: sink::Sink<T>> After for Loaded<Of<S, T>, S::Writer> {
    fn after(&self, good: bool) -> Result<(), Error> {
        let mut writers = self.writers.take();
        let sink = &self.sink.0;
        let done = if good {
            self.commit(&mut writers)
        } else {
            Ok(())
        };
        if !good || done.is_err() {
            // Those that have committed have nothing left to take back.
            writers.iter_mut().for_each(|writer| writer.abort());
            drop(writers);
            sink.abort();
        }
        done.map_err(|error| refused("commit", error).of_stage(&self.stage))
    }
}

impl<T, S: sink::Sink<T>> Loaded<Of<S, T>, S::Writer> {
    fn commit(&self, writers: &mut [S::Writer]) -> Result<(), BoxError> {
        let whole = self.keeper.as_ref();
        let whole = whole.filter(|_| !self.drained.load(Ordering::Relaxed));
        if let (Some(keeper), Some(first)) = (whole.filter(|k| k.in_sink()), writers.first_mut()) {
            first.mark(&keeper.mark(None))?;
        }
        if self.at_end {
            writers.iter_mut().try_for_each(Writer::commit)?;
        }
        self.sink.0.commit()?;
        match whole {
            Some(keeper) => keeper.note(None),
            None => Ok(()),
        }
    }
}

fn refused(doing: &str, error: BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(error) => {
            let message = format!("the sink could not {doing}: {error}");
            Error::new(ErrorKind::Sink, message).because(error)
        }
    }
}

impl<T: Send, S: sink::Sink<T>> Sink<T> for Load<Of<S, T>, S::Writer> {
    type Output<'s>
        = Loading<'s, T, S>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        let writer = match self.loaded.sink.0.open(cx.index) {
            Ok(writer) => Some(writer),
            Err(error) => {
                cx.fault(refused("be opened", error));
                None
            }
        };
        Loading {
            load: self,
            cx,
            writer,
            rows: Vec::new(),
            due: None,
            ready: false,
        }
    }
}

/// One worker's rows.
pub(crate) struct Loading<'s, T, S: sink::Sink<T>> {
    load: &'s Load<Of<S, T>, S::Writer>,
    cx: &'s Context,
    /// `None` if it could not be opened, and once it was left for the end.
    writer: Option<S::Writer>,
    rows: Vec<T>,
    /// What is to be done with the rows before more are taken.
    due: Option<Unit>,
    /// Whether the writer is prepared for the end.
    ready: bool,
}

/// What is written together.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Batch,
    Split(u64),
}

impl<T, S: sink::Sink<T>> Loading<'_, T, S> {
    /// Whether rows wait for the end of their split.
    fn by_split(&self) -> bool {
        matches!(self.load.commits, Commits::Splits(_))
    }

    /// Does what is due; false while that has to wait.
    fn work(&mut self) -> bool {
        let Some(unit) = self.due else {
            return true;
        };
        match self.attempt(unit) {
            Ok(()) => {
                self.cx.counts.gives(self.rows.len(), size_of::<T>());
            }
            Err(error) => self.cx.fault(refused("take a batch", error)),
        }
        self.rows.clear();
        self.due = None;
        true
    }

    /// Writes a unit, and commits it where it is not to wait for the end. If that fails, nothing of it is left.
    fn attempt(&mut self, unit: Unit) -> Result<(), BoxError> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let mut write = || -> Result<(), BoxError> {
            for batch in self.rows.chunks(self.load.batch) {
                writer.write(batch)?;
            }
            match (&self.load.commits, unit) {
                (Commits::AtEnd, _) => Ok(()),
                (Commits::Splits(keeper), Unit::Split(split)) => {
                    if keeper.in_sink() {
                        writer.mark(&keeper.mark(Some(split)))?;
                    }
                    writer.commit()
                }
                (Commits::Batches | Commits::Splits(_), _) => writer.commit(),
            }
        };
        let written = write();
        if written.is_err() && !matches!(self.load.commits, Commits::AtEnd) {
            writer.abort();
        }
        written?;
        match (&self.load.commits, unit) {
            (Commits::Splits(keeper), Unit::Split(split)) => keeper.note(Some(split)),
            _ => Ok(()),
        }
    }
}

impl<T: Send, S: sink::Sink<T>> Output<T> for Loading<'_, T, S> {
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
            self.due = Some(Unit::Batch);
            if !self.work() {
                return Some(items);
            }
        }
    }

    fn border(&mut self) {
        if self.by_split() {
            self.due = Some(Unit::Split(self.cx.split.get()));
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
            self.due = Some(Unit::Batch);
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
}
