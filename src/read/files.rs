//! Which inputs a flow reads, as a value: named when the flow is built, looked for when it runs.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How much of a file is read at a time.
const BLOCK: usize = 1 << 20;

/// The longest record, unless somebody says otherwise.
const LONGEST: usize = 64 << 20;

/// No record may be longer: places in one are counted in 32 bits.
const MOST: usize = 1 << 30;

/// The files, or other inputs, that [`Flow::read`](crate::Flow::read) reads.
///
/// Paths become `Files` by themselves: `Flow::read("logs", …)`, of one path or an array or vector of them. A path that is a
/// directory stands for the files in it and in its directories, in the order of their paths, without those whose name
/// begins with a dot; links to directories in it are not followed.
///
/// Inputs that are compressed are decompressed as they are read: gzip with the feature `gz`, Zstandard with `zst`. It
/// is their first bytes that tell, not their names. Several members or frames, one after the other, are one input.
///
/// - **Order**: the order in which they are named, which [`ordered`](crate::Flow::ordered) keeps. Otherwise several files are
///   read side by side.
/// - **Memory**: a block a worker, of a mebibyte or as long as the longest record; beside it what a decompressor needs, for
///   each compressed file that is open.
/// - **Errors**: files are looked for when the flow runs. One that is not there is an error of kind
///   [`Io`](crate::ErrorKind::Io) that names it.
///
/// ```
/// use millstream::read::{Files, Lines};
/// use millstream::{ErrorKind, Flow};
///
/// let dir = tempfile::tempdir()?;
/// std::fs::create_dir(dir.path().join("june"))?;
/// std::fs::write(dir.path().join("june/01.log"), "one\ntwo\n")?;
/// std::fs::write(dir.path().join("may.log"), "three")?;
///
/// let lines = Flow::read(dir.path(), Lines).ordered().collect_vec()?;
/// assert_eq!(lines, ["one", "two", "three"]);
///
/// let error = Flow::read([dir.path().join("july.log")], Lines).count().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Io);
/// assert!(error.to_string().contains("july.log"));
///
/// let text = Files::reader("four lines", "a\nb\nc\nd".as_bytes());
/// assert_eq!(Flow::read(text, Lines).count()?, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Files {
    pub(super) inputs: Vec<Input>,
    pub(super) sizes: Sizes,
    /// Whether inputs are read as they are, even if they are compressed.
    pub(super) raw: bool,
}

/// One thing that was named.
pub(super) enum Input {
    /// A file, or a directory of files.
    Path(PathBuf),
    #[cfg(feature = "glob")]
    Glob(String),
    Stdin,
    Reader(PathBuf, Box<dyn Read + Send>),
}

impl Input {
    /// Whether it stands for files, which are there in another run too.
    pub(super) fn is_file(&self) -> bool {
        !matches!(self, Input::Stdin | Input::Reader(..))
    }
}

/// How much is read at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) block: usize,
    pub(super) longest: usize,
}

impl Sizes {
    /// The size of a block by its number. A file begins with smaller ones, so that workers share a small file too.
    pub(super) fn of(self, block: u64) -> usize {
        let smaller = 6u64.saturating_sub(block / 4);
        (self.block >> smaller).max(1)
    }
}

impl Files {
    fn of(inputs: Vec<Input>) -> Self {
        Files {
            inputs,
            sizes: Sizes {
                block: BLOCK,
                longest: LONGEST,
            },
            raw: false,
        }
    }

    /// The files whose path matches a pattern, in the order of their paths.
    ///
    /// `*` stands for any characters of a name, `?` for one, `[ab]` for one of these, and `**` for any directories.
    /// A pattern that matches no file is an error of kind [`Io`](crate::ErrorKind::Io) when the flow runs.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::read::{Files, Lines};
    ///
    /// let lines = Flow::read(Files::glob("src/read/*.rs"), Lines).count()?;
    /// assert!(lines > 100);
    /// assert!(Flow::read(Files::glob("src/*.log"), Lines).count().is_err());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[cfg(feature = "glob")]
    pub fn glob(pattern: impl Into<String>) -> Self {
        Files::of(vec![Input::Glob(pattern.into())])
    }

    /// Standard input.
    ///
    /// Rows are passed on as they come: a block ends where a read does, so lines that somebody types are not held back.
    ///
    /// ```no_run
    /// use millstream::Flow;
    /// use millstream::read::{Files, Lines};
    ///
    /// let lines = Flow::read(Files::stdin(), Lines).count()?;
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn stdin() -> Self {
        Files::of(vec![Input::Stdin])
    }

    /// Whatever can be read, with a name for errors.
    ///
    /// Rows are passed on as they come: a block ends where a read does, once there is a whole record. Workers call `read` one
    /// at a time; a stop takes effect when the call in progress returns.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::read::{Files, Lines};
    ///
    /// let lines = Flow::read(Files::reader("a text", "one\ntwo".as_bytes()), Lines);
    /// assert_eq!(lines.count()?, 2);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn reader(name: impl AsRef<Path>, reader: impl Read + Send + 'static) -> Self {
        let name = name.as_ref().to_owned();
        Files::of(vec![Input::Reader(name, Box::new(reader))])
    }

    /// These inputs, and others behind them; options are those of `self`.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::read::{Files, Lines};
    ///
    /// let first = Files::reader("first", "a\nb\n".as_bytes());
    /// let lines = Flow::read(first.and("Cargo.toml"), Lines).ordered().take(3).collect_vec()?;
    /// assert_eq!(lines, ["a", "b", "[package]"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn and(mut self, others: impl Into<Files>) -> Self {
        self.inputs.extend(others.into().inputs);
        self
    }

    /// How many bytes a worker takes at a time, if records are not longer: a mebibyte by default. A file begins with smaller
    /// blocks, so that a small one is shared too.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::read::{Files, Lines};
    ///
    /// let files = Files::from("Cargo.toml").block(64 * 1024);
    /// assert!(Flow::read(files, Lines).count()? > 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn block(mut self, bytes: usize) -> Self {
        self.sizes.block = bytes.clamp(1, MOST);
        self
    }

    /// The size of a block.
    pub(crate) fn block_size(&self) -> usize {
        self.sizes.block
    }

    /// The longest record, in bytes: 64 MiB by default, and a gibibyte at most. A longer one is an error that names its line;
    /// most often it begins with a quote that is never closed.
    ///
    /// ```
    /// use millstream::read::{Files, Lines};
    /// use millstream::{ErrorKind, Flow};
    ///
    /// let files = Files::reader("long", "short\nvery, very long\n".as_bytes()).block(1).longest(8);
    /// let error = Flow::read(files, Lines).count().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Row);
    /// assert_eq!(error.position().unwrap().line, Some(2));
    /// ```
    pub fn longest(mut self, bytes: usize) -> Self {
        self.sizes.longest = bytes.clamp(1, MOST);
        self
    }

    /// Reads inputs as they are: what is compressed is not decompressed.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::read::{Files, Lines};
    ///
    /// let files = Files::from("Cargo.toml").raw();
    /// assert!(Flow::read(files, Lines).count()? > 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn raw(mut self) -> Self {
        self.raw = true;
        self
    }
}

impl From<PathBuf> for Files {
    fn from(path: PathBuf) -> Self {
        Files::of(vec![Input::Path(path)])
    }
}

impl From<&Path> for Files {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<&PathBuf> for Files {
    fn from(path: &PathBuf) -> Self {
        path.clone().into()
    }
}

impl From<&str> for Files {
    fn from(path: &str) -> Self {
        PathBuf::from(path).into()
    }
}

impl From<String> for Files {
    fn from(path: String) -> Self {
        PathBuf::from(path).into()
    }
}

impl From<&String> for Files {
    fn from(path: &String) -> Self {
        PathBuf::from(path).into()
    }
}

impl<P: AsRef<Path>> From<Vec<P>> for Files {
    fn from(paths: Vec<P>) -> Self {
        paths.as_slice().into()
    }
}

impl<P: AsRef<Path>, const N: usize> From<[P; N]> for Files {
    fn from(paths: [P; N]) -> Self {
        paths.as_slice().into()
    }
}

impl<P: AsRef<Path>> From<&[P]> for Files {
    fn from(paths: &[P]) -> Self {
        let paths = paths.iter().map(|path| path.as_ref().to_owned());
        Files::of(paths.map(Input::Path).collect())
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Path(path) => path.fmt(f),
            #[cfg(feature = "glob")]
            Input::Glob(pattern) => pattern.fmt(f),
            Input::Stdin => f.write_str("stdin"),
            Input::Reader(name, _) => name.fmt(f),
        }
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("inputs", &self.inputs)
            .field("block", &self.sizes.block)
            .field("longest", &self.sizes.longest)
            .finish_non_exhaustive()
    }
}
