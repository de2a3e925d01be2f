//! Entries in memory: keys with what was accumulated for them, and their hashes where those are worth carrying.

use super::Entry;

/// Keys with what was accumulated for them, and a hash for each unless [`REHASHED`](Entries::REHASHED).
///
/// Hashes lie apart from the keys: what looks a key up by its tag in a table needs the key only, and a small key goes
/// without: an integer is hashed in the time it takes to load a hash, and its entry is a third smaller.
#[derive(Debug)]
pub(super) struct Entries<K, A> {
    hashes: Vec<u64>,
    pairs: Vec<(K, A)>,
}

impl<K, A> Default for Entries<K, A> {
    fn default() -> Self {
        Entries {
            hashes: Vec::new(),
            pairs: Vec::new(),
        }
    }
}

impl<K, A> Entries<K, A> {
    /// Whether keys are hashed again instead of carrying their hashes.
    const REHASHED: bool = size_of::<K>() <= size_of::<u64>();

    /// Bytes an entry takes.
    pub(super) const BYTES: usize =
        size_of::<(K, A)>() + if Self::REHASHED { 0 } else { size_of::<u64>() };

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(super) fn reserve(&mut self, more: usize) {
        self.pairs.reserve(more);
        if !Self::REHASHED {
            self.hashes.reserve(more);
        }
    }

    #[inline]
    pub(super) fn push(&mut self, entry: Entry<K, A>) {
        self.pairs.push((entry.key, entry.acc));
        if !Self::REHASHED {
            self.hashes.push(entry.hash);
        }
    }

    pub(super) fn append(&mut self, more: &mut Self) {
        self.pairs.append(&mut more.pairs);
        self.hashes.append(&mut more.hashes);
    }

    #[inline]
    pub(super) fn key(&self, at: usize) -> Option<&K> {
        self.pairs.get(at).map(|(key, _)| key)
    }

    #[inline]
    pub(super) fn acc(&mut self, at: usize) -> Option<&mut A> {
        self.pairs.get_mut(at).map(|(_, acc)| acc)
    }

    /// What lies beside the key at a place.
    #[inline]
    pub(super) fn item(&self, at: usize) -> &A {
        &self.pairs[at].1
    }

    /// The hash that the key at a place carries, if keys do.
    #[inline]
    pub(super) fn carried(&self, at: usize) -> Option<u64> {
        if Self::REHASHED {
            None
        } else {
            self.hashes.get(at).copied()
        }
    }

    /// Takes the last entry.
    pub(super) fn pop(&mut self) -> Option<(K, A)> {
        self.hashes.pop();
        self.pairs.pop()
    }

    /// Takes the last entries of another vector in their order: so many at most, or for as many as there is room.
    pub(super) fn take_tail(&mut self, from: &mut Self, most: usize) {
        let most = most.max(self.pairs.capacity());
        let left = from.len().saturating_sub(most);
        self.pairs.extend(from.pairs.drain(left..));
        if !Self::REHASHED {
            self.hashes.extend(from.hashes.drain(left..));
        }
    }

    /// Drops all entries and leaves the memory.
    pub(super) fn clear(&mut self) {
        self.hashes.clear();
        self.pairs.clear();
    }

    /// The hash of the key at a place.
    #[inline]
    pub(super) fn hash_at(&self, at: usize, rehash: impl Fn(&K) -> u64) -> u64 {
        match self.hashes.get(at) {
            Some(hash) => *hash,
            None => rehash(&self.pairs[at].0),
        }
    }

    /// The hashes of all keys.
    pub(super) fn hashes(&self, rehash: impl Fn(&K) -> u64) -> impl Iterator<Item = u64> {
        let mut hashes = self.hashes.iter();
        self.pairs.iter().map(move |(key, _)| match hashes.next() {
            Some(hash) => *hash,
            None => rehash(key),
        })
    }

    /// Takes all entries out and leaves the memory.
    pub(super) fn drain(
        &mut self,
        rehash: impl Fn(&K) -> u64,
    ) -> impl Iterator<Item = Entry<K, A>> {
        let mut hashes = self.hashes.drain(..);
        self.pairs.drain(..).map(move |(key, acc)| Entry {
            hash: match hashes.next() {
                Some(hash) => hash,
                None => rehash(&key),
            },
            key,
            acc,
        })
    }

    /// The keys and accumulators alone.
    pub(super) fn into_pairs(self) -> std::vec::IntoIter<(K, A)> {
        self.pairs.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round<K: Copy>(key: K) -> Vec<(u64, u8)> {
        let mut entries = Entries::default();
        for acc in 0..3 {
            entries.push(Entry { hash: 7, key, acc });
        }
        let mut all = Entries::default();
        all.append(&mut entries);
        assert!(entries.is_empty());
        assert_eq!(all.len(), 3);
        let hashes: Vec<u64> = all.hashes(|_| 8).collect();
        assert!((0..3).all(|at| hashes[at] == all.hash_at(at, |_| 8)));
        let drained = all.drain(|_| 8).map(|entry| (entry.hash, entry.acc));
        drained.collect()
    }

    #[test]
    fn small_keys_are_hashed_again_and_others_carry_their_hash() {
        assert_eq!(round(1_u64), [(8, 0), (8, 1), (8, 2)]);
        assert_eq!(round("key"), [(7, 0), (7, 1), (7, 2)]);
        assert_eq!(Entries::<u64, u64>::BYTES, 16);
        assert_eq!(Entries::<&str, u64>::BYTES, 32);
    }
}
