//! The columns of a file that is written: what they are, and rows as arrays of them.
//!
//! Between serde and Parquet there are three descriptions of the same columns (of `serde_arrow`, Arrow, and Parquet); the
//! first is made here, the others follow from it.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{Schema, SchemaRef};
use marrow::datatypes::{DataType, Field};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_arrow::schema::{SchemaLike, TracingOptions};

use super::said;
use crate::error::BoxError;

/// Columns, as `serde_arrow` and Arrow describe them.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    fields: Vec<Field>,
    pub(super) schema: SchemaRef,
}

fn options() -> TracingOptions {
    TracingOptions::default()
        .allow_null_fields(true)
        .enums_without_data_as_strings(true)
}

impl Columns {
    fn new(fields: Vec<Field>) -> Result<Self, BoxError> {
        let mut arrow = Vec::new();
        for field in &fields {
            arrow.push(arrow_schema::Field::try_from(field)?);
        }
        Ok(Columns {
            fields,
            schema: Arc::new(Schema::new(arrow)),
        })
    }

    /// The columns that a type has.
    pub(super) fn of_type<T: DeserializeOwned>() -> Result<Self, BoxError> {
        let fields = Vec::<Field>::from_type::<T>(options());
        Columns::new(fields.map_err(not_columns)?)
    }

    /// The columns that these rows have.
    pub(super) fn of_rows<T: Serialize>(rows: &[T]) -> Result<Self, BoxError> {
        let fields = Vec::<Field>::from_samples(rows, options());
        Columns::new(fields.map_err(not_columns)?)
    }

    /// No columns at all: those of a file to which no row came.
    pub(super) fn none() -> Self {
        Columns {
            fields: Vec::new(),
            schema: Arc::new(Schema::empty()),
        }
    }

    /// Rows as arrays, a column each. Rows with fields that are not among these are refused: nothing is left out
    /// silently.
    pub(super) fn arrays<T: Serialize>(&self, rows: &[T]) -> Result<Vec<ArrayRef>, BoxError> {
        let theirs = Columns::of_rows(rows)?;
        if let Some(name) = missing(&theirs.fields, &self.fields) {
            return Err(format!(
                "the field {name} is not among the columns of the file, which are those of the first rows: {HINT}"
            )
            .into());
        }
        let arrays = serde_arrow::to_marrow(&self.fields, rows);
        let arrays = arrays.map_err(|error| {
            format!(
                "{}; the columns of the file are those of the first rows: {HINT}",
                said(&error)
            )
        })?;
        let mut columns = Vec::new();
        for array in arrays {
            columns.push(ArrayRef::try_from(array)?);
        }
        Ok(columns)
    }
}

/// Why a type or a row has no columns.
fn not_columns(error: serde_arrow::Error) -> String {
    format!(
        "a row has to be a struct whose fields can be columns: {}",
        said(&error)
    )
}

/// What to do about rows that have other columns than the first.
const HINT: &str = "if later rows may have more, name the type they have with `columns_of`";

/// A field of rows that the columns of a file do not have, at any depth.
fn missing(theirs: &[Field], ours: &[Field]) -> Option<String> {
    theirs.iter().find_map(|field| {
        let Some(same) = ours.iter().find(|known| known.name == field.name) else {
            return Some(field.name.clone());
        };
        let within = missing(children(&field.data_type), children(&same.data_type))?;
        Some(format!("{}.{within}", field.name))
    })
}

/// The named fields within a column.
fn children(of: &DataType) -> &[Field] {
    match of {
        DataType::Struct(fields) => fields,
        DataType::List(item) | DataType::LargeList(item) => std::slice::from_ref(&**item),
        _ => &[],
    }
}
