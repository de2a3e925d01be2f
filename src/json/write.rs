//! Files of JSON lines as sinks: a value a line, by serde.

use std::path::Path;

use serde::Serialize;

use crate::error::BoxError;
use crate::sink::{Encode, ToFile};

/// A file of JSON lines as a sink, of rows that serde can serialize: a value a line.
///
/// Files, compression and options are told at [`ToFile`].
///
/// ```
/// use millstream::Flow;
/// use millstream::json::JsonFile;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Hit {
///     path: &'static str,
///     bytes: Option<u64>,
/// }
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("hits.jsonl");
/// let hits = [Hit { path: "/\"a\"", bytes: Some(120) }, Hit { path: "/b", bytes: None }];
/// Flow::from_iter(hits).stages(1).into_sink(JsonFile::new(&path)).run()?;
/// let text = std::fs::read_to_string(&path)?;
/// assert_eq!(text, "{\"path\":\"/\\\"a\\\"\",\"bytes\":120}\n{\"path\":\"/b\",\"bytes\":null}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type JsonFile = ToFile<JsonRows>;

/// Rows as lines of JSON: the format of [`JsonFile`].
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonRows;

impl JsonFile {
    /// A file of JSON lines at a path; compressed if that ends with `.gz` or `.zst`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        ToFile::with(JsonRows, path)
    }
}

impl<T: Serialize> Encode<T> for JsonRows {
    fn rows(&self, rows: &[T], out: &mut Vec<u8>) -> Result<(), BoxError> {
        for row in rows {
            serde_json::to_writer(&mut *out, row)?;
            out.push(b'\n');
        }
        Ok(())
    }
}
