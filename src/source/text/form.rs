//! What lines of text and lines of bytes have in common, so that everything else is written once.

use std::ops::Range;
use std::path::Path;

use super::span;
use crate::error::{Error, ErrorKind, Position};

mod sealed {
    pub trait Sealed {}
    impl Sealed for str {}
    impl Sealed for [u8] {}
}

/// A form that lines can have: `str`, which is checked to be UTF-8, or `[u8]`, which is not.
pub trait Form: sealed::Sealed + ToOwned<Owned: Send + Sync> + Send + Sync + 'static {
    /// The bytes of it.
    #[doc(hidden)]
    fn bytes(&self) -> &[u8];
    /// A part of it, between line ends.
    #[doc(hidden)]
    fn part(&self, part: Range<usize>) -> &Self;
    /// Makes it of bytes; the offset of the first byte that cannot be part of it otherwise.
    #[doc(hidden)]
    fn of(bytes: Vec<u8>) -> Result<Self::Owned, usize>;
    /// The same of borrowed bytes.
    #[doc(hidden)]
    fn view(bytes: &[u8]) -> Result<&Self, usize>;
    /// It as a whole, if the text was checked already.
    #[doc(hidden)]
    fn checked<'t>(bytes: &'t [u8], text: Option<&'t str>) -> Option<&'t Self>;
    /// What a block of it is kept as.
    #[doc(hidden)]
    fn keep(owned: Self::Owned) -> Data;

    /// The lines that start in a piece of a file, of which a buffer holds the part from `start`. With them goes
    /// where in the buffer they begin. Otherwise, where in the buffer the first bad byte is.
    #[doc(hidden)]
    fn lines<'t>(
        bytes: &'t [u8],
        text: Option<&'t str>,
        start: u64,
        piece: &Range<u64>,
    ) -> Result<(usize, &'t Self), usize> {
        let lines = span::lines_in(bytes, start, piece);
        let at = lines.start;
        let found = match Self::checked(bytes, text) {
            Some(whole) => whole.part(lines),
            None => Self::view(&bytes[lines]).map_err(|bad| at + bad)?,
        };
        Ok((at, found))
    }
}

/// What a block of a text is kept as, by the flow that needed it first.
#[doc(hidden)]
#[derive(Debug)]
pub enum Data {
    /// It was checked when it was read.
    Text(String),
    /// It was not; a flow that wants text checks what it takes.
    Bytes(Vec<u8>),
}

impl Form for str {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    #[inline]
    fn part(&self, part: Range<usize>) -> &str {
        &self[part]
    }

    fn of(bytes: Vec<u8>) -> Result<String, usize> {
        String::from_utf8(bytes).map_err(|e| e.utf8_error().valid_up_to())
    }

    fn view(bytes: &[u8]) -> Result<&str, usize> {
        std::str::from_utf8(bytes).map_err(|e| e.valid_up_to())
    }

    fn checked<'t>(_: &'t [u8], text: Option<&'t str>) -> Option<&'t str> {
        text
    }

    fn keep(owned: String) -> Data {
        Data::Text(owned)
    }
}

impl Form for [u8] {
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline]
    fn part(&self, part: Range<usize>) -> &[u8] {
        &self[part]
    }

    fn of(bytes: Vec<u8>) -> Result<Vec<u8>, usize> {
        Ok(bytes)
    }

    fn view(bytes: &[u8]) -> Result<&[u8], usize> {
        Ok(bytes)
    }

    fn checked<'t>(bytes: &'t [u8], _: Option<&'t str>) -> Option<&'t [u8]> {
        Some(bytes)
    }

    fn keep(owned: Vec<u8>) -> Data {
        Data::Bytes(owned)
    }
}

/// The error for a byte that is not UTF-8.
#[cold]
pub(crate) fn utf8_error(file: Option<&Path>, byte: u64) -> Error {
    let error = Error::new(
        ErrorKind::Utf8,
        "not UTF-8; for text in another encoding take its lines as bytes, \
         with `from_byte_lines` or `read_byte_lines`",
    );
    match file {
        Some(file) => error.at(Position::in_file(file, byte)),
        None => error,
    }
}
