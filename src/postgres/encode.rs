//! Values as text that the server parses: the lines of `COPY`, and the parameters of a query.

use std::io::Write;
use std::ops::Range;

use ::postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use bytes::BytesMut;
use serde::Serialize;

use crate::error::BoxError;
use crate::row::{Columns, Layout, RowError, Value, write};

/// Rows as lines of `COPY`'s text, whose columns are those of a layout.
#[derive(Default)]
pub(super) struct Lines {
    /// Whole lines.
    pub(super) out: Vec<u8>,
    /// The values of a row, as they came.
    values: Vec<u8>,
    /// Where each column's value is in them.
    spans: Vec<Option<Range<usize>>>,
}

impl Lines {
    /// Adds a row, and a last column with a number if one is given.
    pub(super) fn push<T: Serialize>(
        &mut self,
        row: &T,
        layout: &Layout,
        number: Option<u64>,
    ) -> Result<(), RowError> {
        self.values.clear();
        self.spans.clear();
        self.spans.resize(layout.width(), None);
        write(row, layout, self)?;
        for (at, span) in self.spans.iter().enumerate() {
            if at > 0 {
                self.out.push(b'\t');
            }
            match span {
                Some(span) => self.out.extend_from_slice(&self.values[span.clone()]),
                None => self.out.extend_from_slice(b"\\N"),
            }
        }
        if let Some(number) = number {
            self.out.push(b'\t');
            digits(&mut self.out, number);
        }
        self.out.push(b'\n');
        Ok(())
    }
}

impl Columns for Lines {
    #[inline]
    fn put(&mut self, at: usize, value: Value<'_>) -> Result<(), RowError> {
        let start = self.values.len();
        match value {
            Value::Null => return Ok(()),
            Value::Text(text) | Value::Raw(text) => escaped(&mut self.values, text.as_bytes()),
            Value::Bytes(bytes) => {
                self.values.push(b'\\');
                plain(&mut self.values, Value::Bytes(bytes));
            }
            other => plain(&mut self.values, other),
        }
        self.spans[at] = Some(start..self.values.len());
        Ok(())
    }
}

/// Text with what `COPY` would take for the end of a column, of a line, or for such a mark.
#[inline]
fn escaped(out: &mut Vec<u8>, mut text: &[u8]) {
    let special = |byte: &u8| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r');
    while let Some(at) = text.iter().position(special) {
        out.extend_from_slice(&text[..at]);
        out.push(b'\\');
        out.push(match text[at] {
            b'\t' => b't',
            b'\n' => b'n',
            b'\r' => b'r',
            other => other,
        });
        text = &text[at + 1..];
    }
    out.extend_from_slice(text);
}

/// A value as the server writes it.
#[inline]
fn plain(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Null => {}
        Value::Bool(true) => out.push(b't'),
        Value::Bool(false) => out.push(b'f'),
        Value::Int(number) => {
            if number < 0 {
                out.push(b'-');
            }
            digits(out, number.unsigned_abs());
        }
        Value::Big(number) => digits(out, number),
        Value::Single(number) if number.is_finite() => put(out, format_args!("{number}")),
        Value::Float(number) if number.is_finite() => put(out, format_args!("{number}")),
        Value::Single(number) => odd(out, number.into()),
        Value::Float(number) => odd(out, number),
        Value::Text(text) | Value::Raw(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\x");
            for byte in bytes {
                out.push(DIGITS[usize::from(byte >> 4)]);
                out.push(DIGITS[usize::from(byte & 15)]);
            }
        }
    }
}

/// The digits of a number; numbers are most of what is written, and `write!` takes several times as long.
#[inline]
fn digits(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn odd(out: &mut Vec<u8>, number: f64) {
    out.extend_from_slice(match number {
        number if number.is_nan() => b"NaN".as_slice(),
        number if number > 0.0 => b"Infinity",
        _ => b"-Infinity",
    });
}

#[inline]
fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A vector takes all that is written to it.
    let _ = out.write_fmt(text);
}

/// A parameter of a query, of whatever type the query has there.
#[derive(Debug)]
pub(super) struct Param<'a>(pub(super) Value<'a>);

impl ToSql for Param<'_> {
    fn to_sql(&self, _ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if self.0 == Value::Null {
            return Ok(IsNull::Yes);
        }
        let mut text = Vec::new();
        plain(&mut text, self.0);
        out.extend_from_slice(&text);
        Ok(IsNull::No)
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    fn encode_format(&self, _ty: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}
