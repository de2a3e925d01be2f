//! Where the last complete record ends in a part of a file that begins with one.
//!
//! Only line ends outside of quotes and comments count, and a quote counts only where a field begins, a comment where a record
//! does; so it is a walk from one of these to the next, and without them one look from behind.

use memchr::{memchr, memchr2, memrchr2};

use super::dialect::Dialect;

/// Where the last record, or comment, ends whose end is there; `None` if there is none.
pub(super) fn last_end(dialect: Dialect, bytes: &[u8]) -> Option<usize> {
    let Dialect {
        delimiter, quote, ..
    } = dialect;
    let line_end = |part: &[u8]| memrchr2(b'\n', b'\r', part).map(|at| at + 1);
    let opening = |part: &[u8]| match dialect.comment {
        Some(comment) => memchr2(quote, comment, part),
        None => memchr(quote, part),
    };
    let mut last = None;
    // What is looked at lies outside of quotes and comments from `open` on, and nothing before `at` begins either.
    let (mut open, mut at) = (0, 0);
    loop {
        let Some(found) = opening(&bytes[at..]) else {
            return line_end(&bytes[open..]).map_or(last, |len| Some(open + len));
        };
        let begin = at + found;
        at = begin + 1;
        let quoted = bytes[begin] == quote;
        let begins = match bytes[..begin].last() {
            None | Some(b'\n' | b'\r') => true,
            Some(&before) => quoted && before == delimiter,
        };
        if !begins {
            continue;
        }
        if let Some(len) = line_end(&bytes[open..begin]) {
            last = Some(open + len);
        }
        if quoted {
            match dialect.closing(bytes, at) {
                Some(close) => (open, at) = (close + 1, close + 1),
                None => return last,
            }
        } else {
            match comment_end(&bytes[begin..]) {
                Some(len) => (open, at) = (begin + len, begin + len),
                None => return last,
            }
            last = Some(open);
        }
    }
}

/// Where a comment that begins here ends; a carriage return is a part of it.
pub(super) fn comment_end(bytes: &[u8]) -> Option<usize> {
    memchr(b'\n', bytes).map(|at| at + 1)
}

impl Dialect {
    /// The first byte that says more than itself within quotes: another quote, or an escape.
    #[inline]
    pub(super) fn special(self, bytes: &[u8]) -> Option<usize> {
        match self.escape {
            Some(escape) => memchr2(self.quote, escape, bytes),
            None => memchr(self.quote, bytes),
        }
    }

    /// The quote that closes a field whose text begins here; doubled and escaped ones do not.
    pub(super) fn closing(self, bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let found = at + self.special(bytes.get(at..)?)?;
            if bytes[found] == self.quote && bytes.get(found + 1) != Some(&self.quote) {
                return Some(found);
            }
            at = found + 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(last_end(Dialect::DEFAULT, text.as_bytes()), end, "{text:?}");
        }
    }

    #[test]
    fn comments_and_escapes_hide_what_is_in_them() {
        let dialect = Dialect {
            comment: Some(b'#'),
            escape: Some(b'\\'),
            ..Dialect::DEFAULT
        };
        for (text, end) in [
            ("#", None),
            ("# \"a\r", None),
            ("# \"a\n", Some(5)),
            ("a\n# \"", Some(2)),
            ("a\r# \"\n\"b\n", Some(6)),
            ("a#\"\nb", Some(4)),
            ("\"a\"#\"\nb", Some(6)),
            ("\"\n#\"\n#\n#", Some(7)),
            ("\"\\\"\n", None),
            ("\"\\\"\"\n", Some(5)),
            ("a\n\"\\", Some(2)),
            ("\\\"\n", Some(3)),
        ] {
            assert_eq!(last_end(dialect, text.as_bytes()), end, "{text:?}");
        }
    }
}
