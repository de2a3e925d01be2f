//! To every subscriber of a served flow: each has a bounded channel of its own, and gets a copy of each batch.
//!
//! Subscribers come and go while the flow runs. A batch goes to those that are there when it leaves the worker; while
//! there are none it waits, and with it the flow. The slowest subscriber is the pace of all: a worker goes on when each of
//! them has room.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::{Output, Sink};
use crate::edge::{Batch, wait_send};
use crate::run::{Context, lock};

/// How often a worker that waits for subscribers looks at the stop flag: there may never be one again.
const LOOK: Duration = Duration::from_millis(5);

/// Who is subscribed to a flow.
pub(crate) struct Hub<T> {
    members: Mutex<Members<T>>,
    /// Rung when somebody comes, or nobody can come any more.
    bell: Condvar,
    /// Nobody wants anything, now or later; workers look at it in each step.
    over: AtomicBool,
}

struct Members<T> {
    open: Vec<(u64, Sender<Batch<T>>)>,
    /// The number of the next subscriber.
    next: u64,
    /// Batches that may wait in front of each of them.
    room: usize,
    /// Workers that have not ended; the last one closes the channels.
    workers: usize,
    /// Whether nobody else can subscribe.
    sealed: bool,
}

impl<T> Hub<T> {
    pub(crate) fn new(workers: usize, room: usize) -> Arc<Self> {
        Arc::new(Hub {
            members: Mutex::new(Members {
                open: Vec::new(),
                next: 0,
                room,
                workers,
                sealed: false,
            }),
            bell: Condvar::new(),
            over: AtomicBool::new(false),
        })
    }

    /// A new subscriber's number and the channel it takes from, which is closed at once if the flow has ended.
    pub(crate) fn enter(&self) -> (u64, Receiver<Batch<T>>) {
        let mut members = lock(&self.members);
        let (sender, receiver) = bounded(members.room);
        let number = members.next;
        members.next += 1;
        if members.workers > 0 {
            members.open.push((number, sender));
        }
        drop(members);
        self.bell.notify_all();
        (number, receiver)
    }

    /// A subscriber goes.
    pub(crate) fn leave(&self, number: u64) {
        let mut members = lock(&self.members);
        members.open.retain(|(known, _)| *known != number);
        self.settle(&members);
    }

    /// Nobody else can subscribe.
    pub(crate) fn seal(&self) {
        let mut members = lock(&self.members);
        members.sealed = true;
        self.settle(&members);
    }

    fn settle(&self, members: &Members<T>) {
        if members.workers == 0 || (members.sealed && members.open.is_empty()) {
            self.over.store(true, Ordering::Release);
            self.bell.notify_all();
        }
    }

    /// So many workers have ended; behind the last one the subscribers see the end.
    fn ended(&self, workers: usize) {
        let mut members = lock(&self.members);
        members.workers = members.workers.saturating_sub(workers);
        if members.workers == 0 {
            members.open.clear();
        }
        self.settle(&members);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Blocks until somebody is subscribed, or until then.
    fn wait(&self, until: Instant) {
        let members = lock(&self.members);
        if members.open.is_empty() && !self.is_over() {
            let most = until.saturating_duration_since(Instant::now());
            let woken = self.bell.wait_timeout(members, most);
            drop(woken.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// A stage's end on the channels of all subscribers.
pub(crate) struct ToSubscribers<T> {
    pub(crate) hub: Arc<Hub<T>>,
}

impl<T: Clone + Send> Sink<T> for ToSubscribers<T> {
    type Output<'s>
        = Serving<'s, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        Serving {
            hub: &self.hub,
            batch: Vec::new(),
            full: None,
            sending: VecDeque::new(),
            items: cx.group.items(size_of::<T>()),
            since: None,
            cx,
        }
    }

    fn abandon(&self) {
        self.hub.ended(usize::MAX);
    }
}

/// One worker's batch, and who it still has to go to.
pub(crate) struct Serving<'s, T> {
    hub: &'s Hub<T>,
    batch: Vec<T>,
    /// A batch that is to go to all, when there are any.
    full: Option<Vec<T>>,
    /// Copies of one batch that found no room.
    sending: VecDeque<(Sender<Batch<T>>, Vec<T>)>,
    /// Items that make a batch.
    items: usize,
    /// Since when the oldest item of the batch has waited.
    since: Option<Instant>,
    cx: &'s Context,
}

impl<T: Clone> Serving<'_, T> {
    /// Makes copies for all subscribers; false if there are none, but may be later.
    fn spread(&mut self) -> bool {
        let Some(items) = self.full.take() else {
            return true;
        };
        if self.hub.is_over() {
            return true;
        }
        let members = lock(&self.hub.members);
        let mut to = members.open.iter().map(|(_, sender)| sender.clone());
        let last = to.next();
        let others: Vec<_> = to.collect();
        drop(members);
        let Some(last) = last else {
            self.full = Some(items);
            return false;
        };
        for sender in others {
            self.sending.push_back((sender, items.clone()));
        }
        self.sending.push_back((last, items));
        true
    }

    /// Sends the batch; false if it must wait.
    fn send(&mut self) -> bool {
        if !self.deliver() {
            return false;
        }
        if !self.batch.is_empty() {
            self.full = Some(std::mem::take(&mut self.batch));
        }
        self.deliver() && !self.hub.is_over()
    }
}

impl<T: Clone> Output<T> for Serving<'_, T> {
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let left = items.try_for_each(|item| {
            self.batch.push(item);
            let room = self.batch.len() < self.items || self.send();
            if room && !self.cx.shared.halted() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        left.is_break().then_some(items)
    }

    fn end(&mut self) {
        match self.since {
            Some(since) if self.cx.now() - since >= self.cx.group.linger => self.flush(),
            Some(_) => {}
            None => self.since = (!self.batch.is_empty()).then(|| self.cx.now()),
        }
    }

    fn deliver(&mut self) -> bool {
        if !self.spread() {
            return false;
        }
        // All of them, though one may be full: the others need not wait to get what is ready.
        for _ in 0..self.sending.len() {
            let Some((sender, items)) = self.sending.pop_front() else {
                break;
            };
            let sent = items.len();
            let from = (self.cx.index, 0);
            match sender.try_send(Batch { items, from }) {
                Ok(()) => {
                    self.cx.counts.gives(sent, size_of::<T>());
                }
                Err(TrySendError::Full(batch)) => self.sending.push_back((sender, batch.items)),
                // It was dropped, and its hub knows.
                Err(TrySendError::Disconnected(_)) => {}
            }
        }
        self.sending.is_empty()
    }

    fn flush(&mut self) {
        self.send();
        if self.batch.is_empty() {
            self.since = None;
        }
    }

    fn finish(&mut self) -> bool {
        self.flush();
        (self.batch.is_empty() && self.full.is_none() && self.sending.is_empty())
            || self.hub.is_over()
    }

    fn closed(&self) -> bool {
        self.hub.is_over()
    }

    fn linger(&self) -> Option<Instant> {
        let since = self.since?;
        since.checked_add(self.cx.group.linger)
    }

    fn wait(&mut self, until: Option<Instant>) {
        let look = Instant::now() + LOOK;
        let until = until.map_or(look, |until| until.min(look));
        if let Some((sender, _)) = self.sending.front() {
            wait_send(sender, Some(until));
        } else if self.full.is_some() {
            self.hub.wait(until);
        }
    }
}

impl<T> Drop for Serving<'_, T> {
    fn drop(&mut self) {
        // Before the hub lets go of its own, so that what is left here closes with it.
        self.sending.clear();
        self.hub.ended(1);
    }
}
