//! Queries as sources: a split is a range of keys, or the whole, and has a connection of its own.

use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Sqlite;
use super::cursor::Cursor;
use crate::error::{BoxError, Error, ErrorKind};
use crate::row::{Known, Owned, Ranges, column, count, statement, values};
use crate::source::Source;

/// A query of a database, made by [`Sqlite::query`]; [`rows`](Query::rows) makes a source of it.
#[derive(Debug, Clone)]
pub struct Query {
    db: Sqlite,
    sql: String,
    /// The parameters, or what is wrong with them.
    params: Result<Vec<Owned>, String>,
    by: Option<(String, u64)>,
    known: Known,
}

impl Query {
    pub(super) fn new(db: Sqlite, sql: String) -> Self {
        Query {
            db,
            sql,
            params: Ok(Vec::new()),
            by: None,
            known: Known::Nobody,
        }
    }

    /// The values of the query's parameters `?`, in their order: a tuple, or one plain value.
    pub fn params<V: Serialize>(mut self, params: V) -> Self {
        self.params = values(&params).map_err(|error| error.to_string());
        self
    }

    /// Reads the rows in at most so many splits, by ranges of a whole number that is a column of the result. Workers read
    /// splits side by side, and a load can [resume](crate::chain::Load::resume) behind those it has.
    ///
    /// The smallest and the largest key are asked for when the run begins; the ranges between them are of the same
    /// width, so evenly spread keys give even splits. An index on the key lets each split read nothing else. Rows without a key, or
    /// outside of the bounds by then, are in the first and the last split. Splits are not read at the same moment: what
    /// is written meanwhile may be seen by some and not by others, and a changed key may be read twice or missed.
    pub fn by_key(mut self, key: impl Into<String>, splits: u64) -> Self {
        self.by = Some((key.into(), splits));
        self
    }

    /// How many rows there are, more or less, where that is known from elsewhere: a progress bar then counts rows. It changes
    /// nothing else, and may be wrong.
    ///
    /// Without this and [`counted`](Query::counted) a query [by a key](Query::by_key) has a bar of its ranges, and any other
    /// has none.
    pub fn about(mut self, rows: u64) -> Self {
        self.known = Known::About(rows);
        self
    }

    /// Counts the rows first, where somebody looks at the run (a progress bar, an [`Observer`](crate::Observer)): see
    /// [`about`](Query::about).
    ///
    /// *Cost* the query a second time, as `SELECT count(*) FROM (…)`; no row is read before that has ended, and a run that is
    /// told to stop waits for it. It is not run where nobody looks, nor by a load that goes on behind ranges it has. If it
    /// fails, the run goes on as without it.
    ///
    /// ```
    /// use millstream::sqlite::Sqlite;
    /// use millstream::{Flow, Observer};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let db = Sqlite::open(folder.path().join("log.db"));
    /// let table = db.table("hits").create("CREATE TABLE hits (id INTEGER)");
    /// Flow::from_range(0..1000u32).map(|id| (id,)).into_sink(table).run()?;
    ///
    /// let observer = Observer::new();
    /// let query = db.query("SELECT id FROM hits WHERE id < ?").params(100).counted();
    /// Flow::from_source(query.rows::<u32>()).observe(&observer).run()?;
    /// let size = observer.report().and_then(|report| report.input_size());
    /// assert_eq!(size.map(|size| size.total), Some(100));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn counted(mut self) -> Self {
        self.known = Known::Counted;
        self
    }

    /// The rows, each as a value of a type, for [`Flow::from_source`](crate::Flow::from_source).
    ///
    /// A struct takes columns by their names, and none but those it has fields for; a tuple takes all in their order;
    /// a plain value takes the one there is.
    ///
    /// - **Order**: SQLite's within a split.
    /// - **Memory**: a row at a time; SQLite reads no further than it is asked to.
    /// - **Fails**: with [`ErrorKind::Source`](crate::ErrorKind::Source), the SQL and what SQLite said; or the column
    ///   that is not what the type takes.
    pub fn rows<T: DeserializeOwned>(self) -> Rows<T> {
        Rows {
            query: self,
            ranges: OnceLock::new(),
            next: AtomicU64::new(0),
            of: PhantomData,
        }
    }
}

/// The rows of a query as a source: made by [`Query::rows`].
pub struct Rows<T> {
    query: Query,
    ranges: OnceLock<Ranges>,
    next: AtomicU64,
    of: PhantomData<fn() -> T>,
}

impl<T> Rows<T> {
    fn error(&self, doing: &str, sql: &str, error: rusqlite::Error) -> Error {
        self.query
            .db
            .error(ErrorKind::Source, doing, Some(sql), error)
    }

    fn params(&self) -> Result<&[Owned], Error> {
        let params = self.query.params.as_ref();
        params.map(Vec::as_slice).map_err(|error| {
            let message = format!("the parameters of the query are not usable: {error}");
            Error::new(ErrorKind::Source, message)
        })
    }

    /// A cursor over a query.
    fn cursor(&self, sql: &str) -> Result<Cursor, Error> {
        let params = self.params()?;
        let connection = self.query.db.read()?;
        Cursor::new(connection, sql, params).map_err(|error| self.error("run a query", sql, error))
    }

    /// The ranges of the key; asked for once.
    fn ranges(&self, key: &str, splits: u64) -> Result<&Ranges, Error> {
        if let Some(ranges) = self.ranges.get() {
            return Ok(ranges);
        }
        let key = column(key);
        let of = statement(&self.query.sql);
        let sql = format!("SELECT min({key}), max({key}) FROM ({of})");
        let bounds = self
            .cursor(&sql)?
            .next::<(Option<i64>, Option<i64>)>()
            .map_err(|error| self.error("find the bounds of a key", &sql, error))?;
        let bounds = bounds.unwrap_or(Ok((None, None))).map_err(|error| {
            let message = format!(
                "`by_key` needs a column of whole numbers, and {key} is none ({error}): take another, or leave \
                 `by_key` out; the query is `{}`",
                of.trim()
            );
            Error::new(ErrorKind::Source, message)
        })?;
        let bounds = bounds.0.zip(bounds.1);
        // Another worker may have been first; it has asked the same.
        Ok(self.ranges.get_or_init(|| Ranges::new(bounds, splits)))
    }

    /// How many rows there are; asked of the database. What is wrong with the query is told by the query itself.
    fn count(&self) -> Option<u64> {
        let mut cursor = self.cursor(&count(&self.query.sql)).ok()?;
        cursor.next().ok()??.ok()
    }

    fn at(&self, number: u64) -> Result<Option<Split<'_, T>>, Error> {
        let sql = &self.query.sql;
        let sql = match &self.query.by {
            None if number == 0 => sql.clone(),
            None => return Ok(None),
            Some((key, splits)) => {
                let ranges = self.ranges(key, *splits)?;
                if number >= ranges.count() {
                    return Ok(None);
                }
                match ranges.condition(&column(key), number) {
                    Some(fulfils) => {
                        format!("SELECT * FROM ({}) WHERE {fulfils}", statement(sql))
                    }
                    None => sql.clone(),
                }
            }
        };
        Ok(Some(Split {
            cursor: Some(self.cursor(&sql)?),
            rows: self,
            sql,
            read: 0,
        }))
    }
}

impl<T: DeserializeOwned> Source for Rows<T> {
    type Item = T;
    type Split<'s>
        = Split<'s, T>
    where
        Self: 's;

    fn next_split(&self) -> Result<Option<Split<'_, T>>, BoxError> {
        Ok(self.at(self.next.fetch_add(1, Ordering::Relaxed))?)
    }

    fn input(&self) -> Result<Option<String>, BoxError> {
        let Some((key, splits)) = &self.query.by else {
            // One split would be one transaction, and all of its rows in memory.
            return Ok(None);
        };
        let ranges = self.ranges(key, *splits)?;
        let words: Vec<&str> = self.query.sql.split_whitespace().collect();
        Ok(Some(format!(
            "{}: {} {:?} {}",
            self.query.db.path.display(),
            words.join(" "),
            self.params()?,
            ranges.describe(key)
        )))
    }

    fn size(&self) -> Option<u64> {
        self.query.known.rows(|| self.count())
    }

    fn splits(&self) -> Option<u64> {
        let (key, splits) = self.query.by.as_ref()?;
        // An error is told where a split is asked for.
        Some(self.ranges(key, *splits).ok()?.count())
    }

    fn split(&self, number: u64) -> Result<Option<Split<'_, T>>, BoxError> {
        Ok(self.at(number)?)
    }
}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("query", &self.query).finish()
    }
}

/// Rows that one worker reads: a split of [`Rows`].
pub struct Split<'s, T> {
    rows: &'s Rows<T>,
    /// `None` behind the last row, and behind an error.
    cursor: Option<Cursor>,
    sql: String,
    read: u64,
}

impl<T: DeserializeOwned> Iterator for Split<'_, T> {
    type Item = Result<T, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        let error = match self.cursor.as_mut()?.next::<T>() {
            Ok(Some(Ok(row))) => {
                self.read += 1;
                return Some(Ok(row));
            }
            Ok(None) => {
                self.cursor = None;
                return None;
            }
            Ok(Some(Err(error))) => Error::new(
                ErrorKind::Source,
                format!(
                    "row {} of a query is not what is read: {error}; the SQL is `{}`",
                    self.read + 1,
                    self.sql.trim()
                ),
            )
            .because(Box::new(error)),
            Err(error) => self.rows.error("read a row", &self.sql, error),
        };
        self.cursor = None;
        Some(Err(error.into()))
    }
}

impl<T> fmt::Debug for Split<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split")
            .field("sql", &self.sql)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}
