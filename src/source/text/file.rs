//! Files that several threads read at once: opened and checked, then read at positions, without a shared cursor.

use std::fs::File;
use std::io::{ErrorKind as Io, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Position};

/// A regular file that was there when it was opened.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) name: Arc<Path>,
    /// Its length when it was opened; what is appended later is not read.
    pub(crate) len: u64,
    file: File,
}

impl OpenFile {
    pub(crate) fn open(path: &Path) -> Result<OpenFile, Error> {
        // Asked for before it is opened: opening a named pipe would wait for its other end.
        let about = std::fs::metadata(path).map_err(|e| Error::io("open", path, e))?;
        let instead = match (about.is_dir(), about.is_file()) {
            (true, _) => "it is a directory; name the files in it",
            (_, false) => {
                "it is not a regular file; read its lines with an iterator and `Flow::from_iter`"
            }
            _ => "",
        };
        if !instead.is_empty() {
            let message = format!("cannot open {}: {instead}", path.display());
            return Err(Error::new(ErrorKind::Io, message));
        }
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        let len = file
            .metadata()
            .map_err(|e| Error::io("open", path, e))?
            .len();
        Ok(OpenFile {
            name: Arc::from(path),
            len,
            file,
        })
    }

    /// The file itself, to be mapped.
    #[cfg(feature = "mmap")]
    pub(super) fn into_inner(self) -> File {
        self.file
    }

    /// Fills a buffer from a position.
    pub(super) fn read(&self, mut buffer: &mut [u8], mut at: u64) -> Result<(), Error> {
        while !buffer.is_empty() {
            match read_at(&self.file, buffer, at) {
                Ok(0) => {
                    let message = format!(
                        "{} is shorter than when it was opened; let nothing change a file while a flow reads it",
                        self.name.display()
                    );
                    return Err(
                        Error::new(ErrorKind::Io, message).at(Position::in_file(&self.name, at))
                    );
                }
                Ok(n) => {
                    buffer = &mut buffer[n..];
                    at += n as u64;
                }
                Err(e) if e.kind() == Io::Interrupted => {}
                Err(e) => {
                    return Err(
                        Error::io("read", &self.name, e).at(Position::in_file(&self.name, at))
                    );
                }
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<usize> {
    // It moves the file's cursor, which nobody here uses.
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

/// The line that a byte of a file is in, counted from one; `None` when the file cannot be read that far any more.
///
/// It reads the file up to there, from a byte before it whose line is known, so it is for error messages.
pub(crate) fn line_of(file: &Path, byte: u64, (from, line): (u64, u64)) -> Option<u64> {
    let mut file = File::open(file).ok()?;
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut left = byte.saturating_sub(from);
    let mut before = file.take(left);
    let mut buffer = vec![0; left.min(64 * 1024) as usize];
    let mut line = line;
    while left > 0 {
        match before.read(&mut buffer) {
            Ok(0) => return None,
            Ok(n) => {
                line += memchr::memchr_iter(b'\n', &buffer[..n]).count() as u64;
                left -= n as u64;
            }
            Err(e) if e.kind() == Io::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_line_of_a_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        std::fs::write(&path, "one\n\nthree\r\nfour").unwrap();
        let lines: Vec<_> = [0, 3, 4, 5, 11, 12, 16]
            .map(|byte| line_of(&path, byte, (0, 1)))
            .into();
        assert_eq!(lines, [1, 1, 2, 3, 3, 4, 4].map(Some));
        assert_eq!(line_of(&path, 17, (0, 1)), None);
        assert_eq!(line_of(&path, 12, (5, 3)), Some(4));
        assert_eq!(line_of(&path, 5, (5, 3)), Some(3));
        assert_eq!(line_of(&dir.path().join("gone"), 0, (0, 1)), None);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let error = OpenFile::open(dir.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains(&*dir.path().to_string_lossy()));
        assert!(error.message().contains("is a directory"));
        let error = OpenFile::open(&dir.path().join("gone.txt")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains("gone.txt"));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_opened() {
        let error = OpenFile::open(Path::new("/dev/null")).unwrap_err();
        assert!(error.message().contains("not a regular file"), "{error}");
    }
}
