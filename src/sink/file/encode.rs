//! Formats of files that are written row by row: what bytes rows become.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;

use super::ToFile;
use crate::error::BoxError;

/// What bytes rows become: a format for [`ToFile`].
///
/// It is shared by the workers, each of which has a clone. A file is its head and then rows, batch behind batch, in any
/// order; so what a row becomes must not depend on the rows before it.
///
/// # Examples
/// Amounts in eight digits, one after the other:
/// ```
/// use millstream::sink::{Encode, ToFile};
/// use millstream::{BoxError, Flow};
///
/// #[derive(Clone)]
/// struct Amounts;
///
/// impl Encode<u64> for Amounts {
///     fn rows(&self, rows: &[u64], out: &mut Vec<u8>) -> Result<(), BoxError> {
///         for amount in rows {
///             if *amount > 99_999_999 {
///                 return Err(format!("{amount} has more than eight digits").into());
///             }
///             out.extend(format!("{amount:08}").into_bytes());
///         }
///         Ok(())
///     }
/// }
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("amounts");
/// Flow::from_iter([12, 30_000]).stages(1).into_sink(ToFile::with(Amounts, &path)).run()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "0000001200030000");
///
/// let error = Flow::from_iter([u64::MAX]).into_sink(ToFile::with(Amounts, &path)).run().unwrap_err();
/// assert!(error.to_string().contains("more than eight digits"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Encode<T>: Send + Sync {
    /// Appends what rows become. What was appended before an error is not written.
    fn rows(&self, rows: &[T], out: &mut Vec<u8>) -> Result<(), BoxError>;

    /// Appends what a file begins with, by the first row of a batch; `None` where a file ends without rows.
    ///
    /// It is asked for with every batch, and has to be the same for all that go into a file: rows with other columns
    /// are an error.
    fn head(&self, _first: Option<&T>, _out: &mut Vec<u8>) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Rows as lines of text, as they display: the format of [`LinesFile`].
///
/// What a row displays is written as it is: with a line end in it, it is two lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineRows;

impl<T: Display> Encode<T> for LineRows {
    fn rows(&self, rows: &[T], out: &mut Vec<u8>) -> Result<(), BoxError> {
        for row in rows {
            writeln!(out, "{row}")?;
        }
        Ok(())
    }
}

/// A text file with a line for each row, as it displays: see [`ToFile`], also for the options.
pub type LinesFile = ToFile<LineRows>;

impl LinesFile {
    /// A text file at a path; compressed if that ends with `.gz` or `.zst`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        ToFile::with(LineRows, path)
    }
}
