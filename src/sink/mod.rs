//! Loading: where the rows of a flow go for good, be it a file, a table or a service.
//!
//! A [`Sink`] is what a run loads into; a [`Writer`] is what one worker has of it. Workers write batches; when all of
//! them have ended well, the thread that waits for the run commits. [`Flow::into_sink`](crate::Flow::into_sink) has the
//! protocol in order, and the options: how large batches are, when they are committed, what becomes of rows that the
//! sink refuses, and how a run goes on that was killed.
//!
//! To add a connector: a folder with a type that implements [`Sink`], a cargo feature, and its tests.

mod checkpoint;
mod file;
mod mark;
mod when;

use std::sync::Arc;

pub use checkpoint::Checkpoint;
pub(crate) use checkpoint::Keeper;
pub use file::{Compression, Encode, FileWriter, LineRows, LinesFile, ToFile};
#[cfg(feature = "parquet")]
pub(crate) use file::{Part, Parts};
pub use mark::{Mark, Marks};
pub use when::When;

use crate::error::BoxError;

/// What a run loads into: for [`Flow::into_sink`](crate::Flow::into_sink).
///
/// A sink describes the place, such as a path or a table; nothing is touched before the run opens it. It is
/// shared by the workers of the last stage, each of which opens a [`Writer`]. What the writers have in common (one
/// file, one connection) is kept in the sink, behind a lock.
///
/// # Examples
/// A sink that keeps rows in memory, and shows none that were not committed:
/// ```
/// use std::sync::{Arc, Mutex};
/// use millstream::sink::{Sink, Writer};
/// use millstream::{BoxError, Flow};
///
/// #[derive(Clone, Default)]
/// struct Memory(Arc<Mutex<Vec<u32>>>);
///
/// struct Rows { of: Memory, written: Vec<u32> }
///
/// impl Sink<u32> for Memory {
///     type Writer = Rows;
///
///     fn open(&self, _partition: usize) -> Result<Rows, BoxError> {
///         Ok(Rows { of: self.clone(), written: Vec::new() })
///     }
/// }
///
/// impl Writer<u32> for Rows {
///     fn write(&mut self, rows: &[u32]) -> Result<(), BoxError> {
///         self.written.extend(rows);
///         Ok(())
///     }
///
///     fn commit(&mut self) -> Result<(), BoxError> {
///         self.of.0.lock().unwrap().append(&mut self.written);
///         Ok(())
///     }
///
///     fn abort(&mut self) {
///         self.written.clear();
///     }
/// }
///
/// let memory = Memory::default();
/// let failed = Flow::from_range(0..100u32)
///     .try_map(|n| if n < 90 { Ok(n) } else { Err("too large") })
///     .into_sink(memory.clone())
///     .run();
/// assert!(failed.is_err() && memory.0.lock().unwrap().is_empty());
///
/// let report = Flow::from_range(0..100u32).into_sink(memory.clone()).run()?;
/// assert_eq!(memory.0.lock().unwrap().len(), 100);
/// assert_eq!(report.stages()[0].items_out(), 100);
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait Sink<T>: Send + Sync {
    /// What one worker writes with.
    type Writer: Writer<T>;

    /// Told once a run, before any writer is opened: when rows become permanent. A sink whose writers share something
    /// needs to know whether one may wait for another's commit. Nothing is opened or touched here.
    fn begin(&self, _when: When) {}

    /// Opens one worker's part, on its thread. Partitions count from zero; each is opened once a run, also where no
    /// row comes to it.
    fn open(&self, partition: usize) -> Result<Self::Writer, BoxError>;

    /// Commits the load as a whole, once all writers have committed, on the thread that waits for the run.
    fn commit(&self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Takes back what can be taken back, once all writers have aborted: the run failed, or was stopped.
    fn abort(&self) {}

    /// Whether a row that is written again leaves the same behind as one that is written once, as an upsert does. Such
    /// a sink may be given rows again that it has, by a retry or by a run that [resumes](Checkpoint).
    fn repeatable(&self) -> bool {
        false
    }

    /// Whether batches can be committed one by one. A file that gets its name when it is complete cannot.
    fn commits_batches(&self) -> bool {
        true
    }

    /// The marks that the sink keeps in its own transactions, if it can: see [`Checkpoint::in_sink`].
    fn marks(&self) -> Option<&dyn Marks> {
        None
    }
}

/// What one worker has of a [`Sink`]: it belongs to one thread at a time.
///
/// A run calls, in this order: `write` any number of times; then, where all is committed at the end, `prepare` on the
/// worker's thread and `commit` or `abort` on the thread that waits for the run. Where every batch is committed, `commit`
/// follows each `write`, and after a failure `abort`, behind which the next batch may be written. A writer that is
/// dropped without any of that (its thread panicked) takes back what it can.
pub trait Writer<T>: Send {
    /// Writes a batch: all of it, or, if it returns an error, nothing. So a batch can be written again, and a bad row be
    /// found by writing the rows of its batch one by one.
    fn write(&mut self, rows: &[T]) -> Result<(), BoxError>;

    /// Does what may fail or take long before a commit, such as flushing buffers; nothing is written behind it.
    fn prepare(&mut self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Makes what was written since the last commit permanent.
    fn commit(&mut self) -> Result<(), BoxError>;

    /// Takes back what was written since the last commit.
    fn abort(&mut self) {}

    /// Writes a mark, as a part of what the next `commit` makes permanent. It is asked for where the sink gives
    /// [`marks`](Sink::marks).
    fn mark(&mut self, mark: &Mark) -> Result<(), BoxError> {
        Err(format!(
            "the writer keeps no marks, so it cannot note {mark}: implement `Writer::mark`"
        )
        .into())
    }
}

macro_rules! by_pointer {
    ($($pointer:ty),*) => {$(
        impl<T, S: Sink<T> + ?Sized> Sink<T> for $pointer {
            type Writer = S::Writer;

            fn begin(&self, when: When) {
                (**self).begin(when);
            }

            fn open(&self, partition: usize) -> Result<S::Writer, BoxError> {
                (**self).open(partition)
            }

            fn commit(&self) -> Result<(), BoxError> {
                (**self).commit()
            }

            fn abort(&self) {
                (**self).abort();
            }

            fn repeatable(&self) -> bool {
                (**self).repeatable()
            }

            fn commits_batches(&self) -> bool {
                (**self).commits_batches()
            }

            fn marks(&self) -> Option<&dyn Marks> {
                (**self).marks()
            }
        }
    )*};
}

by_pointer!(&S, Arc<S>, Box<S>);
