//! The way from a producer to the owners of the keys: a buffer a part, or a group of parts, sent when it is full.

use std::collections::VecDeque;
use std::time::Instant;

use crossbeam_channel::TrySendError;

use super::entries::Entries;
use super::{Cut, Entry, GROUP, KeyedEdge, Parcel, owner, part_of, parts};
use crate::edge::Outlet;
use crate::run::{Context, bump};

/// One producer's buffers and senders.
pub(super) struct Exchange<'s, K, A> {
    edge: &'s KeyedEdge<K, A>,
    /// One a consumer; `None` once it is gone.
    senders: Vec<Option<Outlet<Parcel<K, A>>>>,
    /// One a group of parts or, if `fine`, one a part.
    buffers: Vec<Buffer<K, A>>,
    fine: bool,
    parts: usize,
    /// Parcels that found no room, with their consumers.
    waiting: VecDeque<(usize, Parcel<K, A>)>,
    /// Entries that make a parcel.
    most: usize,
    cx: &'s Context,
}

/// Entries on their way out.
struct Buffer<K, A> {
    entries: Entries<K, A>,
    /// How many make a parcel. Buffers begin with different numbers: filled evenly, they would otherwise all be full
    /// at the same moment, and then wait for all consumers at once.
    most: usize,
}

impl<'s, K, A> Exchange<'s, K, A> {
    pub(super) fn new(edge: &'s KeyedEdge<K, A>, cx: &'s Context) -> Self {
        let senders: Vec<_> = edge.edge.senders().into_iter().map(Some).collect();
        let mut exchange = Exchange {
            edge,
            parts: parts(senders.len()),
            senders,
            buffers: Vec::new(),
            fine: false,
            waiting: VecDeque::new(),
            most: cx.next.items(Entries::<K, A>::BYTES),
            cx,
        };
        exchange.lay_out();
        exchange
    }

    fn lay_out(&mut self) {
        let (most, of) = (
            self.most,
            if self.fine {
                self.parts
            } else {
                self.parts / GROUP
            },
        );
        self.buffers = (0..of)
            .map(|n| Buffer {
                entries: Entries::default(),
                most: most - most * n / (of * 4 / 3),
            })
            .collect();
    }

    /// Cuts finely from now on, or coarsely: a buffer a part pays when everything passes through here.
    pub(super) fn cut_finely(&mut self, fine: bool) {
        if self.fine != fine {
            self.send_all();
            self.fine = fine;
            self.lay_out();
        }
    }

    /// Buffers an entry, and sends its buffer if that is full; false when there was no room for it.
    #[inline]
    pub(super) fn put(&mut self, entry: Entry<K, A>) -> bool {
        // As many buffers as are laid out: the part's own, or that of its group, since groups are neighbours.
        let place = part_of(entry.hash, self.buffers.len());
        let buffer = &mut self.buffers[place];
        buffer.entries.push(entry);
        buffer.entries.len() < buffer.most || self.send(place)
    }

    /// [`put`](Self::put) as a call, for loops in which it is the exception.
    #[inline(never)]
    pub(super) fn put_apart(&mut self, entry: Entry<K, A>) -> bool {
        self.put(entry)
    }

    #[cold]
    fn send(&mut self, place: usize) -> bool {
        let fresh = Buffer {
            entries: self.edge.take_spare(self.most),
            most: self.most,
        };
        let entries = std::mem::replace(&mut self.buffers[place], fresh).entries;
        let cut = if self.fine {
            Cut::Part(place)
        } else {
            Cut::Group(place)
        };
        let to = self.owner(place);
        self.waiting.push_back((to, Parcel { cut, entries }));
        self.deliver()
    }

    fn owner(&self, place: usize) -> usize {
        let part = if self.fine { place } else { place * GROUP };
        owner(part, self.parts, self.senders.len())
    }

    /// Sends what waits, as far as there is room.
    pub(super) fn deliver(&mut self) -> bool {
        while let Some((to, parcel)) = self.waiting.pop_front() {
            let Some(Some(sender)) = self.senders.get(to) else {
                continue;
            };
            let entries = parcel.entries.len();
            match sender.try_send(parcel) {
                Ok(()) => {
                    self.cx.counts.gives(entries, Entries::<K, A>::BYTES);
                    bump(&self.cx.counts.entries, entries as u64);
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

    /// Notes how many items the entries were made of, ever.
    pub(super) fn made_of(&self, items: u64) {
        self.cx.counts.combined.set(items);
    }

    /// Whether nothing waits for room.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether an entry waits for others to fill its parcel.
    pub(super) fn is_half_full(&self) -> bool {
        self.buffers.iter().any(|buffer| !buffer.entries.is_empty())
    }

    /// Sends everything, small buffers together; called until it is true.
    pub(super) fn finish(&mut self) -> bool {
        self.send_all();
        self.deliver()
    }

    fn send_all(&mut self) {
        let mut together: Option<(usize, Entries<K, A>)> = None;
        for place in 0..self.buffers.len() {
            let mut entries = std::mem::take(&mut self.buffers[place].entries);
            if entries.is_empty() {
                continue;
            }
            let to = self.owner(place);
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
    }

    fn enqueue(&mut self, to: usize, entries: Entries<K, A>) {
        let cut = Cut::Mixed;
        self.waiting.push_back((to, Parcel { cut, entries }));
    }

    pub(super) fn closed(&self) -> bool {
        self.edge.edge.is_closed() || self.senders.iter().all(Option::is_none)
    }

    pub(super) fn wait(&mut self, until: Option<Instant>) {
        let Some((to, _)) = self.waiting.front() else {
            return;
        };
        if let Some(Some(sender)) = self.senders.get(*to) {
            sender.wait(until);
        }
    }
}
