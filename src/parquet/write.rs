//! Parquet files as sinks: what is to be written, under which name and how.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns::Columns;
use super::writer::{ParquetWriter, wrong};
use crate::error::{BoxError, Error, ErrorKind};
use crate::sink::{Part, Parts, Sink};

/// Rows of a row group, if nothing else is said.
const GROUP: usize = 128 * 1024;

/// A Parquet file as a sink, of structs that serde can serialize: a column a field.
///
/// Columns are those of the first batch that is written: an `Option` is a column that may be null, a nested struct a
/// group, a vector a list, an enum without data a string. Rows that do not fit are an error; a later row with a field
/// that the first did not have is, too. Where the first rows do not tell all (an `Option` that is `None` in each, a
/// vector that is empty, no rows at all), [`columns_of`](ParquetFile::columns_of) names the type instead.
///
/// Each worker encodes and compresses row groups by itself, and appends them when they are complete. The file is
/// written under a temporary name and renamed at the end, as [`ToFile`](crate::sink::ToFile) describes; it too can have
/// one file a partition.
///
/// - **Order**: each worker's rows in their order, in row groups between those of others.
/// - **Memory**: a row group a worker, encoded: 131,072 rows, or [`rows_per_group`](ParquetFile::rows_per_group), or 64
///   MiB.
/// - **Errors**: of kind [`Sink`](ErrorKind::Sink), with the path.
/// - **Committing**: as a whole. A file that is written again replaces itself.
///
/// ```
/// use millstream::Flow;
/// use millstream::parquet::{Codec, ParquetFile};
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Mean {
///     vendor: u32,
///     rating: Option<f64>,
/// }
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("means.parquet");
/// let means = Flow::from_range(0..10u32).map(|vendor| Mean { vendor, rating: Some(4.5) });
/// means.into_sink(ParquetFile::new(&path).codec(Codec::Snappy)).run()?;
/// assert!(path.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ParquetFile {
    parts: Parts<State>,
    columns: Option<Result<Columns, String>>,
    group: usize,
    codec: Codec,
}

/// How the columns of a Parquet file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Codec {
    /// Not at all.
    Plain,
    /// Snappy: what the oldest readers know.
    Snappy,
    /// Zstandard: smaller, and the default.
    #[default]
    Zstd,
}

/// What is known of a file once it has columns.
#[derive(Default)]
pub(super) struct State {
    pub(super) open: Option<(SerializedFileWriter<File>, Arc<Shape>)>,
    /// Whether something that was accepted could not be written, so that the file must not be kept.
    pub(super) broken: bool,
}

/// What workers encode row groups by.
pub(super) struct Shape {
    pub(super) columns: Columns,
    pub(super) groups: ArrowRowGroupWriterFactory,
}

impl ParquetFile {
    /// A Parquet file at a path.
    pub fn new(path: impl AsRef<Path>) -> Self {
        ParquetFile {
            parts: Parts::new(path.as_ref()),
            columns: None,
            group: GROUP,
            codec: Codec::default(),
        }
    }

    /// The columns of a type, instead of those of the first rows. Then they do not depend on the rows, and a file
    /// without rows has them too.
    ///
    /// The type may be that of the rows, if it can be deserialized, or another with the same fields. A type that only
    /// deserializes from certain strings is an error when the sink is opened.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::parquet::{Parquet, ParquetFile};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Mean {
    ///     vendor: u32,
    ///     rating: Option<f64>,
    /// }
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("means.parquet");
    /// // The first thousands of rows do not tell what a rating is.
    /// let means = Flow::from_range(0..10_000u32)
    ///     .map(|vendor| Mean { vendor, rating: (vendor > 9_000).then_some(4.5) });
    /// means.into_sink(ParquetFile::new(&path).columns_of::<Mean>()).run()?;
    ///
    /// let rated = Flow::from_source(Parquet::open(&path).rows::<Mean>()).filter(|mean| mean.rating.is_some());
    /// assert_eq!(rated.count()?, 999);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn columns_of<T: DeserializeOwned>(mut self) -> Self {
        let columns = Columns::of_type::<T>();
        self.columns = Some(columns.map_err(|error| error.to_string()));
        self
    }

    /// How many rows a row group has, about: it ends with the batch that reaches that. More make a smaller file and
    /// take more memory, fewer let more readers share it. Zero is taken as one.
    ///
    /// ```
    /// use millstream::parquet::ParquetFile;
    ///
    /// let sink = ParquetFile::new("means.parquet").rows_per_group(1_000_000);
    /// ```
    pub fn rows_per_group(mut self, rows: usize) -> Self {
        self.group = rows.max(1);
        self
    }

    /// How columns are compressed.
    ///
    /// ```
    /// use millstream::parquet::{Codec, ParquetFile};
    ///
    /// let sink = ParquetFile::new("means.parquet").codec(Codec::Plain);
    /// ```
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// One file a partition of the last stage, as [`ToFile::per_partition`](crate::sink::ToFile::per_partition).
    ///
    /// ```
    /// use millstream::parquet::ParquetFile;
    ///
    /// // means-0.parquet, means-1.parquet, …
    /// let sink = ParquetFile::new("means.parquet").per_partition();
    /// ```
    pub fn per_partition(mut self) -> Self {
        self.parts.target.per_partition = true;
        self
    }

    /// Makes the directories of the path that are not there.
    ///
    /// ```
    /// use millstream::parquet::ParquetFile;
    ///
    /// let sink = ParquetFile::new("2024/05/means.parquet").create_dirs();
    /// ```
    pub fn create_dirs(mut self) -> Self {
        self.parts.target.dirs = true;
        self
    }
}

/// What a writer needs to know to begin the file, if it is the first.
#[derive(Debug, Clone)]
pub(super) struct Begin {
    columns: Option<Columns>,
    codec: Codec,
    pub(super) group: usize,
}

impl Begin {
    /// The shape of a file, which the first rows give it.
    pub(super) fn shape<T: Serialize>(
        &self,
        part: &mut Part<State>,
        rows: &[T],
    ) -> Result<Arc<Shape>, BoxError> {
        if let Some((_, shape)) = &part.format.open {
            return Ok(shape.clone());
        }
        let columns = match &self.columns {
            Some(columns) => columns.clone(),
            None if rows.is_empty() => Columns::none(),
            None => Columns::of_rows(rows).map_err(|error| wrong(part, error))?,
        };
        let codec = match self.codec {
            Codec::Plain => Compression::UNCOMPRESSED,
            Codec::Snappy => Compression::SNAPPY,
            Codec::Zstd => Compression::ZSTD(ZstdLevel::default()),
        };
        let properties = WriterProperties::builder().set_compression(codec).build();
        let options = ArrowWriterOptions::new().with_properties(properties);
        let file = part.draft.handle()?;
        let writer = ArrowWriter::try_new_with_options(file, columns.schema.clone(), options)
            .and_then(ArrowWriter::into_serialized_writer);
        let (writer, groups) = writer.map_err(|error| wrong(part, error.into()))?;
        let shape = Arc::new(Shape { columns, groups });
        part.format.open = Some((writer, shape.clone()));
        Ok(shape)
    }
}

impl<T: Serialize> Sink<T> for ParquetFile {
    type Writer = ParquetWriter;

    fn open(&self, partition: usize) -> Result<ParquetWriter, BoxError> {
        let begin = self.begin()?;
        Ok(ParquetWriter::new(begin, self.parts.part(partition)?))
    }

    fn commit(&self) -> Result<(), BoxError> {
        let begin = self.begin()?;
        self.parts.publish(|part| {
            begin.shape::<T>(part, &[])?;
            if let Some((writer, _)) = part.format.open.take() {
                writer.close().map_err(|error| wrong(part, error.into()))?;
            }
            part.draft.written()?;
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

impl ParquetFile {
    fn begin(&self) -> Result<Begin, Error> {
        let columns = match &self.columns {
            None => None,
            Some(Ok(columns)) => Some(columns.clone()),
            Some(Err(error)) => {
                let message = format!(
                    "the type given to `columns_of` has no columns that can be known ahead: {error}; leave it out, and the \
                     first rows tell them"
                );
                return Err(Error::new(ErrorKind::Sink, message));
            }
        };
        Ok(Begin {
            columns,
            codec: self.codec,
            group: self.group,
        })
    }
}

impl fmt::Debug for ParquetFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetFile")
            .field("path", &self.parts.target.path)
            .field("per_partition", &self.parts.target.per_partition)
            .field("rows_per_group", &self.group)
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}
