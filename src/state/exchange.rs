//! The way from a producer to the owners of the keys: a buffer a part, sent when it is full.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Sender, TrySendError};

use super::{Entry, Parcel, owner, part_of, parts};
use crate::edge::{Edge, wait_send};
use crate::run::{Context, bump};

/// One producer's buffers and senders.
pub(super) struct Exchange<'s, K, A> {
    edge: Arc<Edge<Parcel<K, A>>>,
    /// One a consumer; `None` once it is gone.
    senders: Vec<Option<Sender<Parcel<K, A>>>>,
    buffers: Vec<Buffer<K, A>>,
    /// Parcels that found no room, with their consumers.
    waiting: VecDeque<(usize, Parcel<K, A>)>,
    /// Entries that make a parcel.
    most: usize,
    cx: &'s Context,
}

/// The entries of one part on their way out.
struct Buffer<K, A> {
    entries: Vec<Entry<K, A>>,
    /// How many make a parcel. Parts begin with different numbers: a table that empties evenly into all buffers
    /// would otherwise fill them all at the same moment, and then wait for all consumers at once.
    most: usize,
}

impl<'s, K, A> Exchange<'s, K, A> {
    pub(super) fn new(edge: &Arc<Edge<Parcel<K, A>>>, cx: &'s Context) -> Self {
        let senders: Vec<_> = edge.senders().into_iter().map(Some).collect();
        let most = cx.next.items(size_of::<Entry<K, A>>());
        let parts = parts(senders.len());
        Exchange {
            edge: edge.clone(),
            buffers: (0..parts)
                .map(|part| Buffer {
                    entries: Vec::new(),
                    most: most - most * part / (parts * 4 / 3),
                })
                .collect(),
            senders,
            waiting: VecDeque::new(),
            most,
            cx,
        }
    }

    /// Buffers an entry, and sends its part's buffer if that is full; false when there was no room for it.
    #[inline]
    pub(super) fn put(&mut self, entry: Entry<K, A>) -> bool {
        let part = part_of(entry.hash, self.buffers.len());
        let buffer = &mut self.buffers[part];
        buffer.entries.push(entry);
        buffer.entries.len() < buffer.most || self.send(part)
    }

    #[cold]
    fn send(&mut self, part: usize) -> bool {
        let to = self.owner(part);
        let fresh = Buffer {
            entries: Vec::with_capacity(self.most),
            most: self.most,
        };
        let entries = std::mem::replace(&mut self.buffers[part], fresh).entries;
        let parcel = Parcel {
            part: Some(part as u32),
            entries,
        };
        self.waiting.push_back((to, parcel));
        self.deliver()
    }

    fn owner(&self, part: usize) -> usize {
        owner(part, self.buffers.len(), self.senders.len())
    }

    /// Whether nothing waits for room.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.waiting.is_empty()
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

    /// Sends everything, small buffers together; called until it is true.
    pub(super) fn finish(&mut self) -> bool {
        if !self.deliver() {
            return false;
        }
        let mut together: Option<(usize, Vec<Entry<K, A>>)> = None;
        for part in 0..self.buffers.len() {
            let mut entries = std::mem::take(&mut self.buffers[part].entries);
            if entries.is_empty() {
                continue;
            }
            let to = self.owner(part);
            if let Some((owner, small)) = &mut together {
                if *owner == to && small.len() + entries.len() <= self.most {
                    small.append(&mut entries);
                    continue;
                }
            }
            if let Some((owner, small)) = together.replace((to, entries)) {
                self.enqueue(owner, small);
            }
        }
        if let Some((owner, small)) = together {
            self.enqueue(owner, small);
        }
        self.deliver()
    }

    fn enqueue(&mut self, to: usize, entries: Vec<Entry<K, A>>) {
        let parcel = Parcel {
            part: None,
            entries,
        };
        self.waiting.push_back((to, parcel));
    }

    pub(super) fn closed(&self) -> bool {
        self.edge.is_closed() || self.senders.iter().all(Option::is_none)
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
