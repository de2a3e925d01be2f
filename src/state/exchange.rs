//! The way from a producer to the owners of the keys: parcels of entries, of one part or of whatever moves on.

use std::collections::VecDeque;
use std::time::Instant;

use crossbeam_channel::{Sender, TrySendError};

use super::{Entry, KeyedEdge, Parcel, owner, part_of, parts};
use crate::edge::wait_send;
use crate::run::{Context, bump};

/// One producer's buffers and senders.
pub(super) struct Exchange<'s, K, A> {
    edge: &'s KeyedEdge<K, A>,
    /// One a consumer; `None` once it is gone.
    senders: Vec<Option<Sender<Parcel<K, A>>>>,
    /// One a part, for entries that come one by one; laid out when the first does.
    buffers: Vec<Buffer<K, A>>,
    /// One a consumer, for entries that move on many at a time.
    moving: Vec<Vec<Entry<K, A>>>,
    parts: usize,
    /// Parcels that found no room, with their consumers.
    waiting: VecDeque<(usize, Parcel<K, A>)>,
    /// Entries that make a parcel.
    most: usize,
    cx: &'s Context,
}

/// Entries on their way out.
struct Buffer<K, A> {
    entries: Vec<Entry<K, A>>,
    /// How many make a parcel. Buffers begin with different numbers: filled evenly, they would otherwise all be full
    /// at the same moment, and then wait for all consumers at once.
    most: usize,
}

impl<'s, K, A> Exchange<'s, K, A> {
    pub(super) fn new(edge: &'s KeyedEdge<K, A>, cx: &'s Context) -> Self {
        let senders: Vec<_> = edge.edge.senders().into_iter().map(Some).collect();
        Exchange {
            edge,
            parts: parts(senders.len()),
            moving: senders.iter().map(|_| Vec::new()).collect(),
            senders,
            buffers: Vec::new(),
            waiting: VecDeque::new(),
            most: cx.next.items(size_of::<Entry<K, A>>()),
            cx,
        }
    }

    #[cold]
    fn lay_out(&mut self) {
        let (most, parts) = (self.most, self.parts);
        self.buffers = (0..parts)
            .map(|part| Buffer {
                entries: Vec::new(),
                most: most - most * part / (parts * 4 / 3),
            })
            .collect();
    }

    /// Buffers an entry, and sends its buffer if that is full; false when there was no room for it.
    #[inline]
    pub(super) fn put(&mut self, entry: Entry<K, A>) -> bool {
        if self.buffers.is_empty() {
            self.lay_out();
        }
        let part = part_of(entry.hash, self.parts);
        let buffer = &mut self.buffers[part];
        buffer.entries.push(entry);
        buffer.entries.len() < buffer.most || self.send(part)
    }

    #[cold]
    fn send(&mut self, part: usize) -> bool {
        let fresh = Buffer {
            entries: self.edge.take_spare(self.most),
            most: self.most,
        };
        let entries = std::mem::replace(&mut self.buffers[part], fresh).entries;
        self.enqueue(self.owner(part), Some(part), entries);
        self.deliver()
    }

    fn owner(&self, part: usize) -> usize {
        owner(part, self.parts, self.senders.len())
    }

    /// Sends entries many at a time; those of a part had better come one after another.
    pub(super) fn move_on(&mut self, entries: impl Iterator<Item = Entry<K, A>>) {
        for entry in entries {
            let to = self.owner(part_of(entry.hash, self.parts));
            let Some(moving) = self.moving.get_mut(to) else {
                return;
            };
            moving.push(entry);
            if moving.len() >= self.most {
                let fresh = self.edge.take_spare(self.most);
                let full = std::mem::replace(&mut self.moving[to], fresh);
                self.enqueue(to, None, full);
            }
        }
        self.deliver();
    }

    fn enqueue(&mut self, to: usize, part: Option<usize>, entries: Vec<Entry<K, A>>) {
        if !entries.is_empty() {
            self.waiting.push_back((to, Parcel { part, entries }));
        }
    }

    /// Sends what waits, as far as there is room.
    pub(super) fn deliver(&mut self) -> bool {
        while let Some((to, parcel)) = self.waiting.pop_front() {
            let Some(Some(sender)) = self.senders.get(to) else {
                continue;
            };
            let entries = parcel.entries.len() as u64;
            match sender.try_send(parcel) {
                Ok(()) => {
                    bump(&self.cx.counts.items_out, entries);
                    bump(&self.cx.counts.batches_out, 1);
                }
                Err(TrySendError::Full(parcel)) => {
                    self.waiting.push_front((to, parcel));
                    return false;
                }
                Err(TrySendError::Disconnected(_)) => self.senders[to] = None,
            }
        }
        true
    }

    /// Whether nothing waits for room.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends everything, small buffers together; called until it is true.
    pub(super) fn finish(&mut self) -> bool {
        self.send_all();
        self.deliver()
    }

    fn send_all(&mut self) {
        for buffer in std::mem::take(&mut self.buffers) {
            self.move_on(buffer.entries.into_iter());
        }
        for to in 0..self.moving.len() {
            let rest = std::mem::take(&mut self.moving[to]);
            self.enqueue(to, None, rest);
        }
    }

    pub(super) fn closed(&self) -> bool {
        self.edge.edge.is_closed() || self.senders.iter().all(Option::is_none)
    }

    pub(super) fn wait(&mut self, until: Option<Instant>) {
        let Some((to, _)) = self.waiting.front() else {
            return;
        };
        if let Some(Some(sender)) = self.senders.get(*to) {
            wait_send(sender, until);
        }
    }
}
