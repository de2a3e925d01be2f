//! Compression, a member at a time: each piece of a file is compressed by itself, so workers do it side by side, and
//! the pieces one after the other are a valid file.

use std::path::Path;

use crate::error::{BoxError, Error, ErrorKind};

/// How a file that is written is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip, with the feature `gz`.
    Gz,
    /// Zstandard, with the feature `zst`.
    Zst,
}

impl Compression {
    /// That which the ending of a name says.
    pub(super) fn of(path: &Path) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("gz") => Compression::Gz,
            Some("zst") => Compression::Zst,
            _ => Compression::Plain,
        }
    }

    /// Refuses what this build cannot do, before anything is written.
    pub(super) fn check(self, path: &Path) -> Result<(), Error> {
        let (can, name, feature) = match self {
            Compression::Plain => return Ok(()),
            Compression::Gz => (cfg!(feature = "gz"), "gzip", "gz"),
            Compression::Zst => (cfg!(feature = "zst"), "Zstandard", "zst"),
        };
        if can {
            return Ok(());
        }
        let message = format!(
            "cannot compress {} with {name}: turn on the feature `{feature}` of millstream, or ask for \
             `.compression(Compression::Plain)`",
            path.display()
        );
        Err(Error::new(ErrorKind::Sink, message))
    }

    /// Appends bytes as a whole member.
    pub(super) fn pack(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), BoxError> {
        match self {
            Compression::Plain => out.extend_from_slice(bytes),
            #[cfg(feature = "gz")]
            Compression::Gz => {
                let mut gz = flate2::write::GzEncoder::new(out, flate2::Compression::default());
                std::io::Write::write_all(&mut gz, bytes)?;
                gz.finish()?;
            }
            #[cfg(feature = "zst")]
            Compression::Zst => out.extend(zstd::bulk::compress(
                bytes,
                zstd::DEFAULT_COMPRESSION_LEVEL,
            )?),
            #[allow(unreachable_patterns, reason = "with all features there is none left")]
            other => return Err(format!("this build does not compress with {other:?}").into()),
        }
        Ok(())
    }
}
