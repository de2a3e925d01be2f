//! What the columns of a result are, and their values: numbers, text and bytes by themselves, all else as text.

use ::postgres::types::{FromSql, Type};

use crate::error::BoxError;
use crate::row::{RowError, Value};

/// How a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Bytes,
    /// By its text, which stands for what the reader asks for.
    Other,
}

impl Kind {
    pub(super) fn of(ty: &Type) -> Self {
        match *ty {
            Type::BOOL => Kind::Bool,
            Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => Kind::Int,
            Type::FLOAT4 | Type::FLOAT8 => Kind::Float,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => Kind::Text,
            Type::BYTEA => Kind::Bytes,
            _ => Kind::Other,
        }
    }

    /// The value of a column in `COPY`'s text.
    #[inline]
    pub(super) fn parse<'a>(self, text: &'a str) -> Result<Value<'a>, RowError> {
        let bad = || RowError::new(format!("`{text}` is not what its type says"));
        match self {
            Kind::Bool => Ok(Value::Bool(text == "t")),
            Kind::Int => text.parse().map(Value::Int).map_err(|_| bad()),
            Kind::Float => text.parse().map(Value::Float).map_err(|_| bad()),
            Kind::Text => Ok(Value::Text(text)),
            Kind::Bytes | Kind::Other => Ok(Value::Raw(text)),
        }
    }
}

/// A column's value in the client's result.
pub(super) struct Field<'a>(pub(super) Value<'a>);

impl<'a> FromSql<'a> for Field<'a> {
    #[inline]
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        let value = match Kind::of(ty) {
            Kind::Bool => Value::Bool(bool::from_sql(ty, raw)?),
            Kind::Int => Value::Int(match *ty {
                Type::INT2 => i16::from_sql(ty, raw)?.into(),
                Type::INT4 => i32::from_sql(ty, raw)?.into(),
                Type::OID => u32::from_sql(ty, raw)?.into(),
                _ => i64::from_sql(ty, raw)?,
            }),
            Kind::Float => match *ty {
                Type::FLOAT4 => Value::Single(f32::from_sql(ty, raw)?),
                _ => Value::Float(f64::from_sql(ty, raw)?),
            },
            Kind::Text => Value::Text(std::str::from_utf8(raw)?),
            Kind::Bytes => Value::Bytes(raw),
            Kind::Other => Value::Raw(std::str::from_utf8(raw)?),
        };
        Ok(Field(value))
    }

    fn from_sql_null(_ty: &Type) -> Result<Self, BoxError> {
        Ok(Field(Value::Null))
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }
}
