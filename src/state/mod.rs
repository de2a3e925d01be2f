//! Keyed state: declared aggregates, combined by the producers and reduced by the owner of the key.
//!
//! ```text
//!  producer                                                     consumer (one a partition)
//!  item -> front table -> buffers of 64 groups -> parcels =====> waits for some thousand -> part's keys -> results
//!            |  stays in cache; what leaves it is cut coarsely
//!            `-> resting: every key is new -> buffers of 256 parts -> parcels ==^
//! ```
//!
//! On real text three quarters of a naive count go into cache misses of one big table. So producers absorb the
//! frequent keys in a small table and cut what leaves it by hash; the consumer counts it in chunks large enough to
//! pay for bringing a part's keys into cache. Where combining does not pay (all keys distinct) the front table steps aside
//! and the cut is fine at once. What waits is bounded by the keys that are known, so memory is
//! about twice the distinct keys plus a constant.
//!
//! The idea is that of radix-partitioned aggregation: V. Leis et al., "Morsel-driven parallelism", 2014, and
//! S. Manegold, P. Boncz, M. Kersten, "Optimizing main-memory join on modern hardware", 2002.

mod borrowed;
mod combining;
mod entries;
mod exchange;
mod front;
mod join;
mod keyed;
mod merged;
mod part;
mod partials;
mod session;
mod windowed;

pub use borrowed::Adder;
pub(crate) use borrowed::CombineRefs;
pub(crate) use combining::CombineByKey;
pub use join::{FullOuter, Inner, JoinKind, Joined, JoinedWithin, LeftOuter, RightOuter, Side};
pub(crate) use join::{SendByKey, Times};
pub use keyed::Keyed;
pub(crate) use merged::{LatePartials, MergeWindows};
pub(crate) use partials::{Partial, Partials, ToOwner};
pub(crate) use session::{BySession, MergeSessions, Span, Spanning, UniqSessions};
pub(crate) use windowed::CombineWindows;

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::edge::Edge;
use entries::Entries;

/// A key with what was accumulated for it, and its hash, which is computed once.
#[derive(Debug)]
pub(crate) struct Entry<K, A> {
    pub(crate) hash: u64,
    pub(crate) key: K,
    pub(crate) acc: A,
}

/// Entries on their way to the consumer that owns their keys.
#[derive(Debug)]
pub(crate) struct Parcel<K, A> {
    cut: Cut,
    entries: Entries<K, A>,
}

/// What the entries of a parcel have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// One part.
    Part(usize),
    /// One group of neighbouring parts: what a front table lets go of is little, and few buffers stay in cache.
    Group(usize),
    /// No more than their consumer; entries of a group lie together.
    Mixed,
}

/// How many parts the keys are cut into: enough that the table of one stays in cache with millions of keys, and
/// several a consumer.
fn parts(consumers: usize) -> usize {
    (consumers * GROUP).next_power_of_two().max(256)
}

/// Parts in a group.
const GROUP: usize = 4;

/// The part of a hash.
#[inline]
fn part_of(hash: u64, parts: usize) -> usize {
    crate::output::partition_of(hash, parts)
}

/// The consumer that owns a part: all parts of a group have the same.
#[inline]
fn owner(part: usize, parts: usize, consumers: usize) -> usize {
    (part / GROUP) * consumers / (parts / GROUP)
}

/// Bytes that a key takes with what was accumulated for it, or a row with its key.
pub(crate) fn entry_bytes<K, A>() -> usize {
    Entries::<K, A>::BYTES
}

/// Entries that a producer combines at most.
pub(crate) fn front_places<K: Eq, A>() -> usize {
    front::Front::<K, A>::places()
}

/// Bytes that a producer has for a key of a window.
pub(crate) fn partial_bytes<K, A>() -> usize {
    windowed::Slot::<K, A>::BYTES
}

/// An edge that carries parcels, and brings their emptied vectors back to the producers: allocated on one thread and
/// freed on another, they would cost page faults all the time.
pub(crate) struct KeyedEdge<K, A> {
    pub(crate) edge: Arc<Edge<Parcel<K, A>>>,
    spare: (Sender<Entries<K, A>>, Receiver<Entries<K, A>>),
}

impl<K, A> KeyedEdge<K, A> {
    /// Vectors kept for reuse.
    const SPARE: usize = 256;

    pub(crate) fn new() -> Arc<Self> {
        Arc::new(KeyedEdge {
            edge: Arc::new(Edge::default()),
            spare: bounded(Self::SPARE),
        })
    }

    /// An empty vector with room for `entries`.
    fn take_spare(&self, entries: usize) -> Entries<K, A> {
        let mut spare = self.spare.1.try_recv().unwrap_or_default();
        spare.reserve(entries);
        spare
    }

    /// Keeps an emptied vector, if there is room.
    fn keep_spare(&self, spare: Entries<K, A>) {
        let _ = self.spare.0.try_send(spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_an_owner_and_every_owner_has_parts() {
        for consumers in [1, 2, 3, 7, 64, 100, 300] {
            let parts = parts(consumers);
            let owners: Vec<usize> = (0..parts).map(|p| owner(p, parts, consumers)).collect();
            assert!(owners.is_sorted());
            assert_eq!(owners.first(), Some(&0));
            assert_eq!(owners.last(), Some(&(consumers - 1)));
            assert!(owners.windows(2).all(|w| w[1] - w[0] <= 1));
            assert!(
                owners
                    .chunks(GROUP)
                    .all(|group| group[0] == group[GROUP - 1])
            );
        }
    }
}
