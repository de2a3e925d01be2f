//! What is kept for each key, in numbered places that are used again.

use hashbrown::HashTable;

/// Keys with what is kept for them.
#[derive(Debug)]
pub(super) struct Keys<K, S> {
    /// The place of a key, by its hash.
    index: HashTable<u32>,
    places: Vec<Option<Place<K, S>>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<K, S> {
    hash: u64,
    key: K,
    rows: S,
}

/// Why a place has a number of 32 bits.
const MANY: &str = "a worker keeps fewer than 2^32 keys";

impl<K, S> Default for Keys<K, S> {
    fn default() -> Self {
        Keys {
            index: HashTable::new(),
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<K: Eq, S: Default> Keys<K, S> {
    /// The place of a key, made if there is none.
    pub(super) fn enter(&mut self, hash: u64, key: K) -> u32 {
        let places = &mut self.places;
        let known = self.index.find(hash, |&at| {
            let place = places.get(at as usize).and_then(Option::as_ref);
            place.is_some_and(|place| place.hash == hash && place.key == key)
        });
        if let Some(at) = known {
            return *at;
        }
        let place = Some(Place {
            hash,
            key,
            rows: S::default(),
        });
        let at = match self.free.pop() {
            Some(at) => {
                places[at as usize] = place;
                at
            }
            None => {
                places.push(place);
                u32::try_from(places.len() - 1).expect(MANY)
            }
        };
        self.index
            .insert_unique(hash, at, |&at| hash_of(places, at));
        at
    }
}

fn hash_of<K, S>(places: &[Option<Place<K, S>>], at: u32) -> u64 {
    let place = places.get(at as usize).and_then(Option::as_ref);
    place.map_or(0, |place| place.hash)
}

impl<K, S> Keys<K, S> {
    /// What is kept at a place, if a key has it.
    pub(super) fn rows(&mut self, at: u32) -> Option<&mut S> {
        let place = self.places.get_mut(at as usize)?.as_mut()?;
        Some(&mut place.rows)
    }

    /// Lets go of a key.
    pub(super) fn leave(&mut self, at: u32) {
        let Some(place) = self.places.get_mut(at as usize).and_then(Option::take) else {
            return;
        };
        if let Ok(entry) = self.index.find_entry(place.hash, |&known| known == at) {
            entry.remove();
        }
        self.free.push(at);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_and_used_again() {
        let mut keys: Keys<&str, u8> = Keys::default();
        // One hash for all, so that keys alone tell them apart.
        let (a, b) = (keys.enter(7, "a"), keys.enter(7, "b"));
        assert_ne!(a, b);
        assert_eq!(keys.enter(7, "a"), a);
        *keys.rows(a).unwrap() = 9;
        keys.leave(a);
        keys.leave(a);
        assert_eq!(keys.rows(a), None);
        assert_eq!(keys.len(), 1);
        assert_eq!(keys.enter(3, "c"), a);
        assert_eq!(keys.rows(a), Some(&mut 0));
        assert_eq!(keys.enter(7, "b"), b);
    }
}
