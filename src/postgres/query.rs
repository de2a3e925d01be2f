//! Queries as sources: a split is a range of keys, or the whole, and has a connection of its own.

use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Postgres;
use super::cursor::{Cursor, Failed};
use crate::error::{BoxError, Error, ErrorKind};
use crate::row::{Known, Owned, Ranges, column, count, statement, values};
use crate::source::Source;

/// A query of a database, made by [`Postgres::query`]; [`rows`](Query::rows) makes a source of it.
///
/// A query that is left before its end, as behind `take`, is cancelled on the server, over another connection.
#[derive(Debug, Clone)]
pub struct Query {
    db: Postgres,
    sql: String,
    /// The parameters, or what is wrong with them.
    params: Result<Vec<Owned>, String>,
    by: Option<(String, u64)>,
    known: Known,
    copy: bool,
}

impl Query {
    pub(super) fn new(db: Postgres, sql: String) -> Self {
        Query {
            db,
            sql,
            params: Ok(Vec::new()),
            by: None,
            known: Known::Nobody,
            copy: false,
        }
    }

    /// The values of the query's parameters `$1`, `$2`, … in their order: a tuple, or one plain value. They are of the
    /// types that the query has there.
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
        self.known = Known::Counted;
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
            ranges: OnceLock::new(),
            next: AtomicU64::new(0),
            of: PhantomData,
        }
    }
}

/// The rows of a query as a source: made by [`Query::rows`].
pub struct Rows<T> {
    query: Query,
    ranges: OnceLock<(Ranges, String)>,
    next: AtomicU64,
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

    fn params(&self) -> Result<&[Owned], Error> {
        let params = self.query.params.as_ref();
        params.map(Vec::as_slice).map_err(|error| {
            let message = format!("the parameters of the query are not usable: {error}");
            Error::new(ErrorKind::Source, message)
        })
    }

    fn cursor(&self, sql: &str) -> Result<Cursor, Error> {
        let params = self.params()?;
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

    /// The ranges of the key, and the name of the database; asked for once.
    fn ranges(&self, key: &str, splits: u64) -> Result<&(Ranges, String), Error> {
        if let Some(ranges) = self.ranges.get() {
            return Ok(ranges);
        }
        let key = column(key);
        let of = statement(&self.query.sql);
        let sql = format!(
            "SELECT min({key})::bigint, max({key})::bigint, current_database() FROM ({of}) AS rows"
        );
        let bounds = || -> Result<_, Failed> {
            let params = self.params().map_err(|error| Failed::Other(error.into()))?;
            let client = self.query.db.open(ErrorKind::Source);
            let client = client.map_err(|error| Failed::Other(error.into()))?;
            Cursor::query(client, &sql, params)?.next::<(Option<i64>, Option<i64>, String)>()
        };
        let bounds = bounds().map_err(|failed| {
            self.failed(
                "find the bounds of a key, which `by_key` needs to be a column of whole numbers",
                &sql,
                failed,
            )
        })?;
        let (min, max, name) = bounds.unwrap_or_default();
        // Another worker may have been first; it has asked the same.
        Ok(self
            .ranges
            .get_or_init(|| (Ranges::new(min.zip(max), splits), name)))
    }

    /// How many rows there are; asked of the server. What is wrong with the query is told by the query itself.
    fn count(&self) -> Option<u64> {
        let client = self.query.db.open(ErrorKind::Source).ok()?;
        let sql = count(&self.query.sql);
        let mut cursor = Cursor::query(client, &sql, self.params().ok()?).ok()?;
        cursor.next().ok()?
    }

    fn at(&self, number: u64) -> Result<Option<Split<'_, T>>, Error> {
        let sql = &self.query.sql;
        let sql = match &self.query.by {
            None if number == 0 => sql.clone(),
            None => return Ok(None),
            Some((key, splits)) => {
                let (ranges, _) = self.ranges(key, *splits)?;
                if number >= ranges.count() {
                    return Ok(None);
                }
                match ranges.condition(&column(key), number) {
                    Some(fulfils) => {
                        format!("SELECT * FROM ({}) AS rows WHERE {fulfils}", statement(sql))
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
        let (ranges, name) = self.ranges(key, *splits)?;
        let words: Vec<&str> = self.query.sql.split_whitespace().collect();
        Ok(Some(format!(
            "{name}: {} {:?} {}",
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
        Some(self.ranges(key, *splits).ok()?.0.count())
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
