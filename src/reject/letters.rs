//! Dead letters: rejected items go into a sink, and stay there whatever becomes of the run.
//!
//! A worker writes them in batches, commits each where the sink can, and writes the rest when its end is dropped. What
//! a sink commits as a whole is left for the thread that waits for the run, which commits it even if the run failed.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};
use std::thread;

use super::keeps::keep_a_clone;
use super::{AfterRun, AtOnce, Keeps, Policy, Reject, Rejected, Verdict};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::{After, Context, lock};
use crate::sink::{Sink, When, Writer};

/// Letters that are written together.
const BATCH: usize = 256;

/// The policy that writes rejected items into a [`Sink`], with their error, rule and position: a table or a file to look
/// into later, and to load again what was mended.
///
/// The sink is one of [`Rejected`], or of rows of your own that [`map`](DeadLetters::map) makes of them. It is opened by
/// each worker of the step when the run starts. Batches are committed as they are written where the
/// [sink can do that](Sink::commits_batches); else all is committed when the run has ended, **also if it failed**: why a row
/// was rejected is worth knowing then too. Under [`resume`](crate::chain::Load::resume) a split's letters are committed
/// before its mark, so none is missing, and those of a split that was cut off may be there twice.
///
/// A letter that cannot be written ends the run, with [`ErrorKind::Sink`](crate::ErrorKind::Sink).
///
/// # Examples
/// ```
/// use millstream::sink::{Sink, Writer};
/// use millstream::{BoxError, DeadLetters, Flow, Rejected};
/// use std::sync::{Arc, Mutex};
///
/// /// What was rejected, in memory; a file or a table is another sink.
/// #[derive(Clone, Default)]
/// struct Rejects(Arc<Mutex<Vec<String>>>);
///
/// impl Sink<Rejected<&str>> for Rejects {
///     type Writer = Rejects;
///
///     fn open(&self, _partition: usize) -> Result<Rejects, BoxError> {
///         Ok(self.clone())
///     }
/// }
///
/// impl Writer<Rejected<&str>> for Rejects {
///     fn write(&mut self, rows: &[Rejected<&str>]) -> Result<(), BoxError> {
///         let lines = rows.iter().map(|row| format!("{}: {row}", row.item()));
///         self.0.lock().unwrap().extend(lines);
///         Ok(())
///     }
///
///     fn commit(&mut self) -> Result<(), BoxError> {
///         Ok(())
///     }
/// }
///
/// let rejects = Rejects::default();
/// let sum: u32 = Flow::from_iter(["1", "two", "3"])
///     .try_map(|text| text.parse::<u32>())
///     .on_error(DeadLetters::into(rejects.clone()))
///     .sum()?;
/// assert_eq!(sum, 4);
/// assert_eq!(*rejects.0.lock().unwrap(), ["two: invalid digit found in string (rejected by try_map)"]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct DeadLetters<'env, S, M = AsTheyAre> {
    shared: Arc<Shared<'env, S>>,
    map: M,
}

/// What the workers of the step, and who waits for the run, have in common.
struct Shared<'env, S> {
    sink: S,
    /// What is to be committed after the run.
    left: Mutex<Vec<Box<dyn Left + 'env>>>,
}

/// A writer that is prepared, whatever it writes.
trait Left: Send {
    fn commit(&mut self) -> Result<(), BoxError>;
}

struct Prepared<W, T>(W, PhantomData<fn(T)>);

impl<T, W: Writer<T>> Left for Prepared<W, T> {
    fn commit(&mut self) -> Result<(), BoxError> {
        self.0.commit()
    }
}

impl<S> DeadLetters<'_, S> {
    /// Letters into this sink.
    pub fn into(sink: S) -> Self {
        DeadLetters {
            shared: Arc::new(Shared {
                sink,
                left: Mutex::new(Vec::new()),
            }),
            map: AsTheyAre,
        }
    }
}

impl<'env, S> DeadLetters<'env, S> {
    /// Makes a row of the sink's own of each rejected item.
    ///
    /// ```
    /// use millstream::{DeadLetters, Rejected};
    ///
    /// # let sink = ();
    /// let letters = DeadLetters::into(sink)
    ///     .map(|rejected: Rejected<String>| (rejected.rule().to_owned(), rejected.into_item()));
    /// # drop(letters);
    /// ```
    pub fn map<M>(self, row: M) -> DeadLetters<'env, S, M> {
        DeadLetters {
            shared: self.shared,
            map: row,
        }
    }
}

/// What is written of a rejected item.
#[doc(hidden)]
pub trait Letter<T>: Send + Sync {
    /// The row of the sink.
    type Row;
    /// Makes it.
    fn letter(&self, rejected: Rejected<T>) -> Self::Row;
}

/// Rejected items are written as they are.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct AsTheyAre;

impl<T> Letter<T> for AsTheyAre {
    type Row = Rejected<T>;

    fn letter(&self, rejected: Rejected<T>) -> Rejected<T> {
        rejected
    }
}

impl<T, U, F: Fn(Rejected<T>) -> U + Send + Sync> Letter<T> for F {
    type Row = U;

    fn letter(&self, rejected: Rejected<T>) -> U {
        self(rejected)
    }
}

impl<'env, T, S, M> Policy<T> for DeadLetters<'env, S, M>
where
    M: Letter<T>,
    M::Row: 'env,
    S: Sink<M::Row>,
    S::Writer: 'env,
{
    type Worker<'s>
        = Lettering<'s, 'env, T, S, M>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Worker<'s> {
        let writer = match self.shared.sink.open(cx.index) {
            Ok(writer) => Some(writer),
            Err(error) => {
                cx.fault(refused("opened", error));
                None
            }
        };
        Lettering {
            of: self,
            writer,
            rows: Vec::new(),
            at_once: self.shared.sink.commits_batches(),
            broken: false,
            cx,
        }
    }

    fn keeps(&self) -> Option<String> {
        Some(format!(
            "up to {BATCH} rejected rows a thread to be written together, each {} bytes and what it owns",
            size_of::<M::Row>()
        ))
    }

    fn by_splits(&self) -> bool {
        self.shared.sink.commits_batches()
    }

    fn after<'e>(&self) -> Option<AfterRun<'e>>
    where
        Self: 'e,
        T: 'e,
    {
        // The run is being built, and no writer is open yet.
        let sink = &self.shared.sink;
        sink.begin(match sink.commits_batches() {
            true => When::Batch,
            false => When::End,
        });
        let after: AtEnd<'env, S, M::Row> = AtEnd(self.shared.clone(), PhantomData);
        Some(AfterRun(Arc::new(after)))
    }
}

/// The end of the letters, after all workers.
struct AtEnd<'env, S, U>(Arc<Shared<'env, S>>, PhantomData<fn(U)>);

impl<U, S: Sink<U>> After for AtEnd<'_, S, U> {
    fn after(&self, _good: bool) -> Result<(), Error> {
        let mut left = std::mem::take(&mut *lock(&self.0.left));
        // One that cannot be committed is no reason to lose those of the others.
        let mut done = Ok(());
        for writer in &mut left {
            let committed = writer.commit();
            done = done.and(committed);
        }
        drop(left);
        if done.is_ok() {
            done = self.0.sink.commit();
        } else {
            self.0.sink.abort();
        }
        done.map_err(|error| refused("committed", error))
    }
}

fn refused(doing: &str, error: BoxError) -> Error {
    let message = format!("the dead letters could not be {doing}: {error}");
    Error::new(ErrorKind::Sink, message).because(error)
}

/// One worker's letters.
#[doc(hidden)]
pub struct Lettering<'s, 'env, T, S, M>
where
    M: Letter<T>,
    M::Row: 'env,
    S: Sink<M::Row>,
    S::Writer: 'env,
{
    of: &'s DeadLetters<'env, S, M>,
    /// `None` if it could not be opened, and once it was left for the end.
    writer: Option<S::Writer>,
    rows: Vec<M::Row>,
    /// Whether each batch is committed.
    at_once: bool,
    /// Set while the writer works: what it has done is not known if it panics.
    broken: bool,
    cx: &'s Context,
}

impl<'env, T, S, M> Lettering<'_, 'env, T, S, M>
where
    M: Letter<T>,
    M::Row: 'env,
    S: Sink<M::Row>,
    S::Writer: 'env,
{
    /// Writes what there is.
    fn write(&mut self) -> Result<(), Error> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        if self.rows.is_empty() {
            return Ok(());
        }
        self.broken = true;
        let mut written = writer.write(&self.rows);
        if self.at_once {
            written = written.and_then(|()| writer.commit());
            if written.is_err() {
                writer.abort();
            }
        }
        self.broken = false;
        written.map_err(|error| refused("written", error))?;
        self.rows.clear();
        Ok(())
    }

    /// Writes the rest, and leaves the writer for who commits it.
    fn end(&mut self) -> Result<(), Error> {
        self.write()?;
        let Some(mut writer) = self.writer.take() else {
            return Ok(());
        };
        if self.at_once {
            return Ok(());
        }
        writer
            .prepare()
            .map_err(|error| refused("prepared", error))?;
        let prepared = Prepared::<_, M::Row>(writer, PhantomData);
        lock(&self.of.shared.left).push(Box::new(prepared));
        Ok(())
    }
}

impl<'env, T, S, M> Reject<T> for Lettering<'_, 'env, T, S, M>
where
    M: Letter<T>,
    M::Row: 'env,
    S: Sink<M::Row>,
    S::Writer: 'env,
{
    fn reject(&mut self, rejected: Rejected<T>) -> Verdict<T> {
        self.cx.count_rejected(rejected.rule());
        let letter = self.of.map.letter(rejected.located(self.cx));
        self.rows.push(letter);
        if self.rows.len() < BATCH {
            return Verdict::Settled;
        }
        match self.write() {
            Ok(()) => Verdict::Settled,
            Err(error) => Verdict::Fail(error),
        }
    }

    fn border(&mut self) -> Result<(), Error> {
        if self.at_once { self.write() } else { Ok(()) }
    }
}

impl<'env, T, S, M> Drop for Lettering<'_, 'env, T, S, M>
where
    M: Letter<T>,
    M::Row: 'env,
    S: Sink<M::Row>,
    S::Writer: 'env,
{
    fn drop(&mut self) {
        // Where a chain panicked as it was opened there is no letter yet; a writer that panicked takes back what it can.
        if self.broken || thread::panicking() {
            return;
        }
        if let Err(error) = self.end() {
            self.cx.shared.fail(self.cx.locate(error));
        }
    }
}

impl<T: Clone, S, M> Keeps<T> for DeadLetters<'_, S, M> {
    keep_a_clone!(T);
}

impl<'env, T, S, M> AtOnce<T> for DeadLetters<'env, S, M> where Self: Policy<T> {}

impl<S, M> fmt::Debug for DeadLetters<'_, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").finish_non_exhaustive()
    }
}

impl<'env, T, S, M> fmt::Debug for Lettering<'_, 'env, T, S, M>
where
    M: Letter<T>,
    M::Row: 'env,
    S: Sink<M::Row>,
    S::Writer: 'env,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lettering")
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}
