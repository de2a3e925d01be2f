//! The end of `into_sink`: each worker gathers rows and writes them with a writer of its own.
//!
//! What is written and committed together is a *unit*: a batch, or under `resume` all rows of a split with its mark. A
//! batch that fails leaves nothing behind, so its bad rows are found by halving it, and the policy has them; what one
//! worker does is in `rows.rs`. The writers are left in slots; what is committed at the end is committed by the thread that
//! waits for the run ([`Loaded`]).

mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rows::Loading;

use super::{Sink, Slots};
use crate::error::{BoxError, Error, ErrorKind};
use crate::reject::Policy;
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
pub(crate) struct Load<S, W, R> {
    pub(crate) loaded: Arc<Loaded<S, W>>,
    /// What is done about rows that the sink refuses.
    pub(crate) policy: R,
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
        let done = match good {
            true if self.would_double() => Err(Error::new(
                ErrorKind::Stopped,
                "a drained load has no mark of the whole, so the next run would begin anew and double what this one had \
                 written: it was taken back; drain loads that are marked split by split, or into a sink that upserts",
            )
            .into()),
            true => self.commit(&mut writers),
            false => Ok(()),
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
    /// Whether a run that begins anew would write rows again that this one, which was drained, has.
    fn would_double(&self) -> bool {
        let drained = self.drained.load(Ordering::Relaxed);
        drained && self.keeper.as_ref().is_some_and(Keeper::in_sink) && !self.sink.0.repeatable()
    }

    fn commit(&self, writers: &mut [S::Writer]) -> Result<(), BoxError> {
        let whole = self.keeper.as_ref();
        let whole = whole.filter(|_| !self.drained.load(Ordering::Relaxed));
        if let (Some(keeper), Some(first)) = (whole.filter(|k| k.in_sink()), writers.first_mut()) {
            first.mark(&keeper.mark(None))?;
            if !self.at_end {
                // Its rows are committed already, and nobody else commits the mark.
                first.commit()?;
            }
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

impl<T: Send, S: sink::Sink<T>, R: Policy<T>> Sink<T> for Load<Of<S, T>, S::Writer, R> {
    type Output<'s>
        = Loading<'s, T, S, R>
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
        Loading::new(self, writer, cx)
    }
}
