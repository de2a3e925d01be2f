//! Rejected items as rows with columns, for sinks that take what serde can serialize (feature `serde`).

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Rejected;

impl<T: Serialize> Serialize for Rejected<T> {
    /// The columns `item`, `error`, `rule`, `file` and `line`; the last two are empty where they are not known. A format
    /// without nesting, such as CSV, wants an item that is one value: see [`Rejected::map`].
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let position = self.position();
        let file = position.and_then(|at| at.file.as_ref());
        let mut row = serializer.serialize_struct("Rejected", 5)?;
        row.serialize_field("item", self.item())?;
        row.serialize_field("error", &self.error().to_string())?;
        row.serialize_field("rule", self.rule())?;
        row.serialize_field("file", &file.map(|file| file.to_string_lossy()))?;
        row.serialize_field("line", &position.and_then(|at| at.line))?;
        row.end()
    }
}
