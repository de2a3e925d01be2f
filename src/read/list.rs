//! From what was named to what is read: directories and patterns become their files, in an order that is the same in every
//! run.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::files::Input;
use crate::error::{Error, ErrorKind};

/// One input to be opened.
pub(super) enum Entry {
    File(PathBuf),
    Stdin,
    Reader(PathBuf, Box<dyn Read + Send>),
}

impl Entry {
    /// How long it is, if it is a regular file.
    pub(super) fn len(&self) -> Option<u64> {
        let Entry::File(path) = self else {
            return None;
        };
        let about = fs::metadata(path).ok()?;
        about.is_file().then_some(about.len())
    }
}

/// All entries, in the order in which they were named.
pub(super) fn list(inputs: Vec<Input>) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for input in inputs {
        match input {
            Input::Path(path) => {
                let about = fs::metadata(&path).map_err(|e| Error::io("open", &path, e))?;
                if about.is_dir() {
                    walk(&path, &mut entries)?;
                } else {
                    entries.push(Entry::File(path));
                }
            }
            #[cfg(feature = "glob")]
            Input::Glob(pattern) => matching(&pattern, &mut entries)?,
            Input::Stdin => entries.push(Entry::Stdin),
            Input::Reader(name, reader) => entries.push(Entry::Reader(name, reader)),
        }
    }
    Ok(entries)
}

/// The regular files below a directory, in the order of their paths.
fn walk(dir: &Path, entries: &mut Vec<Entry>) -> Result<(), Error> {
    let failed = |e| Error::io("list", dir, e);
    let mut within = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            within.push((entry.path(), entry.file_type().map_err(failed)?));
        }
    }
    within.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in within {
        if kind.is_dir() {
            walk(&path, entries)?;
        } else if kind.is_file() || (kind.is_symlink() && path.is_file()) {
            entries.push(Entry::File(path));
        }
    }
    Ok(())
}

/// The files that match a pattern, in the order of their paths.
#[cfg(feature = "glob")]
fn matching(pattern: &str, entries: &mut Vec<Entry>) -> Result<(), Error> {
    let paths = glob::glob(pattern).map_err(|e| {
        let message = format!("`{pattern}` is not a pattern of paths: {e}");
        Error::new(ErrorKind::Option, message)
    })?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|e| {
            let path = e.path().to_owned();
            Error::io("list", &path, e.into())
        })?;
        if path.is_file() {
            found.push(path);
        }
    }
    if found.is_empty() {
        let message = format!(
            "no file matches `{pattern}`: patterns are relative to the working directory, and `*` does not match a `/`"
        );
        return Err(Error::new(ErrorKind::Io, message));
    }
    found.sort();
    entries.extend(found.into_iter().map(Entry::File));
    Ok(())
}

/// What tells these files from others, in a line of text: how many, and a number from their paths and lengths.
pub(super) fn print<'e>(entries: impl Iterator<Item = &'e Entry>) -> Result<String, Error> {
    let (mut files, mut bytes, mut print) = (0u64, 0u64, Print::new());
    for entry in entries {
        let Entry::File(path) = entry else {
            continue;
        };
        let about = fs::metadata(path).map_err(|e| Error::io("open", path, e))?;
        if !about.is_file() {
            let message = format!(
                "{} is not a regular file, so a load of it cannot resume: it would not be the same in another run",
                path.display()
            );
            return Err(Error::new(ErrorKind::Plan, message));
        }
        print.add(path.as_os_str().as_encoded_bytes());
        print.add(&about.len().to_le_bytes());
        files += 1;
        bytes += about.len();
    }
    Ok(format!("{files} files of {bytes} bytes, {:016x}", print.0))
}

/// The files that were named, for formats that read from any place in them.
#[cfg(feature = "parquet")]
pub(crate) fn paths(files: super::Files) -> Result<Vec<PathBuf>, Error> {
    let paths = list(files.inputs)?.into_iter().map(|entry| match entry {
        Entry::File(path) => Ok(path),
        Entry::Stdin | Entry::Reader(..) => Err(Error::new(
            crate::error::ErrorKind::Option,
            "this format is read from any place in a file, which standard input or a reader cannot do: write it to a file \
             first",
        )),
    });
    paths.collect()
}

/// What tells files from others, as [`print`] does.
#[cfg(feature = "parquet")]
pub(crate) fn print_of(paths: &[PathBuf]) -> Result<String, Error> {
    let entries: Vec<Entry> = paths.iter().cloned().map(Entry::File).collect();
    print(entries.iter())
}

/// A hash that is the same on every machine and in every version: FNV-1a.
struct Print(u64);

impl Print {
    fn new() -> Self {
        Print(0xcbf2_9ce4_8422_2325)
    }

    /// Adds some bytes, and their number, so that none can move to the next.
    fn add(&mut self, bytes: &[u8]) {
        let len = (bytes.len() as u64).to_le_bytes();
        for byte in bytes.iter().chain(&len) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
