//! Lines of a file by the bytes in them: counted for those who ask, each from the nearest one that is known.
//!
//! Many rejected rows of a file are not to read it from its beginning each. What is known is bounded.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Lines that are remembered.
const KNOWN: usize = 4096;

/// The lines of one file at a time.
#[derive(Debug, Default)]
pub(super) struct Lines {
    file: Option<Arc<Path>>,
    known: BTreeMap<u64, u64>,
}

impl Lines {
    /// The line that a byte of a file is in, counted from one; `None` when the file cannot be read that far any more.
    pub(super) fn of(&mut self, file: &Arc<Path>, byte: u64) -> Option<u64> {
        if self.file.as_ref() != Some(file) {
            self.file = Some(file.clone());
            self.known.clear();
        }
        let before = self.known.range(..=byte).next_back();
        let from = before.map_or((0, 1), |(byte, line)| (*byte, *line));
        let line = crate::source::line_of(file, byte, from)?;
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        self.known.insert(byte, line);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_in_any_order() {
        let dir = tempfile::tempdir().unwrap();
        let path: Arc<Path> = dir.path().join("text").into();
        let text = "a line\n\nanother\n".repeat(2_000);
        std::fs::write(&path, &text).unwrap();
        let line = |byte: u64| 1 + text[..byte as usize].matches('\n').count() as u64;
        let other: Arc<Path> = dir.path().join("other").into();
        std::fs::write(&other, "\n\n\n").unwrap();
        let mut lines = Lines::default();
        let size = text.len() as u64;
        for n in 0..6_000 {
            let byte = n * 7919 % (size + 1);
            assert_eq!(lines.of(&path, byte), Some(line(byte)));
            assert!(lines.known.len() <= KNOWN);
            if n % 1_000 == 0 {
                assert_eq!(lines.of(&other, 2), Some(3));
            }
        }
        assert_eq!(lines.of(&path, size + 1), None);
    }
}
