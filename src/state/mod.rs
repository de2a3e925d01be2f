//! Keyed state: declared aggregates, combined by the producers and reduced by the owner of the key.
//!
//! ```text
//!  producer                                                       consumer (one a partition)
//!  item -> front table -> hold: 64 tables -> parcels of a group =====> part's table -> results at the end
//!            |  stays in cache; what leaves it is merged a batch at a time, and moves on when a table is full
//!            `-> resting: every key is new -> parcels of one part ===> waits for a few thousand of its part
//! ```
//!
//! On real text three quarters of a naive count go into cache misses of one big table. So producers absorb the
//! frequent keys in a small table, and combine what leaves it once more before it crosses to another core. Where
//! combining does not pay (all keys distinct) both step aside: entries are cut by hash into parts and counted in
//! chunks large enough to pay for bringing the part's table into cache. What waits is bounded, so memory is the
//! distinct keys plus a constant.
//!
//! The idea is that of radix-partitioned aggregation: V. Leis et al., "Morsel-driven parallelism", 2014, and
//! S. Manegold, P. Boncz, M. Kersten, "Optimizing main-memory join on modern hardware", 2002.

mod borrowed;
mod combining;
mod exchange;
mod front;
mod hold;
mod keyed;

pub use borrowed::Adder;
pub(crate) use borrowed::CombineRefs;
pub(crate) use combining::CombineByKey;
pub use keyed::Keyed;

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::edge::Edge;

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
    /// The part all entries belong to; `None` where they are of several, in runs.
    part: Option<usize>,
    entries: Vec<Entry<K, A>>,
}

/// How many parts the keys are cut into: enough that the table of one stays in cache with millions of keys, and
/// several a consumer.
fn parts(consumers: usize) -> usize {
    (consumers * 8).next_power_of_two().max(512)
}

/// The part of a hash.
#[inline]
fn part_of(hash: u64, parts: usize) -> usize {
    crate::output::partition_of(hash, parts)
}

/// The consumer that owns a part.
#[inline]
fn owner(part: usize, parts: usize, consumers: usize) -> usize {
    part * consumers / parts
}

/// An edge that carries parcels, and brings their emptied vectors back to the producers: allocated on one thread and
/// freed on another, they would cost page faults all the time.
pub(crate) struct KeyedEdge<K, A> {
    pub(crate) edge: Arc<Edge<Parcel<K, A>>>,
    spare: (Sender<Vec<Entry<K, A>>>, Receiver<Vec<Entry<K, A>>>),
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
    fn take_spare(&self, entries: usize) -> Vec<Entry<K, A>> {
        let mut spare = self.spare.1.try_recv().unwrap_or_default();
        spare.reserve(entries);
        spare
    }

    /// Keeps an emptied vector, if there is room.
    fn keep_spare(&self, spare: Vec<Entry<K, A>>) {
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
        }
    }
}
