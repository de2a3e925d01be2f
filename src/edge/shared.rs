//! The consumer's side of `shuffle` and `merge`: all workers take from one queue, a paced piece at a time, so that
//! slow items spread over them however they were batched.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::vec;

use crossbeam_channel::{Receiver, Select, Sender, bounded};

use super::own::{cut, receive, release};
use super::{Batch, Edge, Inlet, Weigher, ready};
use crate::error::Error;
use crate::run::{Context, lock};
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull, Release};

/// The input of a stage behind `shuffle` or `merge`.
pub struct Shuffled<'env, T> {
    pub(crate) edge: Arc<Edge<Batch<T>>>,
    pub(crate) weigher: Weigher<'env, T>,
    queue: Mutex<Queue<T>>,
    /// Holds a token while a rest of a batch lies in the queue, to wake workers that wait for the channel.
    left: (Sender<()>, Receiver<()>),
}

/// What workers take from, one at a time.
struct Queue<T> {
    /// What is left of the batch being handed out.
    rest: Option<vec::IntoIter<T>>,
    /// Where it comes from.
    from: (usize, u64),
    /// The number of the next piece.
    ticket: u64,
}

impl<'env, T> Shuffled<'env, T> {
    pub(crate) fn new(edge: Arc<Edge<Batch<T>>>, weigher: Weigher<'env, T>) -> Self {
        Shuffled {
            edge,
            weigher,
            queue: Mutex::new(Queue {
                rest: None,
                from: (0, 0),
                ticket: 0,
            }),
            left: bounded(1),
        }
    }
}

impl<'env, T: Send> Pipe for Shuffled<'env, T> {
    type Item = T;
    type Iter<'s>
        = vec::IntoIter<T>
    where
        Self: 's;
    type Feed<'s>
        = Sharing<'s, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        cx.takes_from(self.edge.marks(), 0);
        Sharing {
            receiver: self.edge.receiver(cx.index),
            queue: &self.queue,
            left: &self.left,
            pace: Pace::new(1, cx.group.batch),
            cx,
        }
    }

    fn release(&self, how: Release) {
        release(&self.edge, how);
    }
}

/// One worker's access to the queue.
pub struct Sharing<'s, T> {
    receiver: Option<Inlet<Batch<T>>>,
    queue: &'s Mutex<Queue<T>>,
    left: &'s (Sender<()>, Receiver<()>),
    pace: Pace,
    cx: &'s Context,
}

impl<T> Sharing<'_, T> {
    /// The pieces that all workers took so far.
    pub(super) fn pieces(&self) -> u64 {
        lock(self.queue).ticket
    }
}

impl<T> Feed for Sharing<'_, T> {
    type Iter = vec::IntoIter<T>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let most = self.pace.next(self.cx.now());
        let mut queue = lock(self.queue);
        let _ = self.left.1.try_recv();
        if queue.rest.is_none() {
            let batch = match receive(&mut self.receiver, &mut self.pace) {
                Ok(batch) => batch,
                Err(none) => return Ok(none),
            };
            queue.from = batch.from;
            queue.rest = Some(batch.items.into_iter());
        }
        let Some(piece) = cut(&mut queue.rest, most) else {
            return Ok(Pull::Again);
        };
        self.cx.input.from.set(queue.from);
        self.cx.took(queue.rest.is_none());
        self.cx.ticket.set(queue.ticket);
        queue.ticket += 1;
        if queue.rest.is_some() {
            let _ = self.left.0.try_send(());
        }
        drop(queue);
        self.cx.counts.takes(piece.len(), size_of::<T>());
        Ok(Pull::Chunk(piece))
    }

    fn wait(&mut self, until: Option<Instant>) {
        if let Some(receiver) = &self.receiver {
            let mut select = Select::new();
            select.recv(receiver.channel());
            select.recv(&self.left.1);
            ready(&mut select, until);
        }
    }
}

impl<T> fmt::Debug for Shuffled<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shuffled").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Sharing<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharing").finish_non_exhaustive()
    }
}
