//! Reading the lines that start in a block of a file into a buffer of their own, once.
//!
//! The buffer begins at the first of these lines and ends with the end of the last, however far that is. So a line
//! that fills many blocks is read once, by the block it starts in, and the others hold nothing.

use std::ops::Range;
use std::sync::{Mutex, OnceLock};

use super::Block;
use super::file::OpenFile;
use super::form::{Form, utf8_error};
use crate::error::Error;
use crate::run::lock;

/// How far behind a block the end of its last line is looked for at first.
const TAIL: u64 = 512;

/// How much is read at first to find where the first line of a block starts.
const PROBE: u64 = 256;

/// A value that the first who needs it makes; the others wait for it. If making it fails, the next one tries again.
#[derive(Debug)]
pub(crate) struct Lazy<T> {
    value: OnceLock<T>,
    making: Mutex<()>,
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Lazy {
            value: OnceLock::new(),
            making: Mutex::new(()),
        }
    }
}

impl<T> Lazy<T> {
    /// The value, if it was made.
    #[inline]
    pub(crate) fn made(&self) -> Option<&T> {
        self.value.get()
    }

    pub(crate) fn get(&self, make: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
        if let Some(value) = self.made() {
            return Ok(value);
        }
        let _making = lock(&self.making);
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let value = make()?;
        Ok(self.value.get_or_init(|| value))
    }
}

/// Reads and checks the lines that start in a block.
pub(crate) fn load<F: Form + ?Sized>(
    file: &OpenFile,
    block: &Range<u64>,
) -> Result<Block<F::Owned>, Error> {
    let (start, bytes) = match first_start(file, block)? {
        Some(start) => (start, read_lines(file, start, block.end)?),
        None => (block.start, Vec::new()),
    };
    match F::of(bytes) {
        Ok(data) => Ok(Block { start, data }),
        Err(bad) => Err(utf8_error(Some(&file.name), start + bad as u64)),
    }
}

/// Where the first line that starts in a block does.
fn first_start(file: &OpenFile, block: &Range<u64>) -> Result<Option<u64>, Error> {
    if block.start == 0 {
        return Ok((block.end > 0).then_some(0));
    }
    // A line starts behind a line end, so the last byte of the block is of no interest, but the one before it is.
    let mut at = block.start - 1;
    let mut size = PROBE;
    let mut buffer = Vec::new();
    while at < block.end - 1 {
        buffer.resize(size.min(block.end - 1 - at) as usize, 0);
        file.read(&mut buffer, at)?;
        if let Some(i) = memchr::memchr(b'\n', &buffer) {
            return Ok(Some(at + i as u64 + 1));
        }
        at += buffer.len() as u64;
        size = (size * 8).min(64 * 1024);
    }
    Ok(None)
}

/// The bytes from the start of a line to the end of the last line that starts before `end`.
fn read_lines(file: &OpenFile, start: u64, end: u64) -> Result<Vec<u8>, Error> {
    let most = (file.len - start) as usize;
    let mut buffer = vec![0; most.min((end - start + TAIL) as usize)];
    file.read(&mut buffer, start)?;
    // If the byte before `end` is a line end, nothing behind it is ours.
    let mut seen = (end - start) as usize - 1;
    loop {
        if let Some(i) = memchr::memchr(b'\n', &buffer[seen..]) {
            buffer.truncate(seen + i + 1);
            break;
        }
        seen = buffer.len();
        if seen == most {
            break;
        }
        buffer.resize(most.min(2 * seen), 0);
        file.read(&mut buffer[seen..], start + seen as u64)?;
    }
    // Doubling for a long line may have reserved up to twice of what it needs.
    if buffer.capacity() - buffer.len() > buffer.len() / 4 + TAIL as usize {
        buffer.shrink_to_fit();
    }
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn opened(bytes: &[u8]) -> (tempfile::TempDir, OpenFile) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        std::fs::write(&path, bytes).unwrap();
        let file = OpenFile::open(&path).unwrap();
        (dir, file)
    }

    #[test]
    fn blocks_hold_the_lines_that_start_in_them() {
        let giant = "g".repeat(5000);
        for text in [
            "",
            "\n",
            "a",
            "ab\ncd\n\n\r\nefg",
            &format!("x\n{giant}\ny\n{giant}"),
        ] {
            let (_dir, file) = opened(text.as_bytes());
            for size in [1, 2, 3, 7, 64, 1024, 10_000] {
                let mut at = 0;
                let mut joined = Vec::new();
                for n in 0..file.len.div_ceil(size) {
                    let span = n * size..((n + 1) * size).min(file.len);
                    let block = load::<[u8]>(&file, &span).unwrap();
                    if block.data.is_empty() {
                        assert_eq!(block.start, span.start);
                        continue;
                    }
                    assert!(span.contains(&block.start));
                    assert_eq!(block.start, at);
                    at += block.data.len() as u64;
                    joined.extend(block.data);
                }
                assert_eq!(joined, text.as_bytes(), "blocks of {size}");
            }
        }
    }

    #[test]
    fn a_bad_byte_is_told_by_its_place_in_the_file() {
        let (_dir, file) = opened(b"good\nalso g\xc3\xb6\xc3\xb6d\nb\xffd\n");
        for size in [4, 8, 16, 1024] {
            let error = (0..file.len.div_ceil(size))
                .find_map(|n| load::<str>(&file, &(n * size..((n + 1) * size).min(file.len))).err())
                .expect("an error");
            assert_eq!(error.kind(), ErrorKind::Utf8);
            assert_eq!(error.position().unwrap().byte, 18);
            assert!(error.message().contains("from_byte_lines"));
        }
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let (dir, file) = opened(&b"0123456\n".repeat(100));
        std::fs::write(dir.path().join("text"), "0123456\n").unwrap();
        let error = load::<str>(&file, &(0..800)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains("shorter than when it was opened"));
        assert_eq!(error.position().unwrap().byte, 8);
    }

    #[test]
    fn what_failed_is_tried_again() {
        let lazy = Lazy::default();
        assert!(
            lazy.get(|| Err(Error::new(ErrorKind::Io, "not yet")))
                .is_err()
        );
        assert_eq!(*lazy.get(|| Ok(5)).unwrap(), 5);
        assert_eq!(*lazy.get(|| Ok(6)).unwrap(), 5);
    }
}
