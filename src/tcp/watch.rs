//! Counts of what happens to the connections of a flow: plain numbers that any thread may read at any time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fault::Fault;

/// What has happened to the connections of a flow, from [`TcpLines::watch`](crate::TcpLines::watch).
///
/// Clones are the same counts. They can be read while the flow runs and after it has ended; each is right for itself, and
/// several that are read one after the other may be of different moments.
///
/// # Examples
/// ```
/// use millstream::TcpLines;
///
/// let watch = TcpLines::bind("127.0.0.1:0")?.watch();
/// assert_eq!((watch.accepted(), watch.open()), (0, 0));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct TcpWatch(Arc<Counts>);

#[derive(Default)]
struct Counts {
    accepted: AtomicU64,
    open: AtomicU64,
    broken: AtomicU64,
    torn: AtomicU64,
    too_long: AtomicU64,
    not_utf8: AtomicU64,
    silent: AtomicU64,
}

impl TcpWatch {
    /// Connections that were accepted, or made.
    pub fn accepted(&self) -> u64 {
        self.0.accepted.load(Ordering::Acquire)
    }

    /// Connections that are open.
    pub fn open(&self) -> u64 {
        self.0.open.load(Ordering::Acquire)
    }

    /// Connections that broke: the system reported an error instead of an end.
    pub fn broken(&self) -> u64 {
        self.0.broken.load(Ordering::Acquire)
    }

    /// Lines that were begun and never ended, and so were not given: the connection ended, broke, fell silent, or was left when
    /// the flow ended.
    pub fn torn(&self) -> u64 {
        self.0.torn.load(Ordering::Acquire)
    }

    /// Connections that were closed because of a line that was too long.
    pub fn too_long(&self) -> u64 {
        self.0.too_long.load(Ordering::Acquire)
    }

    /// Connections that were closed because of a line that was not UTF-8.
    pub fn not_utf8(&self) -> u64 {
        self.0.not_utf8.load(Ordering::Acquire)
    }

    /// Connections that were closed because nothing had come for too long.
    pub fn silent(&self) -> u64 {
        self.0.silent.load(Ordering::Acquire)
    }

    /// A connection begins.
    pub(super) fn opened(&self) {
        self.0.accepted.fetch_add(1, Ordering::AcqRel);
        self.0.open.fetch_add(1, Ordering::AcqRel);
    }

    /// A connection is over.
    pub(super) fn closed(&self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }

    /// Something was wrong with one.
    pub(super) fn count(&self, fault: &Fault) {
        let counter = match fault {
            Fault::Broken(_) => &self.0.broken,
            Fault::Torn(_) => &self.0.torn,
            Fault::TooLong(_) => &self.0.too_long,
            Fault::NotUtf8(_) => &self.0.not_utf8,
            Fault::Silent(_) => &self.0.silent,
        };
        counter.fetch_add(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for TcpWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpWatch")
            .field("accepted", &self.accepted())
            .field("open", &self.open())
            .field("broken", &self.broken())
            .field("torn", &self.torn())
            .field("too_long", &self.too_long())
            .field("not_utf8", &self.not_utf8())
            .field("silent", &self.silent())
            .finish()
    }
}
