//! The consumer's side of a keyed edge: a table a part, and at the end the results part by part.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::TryRecvError;

use super::entries::Entries;
use super::part::{Index, Part, Waiting};
use super::{Cut, Entry, GROUP, KeyedEdge, Parcel, part_of, parts};
use crate::aggregate::Combine;
use crate::edge::{AnyEdge, Inlet};
use crate::error::Error;
use crate::run::{Context, bump};
use crate::step::{Feed, Pipe, Pull, Release};

/// The input of a stage behind a declared aggregate: pairs of a key and its result.
pub struct Keyed<T, K, C: Combine<T>> {
    pub(crate) edge: Arc<KeyedEdge<K, C::Acc>>,
    pub(crate) combine: Arc<C>,
    pub(crate) item: PhantomData<fn(T)>,
}

impl<T, K, C> Pipe for Keyed<T, K, C>
where
    K: Hash + Eq + Send,
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
        cx.waits_for(self.edge.edge.marks(), cx.index);
        Reducing {
            receiver: self.edge.edge.receiver(cx.index),
            edge: &self.edge,
            parts: (0..parts).map(|_| Part::default()).collect(),
            indexes: Default::default(),
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
    receiver: Option<Inlet<Parcel<K, C::Acc>>>,
    edge: &'s KeyedEdge<K, C::Acc>,
    /// All parts, though only some are this consumer's: an empty one costs nothing.
    parts: Vec<Part<K, C::Acc>>,
    /// Where the keys are of the parts that are being counted.
    indexes: [Index; GROUP],
    /// Entries of one part that wait to be counted together.
    of_part: Vec<Waiting<K, C::Acc>>,
    /// Entries of one group of parts that wait to be counted together.
    of_group: Vec<Waiting<K, C::Acc>>,
    /// The part to emit next.
    next: usize,
    combine: &'s C,
    cx: &'s Context,
}

impl<T, K: Hash + Eq, C: Combine<T>> Reducing<'_, T, K, C> {
    fn absorb(&mut self, parcel: Parcel<K, C::Acc>) {
        match parcel.cut {
            Cut::Part(part) => {
                let to_enter = self.parts[part].to_enter();
                if self.of_part[part].add(parcel.entries, to_enter, part) {
                    self.count_part(part);
                }
            }
            Cut::Group(group) => self.absorb_group(group, parcel.entries),
            Cut::Mixed => {
                let rehash = |key: &K| self.cx.shared.hasher.hash_one(key);
                let groups = self.of_group.len();
                let mut entries = parcel.entries;
                let mut entries = entries.drain(rehash).peekable();
                while let Some(first) = entries.next() {
                    let group = part_of(first.hash, groups);
                    let mut run = Entries::default();
                    run.push(first);
                    let same = |next: &Entry<K, _>| part_of(next.hash, groups) == group;
                    while let Some(next) = entries.next_if(same) {
                        run.push(next);
                    }
                    self.absorb_group(group, run);
                }
            }
        }
    }

    fn absorb_group(&mut self, group: usize, entries: Entries<K, C::Acc>) {
        let parts = &self.parts[group * GROUP..][..GROUP];
        let to_enter = parts.iter().map(Part::to_enter).sum();
        if self.of_group[group].add(entries, to_enter, 4) {
            self.count_group(group);
        }
    }

    fn count_group(&mut self, group: usize) {
        let (combine, all) = (self.combine, self.parts.len());
        let rehash = |key: &K| self.cx.shared.hasher.hash_one(key);
        let coming = self.of_group[group].len() / GROUP;
        let parts = self.parts[group * GROUP..][..GROUP].iter_mut();
        let mut parts: Vec<_> = parts
            .zip(&mut self.indexes)
            .map(|(part, index)| part.open(index, coming, rehash))
            .collect();
        for mut parcel in self.of_group[group].take() {
            for entry in parcel.drain(rehash) {
                let part = &mut parts[part_of(entry.hash, all) % GROUP];
                part.count(entry, |acc, more| combine.merge(acc, more));
            }
            self.edge.keep_spare(parcel);
        }
    }

    /// At the end: what waits as a group is counted with what waits for its parts, so that their keys are entered once.
    fn end_group(&mut self, group: usize) {
        if self.of_group[group].is_empty() {
            return;
        }
        let first = group * GROUP;
        let of_part = &mut self.of_part[first..][..GROUP];
        if of_part.iter().all(Waiting::is_empty) {
            return self.count_group(group);
        }
        let rehash = |key: &K| self.cx.shared.hasher.hash_one(key);
        let mut split: [Entries<K, C::Acc>; GROUP] = Default::default();
        for mut parcel in self.of_group[group].take() {
            for entry in parcel.drain(rehash) {
                split[part_of(entry.hash, self.parts.len()) % GROUP].push(entry);
            }
        }
        for (waiting, entries) in of_part.iter_mut().zip(split) {
            waiting.add(entries, 0, 0);
        }
    }

    fn count_part(&mut self, part: usize) {
        let combine = self.combine;
        let rehash = |key: &K| self.cx.shared.hasher.hash_one(key);
        let coming = self.of_part[part].len();
        let parcels = self.of_part[part].take();
        let mut part = self.parts[part].open(&mut self.indexes[0], coming, rehash);
        for mut parcel in parcels {
            for entry in parcel.drain(rehash) {
                part.count(entry, |acc, more| combine.merge(acc, more));
            }
            self.edge.keep_spare(parcel);
        }
    }
}

impl<'s, T, K: Hash + Eq, C: Combine<T>> Feed for Reducing<'s, T, K, C> {
    type Iter = Results<'s, T, K, C>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if let Some(receiver) = &self.receiver {
            return Ok(match receiver.try_recv() {
                Ok(parcel) => {
                    self.cx
                        .counts
                        .takes(parcel.entries.len(), Entries::<K, C::Acc>::BYTES);
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
        if part == self.parts.len() {
            return Ok(Pull::End);
        }
        self.next += 1;
        if part % GROUP == 0 {
            self.end_group(part / GROUP);
        }
        if !self.of_part[part].is_empty() {
            self.count_part(part);
        }
        if self.parts[part].is_empty() {
            return Ok(Pull::Again);
        }
        let entries = self.parts[part].take();
        bump(&self.cx.counts.keys, entries.len() as u64);
        Ok(Pull::Chunk(Results {
            entries,
            combine: self.combine,
            item: PhantomData,
        }))
    }

    fn wait(&mut self, until: Option<Instant>) {
        if let Some(receiver) = &self.receiver {
            receiver.wait(until);
        }
    }
}

/// The results of one part.
pub struct Results<'s, T, K, C: Combine<T>> {
    entries: std::vec::IntoIter<(K, C::Acc)>,
    combine: &'s C,
    item: PhantomData<fn(T)>,
}

impl<T, K, C: Combine<T>> Iterator for Results<'_, T, K, C> {
    type Item = (K, C::Out);

    #[inline]
    fn next(&mut self) -> Option<(K, C::Out)> {
        let (key, acc) = self.entries.next()?;
        Some((key, self.combine.finish(acc)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }

    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut f: F) -> B {
        let combine = self.combine;
        self.entries
            .fold(init, |out, (key, acc)| f(out, (key, combine.finish(acc))))
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
