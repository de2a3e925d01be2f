//! Which columns a table is written in, and which field goes where.

use serde::Serialize;

use super::RowError;
use super::ser::{Fields, fields};

/// The columns that rows are written in: those the first row has, or those that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Empty if the rows have no names and nobody gave any.
    names: Vec<String>,
    width: usize,
}

impl Layout {
    /// Columns by name.
    pub(crate) fn named(names: Vec<String>) -> Self {
        let width = names.len();
        Layout { names, width }
    }

    /// The columns that a row has.
    pub(crate) fn of<T: Serialize + ?Sized>(row: &T) -> Result<Self, RowError> {
        let mut naming = Naming::default();
        fields(row, &mut naming)?;
        let Naming { names, width } = naming;
        if width == 0 {
            return Err(RowError::new(
                "it has no fields: a row is a struct, a map or a tuple of at least one value",
            ));
        }
        Ok(Layout { names, width })
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Where a field goes, which most likely is `next`.
    #[inline]
    pub(super) fn place(&self, name: Option<&str>, next: usize) -> Result<usize, RowError> {
        let Some(name) = name else {
            return if next < self.width {
                Ok(next)
            } else {
                Err(RowError::new(format!(
                    "it has more than {} values, which is the number of columns",
                    self.width
                )))
            };
        };
        if self.names.get(next).is_some_and(|here| here == name) {
            return Ok(next);
        }
        let found = self.names.iter().position(|column| column == name);
        found.ok_or_else(|| {
            RowError::new(format!(
                "its field `{name}` has no column; there are {}, as in the first row or in `columns(…)`: name all \
                 there, or leave the field out with `#[serde(skip)]`",
                self.names.join(", ")
            ))
        })
    }
}

/// Hears the names, and no values.
#[derive(Default)]
struct Naming {
    names: Vec<String>,
    width: usize,
}

impl Fields for Naming {
    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: Option<&str>,
        _value: &T,
    ) -> Result<(), RowError> {
        self.names.extend(name.map(str::to_owned));
        self.width += 1;
        Ok(())
    }
}
