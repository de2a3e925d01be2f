//! The rows of a query as they come from the server, beside the connection they come over.
//!
//! The server sends as fast as rows are taken: what is in between are the buffers of the connection. A column of a
//! type that is not read by itself is selected as its text.

use std::io::BufRead;
use std::ops::Range;

use ::postgres::fallible_iterator::FallibleIterator;
use ::postgres::{Client, CopyOutReader, Row, RowIter};
use self_cell::{MutBorrow, self_cell};
use serde::de::DeserializeOwned;

use super::encode::Param;
use super::field::{Field, Kind};
use super::inner;
use crate::error::BoxError;
use crate::row::{Owned, Record, RowError, Value, column, read, statement};

/// What a cursor fails with; the source says where.
pub(super) enum Failed {
    Server(::postgres::Error),
    Row(RowError),
    Other(BoxError),
}

impl From<::postgres::Error> for Failed {
    fn from(error: ::postgres::Error) -> Self {
        Failed::Server(error)
    }
}

impl From<RowError> for Failed {
    fn from(error: RowError) -> Self {
        Failed::Row(error)
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        inner(error).map_or_else(Failed::Other, Failed::Server)
    }
}

self_cell!(
    struct Streamed {
        owner: MutBorrow<Client>,
        #[not_covariant]
        dependent: RowIter,
    }
);

self_cell!(
    struct Copied {
        owner: MutBorrow<Client>,
        #[not_covariant]
        dependent: CopyOutReader,
    }
);

/// The rows of a query, one at a time.
pub(super) struct Cursor {
    session: i32,
    rows: Rows,
}

enum Rows {
    /// With the columns that are text which stands for more.
    Query(Streamed, Vec<bool>),
    Copy(Copied, Line),
}

impl Cursor {
    /// Runs a query with its parameters.
    pub(super) fn query(mut client: Client, sql: &str, params: &[Owned]) -> Result<Self, Failed> {
        let session = session(&mut client)?;
        let mut prepared = client.prepare(sql)?;
        let foreign = prepared.columns().iter();
        let foreign: Vec<bool> = foreign
            .map(|c| Kind::of(c.type_()) == Kind::Other)
            .collect();
        if foreign.contains(&true) {
            let columns = prepared.columns().iter().zip(&foreign);
            let columns = columns.map(|(c, foreign)| match foreign {
                true => format!("{0}::text AS {0}", column(c.name())),
                false => column(c.name()),
            });
            let columns: Vec<String> = columns.collect();
            let of = statement(sql);
            let sql = format!("SELECT {} FROM ({of}) AS rows", columns.join(", "));
            prepared = client.prepare(&sql)?;
        }
        let rows = Streamed::try_new(MutBorrow::new(client), |client| {
            client
                .borrow_mut()
                .query_raw(&prepared, params.iter().map(|param| Param(param.value())))
        })?;
        let rows = Rows::Query(rows, foreign);
        Ok(Cursor { session, rows })
    }

    /// Runs a query through `COPY`.
    pub(super) fn copy(mut client: Client, sql: &str) -> Result<Self, Failed> {
        let session = session(&mut client)?;
        let prepared = client.prepare(sql)?;
        let columns = prepared.columns().iter();
        let columns = columns.map(|c| (c.name().to_owned(), Kind::of(c.type_())));
        let line = Line::new(columns.collect());
        let sql = format!("COPY ({}) TO STDOUT", statement(sql));
        let reader = Copied::try_new(MutBorrow::new(client), |client| {
            client.borrow_mut().copy_out(&sql)
        })?;
        let rows = Rows::Copy(reader, line);
        Ok(Cursor { session, rows })
    }

    /// The server's name for what runs the query.
    pub(super) fn session(&self) -> i32 {
        self.session
    }

    /// Reads the next row; `None` behind the last.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failed> {
        match &mut self.rows {
            Rows::Query(rows, foreign) => {
                let row = rows.with_dependent_mut(|_, rows| rows.next())?;
                match row {
                    Some(row) => Ok(Some(read(&Fetched(&row, foreign))?)),
                    None => Ok(None),
                }
            }
            Rows::Copy(reader, line) => {
                let more = reader.with_dependent_mut(|_, reader| line.read(reader))?;
                if more {
                    Ok(Some(read(line)?))
                } else {
                    Ok(None)
                }
            }
        }
    }
}

fn session(client: &mut Client) -> Result<i32, Failed> {
    Ok(client
        .query_one("SELECT pg_backend_pid()", &[])?
        .try_get(0)?)
}

/// A row that the client has read.
struct Fetched<'a>(&'a Row, &'a [bool]);

impl Record for Fetched<'_> {
    fn width(&self) -> usize {
        self.0.len()
    }

    fn name(&self, at: usize) -> &str {
        self.0.columns().get(at).map_or("", |column| column.name())
    }

    #[inline]
    fn value(&self, at: usize) -> Result<Value<'_>, RowError> {
        let field: Result<Field<'_>, _> = self.0.try_get(at);
        match field.map_err(|error| RowError::new(error.to_string()))?.0 {
            Value::Text(text) if self.1[at] => Ok(Value::Raw(text)),
            value => Ok(value),
        }
    }
}

/// A line of `COPY`'s text, cut into columns.
struct Line {
    columns: Vec<(String, Kind)>,
    raw: Vec<u8>,
    text: String,
    spans: Vec<Option<Range<usize>>>,
}

impl Line {
    fn new(columns: Vec<(String, Kind)>) -> Self {
        Line {
            columns,
            raw: Vec::new(),
            text: String::new(),
            spans: Vec::new(),
        }
    }

    /// Reads a line; false behind the last.
    fn read(&mut self, from: &mut impl BufRead) -> Result<bool, Failed> {
        self.raw.clear();
        if from.read_until(b'\n', &mut self.raw)? == 0 {
            return Ok(false);
        }
        if self.raw.last() == Some(&b'\n') {
            self.raw.pop();
        }
        self.cut()?;
        Ok(true)
    }

    /// Finds the columns, and undoes what stands for tabs, line ends and the like. All that is special is ASCII.
    fn cut(&mut self) -> Result<(), RowError> {
        let raw = std::str::from_utf8(&self.raw)
            .map_err(|error| RowError::new(format!("a row is not UTF-8: {error}")))?;
        self.text.clear();
        self.spans.clear();
        if self.columns.is_empty() {
            return Ok(());
        }
        for field in raw.split('\t') {
            if field == "\\N" {
                self.spans.push(None);
                continue;
            }
            let start = self.text.len();
            let mut parts = field.split('\\');
            self.text.push_str(parts.next().unwrap_or_default());
            while let Some(part) = parts.next() {
                let Some(first) = part.chars().next() else {
                    // Two of them are one, and what is behind is as it stands.
                    self.text.push('\\');
                    self.text.push_str(parts.next().unwrap_or_default());
                    continue;
                };
                let stands_for = match first {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    other => other,
                };
                self.text.push(stands_for);
                self.text.push_str(&part[first.len_utf8()..]);
            }
            self.spans.push(Some(start..self.text.len()));
        }
        if self.spans.len() == self.columns.len() {
            return Ok(());
        }
        Err(RowError::new(format!(
            "a row has {} columns instead of {}",
            self.spans.len(),
            self.columns.len()
        )))
    }
}

impl Record for Line {
    fn width(&self) -> usize {
        self.columns.len()
    }

    fn name(&self, at: usize) -> &str {
        &self.columns[at].0
    }

    #[inline]
    fn value(&self, at: usize) -> Result<Value<'_>, RowError> {
        match &self.spans[at] {
            Some(span) => self.columns[at].1.parse(&self.text[span.clone()]),
            None => Ok(Value::Null),
        }
    }
}
