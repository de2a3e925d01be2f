//! CSV as a format of [`Flow::read`](crate::Flow::read): rows into structs by serde, or fields borrowed from what was
//! read.
//!
//! Records and fields are those of the `csv` crate: quoted fields may have delimiters, line ends and doubled quotes in them, a
//! line ends with `\n`, `\r\n` or `\r`, and blank lines are skipped; [comments](Csv::comment) and [escapes](Csv::escape) are as
//! there too. Where records end is found here ([`Csv`] is asked block by block, so it has to be quick), and so are fields; what
//! serde makes of them is the crate's.
//!
//! ```
//! use millstream::Flow;
//! use millstream::csv::Csv;
//! use millstream::read::Files;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Review {
//!     vendor: u32,
//!     rating: f64,
//! }
//!
//! let text = "vendor,rating,comment\n7,4,\"good,\nand cheap\"\n8,1,\n7,2,\"so so\"\n";
//! let means = Flow::read(Files::reader("reviews.csv", text.as_bytes()), Csv::rows::<Review>())
//!     .aggregate_by(|review| review.vendor, |a| a.mean(|review| review.rating))
//!     .sorted_by_key(|&(vendor, _)| vendor)?;
//! assert_eq!(means, [(7, 3.0), (8, 1.0)]);
//! # Ok::<(), millstream::Error>(())
//! ```

mod cut;
mod dialect;
mod make;
mod parser;
mod record;
mod scan;
mod write;

pub use dialect::Csv;
pub use make::{Make, Mapped, Rows};
pub use parser::Parser;
pub use record::{Column, Record};
pub use write::{CsvFile, CsvRows};
