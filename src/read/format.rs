//! What a format has to know: where records end, and what one becomes. It never sees a file, and never half a record.

use std::ops::Range;

use crate::error::{BoxError, Error, ErrorKind, Position};

/// The form of the records in a file, for [`Flow::read`](crate::Flow::read).
///
/// [`Lines`](super::Lines) is one, and the features `csv` and `json` have theirs; [the module](super) shows one of one's
/// own.
///
/// A format is asked by several workers at once. What a worker needs for itself (buffers, the names of the columns) is
/// its [`Parser`](Format::Parser), which it makes once for each file it comes to.
///
/// # Errors
/// A record that cannot be read is an error from [`record`](Format::record), which says as well how many bytes the record
/// takes, so that what comes behind it can be read all the same. It becomes an [`Error`] of kind
/// [`Row`](ErrorKind::Row) with the file, the byte and the line; an `Error` of this crate keeps its kind.
pub trait Format: Send + Sync {
    /// What a record becomes.
    type Item;
    /// What a worker keeps while it reads records of one file.
    type Parser;

    /// What a worker needs for a file with this head; an error from here is one of the file.
    fn parser(&self, head: &[u8]) -> Result<Self::Parser, BoxError>;

    /// Where the last complete record ends in bytes that begin with a record; `None` if no record ends in them.
    ///
    /// It is asked for one block after the other, under the file's lock, so it should do no more than look for bytes. It
    /// is not asked for the last block of a file: there the last record may lack its end.
    fn last_end(&self, bytes: &[u8]) -> Option<usize>;

    /// How many bytes at the beginning of a file say what is in it, such as the row of names of a CSV file.
    ///
    /// The bytes are those of the first block, up to the end of a record.
    fn head(&self, bytes: &[u8]) -> usize {
        let _ = bytes;
        0
    }

    /// Whether the head is a record as well, and not only about them.
    fn head_is_record(&self) -> bool {
        false
    }

    /// How many bytes in front of the next record belong to none, such as blank lines.
    fn skip(&self, bytes: &[u8]) -> usize {
        let _ = bytes;
        0
    }

    /// Reads the record that `rest` begins with, which has at least one byte, and says how many bytes it takes.
    fn record(
        &self,
        parser: &mut Self::Parser,
        rest: Rest<'_>,
    ) -> (usize, Result<Self::Item, BoxError>);

    /// What of its options decides where records end, in a few words, such as the quote of a CSV file. A load that
    /// [resumes](crate::chain::Load::resume) goes on only in the same form, since blocks would be cut otherwise.
    fn framing(&self) -> String {
        String::new()
    }

    /// Whether records are text in UTF-8: then blocks are checked as a whole, which is quick, and a byte order mark in front
    /// of a file is left out.
    fn is_text(&self) -> bool {
        true
    }
}

/// What is left of a block: bytes that begin with a record.
#[derive(Debug, Clone, Copy)]
pub struct Rest<'b> {
    bytes: &'b [u8],
    /// The same as text, if the whole block is known to be.
    text: Option<&'b str>,
}

impl<'b> Rest<'b> {
    pub(crate) fn of_text(text: &'b str) -> Self {
        Rest {
            bytes: text.as_bytes(),
            text: Some(text),
        }
    }

    pub(crate) fn of_bytes(bytes: &'b [u8]) -> Self {
        Rest { bytes, text: None }
    }

    /// All of it: the record, and those behind it.
    #[inline]
    pub fn bytes(self) -> &'b [u8] {
        self.bytes
    }

    /// A part of it as text.
    ///
    /// # Errors
    /// Of kind [`Utf8`](ErrorKind::Utf8), if it is not UTF-8, or ends where nothing is left.
    #[inline]
    pub fn text(self, range: Range<usize>) -> Result<&'b str, Error> {
        match self.text.and_then(|text| text.get(range.clone())) {
            Some(text) => Ok(text),
            None => checked(self.bytes, range),
        }
    }
}

#[cold]
fn checked(bytes: &[u8], range: Range<usize>) -> Result<&str, Error> {
    let start = range.start;
    let part = bytes.get(range).unwrap_or_default();
    std::str::from_utf8(part).map_err(|bad| {
        let at = start + bad.valid_up_to();
        Error::new(
            ErrorKind::Utf8,
            "this is not UTF-8: convert the file, or read it with a format of bytes",
        )
        // Of the record; whoever knows where that begins makes it one of the file.
        .at(Position::in_input(at as u64))
        .because(Box::new(bad))
    })
}
