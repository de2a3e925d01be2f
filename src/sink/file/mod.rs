//! Sinks that are files: written under a temporary name, which becomes the final one when the run has ended well.
//!
//! [`ToFile`] is the sink; [`Encode`] says what bytes rows become. A worker encodes its rows in memory, compresses a
//! piece of them where that is asked for, and appends it to the file as a whole, under the file's lock: so pieces of
//! several workers never mix, and the lock is held for a write only.

mod draft;
mod encode;
mod pack;
mod target;
mod write;

use std::fmt;
use std::path::Path;

pub use encode::{Encode, LineRows, LinesFile};
pub use pack::Compression;
#[cfg(feature = "parquet")]
pub(crate) use target::{Part, Parts};
pub use write::FileWriter;

use super::Sink;
use crate::error::BoxError;

/// What a file knows of itself beside its bytes: its head, once it has one.
type Head = Option<Vec<u8>>;

/// A file, or one a partition, as a sink: what [`LinesFile`], `CsvFile` and `JsonFile` are.
///
/// Rows are written under a temporary name in the same directory (`.out.csv.millstream-71-0.tmp`), flushed to the disk,
/// and renamed when all workers have ended well; until then a file that has the name stays as it is. A run that fails,
/// or is stopped, removes what it wrote. If the process dies, the temporary file is left, which nobody reads; it may be
/// deleted.
///
/// By default there is one file for all workers of the last stage. With [`per_partition`](ToFile::per_partition) each
/// has one of its own. Where there are several they are renamed one after the other, when all are complete.
///
/// - **Order**: each worker's rows in their order, in pieces of about a mebibyte between those of others. With
///   `stages(1)` the rows are in the order in which that worker had them.
/// - **Memory**: a piece a worker, of a mebibyte and a batch; twice that where it is compressed.
/// - **Errors**: of kind [`Sink`](crate::ErrorKind::Sink), with the path: a directory that is not there, a disk that is
///   full, a row that the format cannot write.
/// - **Committing**: as a whole, so not with [`commit_every_batch`](crate::chain::Load::commit_every_batch). A file
///   that is written again replaces itself, so the sink is [repeatable](Sink::repeatable). One run at a time may write
///   to it.
///
/// # Examples
/// ```
/// use millstream::Flow;
/// use millstream::sink::LinesFile;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("squares.txt");
/// Flow::from_range(0..4u32).stages(1).map(|n| n * n).into_sink(LinesFile::new(&path)).run()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "0\n1\n4\n9\n");
///
/// let failed = Flow::from_range(0..9u32)
///     .try_map(|n| if n < 5 { Ok(n) } else { Err("too large") })
///     .into_sink(LinesFile::new(&path))
///     .run();
/// assert!(failed.is_err());
/// assert_eq!(std::fs::read_to_string(&path)?, "0\n1\n4\n9\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ToFile<E> {
    pub(crate) encode: E,
    parts: target::Parts<Head>,
    compression: Compression,
}

impl<E> ToFile<E> {
    /// A file at a path, of rows in a format. The ending of the path says whether it is compressed: `.gz` or `.zst`.
    ///
    /// ```
    /// use millstream::sink::{LineRows, ToFile};
    ///
    /// let sink = ToFile::with(LineRows, "names.txt");
    /// ```
    pub fn with(encode: E, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        ToFile {
            encode,
            parts: target::Parts::new(path),
            compression: Compression::of(path),
        }
    }

    /// One file a partition of the last stage instead of one for all, with its number: in the place of `{}` in the path
    /// where there is one, else before the ending.
    ///
    /// Each partition has its file, also where no row came to it. Files of an earlier run with more partitions stay: give
    /// runs a directory of their own if their number varies.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::sink::LinesFile;
    ///
    /// let dir = tempfile::tempdir()?;
    /// let sink = LinesFile::new(dir.path().join("even.txt")).per_partition();
    /// let flow = Flow::from_range(0..4u32).stages(1).partition_with(|n, _| Some(*n as usize % 2)).stages(2);
    /// flow.into_sink(sink).run()?;
    /// assert_eq!(std::fs::read_to_string(dir.path().join("even-0.txt"))?, "0\n2\n");
    /// assert_eq!(std::fs::read_to_string(dir.path().join("even-1.txt"))?, "1\n3\n");
    ///
    /// let sink = LinesFile::new(dir.path().join("part={}/rows.txt")).per_partition().create_dirs();
    /// Flow::from_range(0..4u32).stages(1).into_sink(sink).run()?;
    /// assert!(dir.path().join("part=0/rows.txt").exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn per_partition(mut self) -> Self {
        self.parts.target.per_partition = true;
        self
    }

    /// Makes the directories of the path that are not there. Without it they are an error.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::sink::LinesFile;
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("2024/05/names.txt");
    /// let load = |sink| Flow::from_iter(["Ada", "Joan"]).into_sink(sink).run();
    /// assert!(load(LinesFile::new(&path)).unwrap_err().message().contains("there is no directory"));
    /// load(LinesFile::new(&path).create_dirs())?;
    /// assert!(path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_dirs(mut self) -> Self {
        self.parts.target.dirs = true;
        self
    }

    /// Compresses, or does not, whatever the path ends with.
    ///
    /// Each worker compresses its own pieces, as members of gzip or frames of Zstandard, of which a file may have many.
    ///
    /// ```
    /// use millstream::sink::{Compression, LinesFile};
    ///
    /// let sink = LinesFile::new("names.txt.zst").compression(Compression::Plain);
    /// ```
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }
}

impl<T, E: Encode<T> + Clone> Sink<T> for ToFile<E> {
    type Writer = FileWriter<E>;

    fn open(&self, partition: usize) -> Result<FileWriter<E>, BoxError> {
        self.compression.check(&self.parts.target.path)?;
        let part = self.parts.part(partition)?;
        Ok(FileWriter::new(self.encode.clone(), part, self.compression))
    }

    fn commit(&self) -> Result<(), BoxError> {
        self.parts.publish(|part| {
            if part.format.is_none() {
                write::begin(part, &self.encode, None::<&T>, self.compression)?;
            }
            if part.draft.is_empty() {
                // A compressed file of no bytes at all is not a valid one.
                let mut nothing = Vec::new();
                self.compression.pack(&[], &mut nothing)?;
                part.draft.append(&nothing)?;
            }
            Ok(part.draft.sync()?)
        })
    }

    fn abort(&self) {
        self.parts.discard();
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn commits_batches(&self) -> bool {
        false
    }
}

impl<E> fmt::Debug for ToFile<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToFile")
            .field("path", &self.parts.target.path)
            .field("per_partition", &self.parts.target.per_partition)
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}
