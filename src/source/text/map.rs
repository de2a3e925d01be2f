//! Files mapped into memory: the one place in the crate with unsafe code.
//!
//! A map is a slice of bytes only as long as nobody changes the file, which no program can see to alone; so mapping
//! is `unsafe` for the caller, and everything behind it is safe.
#![allow(unsafe_code)]

use std::path::Path;

use super::file::OpenFile;
use super::{BLOCK, Content, Part, Text};
use crate::error::Error;

/// A mapped file; an empty one has no map, since not every system can make one of no length.
pub(super) struct Mapped(Option<memmap2::Mmap>);

impl Mapped {
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl Text {
    /// Maps a file into memory instead of reading it (feature `mmap`).
    ///
    /// Lines borrow from the map, and UTF-8 is checked as they are taken. The memory belongs to the file cache
    /// of the system, which may drop and re-read it. Whether it is faster than [`Text::open`] depends on the
    /// system; measure.
    ///
    /// # Safety
    /// From this call until the `Text` is dropped, nobody, in this process or another, may change the file or
    /// make it shorter. If it changes, text that was checked to be UTF-8 may no longer be, and two reads of a byte
    /// may differ: undefined behaviour. If it is cut off, the system ends the process with a signal when the
    /// missing part is touched. Locks on files are advisory on most systems and do not prevent this.
    ///
    /// # Errors
    /// Those of [`Text::open`], and one of kind [`Io`](crate::ErrorKind::Io) if the system refuses the map.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, Text};
    ///
    /// // SAFETY: nobody changes the manifest while this example runs.
    /// let text = unsafe { Text::map("Cargo.toml")? };
    /// assert!(Flow::from_lines(&text).count()? > 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub unsafe fn map(path: impl AsRef<Path>) -> Result<Text, Error> {
        // SAFETY: the caller promises for this file what `map_all` asks for each.
        unsafe { Text::map_all([path]) }
    }

    /// Maps several files, whose lines follow one another as in [`Text::open_all`] (feature `mmap`).
    ///
    /// # Safety
    /// What [`Text::map`] says, for each of the files.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, Text};
    ///
    /// // SAFETY: nobody changes these files while this example runs.
    /// let text = unsafe { Text::map_all(["Cargo.toml", "src/lib.rs"])? };
    /// assert!(Flow::from_byte_lines(&text).count()? > 20);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub unsafe fn map_all<P: AsRef<Path>>(
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Text, Error> {
        let part = |path: P| {
            let file = OpenFile::open(path.as_ref())?;
            let (name, len) = (file.name.clone(), file.len);
            let map = match len {
                0 => None,
                // SAFETY: the caller promises that the file neither changes nor shrinks while the text lives,
                // and the map is dropped with the text; nothing here gives out its bytes for longer than `&self`.
                _ => Some(
                    unsafe { memmap2::Mmap::map(&file.into_inner()) }
                        .map_err(|e| Error::io("map", &name, e))?,
                ),
            };
            let map = Mapped(map);
            Ok(Part {
                len: map.bytes().len() as u64,
                content: Content::Mapped { name, map },
            })
        };
        let parts = paths.into_iter().map(part).collect::<Result<_, Error>>()?;
        Ok(Text {
            parts,
            block: BLOCK,
        })
    }
}
