//! What one worker has of a Parquet file: the row group that it encodes, which it appends when it is complete.
//!
//! A batch that cannot be made columns leaves the row group as it was. A row group that cannot be appended is lost with
//! rows that were accepted before: then the file is broken, and is not kept whatever comes.

use std::fmt;
use std::sync::{Arc, Mutex};

use parquet::arrow::arrow_writer::{ArrowColumnWriter, compute_leaves};
use serde::Serialize;

use super::write::{Begin, Shape, State};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::lock;
use crate::sink::{Part, Writer};

/// The most bytes of a row group, before one that has fewer rows than it may have is ended.
const BYTES: usize = 64 << 20;

/// What one worker writes to a Parquet file with: made by [`ParquetFile`](super::ParquetFile).
pub struct ParquetWriter {
    begin: Begin,
    part: Arc<Mutex<Part<State>>>,
    shape: Option<Arc<Shape>>,
    /// The columns of the row group, and how many rows they have.
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl ParquetWriter {
    pub(super) fn new(begin: Begin, part: Arc<Mutex<Part<State>>>) -> Self {
        ParquetWriter {
            begin,
            part,
            shape: None,
            columns: Vec::new(),
            rows: 0,
        }
    }

    fn add<T: Serialize>(&mut self, rows: &[T]) -> Result<(), BoxError> {
        let shape = match &self.shape {
            Some(shape) => shape.clone(),
            None => {
                let shape = self.begin.shape(&mut lock(&self.part), rows)?;
                self.shape.insert(shape).clone()
            }
        };
        let arrays = shape.columns.arrays(rows);
        let arrays = arrays.map_err(|error| wrong(&lock(&self.part), error))?;
        if self.rows == 0 {
            // Its number is of use only to a file that is encrypted.
            let columns = shape.groups.create_column_writers(0);
            self.columns = columns.map_err(|error| wrong(&lock(&self.part), error.into()))?;
        }
        let mut columns = self.columns.iter_mut();
        let mut write = || {
            for (field, array) in shape.columns.schema.fields().iter().zip(&arrays) {
                // A nested column is several in the file.
                for (leaf, column) in compute_leaves(field, array)?.iter().zip(&mut columns) {
                    column.write(leaf)?;
                }
            }
            Ok(())
        };
        let written: parquet::errors::Result<()> = write();
        written.map_err(|error| broken(&mut lock(&self.part), error.into()))?;
        self.rows += rows.len();
        let bytes = self.columns.iter().map(|c| c.get_estimated_total_bytes());
        if self.rows >= self.begin.group || bytes.sum::<usize>() >= BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Appends the row group to the file.
    fn flush(&mut self) -> Result<(), BoxError> {
        self.rows = 0;
        let columns = std::mem::take(&mut self.columns);
        let chunks: Result<Vec<_>, _> = columns.into_iter().map(|c| c.close()).collect();
        let mut part = lock(&self.part);
        let chunks = chunks.map_err(|error| broken(&mut part, error.into()))?;
        let Some((writer, _)) = &mut part.format.open else {
            return Ok(());
        };
        let append = || {
            let mut group = writer.next_row_group()?;
            for chunk in chunks {
                chunk.append_to_row_group(&mut group)?;
            }
            group.close()
        };
        let appended: parquet::errors::Result<_> = append();
        match appended {
            Ok(_) => Ok(()),
            Err(error) => Err(broken(&mut part, error.into())),
        }
    }
}

/// A failure that concerns one batch.
pub(super) fn wrong(part: &Part<State>, error: BoxError) -> BoxError {
    let path = part.draft.path().display();
    let message = format!("cannot write {path}: {error}");
    Error::new(ErrorKind::Sink, message).because(error).into()
}

/// A failure after which the file cannot be what it should.
fn broken(part: &mut Part<State>, error: BoxError) -> BoxError {
    part.format.broken = true;
    wrong(part, error)
}

impl<T: Serialize> Writer<T> for ParquetWriter {
    fn write(&mut self, rows: &[T]) -> Result<(), BoxError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.add(rows)
    }

    fn prepare(&mut self) -> Result<(), BoxError> {
        if self.rows > 0 {
            self.flush()?;
        }
        let mut part = lock(&self.part);
        if part.format.broken {
            let why = "rows that were accepted before an error are lost with it; run it again";
            return Err(wrong(&part, why.into()));
        }
        if let Some((writer, _)) = &mut part.format.open {
            let flushed = writer.flush();
            flushed.map_err(|error| broken(&mut part, error.into()))?;
        }
        part.draft.written()?;
        Ok(part.draft.sync()?)
    }

    /// The sink renames the files when all writers are ready.
    fn commit(&mut self) -> Result<(), BoxError> {
        Ok(())
    }

    fn abort(&mut self) {
        self.rows = 0;
        self.columns.clear();
    }
}

impl fmt::Debug for ParquetWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetWriter")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
