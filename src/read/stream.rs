//! A file being read: block after block, each ending with a record.
//!
//! What is behind the last complete record is carried over to the next block. A block is read in full, whatever a single
//! read gives, so cuts depend on the file alone; only inputs that give something now and more later end a block early.

use std::io::{ErrorKind as Io, Read};
use std::sync::Arc;

use super::Format;
use super::block::{About, Block};
use super::files::Sizes;
use super::list::Entry;
use super::open::{Opened, open};
use crate::error::{Error, ErrorKind, Position};
use crate::run::Measure;

/// The mark that some editors put in front of UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// A file being read.
pub(super) struct Stream {
    input: Opened,
    sizes: Sizes,
    number: u64,
    /// Known once the first block has been read.
    about: Option<Arc<About>>,
    /// What was read behind the last block.
    carry: Vec<u8>,
    /// Where the next block begins: its number, byte and line.
    block: u64,
    byte: u64,
    line: u64,
    ended: bool,
}

impl Stream {
    pub(super) fn open(
        entry: Entry,
        number: u64,
        sizes: Sizes,
        (raw, text): (bool, bool),
        measure: Option<&Arc<Measure>>,
    ) -> Result<Self, Error> {
        let mut input = open(entry, raw, measure)?;
        let (mut carry, mut byte) = (Vec::new(), 0);
        if text {
            carry = input.first(&[&BYTE_ORDER_MARK])?;
            if carry == BYTE_ORDER_MARK {
                carry.clear();
                byte = BYTE_ORDER_MARK.len() as u64;
            }
        }
        Ok(Stream {
            input,
            sizes,
            number,
            about: None,
            carry,
            block: 0,
            byte,
            line: 1,
            ended: false,
        })
    }

    /// Whether all of it was given.
    pub(super) fn is_over(&self) -> bool {
        self.ended && self.carry.is_empty()
    }

    /// The next block, in a buffer that is not needed any more; `None` at the end.
    pub(super) fn next<F: Format>(
        &mut self,
        format: &F,
        mut buffer: Vec<u8>,
    ) -> Result<Option<Block>, Error> {
        buffer.clear();
        buffer.append(&mut self.carry);
        let mut size = self.sizes.of(self.block).max(buffer.len());
        let end = loop {
            if !self.ended {
                self.fill(&mut buffer, size)?;
            }
            if self.ended {
                break buffer.len();
            }
            match self.end_in(format, &buffer) {
                Some(end) => break end,
                None if self.input.live && buffer.len() < size => {}
                None if buffer.len() >= self.sizes.longest => {
                    return Err(self.too_long(format, &buffer));
                }
                // Twice as much each time, so that a long record is not looked at over and over.
                None => size = (2 * buffer.len()).clamp(size, self.sizes.longest.max(size)),
            }
        };
        if buffer.is_empty() {
            return Ok(None);
        }
        self.carry.extend_from_slice(&buffer[end..]);
        buffer.truncate(end);
        Ok(Some(self.block(format, buffer)))
    }

    /// Where a block of these bytes ends.
    fn end_in<F: Format>(&self, format: &F, bytes: &[u8]) -> Option<usize> {
        let end = format.last_end(bytes)?.min(bytes.len());
        // The first block has the head, and so at least one record.
        let blank = self.block == 0 && format.skip(&bytes[..end]) >= end;
        (end > 0 && !blank).then_some(end)
    }

    fn block<F: Format>(&mut self, format: &F, bytes: Vec<u8>) -> Block {
        let (mut first, mut head) = (0, Vec::new());
        if self.about.is_none() {
            let before = format.skip(&bytes).min(bytes.len());
            let len = format.head(&bytes[before..]).min(bytes.len() - before);
            head = bytes[before..before + len].to_vec();
            if !format.head_is_record() {
                first = before + len;
            }
        }
        let about = self.about.get_or_insert_with(|| {
            Arc::new(About {
                name: Arc::clone(&self.input.name),
                number: self.number,
                live: self.input.live,
                head,
            })
        });
        let about = Arc::clone(about);
        let (number, start) = (self.block, (self.byte, self.line));
        self.block += 1;
        self.byte += bytes.len() as u64;
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Block::new(about, number, bytes, start, first)
    }

    /// Reads until there is so much, or once if what has come is to be passed on.
    fn fill(&mut self, buffer: &mut Vec<u8>, size: usize) -> Result<(), Error> {
        let missing = size.saturating_sub(buffer.len());
        let read = if self.input.live {
            self.read_once(buffer, missing.max(1))
        } else {
            buffer.reserve(missing);
            let mut part = self.input.reader.by_ref().take(missing as u64);
            part.read_to_end(buffer).map(|read| read < missing)
        };
        let at = || Position::in_file(&self.input.name, self.byte + buffer.len() as u64);
        self.ended = read.map_err(|e| Error::io("read", &self.input.name, e).at(at()))?;
        Ok(())
    }

    /// One read; whether it was the end.
    fn read_once(&mut self, buffer: &mut Vec<u8>, most: usize) -> std::io::Result<bool> {
        let have = buffer.len();
        buffer.resize(have + most, 0);
        let read = loop {
            match self.input.reader.read(&mut buffer[have..]) {
                Err(e) if e.kind() == Io::Interrupted => {}
                read => break read,
            }
        };
        let got = read.as_ref().map_or(0, |&got| got.min(most));
        buffer.truncate(have + got);
        read.map(|got| got == 0)
    }

    #[cold]
    fn too_long<F: Format>(&self, format: &F, bytes: &[u8]) -> Error {
        let before = format.skip(bytes).min(bytes.len());
        let lines = memchr::memchr_iter(b'\n', &bytes[..before]).count() as u64;
        let message = format!(
            "the record that begins here is longer than {} bytes: perhaps a quote in it is not closed; `Files::longest` allows \
             longer ones",
            self.sizes.longest
        );
        let position = Position::in_file(&self.input.name, self.byte + before as u64);
        Error::new(ErrorKind::Row, message).at(position.with_line(self.line + lines))
    }
}
