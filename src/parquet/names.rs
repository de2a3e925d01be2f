//! Which fields a type asks for when it is deserialized: a deserializer that has no data and listens.

use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// The names of the fields of a struct; `None` if the type is not one, or may ask for fields that it does not name (as
/// one with a flattened map does).
pub(super) fn names_of<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let mut names = None;
    // It always fails, having nothing to give.
    let _ = T::deserialize(Listener(&mut names));
    names.filter(|names| !names.is_empty())
}

struct Listener<'n>(&'n mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("there is nothing to deserialize"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = Some(fields);
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::HashMap;

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Plain {
        a: u32,
        #[serde(rename = "B")]
        b: Option<String>,
        #[serde(skip)]
        c: u8,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Outer(Plain);

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Flat {
        a: u32,
        #[serde(flatten)]
        others: HashMap<String, u32>,
    }

    #[test]
    fn a_struct_names_its_fields() {
        assert_eq!(names_of::<Plain>(), Some(&["a", "B"][..]));
        assert_eq!(names_of::<Outer>(), Some(&["a", "B"][..]));
        assert_eq!(names_of::<Flat>(), None);
        assert_eq!(names_of::<HashMap<String, u32>>(), None);
        assert_eq!(names_of::<(u32, u32)>(), None);
    }
}
