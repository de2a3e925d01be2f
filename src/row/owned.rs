//! Values that are kept: the parameters of a query.

use serde::Serialize;

use super::{Columns, Layout, RowError, Value, write};

/// A [`Value`] of one's own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Owned {
    Null,
    Bool(bool),
    Int(i64),
    Big(u64),
    Single(f32),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Owned {
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Owned::Null => Value::Null,
            Owned::Bool(value) => Value::Bool(*value),
            Owned::Int(value) => Value::Int(*value),
            Owned::Big(value) => Value::Big(*value),
            Owned::Single(value) => Value::Single(*value),
            Owned::Float(value) => Value::Float(*value),
            Owned::Text(text) => Value::Text(text),
            Owned::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

impl From<Value<'_>> for Owned {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Owned::Null,
            Value::Bool(value) => Owned::Bool(value),
            Value::Int(value) => Owned::Int(value),
            Value::Big(value) => Owned::Big(value),
            Value::Single(value) => Owned::Single(value),
            Value::Float(value) => Owned::Float(value),
            Value::Text(text) | Value::Raw(text) => Owned::Text(text.to_owned()),
            Value::Bytes(bytes) => Owned::Bytes(bytes.to_owned()),
        }
    }
}

impl Columns for Vec<Owned> {
    fn put(&mut self, at: usize, value: Value<'_>) -> Result<(), RowError> {
        if self.len() <= at {
            self.resize(at + 1, Owned::Null);
        }
        self[at] = value.into();
        Ok(())
    }
}

/// The fields of a tuple or struct, or the one value, in their order.
pub(crate) fn values<T: Serialize + ?Sized>(of: &T) -> Result<Vec<Owned>, RowError> {
    let mut values = Vec::new();
    write(of, &Layout::of(of)?, &mut values)?;
    Ok(values)
}
