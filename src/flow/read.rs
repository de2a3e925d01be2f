//! `read`: a flow of the records of files.

use super::{Flow, keeps};
use crate::read::{Files, Format, Read};

impl<'env, F: Format + 'env> Flow<'env, Read<F>> {
    /// A flow of the records of files in a format: lines, CSV, JSON lines, or one of one's own.
    ///
    /// [`Files`] says which: paths, directories, patterns, standard input, compressed or not. A [`Format`] says what
    /// is in them: [`Lines`](crate::read::Lines), or those of the features `csv` and `json`.
    ///
    /// - **Order**: records are numbered, so `ordered` keeps their order, file after file; otherwise several files are read
    ///   side by side. A block is a split, so a file in the order of time is read as such with
    ///   [`in_time_order`](Flow::in_time_order).
    /// - **Threads**: a worker reads a file of its own as long as there are enough, and then takes blocks of one with others.
    ///   Only reading, decompressing, and looking where records end is done by one at a time; parsing is parallel.
    ///   A block stays with its worker: where a row takes long (a call to a service), spread them with
    ///   [`map_concurrent`](Flow::map_concurrent) or [`shuffle`](Flow::shuffle). Under `ordered` all workers take pieces
    ///   of one block, as small as need be.
    /// - **Memory**: a block a worker, of [a mebibyte](Files::block) or its longest record.
    /// - **Ends**: after the last record, or with an error. A row that does not parse is one of kind
    ///   [`Row`](crate::ErrorKind::Row) with its file, byte and line, and so is the error of a step behind it. At the end of
    ///   a block [`map_batch`](Flow::map_batch) gives out what it has gathered, but under `ordered`.
    ///
    /// # Examples
    /// ```
    /// use millstream::read::{Files, Lines};
    /// use millstream::{ErrorKind, Flow};
    ///
    /// let text = Files::reader("amounts", "12\n30\n".as_bytes());
    /// let sum = Flow::read(text, Lines).try_map(|line| line.parse::<u32>()).sum::<u32>()?;
    /// assert_eq!(sum, 42);
    ///
    /// let text = Files::reader("amounts", "12\n3O\n".as_bytes());
    /// let error = Flow::read(text, Lines)
    ///     .try_map(|line| line.parse::<u32>())
    ///     .sum::<u32>()
    ///     .unwrap_err();
    /// assert_eq!(error.position().unwrap().line, Some(2));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn read(files: impl Into<Files>, format: F) -> Self {
        let files = files.into();
        let block = keeps::blocks(files.block_size());
        let mut flow = Flow::from_pipe("read", Read::new(files, format));
        flow.keeps.push(block);
        flow
    }
}
