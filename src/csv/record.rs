//! A row with fields that borrow from what was read, and what can be made of them.

use std::any::type_name;
use std::cell::OnceCell;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::Parser;
use crate::error::{Error, ErrorKind};

/// A row of a CSV file, in the closure of [`Csv::map`](super::Csv::map).
///
/// Fields are borrowed from the block that was read, or from a buffer where a quote had to be taken out.
///
/// ```
/// use millstream::Flow;
/// use millstream::csv::{Csv, Record};
/// use millstream::read::Files;
///
/// let text = Files::reader("items.csv", "item,price\n\"a \"\"big\"\" bolt\",12\n".as_bytes());
/// let items = Flow::read(text, Csv::map(|row: &Record<'_>| {
///     let item = row.name("item").unwrap_or_default();
///     assert_eq!((row.len(), row.get(0), row.get(2)), (2, Some(item), None));
///     Ok::<_, millstream::Error>((item.len(), row.parse::<u32>("price")?))
/// }));
/// assert_eq!(items.collect_vec()?, [(12, 12)]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Record<'r> {
    parser: &'r Parser,
    text: &'r str,
    unescaped: &'r str,
    /// The row as serde takes it, if somebody asked.
    whole: OnceCell<::csv::StringRecord>,
}

/// A column of a file: its place, counted from zero, or its name.
pub trait Column: fmt::Display {
    /// Its place in a row.
    fn place(&self, row: &Record<'_>) -> Option<usize>;
}

impl Column for usize {
    #[inline]
    fn place(&self, _row: &Record<'_>) -> Option<usize> {
        Some(*self)
    }
}

impl Column for str {
    #[inline]
    fn place(&self, row: &Record<'_>) -> Option<usize> {
        row.parser
            .names
            .as_ref()?
            .iter()
            .position(|name| name == self)
    }
}

impl<C: Column + ?Sized> Column for &C {
    #[inline]
    fn place(&self, row: &Record<'_>) -> Option<usize> {
        (**self).place(row)
    }
}

impl<'r> Record<'r> {
    pub(super) fn new(parser: &'r Parser, text: &'r str, unescaped: &'r str) -> Self {
        Record {
            parser,
            text,
            unescaped,
            whole: OnceCell::new(),
        }
    }

    /// How many fields it has: at least one.
    #[allow(clippy::len_without_is_empty, reason = "no row is empty")]
    pub fn len(&self) -> usize {
        self.parser.fields.len()
    }

    /// The field at a place, counted from zero.
    #[inline]
    pub fn get(&self, place: usize) -> Option<&'r str> {
        let field = self.parser.fields.get(place)?;
        let text = if field.escaped {
            self.unescaped
        } else {
            self.text
        };
        let text = text.get(field.start as usize..field.end as usize)?;
        Some(if self.parser.dialect.trim {
            text.trim()
        } else {
            text
        })
    }

    /// The field in the column of a name; `None` if there is no such column.
    #[inline]
    pub fn name(&self, name: &str) -> Option<&'r str> {
        self.get(name.place(self)?)
    }

    /// All fields, in their order.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'r str> + '_ {
        (0..self.len()).filter_map(|place| self.get(place))
    }

    /// What the field in a column is as a value of a type, by [`FromStr`]; the column is a name or a place.
    ///
    /// # Errors
    /// Of kind [`Row`](ErrorKind::Row), with the column and its text, if there is no such column or its text is no such
    /// value.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::{Csv, Record};
    /// use millstream::read::Files;
    ///
    /// let text = Files::reader("items.csv", "item,price\nbolt,l2\n".as_bytes());
    /// let prices = Csv::map(|row: &Record<'_>| row.parse::<u32>("price"));
    /// let error = Flow::read(text, prices).sum::<u32>().unwrap_err();
    /// assert_eq!(
    ///     error.message(),
    ///     "column `price` has \"l2\", which is not a u32: invalid digit found in string"
    /// );
    /// ```
    #[inline]
    pub fn parse<T>(&self, column: impl Column) -> Result<T, Error>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let Some(text) = column.place(self).and_then(|place| self.get(place)) else {
            return Err(self.missing(&column));
        };
        text.parse()
            .map_err(|e: T::Err| wrong::<T>(&column, text, &e))
    }

    /// What serde makes of the row; a struct may borrow its strings.
    ///
    /// # Errors
    /// Of kind [`Row`](ErrorKind::Row), with the column and its text where one is to blame.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::csv::{Csv, Record};
    /// use millstream::read::Files;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Item<'r> {
    ///     name: &'r str,
    ///     price: u64,
    /// }
    ///
    /// let text = Files::reader("items.csv", "price,name\n12,bolt\n3,nut\n".as_bytes());
    /// let worth = Csv::map(|row: &Record<'_>| {
    ///     let item: Item<'_> = row.deserialize()?;
    ///     Ok::<_, millstream::Error>(item.price * item.name.len() as u64)
    /// });
    /// assert_eq!(Flow::read(text, worth).sum::<u64>()?, 57);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[inline]
    pub fn deserialize<'d, T: Deserialize<'d>>(&'d self) -> Result<T, Error> {
        let whole = self.whole.get_or_init(|| {
            let mut whole = self.parser.whole.take().unwrap_or_default();
            whole.clear();
            self.texts().for_each(|text| whole.push_field(text));
            whole
        });
        whole
            .deserialize(self.parser.names.as_ref())
            .map_err(|e| self.refused(e))
    }

    #[cold]
    fn missing(&self, column: &dyn fmt::Display) -> Error {
        let columns = match &self.parser.names {
            Some(names) => format!(
                "the columns are {}",
                names.iter().collect::<Vec<_>>().join(", ")
            ),
            None => format!("the row has {}, counted from 0, and no names", self.len()),
        };
        Error::new(
            ErrorKind::Row,
            format!("there is no column `{column}`: {columns}"),
        )
    }

    /// An error of serde, with the column it is about.
    #[cold]
    fn refused(&self, error: ::csv::Error) -> Error {
        let (place, why) = match error.kind() {
            ::csv::ErrorKind::Deserialize { err, .. } => (err.field(), err.kind().to_string()),
            _ => (None, error.to_string()),
        };
        let place = place.and_then(|place| usize::try_from(place).ok());
        let column = place.and_then(|place| {
            let name = self
                .parser
                .names
                .as_ref()
                .and_then(|names| names.get(place));
            let name = name.map_or_else(|| place.to_string(), str::to_owned);
            Some((name, self.get(place)?))
        });
        let message = match column {
            Some((name, text)) => format!("column `{name}` has {text:?}: {why}"),
            None => format!("the row is not as it should be: {why}"),
        };
        Error::new(ErrorKind::Row, message).because(Box::new(error))
    }
}

/// An error about the text of a column.
#[cold]
fn wrong<T>(column: &dyn fmt::Display, text: &str, why: &dyn fmt::Display) -> Error {
    let expected = type_name::<T>();
    let expected = expected.rsplit("::").next().unwrap_or(expected);
    let message = format!("column `{column}` has {text:?}, which is not a {expected}: {why}");
    Error::new(ErrorKind::Row, message)
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        // The buffer is used again for the next row.
        if let Some(whole) = self.whole.take() {
            self.parser.whole.set(Some(whole));
        }
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.texts()).finish()
    }
}
