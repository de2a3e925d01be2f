//! Reading files of records: which files, how they are cut into blocks, and what a record becomes.
//!
//! [`Flow::read`](crate::Flow::read) takes [`Files`] and a [`Format`]. A file is read in *blocks* of about a megabyte, by
//! whichever worker needs the next one: under the file's lock it reads, asks the format where the last complete record
//! ends, and leaves the rest for the next block; then it parses what it has without a lock. Cuts depend on the file
//! alone, so a block has the same number, and the same records, in every run.
//!
//! A format of one's own says where records end and what one becomes. Here one of records of a fixed width:
//!
//! ```
//! use millstream::read::{Files, Format, Rest};
//! use millstream::{BoxError, Flow};
//!
//! /// Amounts of eight digits, one after the other.
//! struct Amounts;
//!
//! impl Format for Amounts {
//!     type Item = u64;
//!     type Parser = ();
//!
//!     fn parser(&self, _head: &[u8]) -> Result<(), BoxError> {
//!         Ok(())
//!     }
//!
//!     fn last_end(&self, bytes: &[u8]) -> Option<usize> {
//!         (bytes.len() >= 8).then_some(bytes.len() / 8 * 8)
//!     }
//!
//!     fn record(&self, _: &mut (), rest: Rest<'_>) -> (usize, Result<u64, BoxError>) {
//!         let len = rest.bytes().len().min(8);
//!         let amount = || Ok(rest.text(0..len)?.parse()?);
//!         (len, amount())
//!     }
//! }
//!
//! let amounts = Files::reader("amounts", "000000120000003000000100".as_bytes());
//! assert_eq!(Flow::read(amounts, Amounts).sum::<u64>()?, 142);
//! # Ok::<(), millstream::Error>(())
//! ```

mod block;
mod files;
mod format;
mod lines;
mod list;
mod open;
mod pipe;
mod records;
mod stream;
mod supply;

pub use files::Files;
pub use format::{Format, Rest};
pub use lines::Lines;
pub use pipe::{Read, ReadFeed};
pub use records::Records;

#[cfg(feature = "json")]
pub(crate) use lines::first_line;
#[cfg(feature = "parquet")]
pub(crate) use list::{paths, print_of};
