//! What the serializers of rows and of fields do alike: what only wraps a value is that value, and a variant with data
//! is refused, each time in the same words.

/// Methods of a `Serializer` whose `Ok` is `()`; `$refused` gives the error of a variant with data.
macro_rules! wrappers_and_variants {
    ($refused:ident) => {
        type SerializeTupleVariant = ser::Impossible<(), RowError>;
        type SerializeStructVariant = ser::Impossible<(), RowError>;

        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), RowError> {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _name: &'static str,
            value: &T,
        ) -> Result<(), RowError> {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _name: &'static str,
            _index: u32,
            _variant: &'static str,
            _value: &T,
        ) -> Result<(), RowError> {
            Err($refused())
        }

        fn serialize_tuple_variant(
            self,
            _name: &'static str,
            _index: u32,
            _variant: &'static str,
            _len: usize,
        ) -> Result<Self::SerializeTupleVariant, RowError> {
            Err($refused())
        }

        fn serialize_struct_variant(
            self,
            _name: &'static str,
            _index: u32,
            _variant: &'static str,
            _len: usize,
        ) -> Result<Self::SerializeStructVariant, RowError> {
            Err($refused())
        }
    };
}
pub(super) use wrappers_and_variants;
