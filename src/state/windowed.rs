//! Declared aggregates over windows of event time: combined by the producers a window at a time, merged by the owner of
//! the key.
//!
//! ```text
//!  producer                                                   owner of the key
//!  item of the window in use -> a table of keys ─┐
//!  item of an older one ------> a second table --┴> partials, oldest first ==> windows of the starts -> merge -> results
//! ```
//!
//! Input is mostly in the order of time, so a producer has one window in use. A key that is touched again in the next
//! window keeps its place in the table, and what was made of it before goes on its way; keys that were not touched are
//! looked for once a chunk. A producer never decides what is late: an item behind gives another partial of its window,
//! and the owner, which sees all producers, knows whether that window is done.

use std::fmt;
use std::hash::Hash;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use ahash::RandomState;
use hashbrown::HashTable;

use super::partials::{Partials, Pending};
use crate::aggregate::{Combine, Place};
use crate::error::Error;
use crate::run::{Context, bump};
use crate::step::{Feed, Pipe, Pull, Release, waits_as_inner};
use crate::window::{Fit, OpenWindows, Panes, Spec, TimeOf};

/// Keys of all windows that a producer keeps; with more it hands on everything.
const MOST: usize = 1 << 16;
/// Items between two looks at the stop flag.
const LOOK: u64 = 1 << 14;

/// The producers' side.
pub(crate) struct CombineWindows<P: Pipe, M, F, C> {
    pub(crate) pipe: P,
    pub(crate) spec: Spec<P::Item>,
    pub(crate) time: M,
    pub(crate) key: F,
    pub(crate) combine: Arc<C>,
}

impl<P, K, M, F, C> Pipe for CombineWindows<P, M, F, C>
where
    P: Pipe,
    M: TimeOf<P::Item>,
    K: Hash + Eq,
    F: Fn(&P::Item) -> K + Send + Sync,
    C: Combine<P::Item>,
{
    type Item = Partials<K, C::Acc>;
    type Iter<'s>
        = std::vec::IntoIter<Partials<K, C::Acc>>
    where
        Self: 's;
    type Feed<'s>
        = Windows<'s, P, K, M, F, C>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Windows {
            feed: self.pipe.open(cx),
            next: None,
            panes: Panes::new(self.spec.kind, 0, 0),
            current: 0..0,
            age: 0,
            past: Vec::new(),
            table: HashTable::new(),
            behind: HashTable::new(),
            pending: Pending::new(cx.next.workers()),
            split: (cx.split.get(), cx.unread.get()),
            strays: 0,
            over: false,
            hasher: &cx.shared.hasher,
            of: self,
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// What was made of the items of a key in one window.
pub(super) struct Slot<K, A> {
    key: K,
    acc: A,
    items: u32,
    /// Which window that is: see `Windows::age`.
    age: u32,
}

impl<K, A> Slot<K, A> {
    pub(super) const BYTES: usize = size_of::<Self>();

    fn new(key: K, acc: A, age: u32) -> Self {
        Slot {
            key,
            acc,
            items: 1,
            age,
        }
    }
}

/// The same in an older window.
struct Older<K, A> {
    key: K,
    acc: A,
    items: u32,
    start: i64,
}

/// One producer's tables.
pub(crate) struct Windows<'s, P: Pipe + 's, K, M, F, C: Combine<P::Item>> {
    feed: P::Feed<'s>,
    /// A chunk of another split, with that split: what is kept of the one before goes first.
    next: Option<(P::Iter<'s>, (u64, bool))>,
    /// Which windows an item belongs to; nothing is kept in it.
    panes: Panes<()>,
    /// The times at which the window in use is the latest.
    current: Range<i64>,
    /// The number of the window in use. It only grows; a number takes half of a start's room in a slot.
    age: u32,
    /// The starts of the windows in use before, since the table was last swept; the last one's number is `age - 1`.
    past: Vec<i64>,
    /// The keys of the window in use, and those of the ones before that were not touched since.
    table: HashTable<Slot<K, C::Acc>>,
    /// The keys of other windows.
    behind: HashTable<Older<K, C::Acc>>,
    /// Partial results on their way.
    pending: Pending<K, C::Acc>,
    /// The split that is being read, and whether there are splits that nobody has begun.
    split: (u64, bool),
    /// Items of this chunk that were older than the window in use.
    strays: u64,
    over: bool,
    hasher: &'s RandomState,
    of: &'s CombineWindows<P, M, F, C>,
    cx: &'s Context,
}

impl<'s, P, K, M, F, C> Windows<'s, P, K, M, F, C>
where
    P: Pipe,
    K: Hash + Eq,
    M: TimeOf<P::Item>,
    F: Fn(&P::Item) -> K,
    C: Combine<P::Item>,
{
    /// The hot loop's body: an item of the window in use whose key is there touches nothing but its slot.
    #[inline(always)]
    fn add(&mut self, item: P::Item, at: Place) {
        let time = self.of.time.at(&item);
        if !self.current.contains(&time) || self.of.spec.copy.is_some() {
            return self.put_elsewhere(time, item, at);
        }
        self.put(item, at);
    }

    /// An item of the window in use.
    #[inline(always)]
    fn put(&mut self, item: P::Item, at: Place) {
        let key = (self.of.key)(&item);
        let hash = self.hasher.hash_one(&key);
        let combine = &*self.of.combine;
        match self.table.find_mut(hash, |slot| slot.key == key) {
            Some(slot) if slot.age == self.age => {
                combine.fold(&mut slot.acc, item, at);
                slot.items = slot.items.saturating_add(1);
            }
            Some(slot) => {
                // What was made of it in the window before goes on its way.
                let acc = combine.first(item, at);
                let old = std::mem::replace(slot, Slot::new(key, acc, self.age));
                let start = start_of(&self.past, self.age, old.age);
                let entry = (old.key, old.acc);
                self.pending.push(start, hash, entry, old.items);
            }
            None => {
                let acc = combine.first(item, at);
                let rehash = |slot: &Slot<K, C::Acc>| self.hasher.hash_one(&slot.key);
                self.table
                    .insert_unique(hash, Slot::new(key, acc, self.age), rehash);
            }
        }
    }

    /// An item of several windows, or of an older one than that in use.
    #[inline(never)]
    fn put_elsewhere(&mut self, time: i64, item: P::Item, at: Place) {
        if time >= self.current.end || self.current.is_empty() {
            self.turn_to(time);
        }
        let Fit::In {
            mut first,
            last,
            step,
        } = self.panes.windows(time, i64::MIN)
        else {
            return;
        };
        if let Some(copy) = self.of.spec.copy {
            while first < last {
                self.put_behind(first, copy(&item), at);
                first += step;
            }
        }
        if self.current.contains(&time) {
            self.put(item, at);
        } else {
            self.strays += 1;
            self.put_behind(last, item, at);
        }
    }

    fn put_behind(&mut self, start: i64, item: P::Item, at: Place) {
        let combine = &*self.of.combine;
        let key = (self.of.key)(&item);
        let hasher = self.hasher;
        let hash = older_hash(hasher, &key, start);
        let same = |older: &Older<K, C::Acc>| older.start == start && older.key == key;
        if let Some(older) = self.behind.find_mut(hash, same) {
            combine.fold(&mut older.acc, item, at);
            older.items = older.items.saturating_add(1);
            return;
        }
        let older = Older {
            acc: combine.first(item, at),
            key,
            items: 1,
            start,
        };
        self.behind.insert_unique(hash, older, |older| {
            older_hash(hasher, &older.key, older.start)
        });
    }

    /// Takes the latest window of a time into use.
    #[cold]
    fn turn_to(&mut self, time: i64) {
        let Fit::In { last, step, .. } = self.panes.windows(time, i64::MIN) else {
            return;
        };
        if !self.current.is_empty() {
            self.past.push(self.current.start);
            self.age = self.age.wrapping_add(1);
        }
        self.current = last..last.saturating_add(step);
    }

    /// Hands on what belongs to windows that the input has passed, or everything.
    fn give(&mut self, all: bool) -> Vec<Partials<K, C::Acc>> {
        let (age, hasher, size) = (self.age, self.hasher, self.of.spec.size());
        let (past, current, pending) = (&self.past, self.current.start, &mut self.pending);
        if all || !past.is_empty() {
            let gone = |slot: &mut Slot<K, C::Acc>| all || slot.age != age;
            for slot in self.table.extract_if(gone) {
                let start = if slot.age == age {
                    current
                } else {
                    start_of(past, age, slot.age)
                };
                let hash = hasher.hash_one(&slot.key);
                pending.push(start, hash, (slot.key, slot.acc), slot.items);
            }
            self.past.clear();
        }
        let passed =
            |older: &mut Older<K, C::Acc>| all || older.start.saturating_add(size) <= current;
        for older in self.behind.extract_if(passed) {
            let hash = hasher.hash_one(&older.key);
            pending.push(older.start, hash, (older.key, older.acc), older.items);
        }
        if all {
            self.current = 0..0;
        }
        let given = self.pending.take();
        for partials in &given {
            bump(&self.cx.counts.combined, partials.items);
            bump(&self.cx.counts.entries, partials.entries.len() as u64);
        }
        given
    }

    fn keys(&self) -> usize {
        self.table.len() + self.behind.len()
    }
}

/// The start of the window with a number.
fn start_of(past: &[i64], age: u32, number: u32) -> i64 {
    past[past.len() - age.wrapping_sub(number) as usize]
}

/// The hash of a key in a window.
fn older_hash<K: Hash>(hasher: &RandomState, key: &K, start: i64) -> u64 {
    hasher.hash_one((key, start))
}

impl<'s, P, K, M, F, C> Feed for Windows<'s, P, K, M, F, C>
where
    P: Pipe,
    K: Hash + Eq,
    M: TimeOf<P::Item>,
    F: Fn(&P::Item) -> K,
    C: Combine<P::Item>,
{
    type Iter = std::vec::IntoIter<Partials<K, C::Acc>>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if self.over {
            return Ok(Pull::End);
        }
        let pulled = match self.next.take() {
            Some((chunk, split)) => {
                self.split = split;
                self.cx.split.set(split.0);
                self.cx.unread.set(split.1);
                Pull::Chunk(chunk)
            }
            None => self.feed.pull()?,
        };
        let given = match pulled {
            Pull::Chunk(chunk) => {
                let split = (self.cx.split.get(), self.cx.unread.get());
                if split.0 != self.split.0 && self.keys() > 0 {
                    self.next = Some((chunk, split));
                    self.cx.split.set(self.split.0);
                    self.cx.unread.set(self.split.1);
                    self.give(true)
                } else {
                    self.split = split;
                    let mut at = Place {
                        chunk: self.cx.ticket.get(),
                        item: 0,
                    };
                    let mut chunk = chunk;
                    // One loop, so that the closure becomes part of it; an endless one sees the stop flag at some time.
                    let _ = chunk.try_for_each(|item| {
                        self.add(item, at);
                        at.item += 1;
                        if at.item % LOOK == 0 && self.cx.shared.halted() {
                            return ControlFlow::Break(());
                        }
                        ControlFlow::Continue(())
                    });
                    // A time far ahead of all others must not leave its window in use.
                    let astray = std::mem::take(&mut self.strays) > at.item / 2;
                    let all = astray || self.keys() > MOST;
                    self.give(all)
                }
            }
            Pull::Again | Pull::Border => return Ok(Pull::Again),
            Pull::Pending if self.keys() > 0 => self.give(true),
            Pull::Pending => return Ok(Pull::Pending),
            Pull::End if self.cx.shared.halted() => return Ok(Pull::End),
            Pull::End => {
                self.over = true;
                self.give(true)
            }
        };
        Ok(if given.is_empty() {
            Pull::Again
        } else {
            Pull::Chunk(given.into_iter())
        })
    }

    waits_as_inner!();
}

impl<P: Pipe, M, F, C> fmt::Debug for CombineWindows<P, M, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CombineWindows").finish_non_exhaustive()
    }
}

impl<P: Pipe, K, M, F, C: Combine<P::Item>> fmt::Debug for Windows<'_, P, K, M, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windows").finish_non_exhaustive()
    }
}
