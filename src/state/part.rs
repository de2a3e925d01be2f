//! The distinct keys of a part, and how a batch of entries is counted into them.
//!
//! A few keys live in a hash table. Many live in a plain vector, in the order of their arrival, and have no table of
//! their own: a consumer has an index that it fills with the positions of a part's keys before it counts entries into
//! them, and uses for the next part afterwards. So the index stays in cache, its memory is touched once and not once a
//! part, a key costs what its entry costs, and growing moves no key to another slot. In return every counting begins
//! with a pass over the known keys, which is paid for by letting about as many entries wait.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;

use super::Entry;
use super::entries::Entries;

/// Entries that wait before they are counted, at least.
const WAITING: usize = 4096;

/// Keys of a part that a hash table holds.
const FEW: usize = 3000;

/// Positions of keys in a part.
pub(super) type Index = HashTable<u32>;

/// Why a position fits 32 bits.
const MANY: &str = "a part has fewer than 2^32 keys";

/// The keys of one part, each once.
#[derive(Debug)]
pub(super) struct Part<K, A> {
    /// The keys while they are few.
    few: HashTable<Entry<K, A>>,
    /// The keys once they are many; then `few` is empty.
    many: Entries<K, A>,
}

impl<K, A> Default for Part<K, A> {
    fn default() -> Self {
        Part {
            few: HashTable::new(),
            many: Entries::default(),
        }
    }
}

impl<K, A> Part<K, A> {
    pub(super) fn is_empty(&self) -> bool {
        self.few.is_empty() && self.many.is_empty()
    }

    /// Keys that are entered into an index each time the part is opened.
    pub(super) fn to_enter(&self) -> usize {
        self.many.len()
    }

    /// Its keys and their accumulators; none remain.
    pub(super) fn take(&mut self) -> std::vec::IntoIter<(K, A)> {
        self.lay_out();
        std::mem::take(&mut self.many).into_pairs()
    }

    /// From a table to a vector.
    fn lay_out(&mut self) {
        self.many.reserve(self.few.len());
        for entry in std::mem::take(&mut self.few) {
            self.many.push(entry);
        }
    }

    /// Makes ready to count so many entries; if there are many keys, the lent index is filled with their positions.
    pub(super) fn open<'s, F: Fn(&K) -> u64>(
        &'s mut self,
        index: &'s mut Index,
        coming: usize,
        rehash: F,
    ) -> Counting<'s, K, A, F> {
        if self.many.is_empty() && self.few.len() + coming <= FEW {
            return Counting::Few(&mut self.few);
        }
        self.lay_out();
        let many = &mut self.many;
        index.clear();
        index.reserve(many.len(), |_| 0);
        for (at, hash) in many.hashes(&rehash).enumerate() {
            let at = u32::try_from(at).expect(MANY);
            index.insert_unique(hash, at, |at| many.hash_at(*at as usize, &rehash));
        }
        Counting::Many {
            many,
            index,
            rehash,
        }
    }
}

/// A part that is ready to count.
pub(super) enum Counting<'s, K, A, F> {
    Few(&'s mut HashTable<Entry<K, A>>),
    Many {
        many: &'s mut Entries<K, A>,
        index: &'s mut Index,
        rehash: F,
    },
}

impl<K: Eq, A, F: Fn(&K) -> u64> Counting<'_, K, A, F> {
    #[inline]
    pub(super) fn count(&mut self, entry: Entry<K, A>, merge: impl FnOnce(&mut A, A)) {
        match self {
            Counting::Few(table) => {
                let slot = table.entry(
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
            Counting::Many {
                many,
                index,
                rehash,
            } => {
                let slot = index.entry(
                    entry.hash,
                    |at| many.key(*at as usize) == Some(&entry.key),
                    |at| many.hash_at(*at as usize, &*rehash),
                );
                match slot {
                    Slot::Occupied(at) => {
                        if let Some(acc) = many.acc(*at.get() as usize) {
                            merge(acc, entry.acc);
                        }
                    }
                    Slot::Vacant(free) => {
                        free.insert(u32::try_from(many.len()).expect(MANY));
                        many.push(entry);
                    }
                }
            }
        }
    }
}

/// Parcels that wait until there are enough to pay for entering their keys.
#[derive(Debug)]
pub(super) struct Waiting<K, A> {
    parcels: Vec<Entries<K, A>>,
    entries: usize,
}

impl<K, A> Default for Waiting<K, A> {
    fn default() -> Self {
        Waiting {
            parcels: Vec::new(),
            entries: 0,
        }
    }
}

impl<K, A> Waiting<K, A> {
    /// Adds a parcel; true when there are enough to pay for entering so many keys. `spread`, of eight, sets the
    /// moment apart: parts that fill evenly would otherwise all be due at once, and hold up whoever fills them.
    pub(super) fn add(&mut self, parcel: Entries<K, A>, to_enter: usize, spread: usize) -> bool {
        self.entries += parcel.len();
        self.parcels.push(parcel);
        let most = WAITING.max(2 * to_enter);
        self.entries >= most / 2 + most / 8 * (spread % 8)
    }

    pub(super) fn len(&self) -> usize {
        self.entries
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    pub(super) fn take(&mut self) -> Vec<Entries<K, A>> {
        self.entries = 0;
        std::mem::take(&mut self.parcels)
    }
}
