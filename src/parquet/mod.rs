//! Parquet files: as a source of structs, row group by row group, and as a sink.
//!
//! [`Parquet`] reads, [`ParquetFile`] writes. Both go by serde: a struct's fields are columns, by name. An `Option` is a
//! column that may be null, a nested struct a group, a vector a list, an enum without data a string.
//!
//! ```
//! use millstream::Flow;
//! use millstream::parquet::{Parquet, ParquetFile};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize)]
//! struct Review {
//!     vendor: u32,
//!     rating: f64,
//!     comment: Option<String>,
//! }
//!
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("reviews.parquet");
//! let reviews = Flow::from_range(0..1000u32)
//!     .map(|n| Review { vendor: n % 3, rating: f64::from(n % 5), comment: (n % 2 == 0).then(|| n.to_string()) });
//! reviews.into_sink(ParquetFile::new(&path)).run()?;
//!
//! // Of the columns, only these two are read.
//! #[derive(Deserialize)]
//! struct Rating {
//!     vendor: u32,
//!     rating: f64,
//! }
//!
//! let counts = Flow::from_source(Parquet::open(&path).rows::<Rating>())
//!     .filter(|review| review.rating >= 4.0)
//!     .count_by(|review| review.vendor)
//!     .sorted()?;
//! assert_eq!(counts, [(0, 67), (1, 67), (2, 66)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod columns;
mod names;
mod rows;
mod source;
mod write;
mod writer;

pub use rows::RowGroup;
pub use source::{Parquet, ParquetRows};
pub use write::{Codec, ParquetFile};
pub use writer::ParquetWriter;

/// What went wrong in `serde_arrow`, without the word "Error" in front.
fn said(error: &serde_arrow::Error) -> String {
    let said = error.to_string();
    said.strip_prefix("Error: ").unwrap_or(&said).to_owned()
}
