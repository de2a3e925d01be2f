//! Over an edge: a buffer a target, sent as a batch when it is full, has waited long enough, or the input ends.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::TrySendError;

use super::{Output, Router, Sink};
use crate::edge::{AnyEdge, Batch, Edge, Marks, Outlet, Weigher};
use crate::error::{Error, ErrorKind};
use crate::options::Group;
use crate::run::Context;

/// A stage's end on an edge.
pub(crate) struct Route<'env, T, R> {
    pub(crate) edge: Arc<Edge<Batch<T>>>,
    pub(crate) router: R,
    pub(crate) weigher: Weigher<'env, T>,
}

impl<T: Send, R: Router<T>> Sink<T> for Route<'_, T, R> {
    type Output<'s>
        = Routed<'s, T, R>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        let weigh = self.weigher.get().map(|weigh| &**weigh);
        Routed::new(self.edge.clone(), &self.router, weigh, &cx.next, cx)
    }

    fn abandon(&self) {
        AnyEdge::abandon(&*self.edge);
    }
}

/// One worker's buffers.
pub(crate) struct Routed<'s, T, R> {
    edge: Arc<Edge<Batch<T>>>,
    router: &'s R,
    weigh: Option<&'s (dyn Fn(&T) -> usize + Send + Sync + 's)>,
    targets: Vec<Target<T>>,
    /// Full batches that found no room, with their targets.
    waiting: VecDeque<(usize, Batch<T>)>,
    /// Items that make a batch.
    items: usize,
    /// Bytes that make a batch, where items are weighed.
    bytes: usize,
    /// Since when the oldest half-full batch has waited.
    since: Option<Instant>,
    /// How long to wait for room at a time, where nobody in the flow wakes this worker when the run is to end.
    patience: Option<Duration>,
    /// Where this worker says how far it is, its number there, and the split that it reads.
    marks: Arc<Marks>,
    producer: usize,
    split: u64,
    /// What it said last; `None` while it has nothing under way.
    said: Option<(u64, bool)>,
    /// Whether it said anything.
    spoke: bool,
    group: &'s Group,
    cx: &'s Context,
}

struct Target<T> {
    /// `None` once its consumer is gone; what is routed there is dropped.
    sender: Option<Outlet<Batch<T>>>,
    batch: Vec<T>,
    bytes: usize,
    /// Whether a full batch went this way before, so that the next one is worth its room at once.
    busy: bool,
}

impl<'s, T, R: Router<T>> Routed<'s, T, R> {
    /// Takes a set of senders from the edge; `group` has the options of the consumer.
    pub(crate) fn new(
        edge: Arc<Edge<Batch<T>>>,
        router: &'s R,
        weigh: Option<&'s (dyn Fn(&T) -> usize + Send + Sync + 's)>,
        group: &'s Group,
        cx: &'s Context,
    ) -> Self {
        let (producer, senders) = edge.producer();
        Routed {
            marks: edge.marks(),
            producer,
            split: 0,
            said: None,
            spoke: false,
            edge,
            router,
            weigh,
            targets: senders
                .into_iter()
                .map(|sender| Target {
                    sender: Some(sender),
                    batch: Vec::new(),
                    bytes: 0,
                    busy: false,
                })
                .collect(),
            waiting: VecDeque::new(),
            items: if weigh.is_some() {
                group.batch.max(1)
            } else {
                group.items(size_of::<T>())
            },
            bytes: group.batch_bytes,
            since: None,
            patience: None,
            group,
            cx,
        }
    }

    /// The same, looking at the stop flag so often while it waits for room.
    pub(crate) fn patient(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Takes one item; false when a batch found no room.
    #[inline]
    pub(crate) fn take(&mut self, item: T) -> bool {
        let target = match self
            .router
            .target(&item, self.targets.len(), &self.cx.shared.hasher)
        {
            Ok(Some(target)) => target,
            Ok(None) => return true,
            Err(target) => return self.refuse(target),
        };
        let Some(to) = self.targets.get_mut(target) else {
            return false;
        };
        let mut room = true;
        if let Some(weigh) = self.weigh {
            let bytes = weigh(&item);
            // An item that would make the batch too heavy begins the next one.
            if to.bytes + bytes > self.bytes && !to.batch.is_empty() {
                room = self.send(target);
            }
            self.targets[target].bytes += bytes;
        }
        let to = &mut self.targets[target];
        to.batch.push(item);
        if to.batch.len() >= self.items || to.bytes >= self.bytes {
            room = self.send(target);
        }
        room
    }

    #[cold]
    fn refuse(&self, target: usize) -> bool {
        let of = self.targets.len();
        self.cx.fault(Error::new(
            ErrorKind::Step,
            format!(
                "the function of `partition_with` chose partition {target}, but there are {of}: \
                 return Some(partition) below the number it is given, or None to drop the item"
            ),
        ));
        false
    }

    /// Sends a target's batch; false if it must wait for room.
    fn send(&mut self, target: usize) -> bool {
        if !self.pack(target) {
            return true;
        }
        // An endless iterator inside a chunk must break off once nobody wants more.
        self.deliver_waiting() && !self.edge.is_closed()
    }

    /// Makes a batch of what a target has; false if that is nothing.
    fn pack(&mut self, target: usize) -> bool {
        let to = &mut self.targets[target];
        if to.batch.is_empty() {
            return false;
        }
        let room = if to.busy || to.batch.len() >= self.items {
            to.busy = true;
            Vec::with_capacity(self.items)
        } else {
            Vec::new()
        };
        to.bytes = 0;
        let items = std::mem::replace(&mut to.batch, room);
        let batch = Batch {
            items,
            from: (self.producer, self.split),
        };
        self.waiting.push_back((target, batch));
        true
    }

    fn deliver_waiting(&mut self) -> bool {
        while let Some((target, batch)) = self.waiting.pop_front() {
            let Some(sender) = &self.targets[target].sender else {
                continue;
            };
            let items = batch.items.len();
            self.marks.sends(self.producer, target);
            match sender.try_send(batch) {
                Ok(()) => {
                    self.cx.counts.gives(items, size_of::<T>());
                }
                Err(TrySendError::Full(batch)) => {
                    self.marks.takes_back(self.producer, target);
                    self.waiting.push_front((target, batch));
                    return false;
                }
                Err(TrySendError::Disconnected(_)) => {
                    self.marks.takes_back(self.producer, target);
                    self.targets[target].sender = None;
                }
            }
        }
        true
    }

    /// Says which split is being read. What was read from another one makes batches of its own.
    fn say(&mut self) {
        if !self.group.timed {
            // What is behind the next stage may still ask whether this one is idle.
            if self.said.is_none() {
                self.said = Some((self.split, false));
                self.marks.reads(self.producer, self.split, false);
            }
            return;
        }
        let split = self.cx.split.get();
        let unread = self.cx.unread.get() && !self.cx.group.in_time_order;
        if split != self.split {
            for target in 0..self.targets.len() {
                self.pack(target);
            }
            self.deliver_waiting();
            self.split = split;
        }
        if self.said != Some((split, unread)) {
            self.said = Some((split, unread));
            self.spoke = true;
            self.marks.reads(self.producer, split, unread);
        }
    }

    /// Whether a batch waits for room.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn is_half_full(&self) -> bool {
        self.targets.iter().any(|t| !t.batch.is_empty())
    }
}

impl<T, R: Router<T>> Output<T> for Routed<'_, T, R> {
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let left = items.try_for_each(|item| {
            if self.take(item) && !self.cx.shared.halted() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        left.is_break().then_some(items)
    }

    fn begin(&mut self, _ticket: u64) {
        self.say();
    }

    fn awake(&mut self) {
        if self.said.is_none() && self.spoke {
            self.say();
        }
    }

    fn idle(&mut self) {
        if self.waiting.is_empty() && !self.is_half_full() && !(self.said.is_none() && self.spoke) {
            let fronts = || self.cx.fronts();
            self.marks.idles(self.producer, self.split, fronts);
            self.said = None;
            self.spoke = true;
        }
    }

    fn end(&mut self) {
        match self.since {
            Some(since) if self.cx.now() - since >= self.group.linger => self.flush(),
            Some(_) => {}
            None => self.since = self.is_half_full().then(|| self.cx.now()),
        }
    }

    fn deliver(&mut self) -> bool {
        self.deliver_waiting()
    }

    fn flush(&mut self) {
        for target in 0..self.targets.len() {
            if !self.waiting.is_empty() || !self.send(target) {
                break;
            }
        }
        if !self.is_half_full() {
            self.since = None;
        }
    }

    fn finish(&mut self) -> bool {
        self.deliver_waiting() && {
            self.flush();
            self.waiting.is_empty() && !self.is_half_full()
        }
    }

    fn closed(&self) -> bool {
        self.edge.is_closed() || self.targets.iter().all(|t| t.sender.is_none())
    }

    fn linger(&self) -> Option<Instant> {
        self.since
            .and_then(|since| since.checked_add(self.group.linger))
    }

    fn wait(&mut self, until: Option<Instant>) {
        let Some((target, _)) = self.waiting.front() else {
            return;
        };
        if let Some(sender) = &self.targets[*target].sender {
            sender.wait(self.patience.map_or(until, |patience| {
                let look = Instant::now() + patience;
                Some(until.map_or(look, |until| until.min(look)))
            }));
        }
    }
}

impl<T, R> Drop for Routed<'_, T, R> {
    fn drop(&mut self) {
        self.marks.ends(self.producer, self.split);
    }
}
