//! `Csv`: the dialect of a file, what a row becomes, and the format that both make.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::make::{Make, Mapped, Rows};
use super::record::Record;
use super::{Parser, cut};
use crate::error::{BoxError, Error, ErrorKind};
use crate::read::{Format, Rest};

/// CSV: a format for [`Flow::read`](crate::Flow::read).
///
/// [`Csv::rows`] makes a struct of each row by serde, [`Csv::map`] what a closure makes of its fields, which are
/// borrowed from the block that was read: no string is made of a row.
///
/// The first row of each file has the names of its columns, unless [`headers`](Csv::headers) says otherwise; a file that has
/// only that, or nothing, gives no rows. Each file may have its columns in an order of its own.
///
/// A row with more or fewer fields than the first is an error, unless the format is [`flexible`](Csv::flexible). So is
/// one whose fields do not become what they should; its message has the name of the column and what is in it. Both are of
/// kind [`Row`](ErrorKind::Row), with file, byte and line.
#[derive(Clone, Copy)]
pub struct Csv<M> {
    pub(super) dialect: Dialect,
    pub(super) make: M,
}

/// How rows are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quote: u8,
    /// What a line begins with that is a comment.
    pub(super) comment: Option<u8>,
    /// What takes the meaning of the byte behind it, within quotes.
    pub(super) escape: Option<u8>,
    pub(super) headers: bool,
    pub(super) flexible: bool,
    pub(super) trim: bool,
}

impl Csv<()> {
    /// Each row as a struct (or tuple, or map), by serde: a field of the struct is the column of that name.
    ///
    /// Without headers the fields are taken in their order. The type owns what it has; one with a `&str` in it is for
    /// [`Record::deserialize`] in [`Csv::map`].
    ///
    /// ```
    /// use millstream::csv::Csv;
    /// use millstream::read::Files;
    /// use millstream::{ErrorKind, Flow};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct City {
    ///     name: String,
    ///     people: Option<u32>,
    /// }
    ///
    /// let text = Files::reader("cities.csv", "name,people\nAbha,1093705\nUlm,\n".as_bytes());
    /// let known = Flow::read(text, Csv::rows::<City>()).filter(|city| city.people.is_some());
    /// assert_eq!(known.map(|city| city.name).collect_vec()?, ["Abha"]);
    ///
    /// let text = Files::reader("cities.csv", "name,people\nAbha,many\n".as_bytes());
    /// let error = Flow::read(text, Csv::rows::<City>()).count().unwrap_err();
    /// assert_eq!((error.kind(), error.position().unwrap().line), (ErrorKind::Row, Some(2)));
    /// assert!(error.message().contains("column `people`"));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn rows<T: DeserializeOwned>() -> Csv<Rows<T>> {
        Csv::with(Rows(PhantomData))
    }

    /// What a closure makes of each row, whose fields are borrowed.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::{Csv, Record};
    /// use millstream::read::Files;
    ///
    /// let text = Files::reader("items.csv", "item,price\nbolt,12\nnut,3\n".as_bytes());
    /// let prices = Csv::map(|row: &Record<'_>| row.parse::<u64>("price"));
    /// assert_eq!(Flow::read(text, prices).sum::<u64>()?, 15);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map<F, U, E>(f: F) -> Csv<Mapped<F>>
    where
        F: Fn(&Record<'_>) -> Result<U, E> + Send + Sync,
        E: Into<BoxError>,
    {
        Csv::with(Mapped(f))
    }
}

impl<M> Csv<M> {
    fn with(make: M) -> Self {
        Csv {
            dialect: Dialect::DEFAULT,
            make,
        }
    }

    /// What stands between two fields: a comma by default. It is an ASCII character, and no line end.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::{Csv, Record};
    /// use millstream::read::Files;
    ///
    /// let text = Files::reader("tab", "a\tb\n1\t2\n".as_bytes());
    /// let second = Csv::map(|row: &Record<'_>| row.parse::<u32>("b")).delimiter(b'\t');
    /// assert_eq!(Flow::read(text, second).sum::<u32>()?, 2);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.dialect.delimiter = delimiter;
        self
    }

    /// What stands around a field with delimiters or line ends in it: `"` by default. It is an ASCII character; two in a row
    /// within such a field stand for one.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::{Csv, Record};
    /// use millstream::read::Files;
    ///
    /// let text = Files::reader("quotes", "a\n'it''s'\n".as_bytes());
    /// let first = Csv::map(|row: &Record<'_>| row.parse::<String>(0)).quote(b'\'');
    /// assert_eq!(Flow::read(text, first).collect_vec()?, ["it's"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn quote(mut self, quote: u8) -> Self {
        self.dialect.quote = quote;
        self
    }

    /// What a line begins with that is a comment, which is left out: nothing, by default. It is an ASCII character. A comment ends
    /// with `\n`, and may stand in front of the names of the columns; one begins only where a row could.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::{Csv, Record};
    /// use millstream::read::Files;
    ///
    /// let text = Files::reader("notes", "# 2024, \"May\na,b\n1,#\n# the \"rest\n2,3\n".as_bytes());
    /// let first = Csv::map(|row: &Record<'_>| row.parse::<u32>("a")).comment(b'#');
    /// assert_eq!(Flow::read(text, first).sum::<u32>()?, 3);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn comment(mut self, comment: u8) -> Self {
        self.dialect.comment = Some(comment);
        self
    }

    /// What makes the character behind it stand for itself, within a quoted field: nothing, by default. It is an ASCII character;
    /// two quotes still stand for one. Outside of quotes it is a character as others are.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::{Csv, Record};
    /// use millstream::read::Files;
    ///
    /// let text = Files::reader("escapes", "a\n\"5\\\" or \\\\\"\n".as_bytes());
    /// let first = Csv::map(|row: &Record<'_>| row.parse::<String>(0)).escape(b'\\');
    /// assert_eq!(Flow::read(text, first).collect_vec()?, ["5\" or \\"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn escape(mut self, escape: u8) -> Self {
        self.dialect.escape = Some(escape);
        self
    }

    /// Whether the first row of a file has the names of its columns: it has, by default.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::Csv;
    /// use millstream::read::Files;
    ///
    /// let text = Files::reader("pairs", "1,one\n2,two\n".as_bytes());
    /// let pairs = Flow::read(text, Csv::rows::<(u32, String)>().headers(false));
    /// assert_eq!(pairs.count()?, 2);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn headers(mut self, headers: bool) -> Self {
        self.dialect.headers = headers;
        self
    }

    /// Whether rows may have more or fewer fields than the first row of their file: they may not, by default.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::{Csv, Record};
    /// use millstream::read::Files;
    ///
    /// let text = || Files::reader("rows", "a,b\n1,2\n3\n".as_bytes());
    /// let fields = || Csv::map(|row: &Record<'_>| Ok::<_, millstream::Error>(row.len()));
    /// assert_eq!(Flow::read(text(), fields().flexible(true)).sum::<usize>()?, 3);
    /// assert!(Flow::read(text(), fields()).sum::<usize>().is_err());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn flexible(mut self, flexible: bool) -> Self {
        self.dialect.flexible = flexible;
        self
    }

    /// Whether white space around fields and names is left out: it is not, by default.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::{Csv, Record};
    /// use millstream::read::Files;
    ///
    /// let text = Files::reader("rows", "a, b\n1, 2\n".as_bytes());
    /// let second = Csv::map(|row: &Record<'_>| row.parse::<u32>("b")).trim(true);
    /// assert_eq!(Flow::read(text, second).sum::<u32>()?, 2);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn trim(mut self, trim: bool) -> Self {
        self.dialect.trim = trim;
        self
    }
}

impl Dialect {
    /// That of the `csv` crate.
    pub(super) const DEFAULT: Dialect = Dialect {
        delimiter: b',',
        quote: b'"',
        comment: None,
        escape: None,
        headers: true,
        flexible: false,
        trim: false,
    };

    /// Whether it can be read at all.
    fn check(self) -> Result<(), Error> {
        let special = [
            Some(self.delimiter),
            Some(self.quote),
            self.comment,
            self.escape,
        ];
        let special: Vec<u8> = special.into_iter().flatten().collect();
        let wrong = |byte: &u8| !byte.is_ascii() || matches!(byte, b'\n' | b'\r');
        let twice = (1..special.len()).any(|n| special[..n].contains(&special[n]));
        if twice || special.iter().any(wrong) {
            let message = "the delimiter and the quote of CSV, and its comment and escape if it has them, are different ASCII \
                           characters, and no line ends: give others to `delimiter`, `quote`, `comment` and `escape`";
            return Err(Error::new(ErrorKind::Option, message));
        }
        Ok(())
    }

    /// How many bytes in front of a record are line ends and comments.
    #[inline]
    fn blank(self, bytes: &[u8]) -> usize {
        match bytes.first() {
            Some(b'\n' | b'\r') => self.gap(bytes),
            Some(_) if bytes.first() == self.comment.as_ref() => self.gap(bytes),
            _ => 0,
        }
    }

    /// The same where there are some.
    fn gap(self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            at += match byte {
                b'\n' | b'\r' => 1,
                _ if Some(*byte) == self.comment => {
                    let rest = &bytes[at..];
                    cut::comment_end(rest).unwrap_or(rest.len())
                }
                _ => break,
            };
        }
        at
    }
}

impl<M: Make> Format for Csv<M> {
    type Item = M::Item;
    type Parser = Parser;

    fn parser(&self, head: &[u8]) -> Result<Parser, BoxError> {
        self.dialect.check()?;
        Ok(Parser::new(self.dialect, head)?)
    }

    fn framing(&self) -> String {
        let dialect = self.dialect;
        let head = if dialect.headers { "a head" } else { "no head" };
        let mut words = format!(
            "CSV with {:?}, {:?}, {head}",
            char::from(dialect.delimiter),
            char::from(dialect.quote)
        );
        // What was written before they could be set goes on where they are not.
        for (name, byte) in [("comments", dialect.comment), ("escapes", dialect.escape)] {
            if let Some(byte) = byte {
                words += &format!(", {name} {:?}", char::from(byte));
            }
        }
        words
    }

    fn last_end(&self, bytes: &[u8]) -> Option<usize> {
        cut::last_end(self.dialect, bytes)
    }

    fn head(&self, bytes: &[u8]) -> usize {
        if self.dialect.headers || !self.dialect.flexible {
            self.dialect.scan(bytes, &mut Vec::new()).len
        } else {
            0
        }
    }

    fn head_is_record(&self) -> bool {
        !self.dialect.headers
    }

    #[inline]
    fn skip(&self, bytes: &[u8]) -> usize {
        self.dialect.blank(bytes)
    }

    #[inline]
    fn record(&self, parser: &mut Parser, rest: Rest<'_>) -> (usize, Result<M::Item, BoxError>) {
        let scanned = self.dialect.scan(rest.bytes(), &mut parser.fields);
        (scanned.len, parser.record(rest, scanned, &self.make))
    }
}

impl<M> fmt::Debug for Csv<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csv")
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}
