//! The rows of one row group: decoded a batch at a time into columns, and made values from these.

use std::fmt;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use marrow::datatypes::Field;
use marrow::view::View;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use serde::de::DeserializeOwned;
use serde_arrow::Deserializer;

use super::said;
use super::source::Opened;
use crate::error::{BoxError, Error, ErrorKind};

/// The rows of a row group, as a split of [`ParquetRows`](super::ParquetRows).
pub struct RowGroup<T> {
    file: Arc<Opened>,
    group: usize,
    reader: ParquetRecordBatchReader,
    rows: std::vec::IntoIter<T>,
    /// What comes behind these rows.
    error: Option<Error>,
    /// Rows that were decoded.
    read: usize,
}

impl<T: DeserializeOwned> RowGroup<T> {
    pub(super) fn new(file: Arc<Opened>, group: usize, reader: ParquetRecordBatchReader) -> Self {
        RowGroup {
            file,
            group,
            reader,
            rows: Vec::new().into_iter(),
            error: None,
            read: 0,
        }
    }

    /// Makes values of a batch, up to the first that is not of the type.
    fn decode(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let damaged = |error: BoxError| self.file.damaged(self.group, error);
        let mut fields = Vec::new();
        let mut views = Vec::new();
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let column: &dyn Array = column.as_ref();
            let converted = Field::try_from(field.as_ref())
                .and_then(|field| Ok((field, View::try_from(column)?)));
            let (field, view) = converted
                .map_err(|error| damaged(format!("the column {}: {error}", field.name()).into()))?;
            fields.push(field);
            views.push(view);
        }
        let columns = Deserializer::from_marrow(&fields, &views);
        let columns = columns.map_err(|error| damaged(said(&error).into()))?;
        let mut rows = Vec::with_capacity(columns.len());
        for row in &columns {
            match T::deserialize(row) {
                Ok(row) => rows.push(row),
                Err(error) => {
                    let message = format!(
                        "cannot read row {} of row group {} of {}: {}",
                        self.read + rows.len(),
                        self.group,
                        self.file.path.display(),
                        said(&error)
                    );
                    let error = Error::new(ErrorKind::Row, message).because(Box::new(error));
                    self.error = Some(error);
                    break;
                }
            }
        }
        self.read += columns.len();
        self.rows = rows.into_iter();
        Ok(())
    }
}

impl<T: DeserializeOwned> Iterator for RowGroup<T> {
    type Item = Result<T, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            if let Some(error) = self.error.take() {
                return Some(Err(error.into()));
            }
            let decoded = match self.reader.next()? {
                Ok(batch) => self.decode(&batch),
                Err(error) => Err(self.file.damaged(self.group, Box::new(error))),
            };
            if let Err(error) = decoded {
                return Some(Err(error.into()));
            }
        }
    }
}

impl<T> fmt::Debug for RowGroup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowGroup")
            .field("file", &self.file.path)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}
