//! What one worker has of a file: the rows it encoded, which it appends piece by piece.
//!
//! A batch is in the worker's piece as a whole or not at all, and a piece is in the file as a whole or not at all.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::target::Part;
use super::{Compression, Encode, Head};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::lock;
use crate::sink::Writer;

/// How large a piece is: enough for compression, and for a lock to cost nothing.
const PIECE: usize = 1 << 20;

/// What one worker writes to a file with: made by [`ToFile`](super::ToFile).
pub struct FileWriter<E> {
    encode: E,
    compression: Compression,
    part: Arc<Mutex<Part<Head>>>,
    /// The head of the file, once this worker knows that its rows are of the same columns.
    head: Head,
    /// The rows that are not in the file yet.
    piece: Vec<u8>,
    packed: Vec<u8>,
}

impl<E> FileWriter<E> {
    pub(super) fn new(encode: E, part: Arc<Mutex<Part<Head>>>, compression: Compression) -> Self {
        FileWriter {
            encode,
            compression,
            part,
            head: None,
            piece: Vec::new(),
            packed: Vec::new(),
        }
    }

    /// Adds a batch to the piece, which it appends to the file when it is large enough.
    fn add<T>(&mut self, rows: &[T]) -> Result<(), BoxError>
    where
        E: Encode<T>,
    {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let encoded = self.encode.rows(rows, &mut self.piece);
        encoded.map_err(|error| self.refused(error))?;
        let mut head = Vec::new();
        let made = self.encode.head(Some(first), &mut head);
        made.map_err(|error| self.refused(error))?;
        if self.head.as_ref() != Some(&head) {
            let mut part = lock(&self.part);
            match &part.format {
                None => begin(&mut part, &self.encode, Some(first), self.compression)?,
                Some(there) if *there == head => {}
                Some(there) => {
                    let message = format!(
                        "cannot write {}: rows have other columns ({}) than those before ({}); a row must have the same \
                         fields as all others, so leave none out when it is serialized",
                        part.draft.path().display(),
                        String::from_utf8_lossy(&head).trim_end(),
                        String::from_utf8_lossy(there).trim_end(),
                    );
                    return Err(Error::new(ErrorKind::Sink, message).into());
                }
            }
            drop(part);
            self.head = Some(head);
        }
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(())
    }

    /// Appends the piece to the file.
    fn flush(&mut self) -> Result<(), BoxError> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let bytes = match self.compression {
            Compression::Plain => &self.piece,
            packing => {
                self.packed.clear();
                packing.pack(&self.piece, &mut self.packed)?;
                &self.packed
            }
        };
        lock(&self.part).draft.append(bytes)?;
        self.piece.clear();
        Ok(())
    }

    fn refused(&self, error: BoxError) -> BoxError {
        let part = lock(&self.part);
        let message = format!(
            "cannot write a row to {}: {error}",
            part.draft.path().display()
        );
        Error::new(ErrorKind::Sink, message).because(error).into()
    }
}

/// Writes the head of a file that has none yet.
pub(super) fn begin<T, E: Encode<T>>(
    part: &mut Part<Head>,
    encode: &E,
    first: Option<&T>,
    compression: Compression,
) -> Result<(), BoxError> {
    let mut head = Vec::new();
    encode.head(first, &mut head)?;
    if !head.is_empty() {
        let mut packed = Vec::new();
        compression.pack(&head, &mut packed)?;
        part.draft.append(&packed)?;
    }
    part.format = Some(head);
    Ok(())
}

impl<T, E: Encode<T>> Writer<T> for FileWriter<E> {
    fn write(&mut self, rows: &[T]) -> Result<(), BoxError> {
        let before = self.piece.len();
        let added = self.add(rows);
        if added.is_err() {
            self.piece.truncate(before);
        }
        added
    }

    fn prepare(&mut self) -> Result<(), BoxError> {
        self.flush()?;
        Ok(lock(&self.part).draft.sync()?)
    }

    /// The sink renames the files when all writers are ready.
    fn commit(&mut self) -> Result<(), BoxError> {
        Ok(())
    }

    fn abort(&mut self) {
        self.piece.clear();
    }
}

impl<E> fmt::Debug for FileWriter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileWriter")
            .field("piece", &self.piece.len())
            .finish_non_exhaustive()
    }
}
