//! Queries as sources: a split is a range of keys, or the whole, and has a connection of its own.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Postgres;
use super::cursor::{Cursor, Failed};
use crate::error::{BoxError, Error, ErrorKind};
use crate::row::{Bounds, Known, Parts, Select};
use crate::source::Source;

/// A query of a database, made by [`Postgres::query`]; [`rows`](Query::rows) makes a source of it.
///
/// A query that is left before its end, as behind `take`, is cancelled on the server, over another connection.
#[derive(Debug, Clone)]
pub struct Query {
    db: Postgres,
    select: Select,
    copy: bool,
}

impl Query {
    pub(super) fn new(db: Postgres, sql: String) -> Self {
        Query {
            db,
            select: Select::new(sql),
            copy: false,
        }
    }

    /// The values of the query's parameters `$1`, `$2`, … in their order: a tuple, or one plain value. They are of the
    /// types that the query has there.
    pub fn params<V: Serialize>(mut self, params: V) -> Self {
        self.select.bind(&params);
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
    /// ```no_run
    /// use millstream::Flow;
    /// use millstream::postgres::Postgres;
    ///
    /// let db = Postgres::connect("postgres://me:secret@localhost/log");
    /// let hits = db.query("SELECT path FROM hits").counted().rows::<String>();
    /// // With the feature `progress`, `.progress()` has a bar here.
    /// let long = Flow::from_source(hits).filter(|path| path.len() > 100).count()?;
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn counted(mut self) -> Self {
        self.select.known(Known::Counted);
        self
    }

    /// Reads through `COPY (…) TO STDOUT`, as text: the same rows. The query may not have parameters then.
    pub fn copy(mut self) -> Self {
        self.copy = true;
        self
    }

    /// The rows, each as a value of a type, for [`Flow::from_source`](crate::Flow::from_source).
    ///
    /// A struct takes columns by their names, and none but those it has fields for; a tuple takes all in their order;
    /// a plain value takes the one there is.
    ///
    /// - **Order**: the query's within a split.
    /// - **Memory**: a row at a time, and the buffers of a connection; the server waits where rows are not taken.
    /// - **Fails**: with [`ErrorKind::Source`](crate::ErrorKind::Source), the SQL and what the server said; or the column
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
    fn failed(&self, doing: &str, sql: &str, failed: Failed) -> Error {
        let (why, error): (String, BoxError) = match failed {
            Failed::Server(error) => {
                return self
                    .query
                    .db
                    .error(ErrorKind::Source, doing, Some(sql), error);
            }
            Failed::Row(error) => (error.to_string(), Box::new(error)),
            Failed::Other(error) => (error.to_string(), error),
        };
        let message = format!("could not {doing}: {why}; the SQL is `{}`", sql.trim());
        Error::new(ErrorKind::Source, message).because(error)
    }

    fn cursor(&self, sql: &str) -> Result<Cursor, Error> {
        let params = self.query.select.params()?;
        let client = self.query.db.open(ErrorKind::Source)?;
        let cursor = if !self.query.copy {
            Cursor::query(client, sql, params)
        } else if params.is_empty() {
            Cursor::copy(client, sql)
        } else {
            return Err(Error::new(
                ErrorKind::Source,
                "`copy` takes no parameters: write the values into the query, or leave `copy` out",
            ));
        };
        cursor.map_err(|failed| self.failed("run a query", sql, failed))
    }

    /// The bounds of a key, whose name is quoted.
    fn bounds(&self, key: &str) -> Result<Bounds, Error> {
        let sql = format!(
            "SELECT min({key})::bigint, max({key})::bigint, current_database() FROM ({}) AS rows",
            self.query.select.inner()
        );
        let ask = || -> Result<_, Failed> {
            let params = self.query.select.params();
            let params = params.map_err(|error| Failed::Other(error.into()))?;
            let client = self.query.db.open(ErrorKind::Source);
            let client = client.map_err(|error| Failed::Other(error.into()))?;
            Cursor::query(client, &sql, params)?.next::<(Option<i64>, Option<i64>, String)>()
        };
        let found = ask().map_err(|failed| {
            self.failed(
                "find the bounds of a key, which `by_key` needs to be a column of whole numbers",
                &sql,
                failed,
            )
        })?;
        let (min, max, database) = found.unwrap_or_default();
        Ok(Bounds {
            keys: min.zip(max),
            database,
        })
    }

    /// A number; asked of the server. What is wrong with the query is told by the query itself.
    fn number(&self, sql: &str) -> Option<u64> {
        let client = self.query.db.open(ErrorKind::Source).ok()?;
        let params = self.query.select.params().ok()?;
        Cursor::query(client, sql, params).ok()?.next().ok()?
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

impl<T> Split<'_, T> {
    /// Ends the query, if it has not: a connection that is closed takes what the server has to say first, which may be
    /// any number of rows.
    fn leave(&mut self) {
        let Some(cursor) = self.cursor.take() else {
            return;
        };
        if let Ok(mut client) = self.rows.query.db.open(ErrorKind::Source) {
            // Who cannot cancel waits for the rest of the rows.
            let _ = client.execute("SELECT pg_cancel_backend($1)", &[&cursor.session()]);
        }
    }
}

impl<T> Drop for Split<'_, T> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<T: DeserializeOwned> Iterator for Split<'_, T> {
    type Item = Result<T, BoxError>;

    fn next(&mut self) -> Option<Self::Item> {
        let failed = match self.cursor.as_mut()?.next::<T>() {
            Ok(Some(row)) => {
                self.read += 1;
                return Some(Ok(row));
            }
            Ok(None) => {
                self.cursor = None;
                return None;
            }
            Err(failed) => failed,
        };
        if matches!(failed, Failed::Server(_)) {
            self.cursor = None;
        }
        self.leave();
        let doing = format!("read row {} of a query", self.read + 1);
        Some(Err(self.rows.failed(&doing, &self.sql, failed).into()))
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
