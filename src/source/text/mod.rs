//! Files of text whose lines are borrowed: [`Text`] keeps the contents, flows over it take pieces of lines.
//!
//! A file is cut into blocks of a fixed size. A block owns the lines that *start* in it, and so does a piece of a
//! block; so every line belongs to exactly one piece, wherever pieces are cut. A block is read by the worker that
//! first needs it, right before it works on it, and stays in memory as long as the `Text`.
//!
//! - `file.rs` opens files and reads parts of them; `load.rs` reads the lines of a block
//! - `span.rs` says which lines start in a part of a buffer; `form.rs` is what `str` and `[u8]` have in common
//! - `cutter.rs` hands blocks and pieces of them to workers; `lines.rs` is the pipe over a `Text`
//! - `map.rs` (feature `mmap`) maps files instead of reading them

pub(super) mod cutter;
pub(super) mod file;
pub(super) mod form;
mod lines;
pub(super) mod load;
#[cfg(feature = "mmap")]
mod map;
pub(super) mod span;

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

pub(crate) use file::line_of;
pub use lines::FromText;

use crate::error::Error;
use file::OpenFile;
use form::{Data, Form, utf8_error};
use load::{Lazy, load};

/// How much of a file is read at a time: small enough to be in cache still when it is worked on, large enough that
/// reading it is one call among many lines.
pub(super) const BLOCK: u64 = 256 * 1024;

/// One or several files, or a string, to borrow lines from.
///
/// Opening checks that the files exist and can be read; their contents are read by the workers of the flows over
/// the text, in parallel, each block when it is first needed, and kept until the `Text` is dropped.
/// [`Flow::from_lines`](crate::Flow::from_lines) and [`Flow::from_byte_lines`](crate::Flow::from_byte_lines) make
/// flows of it, as many as wanted, one after the other or at a time.
///
/// Use [`Flow::read_lines`](crate::Flow::read_lines) for files that do not fit memory.
///
/// # Memory
/// What was read of the files, once. A line never lies in two blocks, so nothing is copied to join one.
///
/// # Errors
/// [`open`](Text::open) gives an error of kind [`Io`](crate::ErrorKind::Io) with the path for a file that is
/// missing or is not a regular file. What goes wrong later comes out of the flow: a file that became shorter
/// (kind `Io`), or text that is not UTF-8 (kind [`Utf8`](crate::ErrorKind::Utf8), with the first bad byte).
///
/// # Examples
/// ```
/// use millstream::{Flow, Text};
///
/// let text = Text::from("to be or\nnot to be");
/// let longest = Flow::from_lines(&text)
///     .flat_map(|line| line.split_whitespace())
///     .map(|word| word.len())
///     .collect_vec()?;
/// assert_eq!(longest.into_iter().max(), Some(3));
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Text {
    parts: Vec<Part>,
    block: u64,
}

/// One file, or the one string.
struct Part {
    len: u64,
    content: Content,
}

/// Where the bytes of a part are.
enum Content {
    Memory(String),
    Disk {
        file: OpenFile,
        blocks: Box<[Lazy<Block<Data>>]>,
    },
    #[cfg(feature = "mmap")]
    Mapped {
        name: Arc<Path>,
        map: map::Mapped,
    },
}

/// The lines that start in a block of a file, as far as they reach.
#[derive(Debug)]
pub(super) struct Block<D> {
    /// Where in the file the first of them begins.
    pub(super) start: u64,
    pub(super) data: D,
}

impl Text {
    /// Opens a file to borrow its lines.
    ///
    /// # Examples
    /// ```
    /// use millstream::{ErrorKind, Flow, Text};
    ///
    /// let text = Text::open("Cargo.toml")?;
    /// let sections = Flow::from_lines(&text).filter(|line| line.starts_with('[')).count()?;
    /// assert!(sections > 2);
    ///
    /// let error = Text::open("no such file").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Io);
    /// assert!(error.to_string().contains("no such file"));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Text, Error> {
        Text::open_all([path])
    }

    /// Opens several files, whose lines follow one another in the order of the paths.
    ///
    /// A last line without an end is a line of its own: it is not joined with the first line of the next file.
    /// The files stay open until the `Text` is dropped.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, Text};
    ///
    /// let text = Text::open_all(["Cargo.toml", "src/lib.rs"])?;
    /// let lines = Flow::from_lines(&text).count()?;
    /// # let each = |path| std::fs::read_to_string(path).unwrap().lines().count();
    /// # assert_eq!(lines as usize, each("Cargo.toml") + each("src/lib.rs"));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn open_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Text, Error> {
        Text::open_sized(paths, BLOCK)
    }

    /// The same with blocks of another size.
    pub(super) fn open_sized<P: AsRef<Path>>(
        paths: impl IntoIterator<Item = P>,
        block: u64,
    ) -> Result<Text, Error> {
        let part = |path: P| {
            let file = OpenFile::open(path.as_ref())?;
            let blocks = (0..file.len.div_ceil(block)).map(|_| Lazy::default());
            Ok(Part {
                len: file.len,
                content: Content::Disk {
                    blocks: blocks.collect(),
                    file,
                },
            })
        };
        let parts = paths.into_iter().map(part).collect::<Result<_, Error>>()?;
        Ok(Text { parts, block })
    }

    /// The length of all files together, in bytes, at the time they were opened.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(millstream::Text::from("né\n").len(), 4);
    /// ```
    pub fn len(&self) -> u64 {
        self.parts.iter().map(|part| part.len).sum()
    }

    /// Whether there is not a single byte.
    ///
    /// # Examples
    /// ```
    /// assert!(millstream::Text::from("").is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lengths of the files, in order.
    fn lens(&self) -> Vec<u64> {
        self.parts.iter().map(|part| part.len).collect()
    }

    /// The lines that start in a piece of a block of a file, with the place of the first.
    fn piece<F: Form + ?Sized>(
        &self,
        part: usize,
        block: &Range<u64>,
        piece: &Range<u64>,
    ) -> Result<(u64, &F), Error> {
        let (name, start, lines) = match &self.parts[part].content {
            Content::Memory(text) => (None, 0, F::lines(text.as_bytes(), Some(text), 0, piece)),
            Content::Disk { file, blocks } => {
                let lazy = &blocks[(block.start / self.block) as usize];
                let loaded = lazy.get(|| {
                    let block = load::<F>(file, block)?;
                    Ok(Block {
                        start: block.start,
                        data: F::keep(block.data),
                    })
                })?;
                let (bytes, text) = match &loaded.data {
                    Data::Text(text) => (text.as_bytes(), Some(text.as_str())),
                    Data::Bytes(bytes) => (&bytes[..], None),
                };
                let lines = F::lines(bytes, text, loaded.start, piece);
                (Some(&file.name), loaded.start, lines)
            }
            #[cfg(feature = "mmap")]
            Content::Mapped { name, map } => (Some(name), 0, F::lines(map.bytes(), None, 0, piece)),
        };
        match lines {
            Ok((at, lines)) => Ok((start + at as u64, lines)),
            Err(bad) => Err(utf8_error(name.map(|name| &**name), start + bad as u64)),
        }
    }

    /// The file that a part is, if it is one.
    fn name(&self, part: usize) -> Option<&Arc<Path>> {
        match &self.parts[part].content {
            Content::Memory(_) => None,
            Content::Disk { file, .. } => Some(&file.name),
            #[cfg(feature = "mmap")]
            Content::Mapped { name, .. } => Some(name),
        }
    }
}

impl From<String> for Text {
    /// A text of the lines of a string; errors have no position in it.
    fn from(text: String) -> Self {
        Text {
            parts: vec![Part {
                len: text.len() as u64,
                content: Content::Memory(text),
            }],
            block: BLOCK,
        }
    }
}

impl From<&str> for Text {
    /// Copies the string.
    fn from(text: &str) -> Self {
        Text::from(text.to_owned())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = (0..self.parts.len())
            .filter_map(|part| self.name(part))
            .collect();
        f.debug_struct("Text")
            .field("len", &self.len())
            .field("files", &names)
            .finish_non_exhaustive()
    }
}
