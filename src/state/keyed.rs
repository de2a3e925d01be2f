//! The consumer's side of a keyed edge: a table a part, and at the end the results part by part.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, TryRecvError};
use hashbrown::HashTable;
use hashbrown::hash_table::{Entry as Slot, IntoIter};

use super::{Entry, Parcel, part_of, parts};
use crate::aggregate::Combine;
use crate::edge::{AnyEdge, Edge, wait_receive};
use crate::error::Error;
use crate::run::{Context, bump};
use crate::step::{Feed, Pipe, Pull, Release};

/// Entries of a part that may wait before they are counted: enough to pay for bringing its table into cache.
const WAITING: usize = 4096;

/// The input of a stage behind a declared aggregate: pairs of a key and its result.
pub struct Keyed<T, K, C: Combine<T>> {
    pub(crate) edge: Arc<Edge<Parcel<K, C::Acc>>>,
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
        Reducing {
            receiver: self.edge.receiver(cx.index),
            parts: (0..parts(cx.of)).map(|_| Part::default()).collect(),
            next: 0,
            combine: &self.combine,
            cx,
        }
    }

    fn release(&self, how: Release) {
        match how {
            Release::Abandon => AnyEdge::abandon(&*self.edge),
            Release::Close => self.edge.close(),
        }
    }
}

/// One consumer's tables.
pub struct Reducing<'s, T, K, C: Combine<T>> {
    /// `None` once the input has ended.
    receiver: Option<Receiver<Parcel<K, C::Acc>>>,
    /// All parts, though only some are this consumer's: an empty one costs nothing.
    parts: Vec<Part<K, C::Acc>>,
    /// The part to emit next.
    next: usize,
    combine: &'s C,
    cx: &'s Context,
}

struct Part<K, A> {
    table: HashTable<Entry<K, A>>,
    /// Parcels that wait to be counted together.
    parcels: Vec<Vec<Entry<K, A>>>,
    waiting: usize,
}

impl<K, A> Default for Part<K, A> {
    fn default() -> Self {
        Part {
            table: HashTable::new(),
            parcels: Vec::new(),
            waiting: 0,
        }
    }
}

impl<K: Eq, A> Part<K, A> {
    fn count(&mut self, merge: impl Fn(&mut A, A)) {
        self.waiting = 0;
        for parcel in self.parcels.drain(..) {
            for entry in parcel {
                count(&mut self.table, entry, &merge);
            }
        }
    }
}

#[inline]
fn count<K: Eq, A>(
    table: &mut HashTable<Entry<K, A>>,
    entry: Entry<K, A>,
    merge: impl Fn(&mut A, A),
) {
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

impl<T, K: Eq, C: Combine<T>> Reducing<'_, T, K, C> {
    fn absorb(&mut self, parcel: Parcel<K, C::Acc>) {
        let merge = |acc: &mut C::Acc, other| self.combine.merge(acc, other);
        match parcel.part {
            Some(part) => {
                let part = &mut self.parts[part as usize];
                part.waiting += parcel.entries.len();
                part.parcels.push(parcel.entries);
                if part.waiting >= WAITING {
                    part.count(merge);
                }
            }
            None => {
                let of = self.parts.len();
                for entry in parcel.entries {
                    let part = &mut self.parts[part_of(entry.hash, of)];
                    count(&mut part.table, entry, merge);
                }
            }
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
        let Some(part) = self.parts.get_mut(self.next) else {
            return Ok(Pull::End);
        };
        self.next += 1;
        part.count(|acc, other| self.combine.merge(acc, other));
        if part.table.is_empty() {
            return Ok(Pull::Again);
        }
        Ok(Pull::Chunk(Results {
            entries: std::mem::take(&mut part.table).into_iter(),
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
