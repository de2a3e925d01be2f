//! Queries as sources: a split is a range of keys, or the whole, and has a connection of its own.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Sqlite;
use super::cursor::Cursor;
use crate::error::{BoxError, Error, ErrorKind};
use crate::row::{Bounds, Known, Parts, Select};
use crate::source::Source;

/// A query of a database, made by [`Sqlite::query`]; [`rows`](Query::rows) makes a source of it.
#[derive(Debug, Clone)]
pub struct Query {
    db: Sqlite,
    select: Select,
}

impl Query {
    pub(super) fn new(db: Sqlite, sql: String) -> Self {
        Query {
            db,
            select: Select::new(sql),
        }
    }

    /// The values of the query's parameters `?`, in their order: a tuple, or one plain value.
    pub fn params<V: Serialize>(mut self, params: V) -> Self {
        self.select.bind(&params);
        self
    }

    /// Reads the rows in at most so many splits, by ranges of a whole number that is a column of the result. Workers read
    /// splits side by side, and a load can [resume](crate::chain::Load::resume) behind those it has.
    ///
    /// The smallest and the largest key are asked for when the run begins; the ranges between them are of the same
    /// width, so evenly spread keys give even splits. An index on the key lets each split read nothing else, and the
    /// bounds be found at once; without one each is a run of the query. Rows without a key, or
    /// outside of the bounds by then, are in the first and the last split. Splits are not read at the same moment: what
    /// is written meanwhile may be seen by some and not by others, and a changed key may be read twice or missed.
    pub fn by_key(mut self, key: impl Into<String>, splits: u64) -> Self {
        self.select.by(key.into(), splits);
        self
    }

    /// How many rows there are, more or less, where that is known from elsewhere: a progress bar then counts rows. It changes
    /// nothing else, and may be wrong.
    ///
    /// Without this and [`counted`](Query::counted) a query [by a key](Query::by_key) has a bar of its ranges, and any other
    /// has none.
    pub fn about(mut self, rows: u64) -> Self {
        self.select.known(Known::About(rows));
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
        self.select.known(Known::Counted);
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
            parts: Parts::default(),
            of: PhantomData,
        }
    }
}

/// The rows of a query as a source: made by [`Query::rows`].
pub struct Rows<T> {
    query: Query,
    parts: Parts,
    of: PhantomData<fn() -> T>,
}

impl<T> Rows<T> {
    fn error(&self, doing: &str, sql: &str, error: rusqlite::Error) -> Error {
        self.query
            .db
            .error(ErrorKind::Source, doing, Some(sql), error)
    }

    /// A cursor over a query.
    fn cursor(&self, sql: &str) -> Result<Cursor, Error> {
        let params = self.query.select.params()?;
        let connection = self.query.db.read()?;
        Cursor::new(connection, sql, params).map_err(|error| self.error("run a query", sql, error))
    }

    /// The bounds of a key, whose name is quoted.
    fn bounds(&self, key: &str) -> Result<Bounds, Error> {
        let of = self.query.select.inner();
        // Each by itself is a search in an index, if there is one; both at once are a scan of the table.
        let sql = format!(
            "WITH millstream_rows AS NOT MATERIALIZED ({of}) SELECT (SELECT min({key}) FROM millstream_rows), \
             (SELECT max({key}) FROM millstream_rows)"
        );
        let found = self
            .cursor(&sql)?
            .next::<(Option<i64>, Option<i64>)>()
            .map_err(|error| self.error("find the bounds of a key", &sql, error))?;
        let (min, max) = found.unwrap_or(Ok((None, None))).map_err(|error| {
            let message = format!(
                "`by_key` needs a column of whole numbers, and {key} is none ({error}): take another, or leave \
                 `by_key` out; the query is `{}`",
                of.trim()
            );
            Error::new(ErrorKind::Source, message)
        })?;
        Ok(Bounds {
            keys: min.zip(max),
            database: self.query.db.path.display().to_string(),
        })
    }

    /// A number; asked of the database. What is wrong with the query is told by the query itself.
    fn number(&self, sql: &str) -> Option<u64> {
        self.cursor(sql).ok()?.next().ok()??.ok()
    }

    fn at(&self, number: u64) -> Result<Option<Split<'_, T>>, BoxError> {
        let select = &self.query.select;
        let Some(sql) = self.parts.sql(select, number, |key| self.bounds(key))? else {
            return Ok(None);
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
        self.at(self.parts.take())
    }

    fn input(&self) -> Result<Option<String>, BoxError> {
        let select = &self.query.select;
        Ok(self.parts.input(select, |key| self.bounds(key))?)
    }

    fn size(&self) -> Option<u64> {
        self.query.select.rows(|sql| self.number(sql))
    }

    fn splits(&self) -> Option<u64> {
        let select = &self.query.select;
        self.parts.count(select, |key| self.bounds(key))
    }

    fn split(&self, number: u64) -> Result<Option<Split<'_, T>>, BoxError> {
        self.at(number)
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
