//! Which lines start in a part of a buffer, and where each of them ends: the arithmetic of line ends, and no more.
//!
//! Lines are those of `str::lines`: ended by `\n` or `\r\n`, the last one perhaps by the end of the buffer.

use std::ops::Range;

/// The bytes of the lines that start in a piece of a file, as a part of a buffer that holds the file from `start`
/// and ends at a line end or at the end of the file.
pub(crate) fn lines_in(buffer: &[u8], start: u64, piece: &Range<u64>) -> Range<usize> {
    let offset = |at: u64| (at.saturating_sub(start) as usize).min(buffer.len());
    let (from, to) = (offset(piece.start), offset(piece.end));
    // A line starts where the buffer does, and after every line end before `to`.
    let first = match from {
        0 => Some(0),
        from => memchr::memchr(b'\n', &buffer[from - 1..to.max(from) - 1]).map(|i| from + i),
    };
    match first {
        Some(first) if first < to => first..line_end(buffer, to - 1),
        _ => 0..0,
    }
}

/// Where the line that the byte at `at` belongs to ends, its line end included.
fn line_end(buffer: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &buffer[at..]).map_or(buffer.len(), |i| at + i + 1)
}

/// The first line of what is left: its length without the line end, and with it.
#[inline]
pub(crate) fn first_line(rest: &[u8]) -> (usize, usize) {
    match newline(rest) {
        Some(0) => (0, 1),
        Some(at) => (at - usize::from(rest[at - 1] == b'\r'), at + 1),
        None => (rest.len(), rest.len()),
    }
}

/// How far to look word by word before the call of `memchr`, which is faster for long lines only, is worth it.
const NEAR: usize = 48;

/// The first `\n`.
#[inline]
fn newline(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let mut rest = bytes;
    let mut at = 0;
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        // A byte of `other` is zero where the word has a line end; the lowest bit of `hits` is the first of them.
        let other = u64::from_le_bytes(*word) ^ (ONES * b'\n' as u64);
        let hits = other.wrapping_sub(ONES) & !other & HIGH;
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize / 8);
        }
        rest = tail;
        at += 8;
        if at == NEAR {
            break;
        }
    }
    memchr::memchr(b'\n', rest).map(|i| at + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_line_end_at_every_distance() {
        for len in 0..200 {
            for at in 0..len {
                let mut bytes = vec![0x0b; len];
                bytes[at] = b'\n';
                bytes[at + 1..].fill(b'\n');
                assert_eq!(newline(&bytes), Some(at));
            }
            assert_eq!(newline(&vec![0x8a; len]), None);
        }
    }

    #[test]
    fn strips_what_str_lines_strips() {
        for text in ["a\nb", "a\r\nb", "\n", "\r\n", "\r", "a\r", "a\r\r\n", "ab"] {
            let (line, with_end) = first_line(text.as_bytes());
            assert_eq!(text.lines().next(), Some(&text[..line]), "{text:?}");
            assert_eq!(with_end, text.find('\n').map_or(text.len(), |i| i + 1));
        }
    }

    #[test]
    fn every_line_belongs_to_the_piece_it_starts_in() {
        let text = b"ab\n\ncdefgh\n\n\nx\nlast";
        let starts: Vec<usize> = (0..text.len())
            .filter(|&i| i == 0 || text[i - 1] == b'\n')
            .collect();
        for from in 0..text.len() {
            for to in from..=text.len() + 3 {
                let lines = lines_in(text, 100, &(100 + from as u64..100 + to as u64));
                let own: Vec<_> = starts
                    .iter()
                    .copied()
                    .filter(|s| (from..to).contains(s))
                    .collect();
                let found: Vec<_> = starts
                    .iter()
                    .copied()
                    .filter(|s| lines.contains(s))
                    .collect();
                assert_eq!(found, own, "{from}..{to}");
                if let Some(&first) = own.first() {
                    assert_eq!(lines.start, first);
                    let next = starts.iter().find(|&&s| s >= to);
                    assert_eq!(lines.end, next.copied().unwrap_or(text.len()));
                } else {
                    assert!(lines.is_empty());
                }
            }
        }
    }

    #[test]
    fn a_piece_may_begin_before_the_buffer() {
        assert_eq!(lines_in(b"ab\ncd\n", 10, &(4..11)), 0..3);
        assert_eq!(lines_in(b"ab\ncd\n", 10, &(4..10)), 0..0);
        assert_eq!(lines_in(b"", 10, &(4..30)), 0..0);
    }
}
