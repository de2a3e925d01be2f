//! From a value to columns: a serializer whose fields go straight to where the row is made.
//!
//! A row is a struct, a map with names for keys, a tuple, or one plain value; a field is a plain value, or none. What
//! is nested is an error that names the field: flattening it is the user's decision.

use serde::ser::{self, Serialize, Serializer};

use super::cell::Cell;
use super::variants::wrappers_and_variants;
use super::{Layout, RowError, Value};

/// Where the values of a row go, by the number of their column.
pub(crate) trait Columns {
    fn put(&mut self, at: usize, value: Value<'_>) -> Result<(), RowError>;
}

/// Gives the values of a row to its columns. A column that the row has nothing for is not given.
#[inline]
pub(crate) fn write<T, C>(row: &T, layout: &Layout, to: &mut C) -> Result<(), RowError>
where
    T: Serialize + ?Sized,
    C: Columns,
{
    let mut writing = Writing {
        layout,
        to,
        next: 0,
    };
    fields(row, &mut writing)
}

/// Tells of the fields of a row in their order.
#[inline]
pub(super) fn fields<T, F>(row: &T, to: &mut F) -> Result<(), RowError>
where
    T: Serialize + ?Sized,
    F: Fields,
{
    row.serialize(Row(to))
}

/// Hears of the fields of a row.
pub(super) trait Fields {
    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: Option<&str>,
        value: &T,
    ) -> Result<(), RowError>;
}

struct Writing<'a, C> {
    layout: &'a Layout,
    to: &'a mut C,
    next: usize,
}

impl<C: Columns> Fields for Writing<'_, C> {
    #[inline]
    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: Option<&str>,
        value: &T,
    ) -> Result<(), RowError> {
        let at = self.layout.place(name, self.next)?;
        self.next = at + 1;
        let cell = Cell { to: self.to, at };
        value.serialize(cell).map_err(|error| match name {
            Some(name) => error.of_column(format_args!("`{name}`")),
            None => error.of_column(at + 1),
        })
    }
}

struct Row<'a, F>(&'a mut F);

/// The fields of a row, as serde gives them.
struct Compound<'a, F> {
    fields: &'a mut F,
    key: String,
}

impl<'a, F: Fields> Row<'a, F> {
    fn compound(self) -> Compound<'a, F> {
        Compound {
            fields: self.0,
            key: String::new(),
        }
    }
}

fn no_row(what: &str) -> RowError {
    RowError::new(format!(
        "it is {what}: a row is a struct, a map with names for keys, a tuple, or one plain value"
    ))
}

fn no_enum() -> RowError {
    no_row(
        "a variant with data, which has no place for its name (with `#[serde(tag = \"…\")]` it has)",
    )
}

macro_rules! one_value {
    ($($method:ident $type:ty),* $(,)?) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), RowError> {
            self.0.field(None, &value)
        }
    )*};
}

impl<'a, F: Fields> Serializer for Row<'a, F> {
    type Ok = ();
    type Error = RowError;
    type SerializeSeq = Compound<'a, F>;
    type SerializeTuple = Compound<'a, F>;
    type SerializeTupleStruct = Compound<'a, F>;
    type SerializeMap = Compound<'a, F>;
    type SerializeStruct = Compound<'a, F>;

    wrappers_and_variants!(no_enum);

    one_value! {
        serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_f32 f32, serialize_f64 f64, serialize_char char, serialize_str &str,
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), RowError> {
        struct Bytes<'b>(&'b [u8]);
        impl Serialize for Bytes<'_> {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_bytes(self.0)
            }
        }
        self.0.field(None, &Bytes(value))
    }

    fn serialize_none(self) -> Result<(), RowError> {
        Err(no_row("nothing"))
    }

    fn serialize_unit(self) -> Result<(), RowError> {
        Err(no_row("the unit"))
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), RowError> {
        Err(no_row("a struct without fields"))
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), RowError> {
        self.0.field(None, variant)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Compound<'a, F>, RowError> {
        Ok(self.compound())
    }

    fn serialize_tuple(self, _len: usize) -> Result<Compound<'a, F>, RowError> {
        Ok(self.compound())
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Compound<'a, F>, RowError> {
        Ok(self.compound())
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Compound<'a, F>, RowError> {
        Ok(self.compound())
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Compound<'a, F>, RowError> {
        Ok(self.compound())
    }
}

macro_rules! unnamed {
    ($($trait:ident $method:ident),*) => {$(
        impl<F: Fields> ser::$trait for Compound<'_, F> {
            type Ok = ();
            type Error = RowError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), RowError> {
                self.fields.field(None, value)
            }

            fn end(self) -> Result<(), RowError> {
                Ok(())
            }
        }
    )*};
}

unnamed!(SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field);

impl<F: Fields> ser::SerializeStruct for Compound<'_, F> {
    type Ok = ();
    type Error = RowError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), RowError> {
        self.fields.field(Some(name), value)
    }

    fn end(self) -> Result<(), RowError> {
        Ok(())
    }
}

impl<F: Fields> ser::SerializeMap for Compound<'_, F> {
    type Ok = ();
    type Error = RowError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), RowError> {
        let cell = Cell {
            to: &mut Name(&mut self.key),
            at: 0,
        };
        key.serialize(cell)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), RowError> {
        self.fields.field(Some(&self.key), value)
    }

    fn end(self) -> Result<(), RowError> {
        Ok(())
    }
}

/// Takes the key of a map for the name of a column.
struct Name<'a>(&'a mut String);

impl Columns for Name<'_> {
    fn put(&mut self, _at: usize, value: Value<'_>) -> Result<(), RowError> {
        match value {
            Value::Text(name) => {
                self.0.clear();
                self.0.push_str(name);
                Ok(())
            }
            _ => Err(RowError::new(
                "a key of the map is no text, so it names no column: use names for keys",
            )),
        }
    }
}
