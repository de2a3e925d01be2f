//! A file in the making: written under a temporary name beside the final one, which it gets when it is whole.
//!
//! The final name is either that of a whole file or of what was there before, at any moment and whatever ends the
//! process. A draft that is dropped before it was published takes its temporary file along.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind as Io, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind};

/// A file that is not there yet.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    /// The name it has while it is written.
    temp: PathBuf,
    /// The name it gets.
    path: PathBuf,
    /// What was appended; behind it there may be a part of what failed.
    len: u64,
    published: bool,
}

/// Tells the drafts of this process apart.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

impl Draft {
    /// Begins a file that is to have a path, and makes the directories before it if that was asked for.
    pub(crate) fn create(path: &Path, dirs: bool) -> Result<Draft, Error> {
        let failed = |error| refused("create", path, error);
        // A link stays a link: what it points to is replaced.
        let path = match path.is_symlink() {
            true => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
            false => path.to_owned(),
        };
        let there = fs::metadata(&path).ok();
        if there.as_ref().is_some_and(|there| !there.is_file()) {
            let message = format!(
                "cannot write {}: there is a directory or a device by that name; a file is written beside its final name \
                 and then renamed, so give the path of a file",
                path.display()
            );
            return Err(Error::new(ErrorKind::Sink, message));
        }
        let Some(name) = path.file_name() else {
            return Err(failed(io::Error::from(Io::InvalidInput)));
        };
        let folder = folder(&path);
        if dirs {
            fs::create_dir_all(folder).map_err(|error| refused("create", folder, error))?;
        } else if !folder.exists() {
            let message = format!(
                "cannot create {}: there is no directory {}; make it, or ask for it with `create_dirs()`",
                path.display(),
                folder.display()
            );
            return Err(Error::new(ErrorKind::Sink, message));
        }
        loop {
            let mut temp = std::ffi::OsString::from(".");
            temp.push(name);
            let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
            temp.push(format!(".millstream-{}-{number}.tmp", std::process::id()));
            let temp = folder.join(temp);
            let file = match OpenOptions::new().write(true).create_new(true).open(&temp) {
                Ok(file) => file,
                // Left by a process that had the same number and was killed.
                Err(error) if error.kind() == Io::AlreadyExists => continue,
                Err(error) => return Err(failed(error)),
            };
            let draft = Draft {
                file,
                temp,
                path,
                len: 0,
                published: false,
            };
            if let Some(there) = there {
                let same = draft.file.set_permissions(there.permissions());
                same.map_err(|error| draft.refused("set the permissions of", error))?;
            }
            return Ok(draft);
        }
    }

    /// The path it gets.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing was appended.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends all of the bytes, or nothing of them.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        // Where the last attempt has left something, it is written over.
        let mut write = || {
            self.file.seek(SeekFrom::Start(self.len))?;
            self.file.write_all(bytes)
        };
        if let Err(error) = write() {
            return Err(self.refused("write", error));
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Another handle of the file, for a library that writes it itself.
    #[cfg(feature = "parquet")]
    pub(crate) fn handle(&self) -> Result<File, Error> {
        let handle = self.file.try_clone();
        handle.map_err(|error| self.refused("write", error))
    }

    /// Notes how long the file is that a library has written.
    #[cfg(feature = "parquet")]
    pub(crate) fn written(&mut self) -> Result<(), Error> {
        let end = self.file.metadata().map(|about| about.len());
        self.len = end.map_err(|error| self.refused("write", error))?;
        Ok(())
    }

    /// Waits until the disk has it.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        let cut = self.file.set_len(self.len);
        let synced = cut.and_then(|()| self.file.sync_all());
        synced.map_err(|error| self.refused("write", error))
    }

    /// Gives it its final name, in place of a file that had it.
    pub(crate) fn publish(&mut self) -> Result<(), Error> {
        let renamed = fs::rename(&self.temp, &self.path);
        renamed.map_err(|error| self.refused("replace", error))?;
        self.published = true;
        // The name is in the directory, which has to reach the disk too.
        #[cfg(unix)]
        {
            let synced = File::open(folder(&self.path)).and_then(|folder| folder.sync_all());
            match synced {
                // There are file systems whose directories cannot be synced, and directories that cannot be opened.
                Err(error)
                    if !matches!(
                        error.kind(),
                        Io::InvalidInput | Io::Unsupported | Io::PermissionDenied
                    ) =>
                {
                    return Err(self.refused("sync the directory of", error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn refused(&self, doing: &str, error: io::Error) -> Error {
        refused(doing, &self.path, error)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            // It may be gone with its directory; there is nobody left to tell of anything else.
            let _ = fs::remove_file(&self.temp);
        }
    }
}

/// The directory a file is in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn refused(doing: &str, path: &Path, error: io::Error) -> Error {
    let message = format!("cannot {doing} {}: {error}", path.display());
    Error::new(ErrorKind::Sink, message).because(Box::new(error))
}
