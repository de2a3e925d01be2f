//! One field of a row: a plain value, or none.

use serde::ser::{self, Serialize, Serializer};

use super::variants::wrappers_and_variants;
use super::{Columns, RowError, Value};

/// One field's place.
pub(super) struct Cell<'a, C> {
    pub(super) to: &'a mut C,
    pub(super) at: usize,
}

fn nested(what: &str) -> RowError {
    RowError::new(format!(
        "it is {what}, and a column has one plain value: give it fields of its own (`#[serde(flatten)]`), or make it \
         text or bytes (`#[serde(serialize_with = \"…\")]`)"
    ))
}

fn variant() -> RowError {
    nested("a variant with data")
}

macro_rules! plain {
    ($($method:ident($value:ident: $type:ty) $made:expr;)*) => {$(
        #[inline]
        fn $method(self, $value: $type) -> Result<(), RowError> {
            self.to.put(self.at, $made)
        }
    )*};
}

impl<C: Columns> Serializer for Cell<'_, C> {
    type Ok = ();
    type Error = RowError;
    type SerializeSeq = ser::Impossible<(), RowError>;
    type SerializeTuple = ser::Impossible<(), RowError>;
    type SerializeTupleStruct = ser::Impossible<(), RowError>;
    type SerializeMap = ser::Impossible<(), RowError>;
    type SerializeStruct = ser::Impossible<(), RowError>;

    wrappers_and_variants!(variant);

    plain! {
        serialize_bool(value: bool) Value::Bool(value);
        serialize_i8(value: i8) Value::Int(value.into());
        serialize_i16(value: i16) Value::Int(value.into());
        serialize_i32(value: i32) Value::Int(value.into());
        serialize_i64(value: i64) Value::Int(value);
        serialize_u8(value: u8) Value::Int(value.into());
        serialize_u16(value: u16) Value::Int(value.into());
        serialize_u32(value: u32) Value::Int(value.into());
        serialize_u64(value: u64) i64::try_from(value).map_or(Value::Big(value), Value::Int);
        serialize_f32(value: f32) Value::Single(value);
        serialize_f64(value: f64) Value::Float(value);
        serialize_char(value: char) Value::Text(value.encode_utf8(&mut [0; 4]));
        serialize_str(value: &str) Value::Text(value);
        serialize_bytes(value: &[u8]) Value::Bytes(value);
        serialize_unit_struct(_name: &'static str) Value::Null;
    }

    fn serialize_none(self) -> Result<(), RowError> {
        self.to.put(self.at, Value::Null)
    }

    fn serialize_unit(self) -> Result<(), RowError> {
        self.to.put(self.at, Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), RowError> {
        self.to.put(self.at, Value::Text(variant))
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Self::SerializeSeq, RowError> {
        Err(nested("a sequence"))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Self::SerializeTuple, RowError> {
        Err(nested("a tuple"))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleStruct, RowError> {
        Err(nested("a tuple"))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Self::SerializeMap, RowError> {
        Err(nested("a map"))
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStruct, RowError> {
        Err(nested("a struct"))
    }
}
