//! Parquet files as a source: their row groups, in the order of the files, are the splits.
//!
//! A footer is read once, when the first worker asks for a row group of any file; what is read beside it is the columns
//! that the rows ask for. The number of a row group depends on the files alone, so a run can be resumed.

use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use serde::de::DeserializeOwned;

use super::names::names_of;
use super::rows::RowGroup;
use crate::error::{BoxError, Error, ErrorKind};
use crate::read::{Files, paths, print_of};
use crate::run::lock;
use crate::source::Source;

/// Rows that are decoded at a time.
const BATCH: usize = 1024;

/// Parquet files to be read: [`rows`](Parquet::rows) makes a source of them.
#[derive(Debug)]
pub struct Parquet {
    files: Files,
}

impl Parquet {
    /// The files at a path or several: a file, a directory with all files in it, an array or vector of those, or a
    /// [`Files`]. They are looked for when the flow runs.
    ///
    /// Files have their data in places that only their end tells, so what cannot be read from any place (standard
    /// input, a reader) is refused.
    ///
    /// ```
    /// use millstream::parquet::Parquet;
    ///
    /// let days = Parquet::open(["monday.parquet", "tuesday.parquet"]);
    /// ```
    pub fn open(files: impl Into<Files>) -> Self {
        Parquet {
            files: files.into(),
        }
    }

    /// The rows as values of a type, by serde: for [`Flow::from_source`](crate::Flow::from_source).
    ///
    /// Only the columns are read that a struct has fields of. A field without a column is missing, which an `Option` or
    /// `#[serde(default)]` takes, and a null is `None`. Types that do not name their fields (a map,
    /// `#[serde(flatten)]`) read all.
    ///
    /// - **Order**: that of the file within a row group. Row groups go to whoever needs the next one.
    /// - **Threads**: a row group is decoded by one worker; so a file of one is not read in parallel.
    /// - **Memory**: a page of each column and 1,024 rows a worker, and the footers of the files.
    /// - **Errors**: of kind [`Io`](ErrorKind::Io) where a file is not there, [`Source`](ErrorKind::Source) where it is
    ///   not Parquet or is damaged, [`Row`](ErrorKind::Row) where a row is not of the type: with file, row group, row
    ///   and column.
    /// - **Resume**: row groups have the same numbers in every run, so a load can be
    ///   [resumed](crate::chain::Load::resume).
    /// - **Progress**: the footers say how many rows there are; a load that is resumed counts row groups.
    ///
    /// The [module](crate::parquet) has an example.
    pub fn rows<T: DeserializeOwned>(self) -> ParquetRows<T> {
        ParquetRows {
            files: Mutex::new(Some(self.files)),
            listed: OnceLock::new(),
            next: AtomicU64::new(0),
            rows: PhantomData,
        }
    }
}

/// The rows of Parquet files, as a source: made by [`Parquet::rows`].
pub struct ParquetRows<T> {
    files: Mutex<Option<Files>>,
    listed: OnceLock<Result<Listed, Error>>,
    next: AtomicU64,
    rows: PhantomData<fn() -> T>,
}

/// What there is to read.
struct Listed {
    /// The row groups of all files, with their numbers within.
    groups: Vec<(Arc<Opened>, usize)>,
    paths: Vec<PathBuf>,
}

/// A file whose footer was read.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    footer: ArrowReaderMetadata,
    columns: ProjectionMask,
}

impl<T: DeserializeOwned> ParquetRows<T> {
    fn listed(&self) -> Result<&Listed, Error> {
        let listed = self.listed.get_or_init(|| {
            // It is taken once, by whoever comes first.
            let files = lock(&self.files).take();
            let paths = files.map_or(Ok(Vec::new()), paths)?;
            let mut groups = Vec::new();
            for path in &paths {
                let file = Arc::new(Opened::new(path.clone(), names_of::<T>())?);
                let within = file.footer.metadata().num_row_groups();
                groups.extend((0..within).map(|group| (file.clone(), group)));
            }
            Ok(Listed { groups, paths })
        });
        listed.as_ref().map_err(Error::copy)
    }
}

impl<T: DeserializeOwned> Source for ParquetRows<T> {
    type Item = T;
    type Split<'s>
        = RowGroup<T>
    where
        T: 's;

    fn next_split(&self) -> Result<Option<RowGroup<T>>, BoxError> {
        self.split(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn input(&self) -> Result<Option<String>, BoxError> {
        let listed = self.listed()?;
        let print = print_of(&listed.paths)?;
        Ok(Some(format!(
            "{print}, in {} row groups",
            listed.groups.len()
        )))
    }

    fn size(&self) -> Option<u64> {
        // Where a footer cannot be read, asking for a row group tells why.
        let groups = self.listed().ok()?.groups.iter();
        groups.map(|(file, group)| file.rows_of(*group)).sum()
    }

    fn splits(&self) -> Option<u64> {
        Some(self.listed().ok()?.groups.len() as u64)
    }

    fn split(&self, number: u64) -> Result<Option<RowGroup<T>>, BoxError> {
        let groups = &self.listed()?.groups;
        let group = usize::try_from(number).ok().and_then(|n| groups.get(n));
        match group {
            Some((file, group)) => Ok(Some(file.rows(*group)?)),
            None => Ok(None),
        }
    }
}

impl Opened {
    fn new(path: PathBuf, names: Option<&[&str]>) -> Result<Self, Error> {
        let file = open(&path)?;
        let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let footer = footer.map_err(|error| {
            let message = format!("cannot read {} as Parquet: {error}", path.display());
            Error::new(ErrorKind::Source, message).because(Box::new(error))
        })?;
        let columns = match names {
            None => ProjectionMask::all(),
            Some(names) => {
                let all = footer.schema().fields();
                let named = all.iter().enumerate();
                let named = named.filter(|(_, field)| names.contains(&field.name().as_str()));
                let named: Vec<usize> = named.map(|(at, _)| at).collect();
                if named.is_empty() {
                    let all: Vec<&str> = all.iter().map(|field| field.name().as_str()).collect();
                    let message = format!(
                        "{} has none of the columns {}: it has {}",
                        path.display(),
                        names.join(", "),
                        all.join(", ")
                    );
                    return Err(Error::new(ErrorKind::Source, message));
                }
                ProjectionMask::roots(footer.parquet_schema(), named)
            }
        };
        Ok(Opened {
            path,
            footer,
            columns,
        })
    }

    /// How many rows a row group has, by the footer; `None` in one that says less than none.
    fn rows_of(&self, group: usize) -> Option<u64> {
        let rows = self.footer.metadata().row_group(group).num_rows();
        u64::try_from(rows).ok()
    }

    /// The rows of a row group. The file is opened again for it, since a handle has one position, which workers cannot
    /// share.
    fn rows<T: DeserializeOwned>(self: &Arc<Self>, group: usize) -> Result<RowGroup<T>, Error> {
        let file = open(&self.path)?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone())
            .with_row_groups(vec![group])
            .with_projection(self.columns.clone())
            .with_batch_size(BATCH)
            .build();
        match reader {
            Ok(reader) => Ok(RowGroup::new(self.clone(), group, reader)),
            Err(error) => Err(self.damaged(group, Box::new(error))),
        }
    }

    /// A row group that cannot be decoded.
    pub(super) fn damaged(&self, group: usize, error: BoxError) -> Error {
        let message = format!(
            "cannot read row group {group} of {}: {error}",
            self.path.display()
        );
        Error::new(ErrorKind::Source, message).because(error)
    }
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|error| Error::io("open", path, error))
}

impl<T> fmt::Debug for ParquetRows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetRows").finish_non_exhaustive()
    }
}
