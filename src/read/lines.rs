//! Lines as a format: a record is a line, the last may lack its end.

use super::{Format, Rest};
use crate::error::{BoxError, Error};

/// Lines as strings, without their ends, which are `\n` or `\r\n`: a format for [`Flow::read`](crate::Flow::read).
///
/// Unlike [`Flow::read_lines`](crate::Flow::read_lines) it reads what [`Files`](super::Files) can name: directories,
/// compressed files, standard input. A line that is not UTF-8 is an error of kind [`Utf8`](crate::ErrorKind::Utf8).
///
/// ```
/// use millstream::Flow;
/// use millstream::read::Lines;
///
/// let sections = Flow::read("Cargo.toml", Lines).filter(|line| line.starts_with('[')).count()?;
/// assert!(sections > 2);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Lines;

impl Format for Lines {
    type Item = String;
    type Parser = ();

    fn parser(&self, _head: &[u8]) -> Result<(), BoxError> {
        Ok(())
    }

    fn framing(&self) -> String {
        "lines".to_owned()
    }

    fn last_end(&self, bytes: &[u8]) -> Option<usize> {
        memchr::memrchr(b'\n', bytes).map(|at| at + 1)
    }

    #[inline]
    fn record(&self, (): &mut (), rest: Rest<'_>) -> (usize, Result<String, BoxError>) {
        let (len, line) = first_line(rest);
        (len, line.map(str::to_owned).map_err(Into::into))
    }
}

/// The length of the first line with its end, and its text without.
#[inline]
pub(crate) fn first_line(rest: Rest<'_>) -> (usize, Result<&str, Error>) {
    let bytes = rest.bytes();
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return (bytes.len(), rest.text(0..bytes.len()));
    };
    let line = match bytes[..end].last() {
        Some(b'\r') => end - 1,
        _ => end,
    };
    (end + 1, rest.text(0..line))
}
