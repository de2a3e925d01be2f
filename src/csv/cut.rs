//! Where the last complete record ends in a part of a file that begins with one.
//!
//! Only line ends outside of quotes count, and a quote counts only where a field begins; so it is a walk from quote to quote, and
//! without quotes one look from behind.

use memchr::{memchr, memrchr2};

use super::dialect::Dialect;

/// Where the last record ends whose end is there; `None` if there is none.
pub(super) fn last_end(dialect: Dialect, bytes: &[u8]) -> Option<usize> {
    let Dialect {
        delimiter, quote, ..
    } = dialect;
    let line_end = |part: &[u8]| memrchr2(b'\n', b'\r', part).map(|at| at + 1);
    let mut last = None;
    // What is looked at lies outside of quotes from `open` on, and has no quote that counts before `at`.
    let (mut open, mut at) = (0, 0);
    loop {
        let Some(found) = memchr(quote, &bytes[at..]) else {
            return line_end(&bytes[open..]).map_or(last, |len| Some(open + len));
        };
        let begin = at + found;
        at = begin + 1;
        let begins = match bytes[..begin].last() {
            None | Some(b'\n' | b'\r') => true,
            Some(&before) => before == delimiter,
        };
        if !begins {
            continue;
        }
        if let Some(len) = line_end(&bytes[open..begin]) {
            last = Some(open + len);
        }
        match closing(quote, bytes, at) {
            Some(close) => (open, at) = (close + 1, close + 1),
            None => return last,
        }
    }
}

/// The quote that closes a field whose text begins here; doubled ones do not.
pub(super) fn closing(quote: u8, bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let close = at + memchr(quote, &bytes[at..])?;
        if bytes.get(close + 1) != Some(&quote) {
            return Some(close);
        }
        at = close + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: Dialect = Dialect {
        delimiter: b',',
        quote: b'"',
        headers: true,
        flexible: false,
        trim: false,
    };

    #[test]
    fn line_ends_within_quotes_do_not_count() {
        for (text, end) in [
            ("", None),
            ("a,b", None),
            ("a,b\nc", Some(4)),
            ("a,b\r\nc", Some(5)),
            ("a\rb", Some(2)),
            ("a\n\"b\nc", Some(2)),
            ("a\n\"b\nc\"", Some(2)),
            ("a\n\"b\nc\"\n", Some(8)),
            ("a,\"b\"\"\n\"\"\n\",c\nd", Some(14)),
            ("a\"b\nc", Some(4)),
            ("\"a\"b\"\nc", Some(6)),
            ("\"a\n", None),
            ("\"\n\"\"", None),
        ] {
            assert_eq!(last_end(DIALECT, text.as_bytes()), end, "{text:?}");
        }
    }
}
