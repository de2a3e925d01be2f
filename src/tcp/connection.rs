//! One connection: what was read of it is cut into lines; of a line that has begun, what is there is kept.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use memchr::memchr;
use mio::net::TcpStream;

use super::fault::Fault;
use crate::source::Form;

/// A connection that a worker reads.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    /// The other end, where errors say their position.
    pub(super) name: Arc<Path>,
    /// When something came last, in the time of the run.
    pub(super) heard: Instant,
    /// Whether it waits in the queue of those that may have something.
    pub(super) ready: bool,
    /// What is there of a line that has not ended.
    begun: Vec<u8>,
    /// Where in all that was sent the next line, or the one that has begun, begins.
    pub(super) at: u64,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, peer: SocketAddr, now: Instant) -> Self {
        let name = PathBuf::from(format!("tcp://{peer}"));
        Connection {
            stream,
            name: Arc::from(name),
            heard: now,
            ready: false,
            begun: Vec::new(),
            at: 0,
        }
    }

    /// Reads what is there, without waiting.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    /// Bytes of a line that has begun and not ended.
    pub(super) fn begun(&self) -> usize {
        self.begun.len()
    }

    /// The line that has begun, as if it had ended here.
    pub(super) fn last<F: Form + ?Sized>(&mut self) -> Result<(u64, F::Owned), Fault> {
        let line = std::mem::take(&mut self.begun);
        Ok((self.at, F::of(line).map_err(Fault::NotUtf8)?))
    }

    /// Cuts at most `most` lines off what was read, with where they begin. What is left in the end is a line that has begun,
    /// and is kept.
    pub(super) fn cut<F: Form + ?Sized>(
        &mut self,
        read: &[u8],
        left: &mut Range<usize>,
        (most, longest): (usize, usize),
        lines: &mut Vec<(u64, F::Owned)>,
    ) -> Result<(), Fault> {
        while lines.len() < most && left.start < left.end {
            let rest = &read[left.clone()];
            let Some(end) = memchr(b'\n', rest) else {
                self.begun.extend_from_slice(rest);
                left.start = left.end;
                // A carriage return may belong to the line end that is still to come.
                let line = self.begun.strip_suffix(b"\r").unwrap_or(&self.begun);
                if line.len() > longest {
                    return Err(Fault::TooLong(longest));
                }
                break;
            };
            let mut line = std::mem::take(&mut self.begun);
            line.reserve_exact(end);
            line.extend_from_slice(&rest[..end]);
            let with_end = line.len() as u64 + 1;
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if line.len() > longest {
                return Err(Fault::TooLong(longest));
            }
            let line = F::of(line).map_err(Fault::NotUtf8)?;
            lines.push((self.at, line));
            self.at += with_end;
            left.start += end + 1;
        }
        Ok(())
    }
}
