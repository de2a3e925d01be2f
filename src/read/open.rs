//! Opening an input: what its first bytes say it is, and a reader of what is in it.
//!
//! The first bytes are read once and put in front of the rest again, so it works for pipes as well as for files.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::list::Entry;
use crate::error::{Error, ErrorKind};
use crate::run::{Counted, Measure};

/// An input that was opened.
pub(super) struct Opened {
    pub(super) name: Arc<Path>,
    pub(super) reader: Box<dyn Read + Send>,
    /// Whether it may give something now and more only later, so that what has come is passed on.
    pub(super) live: bool,
}

/// How an input is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
}

/// Opens an input, decompressed unless it is to be read as it is.
pub(super) fn open(
    entry: Entry,
    raw: bool,
    measure: Option<&Arc<Measure>>,
) -> Result<Opened, Error> {
    let (name, reader, live): (PathBuf, Box<dyn Read + Send>, bool) = match entry {
        Entry::File(path) => {
            let failed = |e| Error::io("open", &path, e);
            let file = File::open(&path).map_err(failed)?;
            let live = !file.metadata().map_err(failed)?.is_file();
            let reader: Box<dyn Read + Send> = match measure.cloned() {
                Some(measure) => Box::new(Counted {
                    reader: file,
                    measure,
                }),
                None => Box::new(file),
            };
            (path, reader, live)
        }
        Entry::Stdin => ("stdin".into(), Box::new(io::stdin()), true),
        Entry::Reader(name, reader) => (name, reader, true),
    };
    let mut opened = Opened {
        name: Arc::from(name),
        reader,
        live,
    };
    if raw {
        return Ok(opened);
    }
    let first = opened.first(&MARKS)?;
    let packing = packing(&first);
    opened.reader = Box::new(Cursor::new(first).chain(opened.reader));
    if let Some(packing) = packing {
        opened.reader = unpack(packing, opened.reader, &opened.name)?;
        opened.live = false;
    }
    Ok(opened)
}

impl Opened {
    /// The next bytes, for as long as they may be one of these marks: of an input that gives a few bytes now and others
    /// later no more is asked than is needed.
    pub(super) fn first(&mut self, marks: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let mut first = Vec::new();
        let may_be = |first: &[u8]| {
            let longer = |mark: &&&[u8]| mark.len() > first.len() && mark.starts_with(first);
            marks.iter().any(|mark| longer(&mark))
        };
        while may_be(&first) {
            let before = first.len();
            let mut next = self.reader.by_ref().take(1);
            next.read_to_end(&mut first)
                .map_err(|e| Error::io("read", &self.name, e))?;
            if first.len() == before {
                break;
            }
        }
        Ok(first)
    }
}

/// What gzip and Zstandard put in front; the last is a frame to skip, which parallel compressors begin with.
const MARKS: [&[u8]; 3] = [
    &[0x1f, 0x8b],
    &[0x28, 0xb5, 0x2f, 0xfd],
    &[0x50, 0x2a, 0x4d, 0x18],
];

/// How an input that begins so is compressed.
fn packing(first: &[u8]) -> Option<Packing> {
    let [gzip, frame, skipped] = MARKS;
    if first == gzip {
        Some(Packing::Gzip)
    } else if first == frame || first == skipped {
        Some(Packing::Zstd)
    } else {
        None
    }
}

fn unpack(
    packing: Packing,
    reader: Box<dyn Read + Send>,
    name: &Path,
) -> Result<Box<dyn Read + Send>, Error> {
    match packing {
        #[cfg(feature = "gz")]
        Packing::Gzip => {
            let buffered = io::BufReader::with_capacity(64 * 1024, reader);
            Ok(Box::new(flate2::bufread::MultiGzDecoder::new(buffered)))
        }
        #[cfg(feature = "zst")]
        Packing::Zstd => match zstd::stream::read::Decoder::new(reader) {
            Ok(decoder) => Ok(Box::new(decoder)),
            Err(e) => Err(Error::io("decompress", name, e)),
        },
        #[allow(unreachable_patterns, reason = "every packing may have its feature")]
        _ => {
            drop(reader);
            Err(missing(packing, name))
        }
    }
}

/// What to do where the feature of a compression is off.
#[allow(dead_code, reason = "every packing may have its feature")]
fn missing(packing: Packing, name: &Path) -> Error {
    let (what, feature) = match packing {
        Packing::Gzip => ("gzip", "gz"),
        Packing::Zstd => ("Zstandard", "zst"),
    };
    let message = format!(
        "{} is compressed with {what}: turn on the feature `{feature}` of millstream, or read it as it is with `Files::raw`",
        name.display()
    );
    Error::new(ErrorKind::Io, message)
}
