//! What can be wrong with a connection, and the words for it.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Position};

/// What ended a connection otherwise than well.
#[derive(Debug)]
pub(super) enum Fault {
    /// Reading failed.
    Broken(io::Error),
    /// It ended after so many bytes of a line.
    Torn(usize),
    /// A line has more bytes than so many.
    TooLong(usize),
    /// A line is not UTF-8 from this byte of it on.
    NotUtf8(usize),
    /// Nothing came for so long.
    Silent(Duration),
}

impl Fault {
    /// What it is called in the report of a run.
    pub(super) fn rule(&self) -> &'static str {
        match self {
            Fault::Broken(_) => "broken connection",
            Fault::Torn(_) => "torn line",
            Fault::TooLong(_) => "line too long",
            Fault::NotUtf8(_) => "line not UTF-8",
            Fault::Silent(_) => "silent connection",
        }
    }

    /// The error that it is for a run; `peer` is the connection, and `line` where in it the line began.
    pub(super) fn error(self, peer: &Path, line: u64) -> Error {
        let byte = match &self {
            Fault::NotUtf8(bad) => line + *bad as u64,
            _ => line,
        };
        let error = match self {
            Fault::Broken(error) => Error::new(
                ErrorKind::Io,
                format!("the connection broke: {error}; with `strict(false)` it is only counted"),
            )
            .because(Box::new(error)),
            Fault::Torn(bytes) => Error::new(
                ErrorKind::Source,
                format!(
                    "the connection ended after {bytes} bytes of a line, without a line end: \
                     with `keep_last(true)` that is the last line, with `strict(false)` it is only counted"
                ),
            ),
            Fault::TooLong(longest) => Error::new(
                ErrorKind::Source,
                format!(
                    "a line of more than {longest} bytes: allow more with `longest(bytes)`, \
                     or have such connections closed with `strict(false)`"
                ),
            ),
            Fault::NotUtf8(_) => Error::new(
                ErrorKind::Utf8,
                "a line is not UTF-8: take the lines as bytes with `from_tcp_bytes`, \
                 or have such connections closed with `strict(false)`",
            ),
            Fault::Silent(time) => Error::new(
                ErrorKind::Source,
                format!(
                    "nothing has come for {time:?}: allow more with `idle(time)`, \
                     or have such connections closed with `strict(false)`"
                ),
            ),
        };
        error.at(Position::in_file(peer, byte))
    }
}

/// An error of the operating system about a socket.
pub(super) fn io(doing: &str, address: &dyn fmt::Debug, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("cannot {doing} {address:?}: {error}"),
    )
    .because(Box::new(error))
}

/// The error of a connection that could not be let in, because of this end of it.
pub(super) fn accept(error: io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!(
            "cannot accept a connection: {error}; if there are too many open files, allow fewer connections with \
             `at_once(n)`, or raise the system's limit"
        ),
    )
    .because(Box::new(error))
}
