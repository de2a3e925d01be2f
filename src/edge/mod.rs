//! Edges: how batches cross threads.
//!
//! An edge is made at the boundary where both sides' types are known, so nothing on it is erased. It has one bounded
//! channel a consumer (or one shared queue, after `shuffle` and `merge`); producers gather items in a buffer a target
//! and send whole batches. The runner opens the edges when the number of workers is known; each worker takes its end
//! as it starts, and an end that is dropped tells the other side that there is nothing more to come, or to send.

mod concat;
mod ends;
mod marks;
mod own;
mod shared;
mod turn;
mod weigh;
mod zip;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crossbeam_channel::{Select, Sender};

pub use concat::Concat;
pub(crate) use ends::{Inlet, Outlet};
pub(crate) use marks::{Fronts, Marks, Word};
pub use own::Partitioned;
pub use shared::Shuffled;
pub(crate) use turn::Turn;
pub(crate) use weigh::Weigher;
pub use zip::Zip;

use crate::run::{Fill, lock};

/// Items on their way, with where they come from.
#[derive(Debug)]
pub(crate) struct Batch<T> {
    pub(crate) items: Vec<T>,
    /// The producer that sends it, and the split it read them from.
    pub(crate) from: (usize, u64),
}

/// A boundary between stages that carries messages of one type, usually batches.
pub(crate) struct Edge<M> {
    ends: Mutex<Ends<M>>,
    /// Set when the consumers want nothing more.
    closed: AtomicBool,
}

/// The channel ends that no worker has taken yet.
struct Ends<M> {
    /// One set a producer, a sender a channel.
    senders: Vec<Vec<Outlet<M>>>,
    /// One a consumer, or the same for all of them.
    receivers: Vec<Option<Inlet<M>>>,
    /// What the producers say of themselves.
    marks: Arc<Marks>,
    /// How full the channels are.
    fills: Vec<Arc<Fill>>,
}

impl<M> Default for Edge<M> {
    fn default() -> Self {
        Edge {
            ends: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }
}

/// What the runner and neighbours need to know of an edge, whatever it carries.
pub(crate) trait AnyEdge: Send + Sync {
    /// Makes the channels: `channels` of them, each with room for `capacity` messages.
    fn open(&self, producers: usize, consumers: usize, channels: usize, capacity: usize);
    /// How full each of its channels is.
    fn fills(&self) -> Vec<Arc<Fill>>;
    /// Lets go of the ends that no worker took.
    fn abandon(&self);
}

impl<M: Send> AnyEdge for Edge<M> {
    fn open(&self, producers: usize, consumers: usize, channels: usize, capacity: usize) {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..channels).map(|_| ends::channel(capacity)).unzip();
        let fills = receivers.iter().map(Inlet::fill).collect();
        *lock(&self.ends) = Ends {
            senders: vec![senders; producers],
            receivers: (0..consumers)
                .map(|i| Some(receivers[i % channels].clone()))
                .collect(),
            marks: Arc::new(Marks::new(producers, channels)),
            fills,
        };
    }

    fn fills(&self) -> Vec<Arc<Fill>> {
        lock(&self.ends).fills.clone()
    }

    fn abandon(&self) {
        let mut ends = lock(&self.ends);
        let (marks, fills) = (ends.marks.clone(), ends.fills.clone());
        let old = std::mem::replace(
            &mut *ends,
            Ends {
                marks,
                fills,
                ..Ends::default()
            },
        );
        drop(ends);
        drop(old);
    }
}

impl<M> Default for Ends<M> {
    fn default() -> Self {
        Ends {
            senders: Vec::new(),
            receivers: Vec::new(),
            marks: Arc::default(),
            fills: Vec::new(),
        }
    }
}

impl<M> Edge<M> {
    /// A producer's set of senders; empty when the run ended before this worker started.
    pub(crate) fn senders(&self) -> Vec<Outlet<M>> {
        lock(&self.ends).senders.pop().unwrap_or_default()
    }

    /// A producer's number and its set of senders; none when the run ended before this worker started.
    pub(crate) fn producer(&self) -> (usize, Vec<Outlet<M>>) {
        let mut ends = lock(&self.ends);
        let senders = ends.senders.pop().unwrap_or_default();
        (ends.senders.len(), senders)
    }

    /// What the producers say of themselves.
    pub(crate) fn marks(&self) -> Arc<Marks> {
        lock(&self.ends).marks.clone()
    }

    /// The receiver of one consumer; `None` when the run ended before this worker started.
    pub(crate) fn receiver(&self, consumer: usize) -> Option<Inlet<M>> {
        lock(&self.ends).receivers.get_mut(consumer)?.take()
    }

    /// Tells producers that nothing more is wanted.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

impl<M> fmt::Debug for Edge<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").finish_non_exhaustive()
    }
}

/// Blocks until a send would not, or `until` has passed.
pub(crate) fn wait_send<M>(sender: &Sender<M>, until: Option<Instant>) {
    let mut select = Select::new();
    select.send(sender);
    ready(&mut select, until);
}

/// Blocks until one of several channels would not; false when `until` has passed before.
pub(crate) fn ready(select: &mut Select<'_>, until: Option<Instant>) -> bool {
    match until {
        Some(until) => select.ready_deadline(until).is_ok(),
        None => {
            select.ready();
            true
        }
    }
}
