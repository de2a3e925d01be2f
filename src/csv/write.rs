//! CSV files as sinks: rows by serde, in the dialect of the `csv` crate's writer.
//!
//! All rows of a file have the same columns: those of a batch are checked against each other by the crate, and the
//! heads of batches by [`ToFile`].

use std::path::Path;

use serde::Serialize;

use crate::error::BoxError;
use crate::sink::{Encode, ToFile};

/// A CSV file as a sink, of rows that serde can serialize: structs, tuples, or vectors.
///
/// The first line has the names of a struct's fields. Tuples and vectors have no names: give them with
/// [`columns`](CsvFile::columns), or there is no such line. Fields are quoted where that is needed; a field that is
/// `None` is empty.
///
/// Files, compression and options of all files are told at [`ToFile`].
///
/// ```
/// use millstream::Flow;
/// use millstream::csv::CsvFile;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Mean {
///     vendor: &'static str,
///     rating: f64,
/// }
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("means.csv");
/// let means = [Mean { vendor: "Ada, Ltd.", rating: 4.5 }, Mean { vendor: "Joan", rating: 3.0 }];
/// Flow::from_iter(means).stages(1).into_sink(CsvFile::new(&path)).run()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "vendor,rating\n\"Ada, Ltd.\",4.5\nJoan,3.0\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type CsvFile = ToFile<CsvRows>;

/// Rows as lines of CSV: the format of [`CsvFile`].
#[derive(Debug, Clone)]
pub struct CsvRows {
    delimiter: u8,
    header: bool,
    columns: Option<Vec<String>>,
}

impl CsvFile {
    /// A CSV file at a path; compressed if that ends with `.gz` or `.zst`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let rows = CsvRows {
            delimiter: b',',
            header: true,
            columns: None,
        };
        ToFile::with(rows, path)
    }

    /// What is between fields; a comma by default.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::CsvFile;
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("pairs.csv");
    /// let pairs = Flow::from_iter([(1, "a;b"), (2, "c,d")]).stages(1);
    /// pairs.into_sink(CsvFile::new(&path).delimiter(b';')).run()?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "1;\"a;b\"\n2;c,d\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.encode.delimiter = delimiter;
        self
    }

    /// Whether the first line has the names of the columns; it has by default.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::CsvFile;
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// struct Mean {
    ///     vendor: u32,
    ///     rating: f64,
    /// }
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("means.csv");
    /// let means = Flow::from_iter([Mean { vendor: 7, rating: 4.5 }]);
    /// means.into_sink(CsvFile::new(&path).header(false)).run()?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "7,4.5\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn header(mut self, header: bool) -> Self {
        self.encode.header = header;
        self
    }

    /// The names of the columns, for rows that do not know them, and for a file that has its first line even if no row
    /// comes. Rows with more or fewer fields are an error.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::CsvFile;
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("pairs.csv");
    /// let none = Flow::from_iter([(1, 2)]).filter(|_| false);
    /// none.into_sink(CsvFile::new(&path).columns(["number", "square"])).run()?;
    /// assert_eq!(std::fs::read_to_string(&path)?, "number,square\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn columns(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.encode.columns = Some(names.into_iter().map(Into::into).collect());
        self
    }
}

impl CsvRows {
    /// A writer of rows behind what is there already.
    fn writer<'o>(&self, out: &'o mut Vec<u8>, header: bool) -> csv::Writer<&'o mut Vec<u8>> {
        csv::WriterBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(header)
            .from_writer(out)
    }
}

impl<T: Serialize> Encode<T> for CsvRows {
    fn rows(&self, rows: &[T], out: &mut Vec<u8>) -> Result<(), BoxError> {
        let from = out.len();
        let mut writer = self.writer(out, false);
        let mut names = 0;
        if let Some(columns) = &self.columns {
            // For the crate to compare the rows with; the file has it already.
            writer.write_record(columns)?;
            writer.flush()?;
            names = writer.get_ref().len() - from;
        }
        for row in rows {
            writer.serialize(row)?;
        }
        writer.flush()?;
        drop(writer);
        out.drain(from..from + names);
        Ok(())
    }

    fn head(&self, first: Option<&T>, out: &mut Vec<u8>) -> Result<(), BoxError> {
        if !self.header {
            return Ok(());
        }
        if let Some(columns) = &self.columns {
            let mut writer = self.writer(out, false);
            writer.write_record(columns)?;
            return Ok(writer.flush()?);
        }
        let Some(first) = first else {
            return Ok(());
        };
        // The crate writes the names only in front of a row: the row is cut off again.
        let mut row = Vec::new();
        self.writer(&mut row, false).serialize(first)?;
        self.writer(out, true).serialize(first)?;
        out.truncate(out.len() - row.len());
        Ok(())
    }
}
