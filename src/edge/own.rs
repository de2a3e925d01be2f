//! The consumer's side of a hash boundary: each worker has a channel of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use std::vec;

use crossbeam_channel::TryRecvError;

use super::{Batch, Edge, Inlet, Weigher};
use crate::error::Error;
use crate::run::Context;
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull, Release};

/// The input of a stage behind `partition`, `partition_by` or `partition_with`.
pub struct Partitioned<'env, T> {
    pub(crate) edge: Arc<Edge<Batch<T>>>,
    pub(crate) weigher: Weigher<'env, T>,
}

impl<T: Send> Pipe for Partitioned<'_, T> {
    type Item = T;
    type Iter<'s>
        = vec::IntoIter<T>
    where
        Self: 's;
    type Feed<'s>
        = Own<'s, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        cx.takes_from(self.edge.marks(), cx.index);
        Own {
            receiver: self.edge.receiver(cx.index),
            rest: None,
            pace: Pace::new(1, cx.group.batch),
            cx,
        }
    }

    fn release(&self, how: Release) {
        release(&self.edge, how);
    }
}

/// Carries out a word to an edge's producers.
pub(super) fn release<M: Send>(edge: &Edge<M>, how: Release) {
    use super::AnyEdge;
    match how {
        Release::Abandon => edge.abandon(),
        Release::Close => edge.close(),
    }
}

/// One worker's channel.
pub struct Own<'s, T> {
    receiver: Option<Inlet<Batch<T>>>,
    /// What is left of the batch being worked on.
    rest: Option<vec::IntoIter<T>>,
    pace: Pace,
    cx: &'s Context,
}

impl<T> Feed for Own<'_, T> {
    type Iter = vec::IntoIter<T>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let most = self.pace.next(self.cx.now());
        if self.rest.is_none() {
            let batch = match receive(&mut self.receiver, &mut self.pace) {
                Ok(batch) => batch,
                Err(none) => return Ok(none),
            };
            self.cx.counts.takes(batch.items.len(), size_of::<T>());
            self.cx.input.from.set(batch.from);
            self.rest = Some(batch.items.into_iter());
        }
        let piece = cut(&mut self.rest, most);
        self.cx.took(self.rest.is_none());
        Ok(piece.map_or(Pull::Again, Pull::Chunk))
    }

    fn wait(&mut self, until: Option<Instant>) {
        if let Some(receiver) = &self.receiver {
            receiver.wait(until);
        }
    }
}

/// Takes the next batch of a channel, or says what a pull gives where there is none.
pub(super) fn receive<T, I>(
    receiver: &mut Option<Inlet<Batch<T>>>,
    pace: &mut Pace,
) -> Result<Batch<T>, Pull<I>> {
    let Some(inlet) = receiver else {
        return Err(Pull::End);
    };
    inlet.try_recv().map_err(|none| match none {
        TryRecvError::Empty => {
            pace.pause();
            Pull::Pending
        }
        TryRecvError::Disconnected => {
            *receiver = None;
            Pull::End
        }
    })
}

/// Cuts a piece of at most `most` items off a batch; the whole batch, uncopied, if it is no larger.
pub(super) fn cut<T>(rest: &mut Option<vec::IntoIter<T>>, most: usize) -> Option<vec::IntoIter<T>> {
    match rest {
        Some(items) if items.len() > most => {
            let piece: Vec<T> = items.by_ref().take(most).collect();
            Some(piece.into_iter())
        }
        _ => rest.take(),
    }
}

impl<T> fmt::Debug for Partitioned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partitioned").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Own<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").finish_non_exhaustive()
    }
}
