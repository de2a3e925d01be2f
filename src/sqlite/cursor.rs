//! A statement that is being stepped through, beside the connection it belongs to: one value that can be kept.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Rows, Statement};
use self_cell::{MutBorrow, self_cell};
use serde::de::DeserializeOwned;

use super::store::Bound;
use crate::row::{Owned, Record, RowError, Value, read};

self_cell!(
    struct Prepared {
        owner: Connection,
        #[not_covariant]
        dependent: Statement,
    }
);

self_cell!(
    struct Stepped {
        owner: MutBorrow<Prepared>,
        #[not_covariant]
        dependent: Rows,
    }
);

/// The rows of a query, one at a time; SQLite is never ahead of the reader.
pub(super) struct Cursor {
    rows: Stepped,
    names: Vec<String>,
}

impl Cursor {
    /// Prepares a query and binds its parameters; the first row is not looked for yet.
    pub(super) fn new(
        connection: Connection,
        sql: &str,
        params: &[Owned],
    ) -> Result<Self, rusqlite::Error> {
        let prepared = Prepared::try_new(connection, |connection| connection.prepare(sql))?;
        let names = prepared.with_dependent(|_, statement| {
            let names = statement.column_names();
            names.into_iter().map(str::to_owned).collect()
        });
        let rows = Stepped::try_new(MutBorrow::new(prepared), |prepared| {
            prepared
                .borrow_mut()
                .with_dependent_mut(|_, statement| query(statement, params))
        })?;
        Ok(Cursor { rows, names })
    }

    /// Reads the next row; `None` behind the last.
    pub(super) fn next<T: DeserializeOwned>(
        &mut self,
    ) -> Result<Option<Result<T, RowError>>, rusqlite::Error> {
        let names = &self.names;
        self.rows.with_dependent_mut(|_, rows| {
            let row = rows.next()?;
            Ok(row.map(|row| read(&Current { row, names })))
        })
    }
}

fn query<'s>(
    statement: &'s mut Statement<'_>,
    params: &[Owned],
) -> Result<Rows<'s>, rusqlite::Error> {
    let takes = statement.parameter_count();
    if takes != params.len() {
        return Err(rusqlite::Error::InvalidParameterCount(params.len(), takes));
    }
    for (at, param) in params.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, Bound(param.value()))?;
    }
    Ok(statement.raw_query())
}

/// The row that the cursor is at.
struct Current<'a, 's> {
    row: &'a Row<'s>,
    names: &'a [String],
}

impl Record for Current<'_, '_> {
    fn width(&self) -> usize {
        self.names.len()
    }

    fn name(&self, at: usize) -> &str {
        &self.names[at]
    }

    #[inline]
    fn value(&self, at: usize) -> Result<Value<'_>, RowError> {
        let value = self.row.get_ref(at);
        match value.map_err(|error| RowError::new(error.to_string()))? {
            ValueRef::Null => Ok(Value::Null),
            ValueRef::Integer(number) => Ok(Value::Int(number)),
            ValueRef::Real(number) => Ok(Value::Float(number)),
            ValueRef::Text(bytes) => std::str::from_utf8(bytes)
                .map(Value::Text)
                .map_err(|error| RowError::new(format!("{error}: select it as a BLOB"))),
            ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes)),
        }
    }
}
