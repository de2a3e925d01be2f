//! What is run for each row: an insertion of its fields into a table, or a statement of the user's.

use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;

use rusqlite::ToSql;
use serde::Serialize;

use super::store::Bound;
use crate::error::BoxError;
use crate::row::{Columns, Layout, RowError, Value, columns, conflict, table, write};

/// Which statement takes rows, and what of a row goes where in it.
pub(crate) trait Binder<T>: Send + Sync {
    /// The statement, made for a first row where that matters.
    fn sql(&self, first: &T) -> Result<&str, BoxError>;

    /// Gives the statement its parameters, all of them: what it was given for the row before is still there.
    fn bind(&self, row: &T, statement: &mut rusqlite::Statement<'_>) -> Result<(), BoxError>;

    /// For errors: what could not be done.
    fn doing(&self) -> String;
}

/// Rows into a table, each field into the column of its name: for [`Sqlite::table`](super::Sqlite::table).
#[derive(Debug, Clone)]
pub struct Table {
    name: String,
    columns: Option<Vec<String>>,
    keys: Vec<String>,
    /// The columns and the statement, which the first row decides.
    made: OnceLock<(Layout, String)>,
}

impl Table {
    pub(super) fn new(name: &str) -> Self {
        Table {
            name: name.to_owned(),
            columns: None,
            keys: Vec::new(),
            made: OnceLock::new(),
        }
    }

    pub(super) fn columns(&mut self, names: Vec<String>) {
        self.columns = Some(names);
    }

    pub(super) fn upsert(&mut self, keys: Vec<String>) {
        self.keys = keys;
    }

    pub(super) fn upserts(&self) -> bool {
        !self.keys.is_empty()
    }

    fn make<T: Serialize>(&self, first: &T) -> Result<(Layout, String), BoxError> {
        let layout = match &self.columns {
            Some(names) => Layout::named(names.clone()),
            None => Layout::of(first).map_err(|error| format!("a row is not usable: {error}"))?,
        };
        let into = table(&self.name);
        let marks = vec!["?"; layout.width()].join(", ");
        let names = layout.names();
        if let Some(key) = self.keys.iter().find(|key| !names.contains(key)) {
            return Err(format!(
                "`upsert` by {key} needs a field or a column of that name; there are: {}",
                names.join(", ")
            )
            .into());
        }
        let mut sql = if names.is_empty() {
            format!("INSERT INTO {into} VALUES ({marks})")
        } else {
            format!("INSERT INTO {into} ({}) VALUES ({marks})", columns(names))
        };
        if !self.keys.is_empty() {
            sql.push(' ');
            sql.push_str(&conflict(names, &self.keys));
        }
        Ok((layout, sql))
    }
}

impl<T: Serialize> Binder<T> for Table {
    fn sql(&self, first: &T) -> Result<&str, BoxError> {
        if let Some((_, sql)) = self.made.get() {
            return Ok(sql);
        }
        let made = self.make(first)?;
        Ok(&self.made.get_or_init(|| made).1)
    }

    #[inline]
    fn bind(&self, row: &T, statement: &mut rusqlite::Statement<'_>) -> Result<(), BoxError> {
        let Some((layout, _)) = self.made.get() else {
            return Ok(());
        };
        let mut parameters = Parameters {
            statement,
            next: 0,
            regular: true,
        };
        write(row, layout, &mut parameters)?;
        if !parameters.regular || parameters.next < layout.width() {
            // Others may have what the row before left there.
            parameters.statement.clear_bindings();
            write(row, layout, &mut parameters)?;
        }
        Ok(())
    }

    fn doing(&self) -> String {
        format!("insert into the table {}", self.name)
    }
}

struct Parameters<'a, 's> {
    statement: &'a mut rusqlite::Statement<'s>,
    /// The parameter behind the last that was bound.
    next: usize,
    /// Whether all were bound in their order.
    regular: bool,
}

impl Columns for Parameters<'_, '_> {
    #[inline]
    fn put(&mut self, at: usize, value: Value<'_>) -> Result<(), RowError> {
        self.regular &= at == self.next;
        self.next = at + 1;
        let bound = self.statement.raw_bind_parameter(at + 1, Bound(value));
        bound.map_err(|error| RowError::new(error.to_string()))
    }
}

/// A statement for each row, with a closure that binds: for [`Sqlite::statement`](super::Sqlite::statement).
pub struct Statement<T, F> {
    sql: String,
    bind: F,
    of: PhantomData<fn(&T)>,
}

impl<T, F> Statement<T, F> {
    pub(super) fn new(sql: String, bind: F) -> Self {
        Statement {
            sql,
            bind,
            of: PhantomData,
        }
    }
}

impl<T, F> Binder<T> for Statement<T, F>
where
    F: Fn(&T, &mut Bind<'_, '_>) -> Result<(), BoxError> + Send + Sync,
{
    fn sql(&self, _first: &T) -> Result<&str, BoxError> {
        Ok(&self.sql)
    }

    fn bind(&self, row: &T, statement: &mut rusqlite::Statement<'_>) -> Result<(), BoxError> {
        let takes = statement.parameter_count();
        let mut bind = Bind {
            statement,
            bound: 0,
        };
        (self.bind)(row, &mut bind)?;
        if bind.bound == takes {
            return Ok(());
        }
        Err(format!(
            "the closure has bound {} values and the statement takes {takes}: call `value` for each `?`",
            bind.bound
        )
        .into())
    }

    fn doing(&self) -> String {
        "run a statement for a row".into()
    }
}

impl<T, F> fmt::Debug for Statement<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}

/// Binds values to the parameters of a statement, one after the other.
pub struct Bind<'a, 's> {
    statement: &'a mut rusqlite::Statement<'s>,
    bound: usize,
}

impl Bind<'_, '_> {
    /// Binds the next `?`; nothing (`NULL`) is `None`.
    pub fn value<V: ToSql>(&mut self, value: V) -> Result<(), BoxError> {
        self.bound += 1;
        if self.bound <= self.statement.parameter_count() {
            self.statement.raw_bind_parameter(self.bound, value)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Bind<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind")
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}
