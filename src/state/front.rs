//! The producer's table: small enough for cache, emptied when full, and out of the way where it does not pay.

use hashbrown::HashTable;

use super::Entry;

/// Bytes of entries that a front table may hold: most of a core's second-level cache.
const BYTES: usize = 1 << 20;
/// Bounds of its capacity in entries.
const ENTRIES: std::ops::RangeInclusive<usize> = 1024..=28_672;
/// After a table that did not pay, so many tables' worth of items pass by before it is tried again.
const REST: u64 = 16;

/// Entries of keys that were seen since the table was last emptied.
pub(super) struct Front<K, A> {
    table: HashTable<Entry<K, A>>,
    capacity: usize,
    /// Items since the table was last emptied.
    seen: u64,
    /// Items that still pass by.
    resting: u64,
}

/// Where an item's key stands.
pub(super) enum Seen<'t, A> {
    /// The key is there, with what was accumulated.
    Before(&'t mut A),
    /// The key is not there; there is room for it.
    New,
    /// The key is not there, and the table must be emptied first.
    Full,
    /// The table rests: send the item on as an entry of its own.
    Resting,
}

impl<K, A> Front<K, A> {
    pub(super) fn new() -> Self {
        let capacity = BYTES / size_of::<Entry<K, A>>().max(1);
        Front {
            table: HashTable::new(),
            capacity: capacity.clamp(*ENTRIES.start(), *ENTRIES.end()),
            seen: 0,
            resting: 0,
        }
    }

    /// Looks a key up; one call an item.
    #[inline]
    pub(super) fn find(&mut self, hash: u64, is: impl Fn(&K) -> bool) -> Seen<'_, A> {
        if self.resting > 0 {
            self.resting -= 1;
            return Seen::Resting;
        }
        self.seen += 1;
        let full = self.table.len() >= self.capacity;
        match self.table.find_mut(hash, |e| e.hash == hash && is(&e.key)) {
            Some(entry) => Seen::Before(&mut entry.acc),
            None if full => Seen::Full,
            None => Seen::New,
        }
    }

    /// Adds a key that is not there.
    #[inline]
    pub(super) fn insert(&mut self, entry: Entry<K, A>) {
        self.table.insert_unique(entry.hash, entry, |e| e.hash);
    }

    /// Takes everything out; decides whether the table has paid for itself.
    pub(super) fn empty(&mut self) -> impl Iterator<Item = Entry<K, A>> + '_ {
        let entries = self.table.len() as u64;
        if self.seen < entries + entries / 4 {
            self.resting = REST * entries;
        }
        self.seen = 0;
        self.table.drain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(front: &mut Front<u64, u64>, out: &mut Vec<(u64, u64)>, key: u64) {
        let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        match front.find(hash, |k| *k == key) {
            Seen::Before(n) => return *n += 1,
            Seen::Resting => return out.push((key, 1)),
            Seen::Full => out.extend(front.empty().map(|e| (e.key, e.acc))),
            Seen::New => {}
        }
        front.insert(Entry { hash, key, acc: 1 });
    }

    #[test]
    fn nothing_is_lost_and_frequent_keys_are_absorbed() {
        let (mut front, mut out) = (Front::new(), Vec::new());
        for n in 0..1_000_000 {
            add(&mut front, &mut out, n % 1000);
        }
        assert!(out.is_empty(), "a thousand keys fit");
        out.extend(front.empty().map(|e| (e.key, e.acc)));
        assert_eq!(out.len(), 1000);
        assert!(out.iter().all(|(_, n)| *n == 1000));
    }

    #[test]
    fn distinct_keys_pass_by() {
        let (mut front, mut out) = (Front::new(), Vec::new());
        for n in 0..200_000 {
            add(&mut front, &mut out, n);
        }
        assert!(front.resting > 0, "a table that combined nothing rests");
        out.extend(front.empty().map(|e| (e.key, e.acc)));
        assert_eq!(out.len(), 200_000);
    }
}
