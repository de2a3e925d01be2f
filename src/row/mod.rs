//! Rows of a table as values of a type: between serde's structs and the columns of a database.
//!
//! [`write()`] gives the fields of a flat struct (or map, or tuple) to [`Columns`] one by one; [`read()`] makes a value of a
//! [`Record`]'s columns. Neither builds a map of a row. What a database makes of a [`Value`] is its connector's; here
//! is what all share, SQL's words and [`Parts`] of queries included.

mod cell;
mod de;
mod known;
mod layout;
mod owned;
mod parts;
mod ranges;
mod ser;
mod sql;
mod variants;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use de::{Record, read};
pub(crate) use known::Known;
pub(crate) use layout::Layout;
pub(crate) use owned::{Owned, values};
pub(crate) use parts::{Bounds, Parts, Select};
use ranges::Ranges;
pub(crate) use ser::{Columns, write};
pub(crate) use sql::{column, columns, conflict, statement, table};

/// What a column has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is no `i64`.
    Big(u64),
    /// A float that is written with the digits of an `f32`.
    Single(f32),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Text that stands for whatever the reader asks for.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "SQLite's values have types")
    )]
    Raw(&'a str),
}

/// Why a value is no row, or a row no value; the connector says where.
#[derive(Debug)]
pub(crate) struct RowError(String);

impl RowError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        RowError(message.into())
    }

    /// The same error with the column it is about.
    fn of_column(self, column: impl fmt::Display) -> Self {
        RowError(format!("column {column}: {}", self.0))
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RowError {}

impl serde::ser::Error for RowError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        RowError(message.to_string())
    }
}

impl serde::de::Error for RowError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        RowError(message.to_string())
    }
}
