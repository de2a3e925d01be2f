//! A block: some records of a file, with where in it they are. Whoever has one needs nobody else to read them.

use std::path::Path;
use std::sync::Arc;

use super::Rest;
use crate::error::Position;
use crate::run::Page;

/// Bits of the number of a split for the block; the others are for the file.
const BLOCKS: u32 = 32;

/// What the blocks of a file have in common.
#[derive(Debug)]
pub(super) struct About {
    pub(super) name: Arc<Path>,
    /// The place of the file in the input.
    pub(super) number: u64,
    /// Whether it cannot be read again: what was read of it is lost if nobody works on it.
    pub(super) live: bool,
    /// What the format wanted to keep of its beginning.
    pub(super) head: Vec<u8>,
}

/// Some records of a file.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) about: Arc<About>,
    /// Its place in the file.
    number: u64,
    data: Data,
    /// Where in the file, decompressed, it begins.
    start: u64,
    /// The line it begins with, counted from one.
    line: u64,
    /// Where the first record begins.
    pub(super) first: usize,
}

#[derive(Debug)]
enum Data {
    Text(String),
    /// It is not text, or it is not known to be: then each record is looked at by itself.
    Bytes(Vec<u8>),
}

impl Block {
    pub(super) fn new(
        about: Arc<About>,
        number: u64,
        bytes: Vec<u8>,
        (start, line): (u64, u64),
        first: usize,
    ) -> Self {
        Block {
            about,
            number,
            data: Data::Bytes(bytes),
            start,
            line,
            first,
        }
    }

    /// Looks whether it is text, once for all records, if it is to be.
    pub(super) fn checked_if(mut self, text: bool) -> Self {
        self.data = match self.data {
            Data::Bytes(bytes) if text => match String::from_utf8(bytes) {
                Ok(text) => Data::Text(text),
                Err(bad) => Data::Bytes(bad.into_bytes()),
            },
            data => data,
        };
        self
    }

    /// The buffer it is in, to be used again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        match self.data {
            Data::Text(text) => text.into_bytes(),
            Data::Bytes(bytes) => bytes,
        }
    }

    /// The number of this split of the input, which is the same in every run.
    pub(super) fn split(&self) -> u64 {
        self.about.number << BLOCKS | self.number
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.data {
            Data::Text(text) => text.as_bytes(),
            Data::Bytes(bytes) => bytes,
        }
    }

    /// A part of it, as a format sees it.
    #[inline]
    pub(super) fn rest(&self, at: usize, end: usize) -> Rest<'_> {
        if let Data::Text(text) = &self.data {
            // A format may end a record within a character; then records are looked at one by one.
            if let Some(rest) = text.get(at..end) {
                return Rest::of_text(rest);
            }
        }
        Rest::of_bytes(&self.bytes()[at..end])
    }

    /// Bytes from the start of the file of a place in the block.
    #[inline]
    pub(super) fn byte(&self, at: usize) -> u64 {
        self.start + at as u64
    }

    /// A place in the block, with its line.
    pub(super) fn position(&self, at: usize) -> Position {
        let byte = self.byte(at);
        let position = Position::in_file(&self.about.name, byte);
        match self.line_of(byte) {
            Some(line) => position.with_line(line),
            None => position,
        }
    }
}

impl Page for Block {
    fn line_of(&self, byte: u64) -> Option<u64> {
        let at = usize::try_from(byte.checked_sub(self.start)?).ok()?;
        let before = self.bytes().get(..at)?;
        Some(self.line + memchr::memchr_iter(b'\n', before).count() as u64)
    }
}
