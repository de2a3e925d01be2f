//! From columns to a value: a deserializer over the columns of a record, by name for structs and in order for tuples.

use serde::de::value::SeqDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::{RowError, Value};

/// The columns of one row of a result.
pub(crate) trait Record {
    fn width(&self) -> usize;

    /// The name of a column; empty where columns have none.
    fn name(&self, at: usize) -> &str;

    fn value(&self, at: usize) -> Result<Value<'_>, RowError>;
}

/// Makes a value of a record. Columns that the type does not ask for are left out.
#[inline]
pub(crate) fn read<T: DeserializeOwned, R: Record>(record: &R) -> Result<T, RowError> {
    T::deserialize(Row(record))
}

struct Row<'r, R>(&'r R);

impl<'r, R: Record> Row<'r, R> {
    fn cells(self) -> Cells<'r, R> {
        Cells {
            record: self.0,
            next: 0,
        }
    }

    /// The one column there is.
    fn only(self) -> Result<Cell<'r>, RowError> {
        match self.0.width() {
            1 => Ok(Cell(self.0.value(0)?)),
            columns => Err(RowError::new(format!(
                "it has {columns} columns and the type takes one value: read a struct or a tuple, or select one column"
            ))),
        }
    }
}

macro_rules! of_one {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
            let column = self.0.name(0).to_owned();
            let value = self.only()?.$method(visitor);
            value.map_err(|error| error.of_column(format_args!("`{column}`")))
        }
    )*};
}

impl<'de, R: Record> Deserializer<'de> for Row<'_, R> {
    type Error = RowError;

    of_one! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_option
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_map(self.cells())
    }

    forward_to_deserialize_any! {
        map struct
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_seq(self.cells())
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_seq(self.cells())
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_seq(self.cells())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RowError> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_unit()
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        self.only()?.deserialize_identifier(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_unit()
    }
}

/// The columns one after the other.
struct Cells<'r, R> {
    record: &'r R,
    next: usize,
}

impl<R: Record> Cells<'_, R> {
    /// The value of the next column.
    #[inline]
    fn take<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, RowError> {
        let at = self.next;
        self.next += 1;
        let value = self
            .record
            .value(at)
            .and_then(|v| seed.deserialize(Cell(v)));
        value.map_err(|error| match self.record.name(at) {
            "" => error.of_column(at + 1),
            name => error.of_column(format_args!("`{name}`")),
        })
    }
}

impl<'de, R: Record> MapAccess<'de> for Cells<'_, R> {
    type Error = RowError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, RowError> {
        if self.next == self.record.width() {
            return Ok(None);
        }
        let name: de::value::StrDeserializer<'_, RowError> =
            self.record.name(self.next).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, RowError> {
        self.take(seed)
    }
}

impl<'de, R: Record> SeqAccess<'de> for Cells<'_, R> {
    type Error = RowError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, RowError> {
        if self.next == self.record.width() {
            return Ok(None);
        }
        self.take(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.record.width() - self.next)
    }
}

/// One column's value.
struct Cell<'r>(Value<'r>);

macro_rules! parsed {
    ($($method:ident $type:ty, $visit:ident;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
            match self.0 {
                Value::Raw(text) => match text.parse::<$type>() {
                    Ok(number) => visitor.$visit(number),
                    Err(error) => Err(RowError::new(format!("`{text}`: {error}"))),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = RowError;

    parsed! {
        deserialize_i8 i64, visit_i64;
        deserialize_i16 i64, visit_i64;
        deserialize_i32 i64, visit_i64;
        deserialize_i64 i64, visit_i64;
        deserialize_i128 i128, visit_i128;
        deserialize_u8 u64, visit_u64;
        deserialize_u16 u64, visit_u64;
        deserialize_u32 u64, visit_u64;
        deserialize_u64 u64, visit_u64;
        deserialize_u128 u128, visit_u128;
        deserialize_f32 f64, visit_f64;
        deserialize_f64 f64, visit_f64;
    }

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Int(value) => visitor.visit_i64(value),
            Value::Big(value) => visitor.visit_u64(value),
            Value::Single(value) => visitor.visit_f32(value),
            Value::Float(value) => visitor.visit_f64(value),
            Value::Text(text) | Value::Raw(text) => visitor.visit_str(text),
            Value::Bytes(bytes) => visitor.visit_bytes(bytes),
        }
    }

    /// SQLite has numbers for truth values.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.0 {
            Value::Int(0) | Value::Raw("f" | "false") => visitor.visit_bool(false),
            Value::Int(1) | Value::Raw("t" | "true") => visitor.visit_bool(true),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.0 {
            Value::Raw(text) => visitor.visit_byte_buf(unhex(text)?),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        self.deserialize_bytes(visitor)
    }

    /// A `Vec<u8>` asks for a sequence.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        match self.0 {
            Value::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
            Value::Raw(text) => visitor.visit_seq(SeqDeserializer::new(unhex(text)?.into_iter())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RowError> {
        match self.0 {
            Value::Text(text) | Value::Raw(text) => visitor.visit_enum(text.into_deserializer()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        char str string unit unit_struct tuple_struct map struct identifier
    }
}

/// The bytes of PostgreSQL's `\x00ff`.
fn unhex(text: &str) -> Result<Vec<u8>, RowError> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| match *pair {
        [high, low] => Some((digit(high)? * 16 + digit(low)?) as u8),
        _ => None,
    };
    let hex = text.strip_prefix("\\x").map(str::as_bytes);
    let bytes = hex.and_then(|hex| hex.chunks(2).map(pair).collect::<Option<Vec<u8>>>());
    bytes.ok_or_else(|| {
        RowError::new(format!(
            "`{text}` is no bytes (`\\x` and hexadecimal digits): read it as text"
        ))
    })
}
