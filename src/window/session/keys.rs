//! The sessions of each key that are open, and which of them is over first.
//!
//! Most keys have one session, which lies with the key; earlier ones, which are still open since the watermark is
//! behind or late items are allowed, lie in a tree of the key. Another tree has one entry a key: a time that the end of
//! its oldest session does not come before. What the watermark passes is found there, and a session that has become
//! longer since is put back: so an item that makes a session longer touches neither tree.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::mem;

use ahash::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::{Session, Spans, apart, end, over, pane};
use crate::window::Pane;

/// The open sessions of keys, with an accumulator each.
#[derive(Debug)]
pub(crate) struct KeySessions<K, A> {
    gap: i64,
    lateness: i64,
    hasher: RandomState,
    /// The hashes of the keys, and their places in `keys`.
    places: HashTable<(u64, usize)>,
    keys: Vec<Option<OfKey<K, A>>>,
    /// Places in `keys` that are free.
    free: Vec<usize>,
    /// One a key: when to look at it, and where it is.
    due: BTreeSet<(i64, usize)>,
}

/// The sessions of a key. Each has the key with it, since each is given out with it.
#[derive(Debug)]
struct OfKey<K, A> {
    /// When it is looked at, as `due` has it.
    due: i64,
    /// The first time of the latest session.
    first: i64,
    latest: Session<(K, A)>,
    older: Spans<(K, A)>,
}

impl<K, A> KeySessions<K, A> {
    /// What a key takes with its latest session.
    pub(crate) const BYTES: usize = size_of::<Option<OfKey<K, A>>>();
    /// What finding it takes at most: its entry in `due`, and its place in a table that has just grown, where each place
    /// has a byte beside it and seven in sixteen are taken.
    pub(crate) const TO_FIND: usize =
        size_of::<(i64, usize)>() + ((size_of::<(u64, usize)>() + 1) * 16).div_ceil(7);
}

impl<K: Hash + Eq, A> KeySessions<K, A> {
    pub(crate) fn new(gap: i64, lateness: i64, hasher: RandomState) -> Self {
        KeySessions {
            gap,
            lateness,
            hasher,
            places: HashTable::new(),
            keys: Vec::new(),
            free: Vec::new(),
            due: BTreeSet::new(),
        }
    }

    /// Whether a session with this last time and nothing else would be over.
    #[inline]
    pub(crate) fn is_late(&self, last: i64, watermark: i64) -> bool {
        over(last, self.gap, self.lateness, watermark)
    }

    /// Adds what was accumulated for a key from a first to a last time, which are less than a gap apart. Says whether
    /// it opened a session, and did not go into one.
    pub(crate) fn enter(
        &mut self,
        key: K,
        first: i64,
        last: i64,
        acc: A,
        merge: impl Fn(&mut A, A),
    ) -> bool {
        let hash = self.hasher.hash_one(&key);
        let keys = &mut self.keys;
        let same = |(its, place): &(u64, usize)| {
            *its == hash && matches!(&keys[*place], Some(of) if of.latest.acc.0 == key)
        };
        match self.places.entry(hash, same, |(hash, _)| *hash) {
            Entry::Vacant(vacant) => {
                let due = end(last, self.gap);
                let of = OfKey {
                    due,
                    first,
                    latest: Session {
                        last,
                        acc: (key, acc),
                    },
                    older: Spans::default(),
                };
                let place = match self.free.pop() {
                    Some(place) => {
                        keys[place] = Some(of);
                        place
                    }
                    None => {
                        keys.push(Some(of));
                        keys.len() - 1
                    }
                };
                vacant.insert((hash, place));
                self.due.insert((due, place));
                true
            }
            Entry::Occupied(known) => {
                let (_, place) = *known.get();
                let Some(of) = &mut keys[place] else {
                    return false;
                };
                let merge = |earlier: &mut (K, A), later: (K, A)| merge(&mut earlier.1, later.1);
                let opened = of.enter(self.gap, first, last, (key, acc), merge);
                // Earlier than all others of the key.
                let due = end(of.oldest(), self.gap);
                if due < of.due {
                    self.due.remove(&(of.due, place));
                    self.due.insert((due, place));
                    of.due = due;
                }
                opened
            }
        }
    }

    /// Whether there is a key to look at.
    pub(crate) fn any_due(&self, watermark: i64) -> bool {
        let first = self.due.first();
        first.is_some_and(|(due, _)| due.saturating_add(self.lateness) <= watermark)
    }

    /// A session that the watermark has passed with its lateness, the earliest end first.
    pub(crate) fn pop(&mut self, watermark: i64) -> Option<(Pane, K, A)> {
        let gap = self.gap;
        while self.any_due(watermark) {
            let (_, place) = self.due.pop_first()?;
            let kept = self.keys.get_mut(place)?;
            let of = kept.as_mut()?;
            let mut done = None;
            // One that has become longer waits for its turn, over or not.
            if end(of.oldest(), gap) == of.due {
                done = of.older.0.pop_first();
                if done.is_none() {
                    let of = kept.take()?;
                    let (key, acc) = of.latest.acc;
                    self.free.push(place);
                    let hash = self.hasher.hash_one(&key);
                    if let Ok(entry) = self.places.find_entry(hash, |(_, at)| *at == place) {
                        entry.remove();
                    }
                    return Some((pane(of.first, of.latest.last, gap), key, acc));
                }
            }
            of.due = end(of.oldest(), gap);
            self.due.insert((of.due, place));
            if let Some((first, session)) = done {
                let (key, acc) = session.acc;
                return Some((pane(first, session.last, gap), key, acc));
            }
        }
        None
    }

    /// How many keys have a session open.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

impl<K, A> OfKey<K, A> {
    /// The last time of the oldest session.
    fn oldest(&self) -> i64 {
        self.older.oldest().unwrap_or(self.latest.last)
    }

    /// Adds something from a first to a last time, and says whether it opened a session.
    fn enter(
        &mut self,
        gap: i64,
        first: i64,
        last: i64,
        item: (K, A),
        merge: impl Fn(&mut (K, A), (K, A)),
    ) -> bool {
        if apart(self.latest.last, first) >= gap {
            let new = Session { last, acc: item };
            let before = mem::replace(&mut self.latest, new);
            let at = mem::replace(&mut self.first, first);
            self.older.0.insert(at, before);
            return true;
        }
        if apart(last, self.first) >= gap {
            let fresh = |item| item;
            let fold = |acc: &mut (K, A), item| merge(acc, item);
            let (_, opened) = self
                .older
                .enter(gap, (first, last), item, fresh, fold, &merge);
            return opened;
        }
        merge(&mut self.latest.acc, item);
        self.first = self.first.min(first);
        self.latest.last = self.latest.last.max(last);
        while let Some(before) = self.older.0.last_entry() {
            if apart(before.get().last, self.first) >= gap {
                break;
            }
            let (first, before) = before.remove_entry();
            // What came may begin before it.
            self.first = self.first.min(first);
            let later = mem::replace(&mut self.latest.acc, before.acc);
            merge(&mut self.latest.acc, later);
        }
        false
    }
}
