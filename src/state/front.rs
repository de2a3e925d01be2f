//! The producer's table: small enough for cache, and out of the way where it does not pay.
//!
//! It begins as a hash table. If all keys fit, nothing leaves it before the end. If they do not, it becomes a
//! direct-mapped cache: a key has one place, and a newcomer sends the entry that stood there on its way. Looking up
//! is then one load and one compare, which on text is worth more than what a better replacement saves. Where few
//! items find their key (all keys distinct), items pass it by for a while.

use hashbrown::HashTable;

use super::Entry;

/// Bytes of entries that a front table may hold: about half of a core's second-level cache.
const BYTES: usize = 1 << 20;
/// Bounds of the cache's places; a power of two.
const PLACES: std::ops::RangeInclusive<usize> = 1024..=16_384;
/// Lookups after which it is asked whether the cache pays.
const TRIAL: u64 = 1 << 16;
/// After a trial that did not pay, so many times as many items pass by before the next.
const REST: u64 = 16;

/// Entries of keys that were seen before.
pub(super) struct Front<K, A> {
    mode: Mode,
    /// Keys without their hashes: the smaller they are the more of them stay in cache, and they are hashed again
    /// only when they leave.
    table: HashTable<(K, A)>,
    /// Empty until the table has been full once.
    cache: Vec<Option<Entry<K, A>>>,
    /// Places of the cache; the table holds seven eighths as many keys.
    places: usize,
    /// Items of this trial that were looked up.
    seen: u64,
    /// Keys of this trial that were not there.
    missed: u64,
    /// Items that are still to pass by.
    resting: u64,
    /// Items of all time.
    total: u64,
}

/// How the front table works at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// All keys so far are in the hash table.
    Table,
    /// A key has one place in the cache.
    Cache,
    /// Items pass by.
    Rest,
}

impl<K: Eq, A> Front<K, A> {
    /// Places of the cache, and so the most entries.
    pub(super) fn places() -> usize {
        let fit = BYTES / size_of::<Option<Entry<K, A>>>().max(1);
        // Rounded down, since places are chosen by masking a hash.
        1 << fit.clamp(*PLACES.start(), *PLACES.end()).ilog2()
    }

    pub(super) fn new() -> Self {
        Front {
            mode: Mode::Table,
            table: HashTable::new(),
            cache: Vec::new(),
            places: Self::places(),
            seen: 0,
            missed: 0,
            resting: 0,
            total: 0,
        }
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// What was accumulated for a key, if it is there. `mode` is what [`mode`](Front::mode) says, and not `Rest`;
    /// the caller hands it in so that a loop over items can keep it in a register.
    #[inline]
    pub(super) fn find(
        &mut self,
        mode: Mode,
        hash: u64,
        is: impl Fn(&K) -> bool,
    ) -> Option<&mut A> {
        if mode == Mode::Cache {
            let mask = self.cache.len().wrapping_sub(1);
            return match self.cache.get_mut(hash as usize & mask) {
                Some(Some(entry)) if entry.hash == hash && is(&entry.key) => Some(&mut entry.acc),
                _ => None,
            };
        }
        self.table
            .find_mut(hash, |(key, _)| is(key))
            .map(|(_, acc)| acc)
    }

    /// Adds a key that is not there; returns the entry that had to leave for it. When the table is full, everything in
    /// it leaves through `leave`. `rehash` gives the hash of a key.
    #[inline]
    pub(super) fn insert(
        &mut self,
        entry: Entry<K, A>,
        rehash: impl Fn(&K) -> u64,
        leave: impl FnMut(Entry<K, A>),
    ) -> Option<Entry<K, A>> {
        self.missed += 1;
        if self.mode == Mode::Cache {
            let mask = self.cache.len().wrapping_sub(1);
            let place = self.cache.get_mut(entry.hash as usize & mask)?;
            return place.replace(entry);
        }
        if self.table.len() >= self.places / 8 * 7 {
            return self.outgrow(entry, rehash, leave);
        }
        self.table
            .insert_unique(entry.hash, (entry.key, entry.acc), |(key, _)| rehash(key));
        None
    }

    /// From a table to a cache: more keys came than fit.
    #[cold]
    fn outgrow(
        &mut self,
        entry: Entry<K, A>,
        rehash: impl Fn(&K) -> u64,
        leave: impl FnMut(Entry<K, A>),
    ) -> Option<Entry<K, A>> {
        self.empty(rehash).for_each(leave);
        self.cache.resize_with(self.places, || None);
        self.mode = Mode::Cache;
        let place = entry.hash as usize & (self.places - 1);
        self.cache[place].replace(entry)
    }

    /// Notes that items were looked up; it is told once a chunk, so that the loop over the items need not.
    pub(super) fn looked_up(&mut self, items: u64) {
        self.seen += items;
        self.total += items;
        if self.mode == Mode::Cache && self.seen >= TRIAL {
            // One in five must find its key to pay for the others' looking.
            if self.missed > self.seen / 5 * 4 {
                self.mode = Mode::Rest;
                self.resting = REST * TRIAL;
            }
            self.seen = 0;
            self.missed = 0;
        }
    }

    /// Notes that items passed by.
    pub(super) fn passed(&mut self, items: u64) {
        self.total += items;
        self.resting = self.resting.saturating_sub(items);
        if self.resting == 0 {
            self.mode = Mode::Cache;
        }
    }

    /// Items that were looked up or passed by, ever.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Takes everything out; `rehash` gives the hash of a key.
    pub(super) fn empty(
        &mut self,
        rehash: impl Fn(&K) -> u64,
    ) -> impl Iterator<Item = Entry<K, A>> {
        self.mode = Mode::Table;
        let cached = std::mem::take(&mut self.cache).into_iter().flatten();
        let table = std::mem::take(&mut self.table).into_iter();
        let hashed = table.map(move |(key, acc)| Entry {
            hash: rehash(&key),
            key,
            acc,
        });
        hashed.chain(cached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(key: &u64) -> u64 {
        key.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_right(32)
    }

    fn add(front: &mut Front<u64, u64>, out: &mut Vec<(u64, u64)>, key: u64) {
        let hashed = hash(&key);
        let entry = Entry {
            hash: hashed,
            key,
            acc: 1,
        };
        let mode = front.mode();
        if mode == Mode::Rest {
            front.passed(1);
            return out.push((key, 1));
        }
        front.looked_up(1);
        if let Some(n) = front.find(mode, hashed, |k| *k == key) {
            return *n += 1;
        }
        let left = front.insert(entry, hash, |e| out.push((e.key, e.acc)));
        out.extend(left.map(|e| (e.key, e.acc)));
    }

    fn total(front: &mut Front<u64, u64>, out: &mut Vec<(u64, u64)>) -> u64 {
        out.extend(front.empty(hash).map(|e| (e.key, e.acc)));
        out.iter().map(|(_, n)| n).sum()
    }

    #[test]
    fn keys_that_fit_stay_to_the_end() {
        let (mut front, mut out) = (Front::new(), Vec::new());
        for n in 0..1_000_000 {
            add(&mut front, &mut out, n % 10_000);
        }
        assert!(out.is_empty());
        assert_eq!(total(&mut front, &mut out), 1_000_000);
        assert_eq!(out.len(), 10_000);
    }

    #[test]
    fn frequent_keys_are_absorbed_among_many() {
        let (mut front, mut out) = (Front::new(), Vec::new());
        for n in 0..1_000_000 {
            let key = if n % 4 == 0 { n } else { n % 8 };
            add(&mut front, &mut out, key);
        }
        assert_eq!(front.mode(), Mode::Cache);
        assert_eq!(total(&mut front, &mut out), 1_000_000);
        assert!(out.len() < 300_000, "{} entries", out.len());
    }

    #[test]
    fn distinct_keys_pass_by() {
        let (mut front, mut out) = (Front::new(), Vec::new());
        for n in 0..200_000 {
            add(&mut front, &mut out, n);
        }
        assert_eq!(front.mode(), Mode::Rest, "a cache that finds nothing rests");
        assert_eq!(total(&mut front, &mut out), 200_000);
    }
}
