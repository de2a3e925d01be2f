//! Declared aggregates over windows of event time: combined by the producers a window at a time, merged by the owner of
//! the key.
//!
//! ```text
//!  producer                                               owner of the key
//!  item -> its windows' tables -> partials, oldest first ==> windows of the partials' starts -> merge -> results
//! ```
//!
//! A producer keeps a small table a window and hands its partial results on when its own items have passed the window's
//! end, when the tables are large, or when its input is idle. So it never decides what is late: an item behind gives
//! another partial of its window, and the owner, which sees all producers, knows whether that window is done.

use std::collections::{BTreeMap, HashMap, hash_map};
use std::fmt;
use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use ahash::RandomState;

use crate::aggregate::{Combine, Place};
use crate::error::Error;
use crate::output::{Router, partition_of};
use crate::run::Context;
use crate::step::{Feed, Pipe, Pull, Release, consume};
use crate::window::{Fit, Panes, Spec};

/// Keys of all windows that a producer keeps; with more it hands on everything.
const MOST: usize = 1 << 16;
/// Emptied tables that a producer keeps.
const SPARE: usize = 4;

/// What a producer made of the items of one key in one window.
#[derive(Debug)]
pub(crate) struct Partial<K, A> {
    pub(crate) start: i64,
    pub(super) key: K,
    pub(super) acc: A,
    pub(super) items: u64,
}

/// The producers' side.
pub(crate) struct CombineWindows<'env, P: Pipe, F, C> {
    pub(crate) pipe: P,
    pub(crate) spec: Spec<P::Item>,
    pub(crate) time: Box<dyn Fn(&P::Item) -> i64 + Send + Sync + 'env>,
    pub(crate) key: F,
    pub(crate) combine: Arc<C>,
}

impl<P, K, F, C> Pipe for CombineWindows<'_, P, F, C>
where
    P: Pipe,
    K: Hash + Eq,
    F: Fn(&P::Item) -> K + Send + Sync,
    C: Combine<P::Item>,
{
    type Item = Partial<K, C::Acc>;
    type Iter<'s>
        = std::vec::IntoIter<Partial<K, C::Acc>>
    where
        Self: 's;
    type Feed<'s>
        = Windows<'s, P, K, F, C>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Windows {
            feed: self.pipe.open(cx),
            next: None,
            panes: Panes::new(self.spec.kind, 0, 0),
            tables: BTreeMap::new(),
            current: (0, HashMap::with_hasher(cx.shared.hasher.clone())),
            alone: 0..0,
            spare: Vec::new(),
            keys: 0,
            latest: i64::MIN,
            split: (cx.split.get(), cx.unread.get()),
            over: false,
            of: self,
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

type Table<K, A> = HashMap<K, (A, u64), RandomState>;

/// One producer's tables.
pub(crate) struct Windows<'s, P: Pipe + 's, K, F, C: Combine<P::Item>> {
    feed: P::Feed<'s>,
    /// A chunk of another split, with that split: what is kept of the one before goes first.
    next: Option<(P::Iter<'s>, (u64, bool))>,
    /// Which windows an item belongs to; nothing is kept in it.
    panes: Panes<()>,
    /// The tables by the start of their windows, but for the one in use.
    tables: BTreeMap<i64, Table<K, C::Acc>>,
    /// The table in use, and the start of its window.
    current: (i64, Table<K, C::Acc>),
    /// Times that are in the window in use, and in no other.
    alone: Range<i64>,
    /// Emptied tables.
    spare: Vec<Table<K, C::Acc>>,
    /// Keys in all tables.
    keys: usize,
    latest: i64,
    /// The split that is being read, and whether there are splits that nobody has begun.
    split: (u64, bool),
    over: bool,
    of: &'s CombineWindows<'s, P, F, C>,
    cx: &'s Context,
}

impl<'s, P, K, F, C> Windows<'s, P, K, F, C>
where
    P: Pipe,
    K: Hash + Eq,
    F: Fn(&P::Item) -> K,
    C: Combine<P::Item>,
{
    fn add(&mut self, item: P::Item, at: Place) {
        let time = (self.of.time)(&item);
        self.latest = self.latest.max(time);
        // Most items fall into the window of the one before, which saves two divisions.
        if self.alone.contains(&time) {
            return self.put(self.current.0, item, at);
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
                self.put(first, copy(&item), at);
                first += step;
            }
        }
        if first == last && step == self.of.spec.size() {
            self.alone = last..last.saturating_add(step);
        }
        self.put(last, item, at);
    }

    #[inline]
    fn put(&mut self, start: i64, item: P::Item, at: Place) {
        if self.current.0 != start {
            self.turn_to(start);
        }
        let combine = &*self.of.combine;
        match self.current.1.entry((self.of.key)(&item)) {
            hash_map::Entry::Occupied(mut known) => {
                let (acc, items) = known.get_mut();
                combine.fold(acc, item, at);
                *items += 1;
            }
            hash_map::Entry::Vacant(free) => {
                free.insert((combine.first(item, at), 1));
                self.keys += 1;
            }
        }
    }

    /// Changes the table in use.
    #[cold]
    fn turn_to(&mut self, start: i64) {
        let table = self.tables.remove(&start).or_else(|| self.spare.pop());
        let fresh = || HashMap::with_hasher(self.cx.shared.hasher.clone());
        let table = table.unwrap_or_else(fresh);
        let (old, before) = std::mem::replace(&mut self.current, (start, table));
        if !self.alone.contains(&start) {
            self.alone = 0..0;
        }
        if before.is_empty() {
            self.keep(before);
        } else {
            self.tables.insert(old, before);
        }
    }

    /// The partial results of the windows that end at or before a time, oldest first.
    fn give(&mut self, until: Option<i64>) -> Vec<Partial<K, C::Acc>> {
        let size = self.of.spec.size();
        self.turn_to(i64::MIN);
        let mut given = Vec::new();
        while let Some(first) = self.tables.first_entry() {
            let start = *first.key();
            if until.is_some_and(|until| start.saturating_add(size) > until) {
                break;
            }
            let mut table = first.remove();
            self.keys -= table.len();
            given.extend(table.drain().map(|(key, (acc, items))| Partial {
                start,
                key,
                acc,
                items,
            }));
            self.keep(table);
        }
        given
    }

    /// Keeps an emptied table for a later window, since it has the size that windows need.
    fn keep(&mut self, table: Table<K, C::Acc>) {
        if self.spare.len() < SPARE && table.capacity() > 0 {
            self.spare.push(table);
        }
    }
}

impl<'s, P, K, F, C> Feed for Windows<'s, P, K, F, C>
where
    P: Pipe,
    K: Hash + Eq,
    F: Fn(&P::Item) -> K,
    C: Combine<P::Item>,
{
    type Iter = std::vec::IntoIter<Partial<K, C::Acc>>;

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
                if split.0 != self.split.0 && self.keys > 0 {
                    self.next = Some((chunk, split));
                    self.cx.split.set(self.split.0);
                    self.cx.unread.set(self.split.1);
                    self.latest = i64::MIN;
                    self.give(None)
                } else {
                    self.split = split;
                    let mut at = Place {
                        chunk: self.cx.ticket.get(),
                        item: 0,
                    };
                    consume(chunk, self.cx, |item| {
                        self.add(item, at);
                        at.item += 1;
                    });
                    let until = (self.keys <= MOST).then_some(self.latest);
                    self.give(until)
                }
            }
            Pull::Again | Pull::Border => return Ok(Pull::Again),
            Pull::Pending if self.keys > 0 => self.give(None),
            Pull::Pending => return Ok(Pull::Pending),
            Pull::End if self.cx.shared.halted() => return Ok(Pull::End),
            Pull::End => {
                self.over = true;
                self.give(None)
            }
        };
        Ok(if given.is_empty() {
            Pull::Again
        } else {
            Pull::Chunk(given.into_iter())
        })
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.feed.wait(until);
    }

    fn slow(&self) -> bool {
        self.feed.slow()
    }

    fn timer(&self) -> Option<Instant> {
        self.feed.timer()
    }
}

/// Partials of a key go to the same owner.
pub(crate) struct ByPartialKey;

impl<K: Hash, A> Router<Partial<K, A>> for ByPartialKey {
    #[inline]
    fn target(
        &self,
        partial: &Partial<K, A>,
        of: usize,
        hasher: &RandomState,
    ) -> Result<Option<usize>, usize> {
        Ok(Some(partition_of(hasher.hash_one(&partial.key), of)))
    }
}

impl<P: Pipe, F, C> fmt::Debug for CombineWindows<'_, P, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CombineWindows").finish_non_exhaustive()
    }
}

impl<P: Pipe, K, F, C: Combine<P::Item>> fmt::Debug for Windows<'_, P, K, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windows").finish_non_exhaustive()
    }
}
