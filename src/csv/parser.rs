//! What a worker keeps while it reads a CSV file: the names of its columns, and buffers.

use std::cell::Cell;
use std::fmt;

use super::dialect::Dialect;
use super::make::Make;
use super::record::Record;
use super::scan::{Field, Scanned};
use crate::error::{BoxError, Error, ErrorKind};
use crate::read::Rest;

/// What a worker keeps while it reads a file with the format [`Csv`](super::Csv).
pub struct Parser {
    pub(super) dialect: Dialect,
    /// The names of the columns, if the file has them.
    pub(super) names: Option<::csv::StringRecord>,
    /// How many fields a row must have; `None` if any number will do.
    expected: Option<usize>,
    /// The fields of the row at hand.
    pub(super) fields: Vec<Field>,
    /// The text of those that are not as they stand there.
    unescaped: String,
    /// A row as serde takes it, to be used again.
    pub(super) whole: Cell<Option<::csv::StringRecord>>,
}

impl Parser {
    pub(super) fn new(dialect: Dialect, head: &[u8]) -> Result<Self, Error> {
        let mut parser = Parser {
            dialect,
            names: None,
            expected: None,
            fields: Vec::new(),
            unescaped: String::new(),
            whole: Cell::default(),
        };
        if head.is_empty() {
            return Ok(parser);
        }
        let scanned = dialect.scan(head, &mut parser.fields);
        if !dialect.flexible {
            parser.expected = Some(parser.fields.len());
        }
        if dialect.headers {
            let text = std::str::from_utf8(head).map_err(|bad| {
                let message = "the names of the columns are not UTF-8: convert the file";
                Error::new(ErrorKind::Utf8, message).because(Box::new(bad))
            })?;
            parser.unescape(text, scanned);
            let mut names = ::csv::StringRecord::new();
            parser
                .row(text)
                .texts()
                .for_each(|name| names.push_field(name));
            parser.names = Some(names);
        }
        Ok(parser)
    }

    /// What becomes of a record whose fields were found.
    #[inline]
    pub(super) fn record<M: Make>(
        &mut self,
        rest: Rest<'_>,
        scanned: Scanned,
        make: &M,
    ) -> Result<M::Item, BoxError> {
        let text = rest.text(0..scanned.len)?;
        if let Some(expected) = self.expected {
            if self.fields.len() != expected {
                return Err(self.unequal(expected).into());
            }
        }
        if scanned.escaped {
            self.unescape(text, scanned);
        }
        make.make(&self.row(text))
    }

    fn row<'r>(&'r self, text: &'r str) -> Record<'r> {
        Record::new(self, text, &self.unescaped)
    }

    /// Makes the fields that are not as they stand in the record.
    fn unescape(&mut self, text: &str, scanned: Scanned) {
        self.unescaped.clear();
        if !scanned.escaped {
            return;
        }
        for field in self.fields.iter_mut().filter(|field| field.escaped) {
            let begin = self.unescaped.len() as u32;
            let raw = text.get(field.start as usize..field.end as usize);
            self.dialect
                .unescape(raw.unwrap_or_default(), &mut self.unescaped);
            (field.start, field.end) = (begin, self.unescaped.len() as u32);
        }
    }

    #[cold]
    fn unequal(&self, expected: usize) -> Error {
        let found = self.fields.len();
        let message = format!(
            "the row has {found} fields and not {expected}, as the first one of the file; with `Csv::flexible(true)` it may"
        );
        Error::new(ErrorKind::Row, message)
    }
}

impl fmt::Debug for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
