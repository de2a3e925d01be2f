//! The number of different values: each is kept once, in a hash table a key.
//!
//! The hasher is kept once in the aggregate, not in every key's table: so all tables that are merged must come
//! from the same aggregate, as all those of one run do.

use super::{Aggregate, Place, debug_by_name};
use ahash::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::Hash;

/// How many different values a key has: what [`Over::distinct`](super::Over::distinct) gives back.
pub struct Distinct<F> {
    value: F,
    hasher: RandomState,
}

impl<F> Distinct<F> {
    #[inline]
    pub(super) fn new(value: F) -> Self {
        Distinct {
            value,
            hasher: RandomState::new(),
        }
    }

    #[inline]
    fn add<V: Hash + Eq>(&self, seen: &mut HashTable<V>, value: V) {
        let hash = self.hasher.hash_one(&value);
        let found = seen.entry(
            hash,
            |kept| *kept == value,
            |kept| self.hasher.hash_one(kept),
        );
        if let Entry::Vacant(free) = found {
            free.insert(value);
        }
    }
}

debug_by_name! { Distinct<F> }

impl<T, V, F> Aggregate<T> for Distinct<F>
where
    V: Hash + Eq + Send,
    F: Fn(&T) -> V + Send + Sync,
{
    type Acc = HashTable<V>;
    type Out = u64;

    #[inline]
    fn first(&self, item: &T, at: Place) -> HashTable<V> {
        let mut seen = HashTable::new();
        self.fold(&mut seen, item, at);
        seen
    }

    #[inline]
    fn fold(&self, acc: &mut HashTable<V>, item: &T, _: Place) {
        self.add(acc, (self.value)(item));
    }

    fn merge(&self, acc: &mut HashTable<V>, mut other: HashTable<V>) {
        // Rehash the fewer values.
        if other.len() > acc.len() {
            std::mem::swap(acc, &mut other);
        }
        for value in other {
            self.add(acc, value);
        }
    }

    #[inline]
    fn finish(&self, acc: HashTable<V>) -> u64 {
        acc.len() as u64
    }
}
