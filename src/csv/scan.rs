//! The fields of a record: a look at eight bytes at a time for delimiters and line ends.
//!
//! A field is a range of the record. One that is not as it stands there (a doubled quote, an escape, text behind a closing
//! quote) is only marked, and made when it is known to be text.

use memchr::memchr3;

use super::dialect::Dialect;

/// A field, by its place in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Whether it begins within quotes and goes on with something else than plain text.
    pub(super) escaped: bool,
}

/// A record that was looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scanned {
    /// The bytes of the record with its line end.
    pub(super) len: usize,
    /// Whether any field is escaped.
    pub(super) escaped: bool,
}

/// The lowest bit of each byte.
const LOW: u64 = 0x0101_0101_0101_0101;
/// All but the highest bit of each byte.
const BELOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// The highest bit of each byte that may matter: a delimiter, or one below 14, as line ends are.
#[inline]
fn marks(word: u64, delimiter: u64) -> u64 {
    let other = word ^ delimiter;
    let not_delimiter = ((other & BELOW) + BELOW) | other;
    let not_low = ((word & BELOW) + LOW * (0x80 - 14)) | word;
    !(not_delimiter & not_low) & !BELOW
}

impl Dialect {
    /// The fields of the record that `bytes` begin with, which is no blank line.
    #[inline]
    pub(super) fn scan(self, bytes: &[u8], fields: &mut Vec<Field>) -> Scanned {
        let wide = LOW * u64::from(self.delimiter);
        fields.clear();
        let mut escaped = false;
        // The field begins at `start`; what is before `at` is no end of it.
        let (mut start, mut at) = (0, 0);
        'field: loop {
            if bytes.get(start) == Some(&self.quote) {
                let (field, end) = self.quoted(bytes, start + 1);
                fields.push(field);
                escaped |= field.escaped;
                if bytes.get(end) == Some(&self.delimiter) {
                    (start, at) = (end + 1, end + 1);
                    continue 'field;
                }
                return Scanned {
                    len: with_line_end(bytes, end),
                    escaped,
                };
            }
            while let Some(word) = bytes.get(at..at + 8) {
                let mut found = marks(eight(word), wide);
                while found != 0 {
                    let end = at + (found.trailing_zeros() / 8) as usize;
                    found &= found - 1;
                    let byte = bytes[end];
                    if byte == self.delimiter {
                        fields.push(plain(start, end));
                        start = end + 1;
                        if bytes.get(start) == Some(&self.quote) {
                            at = start;
                            continue 'field;
                        }
                    } else if byte == b'\n' || byte == b'\r' {
                        fields.push(plain(start, end));
                        return Scanned {
                            len: with_line_end(bytes, end),
                            escaped,
                        };
                    }
                }
                at += 8;
            }
            // Fewer than eight bytes are left of the block.
            while let Some(&byte) = bytes.get(at) {
                at += 1;
                if byte == self.delimiter {
                    fields.push(plain(start, at - 1));
                    start = at;
                    continue 'field;
                } else if byte == b'\n' || byte == b'\r' {
                    fields.push(plain(start, at - 1));
                    return Scanned {
                        len: with_line_end(bytes, at - 1),
                        escaped,
                    };
                }
            }
            fields.push(plain(start, bytes.len()));
            return Scanned {
                len: bytes.len(),
                escaped,
            };
        }
    }

    /// A field whose text begins behind a quote, and where the delimiter or line end behind it is.
    fn quoted(self, bytes: &[u8], start: usize) -> (Field, usize) {
        let Some(close) = self.closing(bytes, start) else {
            // It is never closed: it goes to the end of the file.
            let rest = &bytes[start..];
            let escaped = self.special(rest).is_some();
            return (field(start, bytes.len(), escaped), bytes.len());
        };
        let behind = close + 1;
        let end = match bytes.get(behind) {
            None => behind,
            Some(&byte) if byte == self.delimiter || byte == b'\n' || byte == b'\r' => behind,
            Some(_) => {
                let next = memchr3(self.delimiter, b'\n', b'\r', &bytes[behind..]);
                next.map_or(bytes.len(), |len| behind + len)
            }
        };
        // The first quote in it closes it, unless it is one of two, or escaped.
        let first = self.special(&bytes[start..end]);
        let is_plain = end == behind && first == Some(close - start);
        if is_plain {
            (field(start, close, false), end)
        } else {
            (field(start, end, true), end)
        }
    }

    /// The text of an escaped field: of two quotes one, what is behind an escape, and no closing quote.
    pub(super) fn unescape(self, text: &str, into: &mut String) {
        let mut rest = text;
        while let Some(at) = self.special(rest.as_bytes()) {
            let (before, from) = rest.split_at(at);
            into.push_str(before);
            rest = &from[1..];
            let quote = from.as_bytes()[0] == self.quote;
            if quote && rest.as_bytes().first() != Some(&self.quote) {
                // It was the closing one; others behind it stand for themselves.
                break;
            }
            if let Some(kept) = rest.chars().next() {
                into.push(kept);
                rest = &rest[kept.len_utf8()..];
            }
        }
        into.push_str(rest);
    }
}

#[inline]
fn eight(word: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(word);
    u64::from_le_bytes(bytes)
}

#[inline]
fn plain(start: usize, end: usize) -> Field {
    field(start, end, false)
}

/// Records are shorter than 2³² bytes: see [`Files::longest`](crate::read::Files::longest).
#[inline]
fn field(start: usize, end: usize, escaped: bool) -> Field {
    Field {
        start: start as u32,
        end: end as u32,
        escaped,
    }
}

/// Where a line end at `end` ends.
#[inline]
fn with_line_end(bytes: &[u8], end: usize) -> usize {
    match (bytes.get(end), bytes.get(end + 1)) {
        (Some(b'\r'), Some(b'\n')) => end + 2,
        (Some(_), _) => end + 1,
        (None, _) => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_marked_as_it_should() {
        for delimiter in [b',', b'\t', b'|', 0x7f] {
            for byte in 0..=255u8 {
                for place in 0..8 {
                    let mut word = *b"aaaaaaaa";
                    word[place] = byte;
                    let expected = if byte == delimiter || byte < 14 {
                        0x80 << (8 * place)
                    } else {
                        0
                    };
                    let found = marks(u64::from_le_bytes(word), LOW * u64::from(delimiter));
                    assert_eq!(found, expected, "{byte} at {place}");
                }
            }
        }
    }
}
