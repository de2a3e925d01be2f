//! The producer's second table: what the front table lets go of, combined once more before it crosses to another core.
//!
//! An entry that crosses costs a cache line's way between cores on both sides, several times what combining it here
//! costs. So entries are cut by hash into groups, gathered in a short buffer a group, and merged into the group's
//! table a buffer at a time, which keeps that table in cache meanwhile. A table that is full moves on whole. Memory
//! is bounded: [`GROUPS`] tables of [`HELD`] entries a producer.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;

use super::exchange::Exchange;
use super::{Entry, part_of};

/// Groups of keys.
const GROUPS: usize = 64;
/// Entries gathered before they are merged into their group's table.
const GATHERED: usize = 256;
/// Keys of a group before they move on: with one more buffer they fill a table of 4,096 places, which never grows.
const HELD: usize = 3584 - GATHERED;

/// Entries that wait for more of their keys.
pub(super) struct Hold<K, A> {
    groups: Vec<Group<K, A>>,
}

struct Group<K, A> {
    gathered: Vec<Entry<K, A>>,
    table: HashTable<Entry<K, A>>,
}

impl<K: Eq, A> Hold<K, A> {
    pub(super) fn new() -> Self {
        Hold { groups: Vec::new() }
    }

    /// Adds an entry; false when entries had to move on and found no room.
    #[inline]
    pub(super) fn put(
        &mut self,
        entry: Entry<K, A>,
        exchange: &mut Exchange<'_, K, A>,
        merge: impl Fn(&mut A, A),
    ) -> bool {
        if self.groups.is_empty() {
            self.groups.resize_with(GROUPS, || Group {
                gathered: Vec::with_capacity(GATHERED),
                table: HashTable::new(),
            });
        }
        let group = &mut self.groups[part_of(entry.hash, GROUPS)];
        group.gathered.push(entry);
        group.gathered.len() < GATHERED || group.merge(exchange, merge)
    }

    /// Moves everything on.
    pub(super) fn empty(&mut self, exchange: &mut Exchange<'_, K, A>, merge: impl Fn(&mut A, A)) {
        for mut group in self.groups.drain(..) {
            group.merge(exchange, &merge);
            exchange.move_on(group.table.into_iter());
        }
    }
}

impl<K: Eq, A> Group<K, A> {
    #[cold]
    fn merge(&mut self, exchange: &mut Exchange<'_, K, A>, merge: impl Fn(&mut A, A)) -> bool {
        for entry in self.gathered.drain(..) {
            let slot = self.table.entry(
                entry.hash,
                |known| known.hash == entry.hash && known.key == entry.key,
                |known| known.hash,
            );
            match slot {
                Slot::Occupied(mut known) => merge(&mut known.get_mut().acc, entry.acc),
                Slot::Vacant(free) => {
                    free.insert(entry);
                }
            }
        }
        if self.table.len() < HELD {
            return true;
        }
        exchange.move_on(self.table.drain());
        exchange.has_room()
    }
}
