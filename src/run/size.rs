//! How much input there is, where its source knows, and how much of it has been taken: what a rest can be told by.
//!
//! A source says it once, when its first worker opens, and only if somebody looks at the run: asking for the lengths of many
//! files takes time. What has been taken is what its workers count anyway, but for files that are read through a
//! decompressor, which count what they read of the disk, and for splits, which are counted where they end.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::counts::Counts;
use super::report::{Report, StageReport, WorkerReport};

/// How much input there is, and how much of it has been taken: see [`Report::input_size`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputSize {
    /// What it is counted in.
    pub unit: Unit,
    /// How much there is. A flow that ends early (`take`, a failure) does not come to it. One whose source only supposed it
    /// may go beyond.
    pub total: u64,
    /// How much of it the sources have given out.
    pub taken: u64,
}

/// What the size of an input is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Items: ranges, slices, iterators that know how many they give, the rows of Parquet files.
    Items,
    /// Bytes: texts and files, as they lie on the disk.
    Bytes,
    /// Splits that were read to their end, of a source that knows how many there are and not what is in them: ranges of
    /// a query's key.
    Splits,
}

/// What one source says of its size, shared by the workers of its stage.
#[derive(Debug, Default)]
pub(crate) struct Measure {
    /// Whether somebody looks.
    wanted: bool,
    said: OnceLock<Option<(Unit, u64)>>,
    /// Whether what is taken is what was read of the files, in bytes.
    raw: AtomicBool,
    read: AtomicU64,
    /// Splits that have ended.
    splits: AtomicU64,
}

impl Measure {
    pub(super) fn new(wanted: bool) -> Self {
        Measure {
            wanted,
            ..Measure::default()
        }
    }

    /// The source has so many items, or does not know.
    pub(crate) fn items(&self, items: impl FnOnce() -> Option<u64>) {
        self.say(Unit::Items, items);
    }

    /// The source has so many bytes, or does not know.
    pub(crate) fn bytes(&self, bytes: impl FnOnce() -> Option<u64>) {
        self.say(Unit::Bytes, bytes);
    }

    /// The same of files whose readers are [`Counted`].
    pub(crate) fn raw_bytes(&self, bytes: impl FnOnce() -> Option<u64>) {
        self.raw.store(true, Ordering::Relaxed);
        self.bytes(bytes);
    }

    /// The first worker that comes says it.
    fn say(&self, unit: Unit, total: impl FnOnce() -> Option<u64>) {
        self.say_in(|| Some((unit, total()?)));
    }

    /// The same of a source that also says what it counts in.
    pub(crate) fn say_in(&self, size: impl FnOnce() -> Option<(Unit, u64)>) {
        if self.wanted {
            self.said.get_or_init(size);
        }
    }

    /// A split was read to its end.
    pub(crate) fn split_ended(&self) {
        self.splits.fetch_add(1, Ordering::Relaxed);
    }

    fn size(&self, workers: &[WorkerReport]) -> Option<InputSize> {
        let (unit, total) = (*self.said.get()?)?;
        let taken = match unit {
            Unit::Items => workers.iter().map(|w| w.items_in).sum(),
            Unit::Bytes if self.raw.load(Ordering::Relaxed) => self.read.load(Ordering::Relaxed),
            Unit::Bytes => workers.iter().map(|w| w.bytes_in).sum(),
            Unit::Splits => self.splits.load(Ordering::Relaxed),
        };
        Some(InputSize { unit, total, taken })
    }
}

/// A reader whose bytes count as taken.
pub(crate) struct Counted<R> {
    pub(crate) reader: R,
    pub(crate) measure: Arc<Measure>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.measure.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The size of a stage's input by its workers' counters.
pub(super) fn size_of_input(
    workers: &[Arc<Counts>],
    reports: &[WorkerReport],
) -> Option<InputSize> {
    workers.first()?.measure.size(reports)
}

impl StageReport {
    /// How much input its source has; `None` for a stage behind an edge, or if the source does not know: see
    /// [`Report::input_size`].
    pub fn input_size(&self) -> Option<InputSize> {
        self.input
    }
}

impl Report {
    /// How much input there is and how much of it has been taken, over all sources; `None` if one of them does not know, or if
    /// they count in different units.
    ///
    /// Ranges, slices, vectors, iterators that know their exact length, Parquet files, and queries whose rows were counted
    /// count items; texts and files count bytes. A query that is cut by a key and nothing more counts its ranges, as
    /// [`Unit::Splits`], and so does any source with splits where a load goes on behind those it has. It is asked for only if
    /// somebody looks at the run: an [`Observer`](crate::Observer), a watcher.
    ///
    /// ```
    /// use millstream::{Flow, Observer, Unit};
    ///
    /// let observer = Observer::new();
    /// Flow::from_slice(&[1, 2, 3]).observe(&observer).run()?;
    /// let size = observer.report().unwrap().input_size().unwrap();
    /// assert_eq!((size.unit, size.taken, size.total), (Unit::Items, 3, 3));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn input_size(&self) -> Option<InputSize> {
        let mut sum: Option<InputSize> = None;
        for stage in self.sources() {
            let size = stage.input?;
            sum = Some(match sum {
                None => size,
                Some(sum) if sum.unit == size.unit => InputSize {
                    unit: sum.unit,
                    total: sum.total.saturating_add(size.total),
                    taken: sum.taken.saturating_add(size.taken),
                },
                Some(_) => return None,
            });
        }
        sum
    }

    /// The stages that take from no edge.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &StageReport> {
        let stages = self.stages.iter().enumerate();
        stages
            .filter(|(at, _)| self.plan.edges_into(*at).next().is_none())
            .map(|(_, stage)| stage)
    }
}
