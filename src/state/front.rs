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
    /// Items that are still to pass by.
    resting: u64,
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

    /// Whether items are to pass the table by.
    pub(super) fn rests(&self) -> bool {
        self.resting > 0
    }

    /// Notes that items passed by.
    pub(super) fn passed(&mut self, items: u64) {
        self.resting = self.resting.saturating_sub(items);
    }

    /// Notes that items were looked up. It is told afterwards so that the loop over the items need not write it.
    pub(super) fn looked_up(&mut self, items: u64) {
        self.seen += items;
    }

    /// What was accumulated for a key, if it is there.
    #[inline]
    pub(super) fn find(&mut self, hash: u64, is: impl Fn(&K) -> bool) -> Option<&mut A> {
        self.table
            .find_mut(hash, |e| e.hash == hash && is(&e.key))
            .map(|entry| &mut entry.acc)
    }

    /// Whether the table must be emptied before another key is added.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.table.len() >= self.capacity
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
        if front.rests() {
            front.passed(1);
            return out.push((key, 1));
        }
        front.looked_up(1);
        if let Some(n) = front.find(hash, |k| *k == key) {
            return *n += 1;
        }
        if front.is_full() {
            out.extend(front.empty().map(|e| (e.key, e.acc)));
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
