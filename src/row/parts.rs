//! A query that is read as a whole or in parts: what is read, and the SQL of each part.
//!
//! Only the connector can run SQL, so it lends a closure that asks for the bounds of the key. They are asked for once a
//! run: all workers cut the same ranges.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::sql::count;
use super::{Known, Owned, Ranges, column, statement, values};
use crate::error::{Error, ErrorKind};

/// A query with its parameters, and the key that cuts it into parts, if any does.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    sql: String,
    /// The parameters, or what is wrong with them.
    params: Result<Vec<Owned>, String>,
    /// The column, and at most how many parts.
    by: Option<(String, u64)>,
    known: Known,
}

impl Select {
    pub(crate) fn new(sql: String) -> Self {
        Select {
            sql,
            params: Ok(Vec::new()),
            by: None,
            known: Known::Nobody,
        }
    }

    pub(crate) fn bind<V: Serialize>(&mut self, params: &V) {
        self.params = values(params).map_err(|error| error.to_string());
    }

    pub(crate) fn by(&mut self, key: String, parts: u64) {
        self.by = Some((key, parts));
    }

    pub(crate) fn known(&mut self, known: Known) {
        self.known = known;
    }

    /// How many rows there are, if anybody knows; `number` asks for what SQL gives.
    pub(crate) fn rows(&self, number: impl FnOnce(&str) -> Option<u64>) -> Option<u64> {
        self.known.rows(|| number(&count(&self.sql)))
    }

    pub(crate) fn params(&self) -> Result<&[Owned], Error> {
        let params = self.params.as_ref();
        params.map(Vec::as_slice).map_err(|error| {
            let message = format!("the parameters of the query are not usable: {error}");
            Error::new(ErrorKind::Source, message)
        })
    }

    /// The query as what can stand in brackets.
    pub(crate) fn inner(&self) -> String {
        statement(&self.sql)
    }
}

/// What a database says of the key of a query.
pub(crate) struct Bounds {
    /// The smallest and the largest key; `None` where no row has one.
    pub(crate) keys: Option<(i64, i64)>,
    /// The database, for the name of the input.
    pub(crate) database: String,
}

/// The parts of a query in one run.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    ranges: OnceLock<(Ranges, String)>,
    next: AtomicU64,
}

impl Parts {
    /// The number of a part that nobody has taken.
    pub(crate) fn take(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// How many there are, if a key cuts the query. An error is told where a part is asked for.
    pub(crate) fn count(
        &self,
        of: &Select,
        bounds: impl FnOnce(&str) -> Result<Bounds, Error>,
    ) -> Option<u64> {
        let (key, parts) = of.by.as_ref()?;
        let (ranges, _) = self.ranges(&column(key), *parts, bounds).ok()?;
        Some(ranges.count())
    }

    /// The SQL of a part; `None` if there are not so many. `bounds` asks for those of a column.
    pub(crate) fn sql(
        &self,
        of: &Select,
        number: u64,
        bounds: impl FnOnce(&str) -> Result<Bounds, Error>,
    ) -> Result<Option<String>, Error> {
        let Some((key, parts)) = &of.by else {
            return Ok((number == 0).then(|| of.sql.clone()));
        };
        let key = column(key);
        let (ranges, _) = self.ranges(&key, *parts, bounds)?;
        if number >= ranges.count() {
            return Ok(None);
        }
        Ok(Some(match ranges.condition(&key, number) {
            Some(fulfils) => format!("SELECT * FROM ({}) AS rows WHERE {fulfils}", of.inner()),
            None => of.sql.clone(),
        }))
    }

    /// The name of what is read, if it has parts: as a whole it would be one transaction, with all of its rows in memory.
    pub(crate) fn input(
        &self,
        of: &Select,
        bounds: impl FnOnce(&str) -> Result<Bounds, Error>,
    ) -> Result<Option<String>, Error> {
        let Some((key, parts)) = &of.by else {
            return Ok(None);
        };
        let (ranges, database) = self.ranges(&column(key), *parts, bounds)?;
        let words: Vec<&str> = of.sql.split_whitespace().collect();
        Ok(Some(format!(
            "{database}: {} {:?} {}",
            words.join(" "),
            of.params()?,
            ranges.describe(key)
        )))
    }

    fn ranges(
        &self,
        key: &str,
        parts: u64,
        bounds: impl FnOnce(&str) -> Result<Bounds, Error>,
    ) -> Result<&(Ranges, String), Error> {
        if let Some(ranges) = self.ranges.get() {
            return Ok(ranges);
        }
        let Bounds { keys, database } = bounds(key)?;
        // Another worker may have been first; it has asked the same.
        Ok(self
            .ranges
            .get_or_init(|| (Ranges::new(keys, parts), database)))
    }
}
