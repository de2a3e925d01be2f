//! JSON lines as a format of [`Flow::read`](crate::Flow::read): a value a line, by serde.
//!
//! ```
//! use millstream::Flow;
//! use millstream::json::Json;
//! use millstream::read::Files;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Hit {
//!     path: String,
//!     bytes: u64,
//! }
//!
//! let text = "{\"path\":\"/\",\"bytes\":120}\n\n{\"path\":\"/a\",\"bytes\":30}\n";
//! let hits = Flow::read(Files::reader("hits.jsonl", text.as_bytes()), Json::lines::<Hit>());
//! assert_eq!(hits.map(|hit| hit.bytes).sum::<u64>()?, 150);
//! # Ok::<(), millstream::Error>(())
//! ```

mod write;

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

pub use write::{JsonFile, JsonRows};

use crate::error::{BoxError, Error, ErrorKind};
use crate::read::{Format, Lines, Rest, first_line};

/// JSON lines: a format for [`Flow::read`](crate::Flow::read).
///
/// Each line is a value; blank ones are skipped. [`Json::lines`] makes a value of a type of it by serde, [`Json::map`] what a
/// closure makes of its text, which is borrowed from the block that was read.
///
/// A line that is not JSON, or not such a value, is an error of kind [`Row`](ErrorKind::Row) with file, byte and line.
#[derive(Clone, Copy)]
pub struct Json<M> {
    make: M,
}

impl Json<()> {
    /// Each line as a value of a type, by serde.
    ///
    /// ```
    /// use millstream::json::Json;
    /// use millstream::read::Files;
    /// use millstream::{ErrorKind, Flow};
    ///
    /// let text = || Files::reader("pairs.jsonl", "[1, \"one\"]\n[2, two]".as_bytes());
    /// let error = Flow::read(text(), Json::lines::<(u32, String)>()).count().unwrap_err();
    /// assert_eq!((error.kind(), error.position().unwrap().line), (ErrorKind::Row, Some(2)));
    /// assert!(error.message().contains("column 6"));
    /// ```
    pub fn lines<T: DeserializeOwned>() -> Json<Values<T>> {
        Json {
            make: Values(PhantomData),
        }
    }

    /// What a closure makes of the text of each line; what it deserializes may borrow from it.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::json::Json;
    /// use millstream::read::Files;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Hit<'l> {
    ///     path: &'l str,
    /// }
    ///
    /// let text = Files::reader("hits.jsonl", "{\"path\":\"/\"}\n{\"path\":\"/a\"}\n".as_bytes());
    /// let lengths = Json::map(|line: &str| {
    ///     let hit: Hit<'_> = serde_json::from_str(line)?;
    ///     Ok::<_, serde_json::Error>(hit.path.len())
    /// });
    /// assert_eq!(Flow::read(text, lengths).sum::<usize>()?, 3);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map<F, U, E>(f: F) -> Json<Mapped<F>>
    where
        F: Fn(&str) -> Result<U, E> + Send + Sync,
        E: Into<BoxError>,
    {
        Json { make: Mapped(f) }
    }
}

/// What becomes of a line; [`Json::lines`] and [`Json::map`] are the ways to say it.
pub trait Make: Send + Sync {
    /// What a line becomes.
    type Item;

    /// Makes it.
    fn make(&self, line: &str) -> Result<Self::Item, BoxError>;
}

/// Lines become what serde makes of them.
#[derive(Clone, Copy)]
pub struct Values<T>(PhantomData<fn() -> T>);

impl<T: DeserializeOwned> Make for Values<T> {
    type Item = T;

    #[inline]
    fn make(&self, line: &str) -> Result<T, BoxError> {
        serde_json::from_str(line).map_err(|e| refused(e).into())
    }
}

/// Lines become what a closure makes of them.
#[derive(Clone, Copy)]
pub struct Mapped<F>(F);

impl<F, U, E> Make for Mapped<F>
where
    F: Fn(&str) -> Result<U, E> + Send + Sync,
    E: Into<BoxError>,
{
    type Item = U;

    #[inline]
    fn make(&self, line: &str) -> Result<U, BoxError> {
        (self.0)(line).map_err(|e| match e.into().downcast::<serde_json::Error>() {
            Ok(error) => refused(*error).into(),
            Err(other) => other,
        })
    }
}

/// An error of the parser, whose line is always the first: the one that counts is that of the file.
#[cold]
fn refused(error: serde_json::Error) -> Error {
    let text = error.to_string();
    let why = text.rsplit_once(" at line ").map_or(&*text, |(why, _)| why);
    let message = match error.column() {
        0 => why.to_owned(),
        column => format!("column {column} of the line: {why}"),
    };
    Error::new(ErrorKind::Row, message).because(Box::new(error))
}

impl<M: Make> Format for Json<M> {
    type Item = M::Item;
    type Parser = ();

    fn parser(&self, _head: &[u8]) -> Result<(), BoxError> {
        Ok(())
    }

    fn framing(&self) -> String {
        Lines.framing()
    }

    fn last_end(&self, bytes: &[u8]) -> Option<usize> {
        Lines.last_end(bytes)
    }

    #[inline]
    fn skip(&self, bytes: &[u8]) -> usize {
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
        bytes.iter().position(|b| !blank(b)).unwrap_or(bytes.len())
    }

    #[inline]
    fn record(&self, (): &mut (), rest: Rest<'_>) -> (usize, Result<M::Item, BoxError>) {
        let (len, line) = first_line(rest);
        let item = match line {
            Ok(text) => self.make.make(text),
            Err(error) => Err(error.into()),
        };
        (len, item)
    }
}

impl<M> fmt::Debug for Json<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json")
    }
}

impl<T> fmt::Debug for Values<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values")
    }
}

impl<F> fmt::Debug for Mapped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mapped")
    }
}
