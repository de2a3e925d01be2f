//! The consumer's side of a keyed edge: a table a part, and at the end the results part by part.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, TryRecvError};
use hashbrown::HashTable;
use hashbrown::hash_table::{Entry as Slot, IntoIter};

use super::{Cut, Entry, GROUP, KeyedEdge, Parcel, part_of, parts};
use crate::aggregate::Combine;
use crate::edge::{AnyEdge, wait_receive};
use crate::error::Error;
use crate::run::{Context, bump};
use crate::step::{Feed, Pipe, Pull, Release};

/// Entries of a part that may wait before they are counted: enough to pay for bringing its table into cache.
const WAITING: usize = 4096;

/// The input of a stage behind a declared aggregate: pairs of a key and its result.
pub struct Keyed<T, K, C: Combine<T>> {
    pub(crate) edge: Arc<KeyedEdge<K, C::Acc>>,
    pub(crate) combine: Arc<C>,
    pub(crate) item: PhantomData<fn(T)>,
}

impl<T, K, C> Pipe for Keyed<T, K, C>
where
    K: Eq + Send,
    C: Combine<T>,
{
    type Item = (K, C::Out);
    type Iter<'s>
        = Results<'s, T, K, C>
    where
        Self: 's;
    type Feed<'s>
        = Reducing<'s, T, K, C>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        let parts = parts(cx.of);
        Reducing {
            receiver: self.edge.edge.receiver(cx.index),
            edge: &self.edge,
            tables: (0..parts).map(|_| HashTable::new()).collect(),
            of_part: (0..parts).map(|_| Waiting::default()).collect(),
            of_group: (0..parts / GROUP).map(|_| Waiting::default()).collect(),
            next: 0,
            combine: &self.combine,
            cx,
        }
    }

    fn release(&self, how: Release) {
        match how {
            Release::Abandon => AnyEdge::abandon(&*self.edge.edge),
            Release::Close => self.edge.edge.close(),
        }
    }
}

/// One consumer's tables.
pub struct Reducing<'s, T, K, C: Combine<T>> {
    /// `None` once the input has ended.
    receiver: Option<Receiver<Parcel<K, C::Acc>>>,
    edge: &'s KeyedEdge<K, C::Acc>,
    /// A table a part, though only some parts are this consumer's: an empty one costs nothing.
    tables: Vec<HashTable<Entry<K, C::Acc>>>,
    /// Entries of one part that wait to be counted together.
    of_part: Vec<Waiting<K, C::Acc>>,
    /// Entries of one group of parts that wait to be counted together.
    of_group: Vec<Waiting<K, C::Acc>>,
    /// The part to emit next.
    next: usize,
    combine: &'s C,
    cx: &'s Context,
}

/// Parcels that wait until there are enough to pay for bringing their tables into cache.
struct Waiting<K, A> {
    parcels: Vec<Vec<Entry<K, A>>>,
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
    /// Adds a parcel; true when there are enough.
    fn add(&mut self, parcel: Vec<Entry<K, A>>) -> bool {
        self.entries += parcel.len();
        self.parcels.push(parcel);
        self.entries >= WAITING
    }

    fn take(&mut self) -> Vec<Vec<Entry<K, A>>> {
        self.entries = 0;
        std::mem::take(&mut self.parcels)
    }
}

#[inline]
fn count<T, K: Eq, C: Combine<T>>(
    table: &mut HashTable<Entry<K, C::Acc>>,
    entry: Entry<K, C::Acc>,
    combine: &C,
) {
    let slot = table.entry(
        entry.hash,
        |known| known.hash == entry.hash && known.key == entry.key,
        |known| known.hash,
    );
    match slot {
        Slot::Occupied(mut known) => combine.merge(&mut known.get_mut().acc, entry.acc),
        Slot::Vacant(free) => {
            free.insert(entry);
        }
    }
}

impl<T, K: Eq, C: Combine<T>> Reducing<'_, T, K, C> {
    fn absorb(&mut self, parcel: Parcel<K, C::Acc>) {
        match parcel.cut {
            Cut::Part(part) => {
                if self.of_part[part].add(parcel.entries) {
                    self.count_part(part);
                }
            }
            Cut::Group(group) => {
                if self.of_group[group].add(parcel.entries) {
                    self.count_group(group);
                }
            }
            Cut::Mixed => self.count_mixed(vec![parcel.entries]),
        }
    }

    fn count_group(&mut self, group: usize) {
        let parcels = self.of_group[group].take();
        self.count_mixed(parcels);
    }

    fn count_part(&mut self, part: usize) {
        let combine = self.combine;
        if self.tables[part].is_empty() {
            // Most of the first entries are of different keys: growing by doubling would move each several times.
            self.tables[part].reserve(self.of_part[part].entries / 2, |known| known.hash);
        }
        for mut parcel in self.of_part[part].take() {
            for entry in parcel.drain(..) {
                count(&mut self.tables[part], entry, combine);
            }
            self.edge.keep_spare(parcel);
        }
    }

    fn count_mixed(&mut self, parcels: Vec<Vec<Entry<K, C::Acc>>>) {
        let (combine, parts) = (self.combine, self.tables.len());
        for mut parcel in parcels {
            for entry in parcel.drain(..) {
                count(&mut self.tables[part_of(entry.hash, parts)], entry, combine);
            }
            self.edge.keep_spare(parcel);
        }
    }
}

impl<'s, T, K: Eq, C: Combine<T>> Feed for Reducing<'s, T, K, C> {
    type Iter = Results<'s, T, K, C>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if let Some(receiver) = &self.receiver {
            return Ok(match receiver.try_recv() {
                Ok(parcel) => {
                    bump(&self.cx.counts.items_in, parcel.entries.len() as u64);
                    bump(&self.cx.counts.batches_in, 1);
                    self.absorb(parcel);
                    Pull::Again
                }
                Err(TryRecvError::Empty) => Pull::Pending,
                Err(TryRecvError::Disconnected) => {
                    self.receiver = None;
                    Pull::Again
                }
            });
        }
        let part = self.next;
        if part == self.tables.len() {
            return Ok(Pull::End);
        }
        self.next += 1;
        self.count_group(part / GROUP);
        self.count_part(part);
        if self.tables[part].is_empty() {
            return Ok(Pull::Again);
        }
        Ok(Pull::Chunk(Results {
            entries: std::mem::take(&mut self.tables[part]).into_iter(),
            combine: self.combine,
            item: PhantomData,
        }))
    }

    fn wait(&mut self, until: Option<Instant>) {
        if let Some(receiver) = &self.receiver {
            wait_receive(receiver, until);
        }
    }
}

/// The results of one part.
pub struct Results<'s, T, K, C: Combine<T>> {
    entries: IntoIter<Entry<K, C::Acc>>,
    combine: &'s C,
    item: PhantomData<fn(T)>,
}

impl<T, K, C: Combine<T>> Iterator for Results<'_, T, K, C> {
    type Item = (K, C::Out);

    #[inline]
    fn next(&mut self) -> Option<(K, C::Out)> {
        let entry = self.entries.next()?;
        Some((entry.key, self.combine.finish(entry.acc)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }

    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut f: F) -> B {
        let combine = self.combine;
        self.entries.fold(init, |acc, entry| {
            f(acc, (entry.key, combine.finish(entry.acc)))
        })
    }
}

impl<T, K, C: Combine<T>> fmt::Debug for Keyed<T, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").finish_non_exhaustive()
    }
}

impl<T, K, C: Combine<T>> fmt::Debug for Reducing<'_, T, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reducing").finish_non_exhaustive()
    }
}

impl<T, K, C: Combine<T>> fmt::Debug for Results<'_, T, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").finish_non_exhaustive()
    }
}
