//! `zip`: a stage with two input edges in order, whose items are paired under a lock, a paced piece at a time.
//!
//! The first side that ends ends the stage: both edges are closed, so that the longer side's producers end too.

use std::fmt;
use std::iter;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::vec;

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, bounded};

use super::own::release;
use super::{Batch, Edge, Inlet, ready};
use crate::error::Error;
use crate::run::{Context, lock};
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull, Release};

/// How often a worker that waits for one side looks whether the other has become the one that lacks items.
const LOOK: Duration = Duration::from_millis(5);

/// The input of a stage behind [`Flow::zip`](crate::Flow::zip).
pub struct Zip<A, B> {
    left: Arc<Edge<Batch<A>>>,
    right: Arc<Edge<Batch<B>>>,
    pairs: Mutex<Pairs<A, B>>,
    /// Holds a token while there may be something for a worker that waits for a channel: rests of both sides, or
    /// the end.
    token: (Sender<()>, Receiver<()>),
}

/// What workers take from, one at a time.
struct Pairs<A, B> {
    left: vec::IntoIter<A>,
    right: vec::IntoIter<B>,
    /// The number of the next piece.
    ticket: u64,
    over: bool,
}

impl<A, B> Zip<A, B> {
    pub(crate) fn new(left: Arc<Edge<Batch<A>>>, right: Arc<Edge<Batch<B>>>) -> Self {
        Zip {
            left,
            right,
            pairs: Mutex::new(Pairs {
                left: Vec::new().into_iter(),
                right: Vec::new().into_iter(),
                ticket: 0,
                over: false,
            }),
            token: bounded(1),
        }
    }
}

impl<A: Send, B: Send> Pipe for Zip<A, B> {
    type Item = (A, B);
    type Iter<'s>
        = iter::Zip<vec::IntoIter<A>, vec::IntoIter<B>>
    where
        Self: 's;
    type Feed<'s>
        = Zipping<'s, A, B>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        cx.waits_for(self.left.marks(), 0);
        cx.waits_for(self.right.marks(), 0);
        Zipping {
            left: self.left.receiver(cx.index),
            right: self.right.receiver(cx.index),
            zip: self,
            lacks: (false, false),
            pace: Pace::new(1, cx.group.batch),
            cx,
        }
    }

    fn release(&self, how: Release) {
        release(&self.left, how);
        release(&self.right, how);
    }
}

/// One worker's end of both edges.
pub struct Zipping<'s, A, B> {
    left: Option<Inlet<Batch<A>>>,
    right: Option<Inlet<Batch<B>>>,
    zip: &'s Zip<A, B>,
    /// The sides that had nothing at the last look.
    lacks: (bool, bool),
    pace: Pace,
    cx: &'s Context,
}

/// What a side has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Items,
    Nothing,
    Ended,
}

/// Makes sure that a batch lies open, if there is one; notes the items of each that it took, and the bytes of one.
fn open<T>(
    rest: &mut vec::IntoIter<T>,
    receiver: Option<&Inlet<Batch<T>>>,
    taken: &mut Vec<(usize, usize)>,
) -> Side {
    while rest.len() == 0 {
        match receiver.map_or(Err(TryRecvError::Disconnected), Inlet::try_recv) {
            Ok(batch) => {
                taken.push((batch.items.len(), size_of::<T>()));
                *rest = batch.items.into_iter();
            }
            Err(TryRecvError::Empty) => return Side::Nothing,
            Err(TryRecvError::Disconnected) => return Side::Ended,
        }
    }
    Side::Items
}

/// The first items of a batch; the whole of it, uncopied, if it is no longer.
fn cut<T>(rest: &mut vec::IntoIter<T>, most: usize) -> vec::IntoIter<T> {
    if rest.len() <= most {
        return std::mem::replace(rest, Vec::new().into_iter());
    }
    let piece: Vec<T> = rest.by_ref().take(most).collect();
    piece.into_iter()
}

impl<A: Send, B: Send> Zipping<'_, A, B> {
    /// The next piece of both sides.
    fn pair(&mut self, taken: &mut Vec<(usize, usize)>) -> Pull<<Self as Feed>::Iter> {
        let most = self.pace.next(self.cx.now());
        let mut pairs = lock(&self.zip.pairs);
        let _ = self.zip.token.1.try_recv();
        let pairs = &mut *pairs;
        if !pairs.over {
            let left = open(&mut pairs.left, self.left.as_ref(), taken);
            let right = open(&mut pairs.right, self.right.as_ref(), taken);
            self.lacks = (left == Side::Nothing, right == Side::Nothing);
            pairs.over = left == Side::Ended || right == Side::Ended;
        }
        if pairs.over {
            // What the longer side gave too much is dropped now, and the others must not wait for more.
            pairs.left = Vec::new().into_iter();
            pairs.right = Vec::new().into_iter();
            self.zip.release(Release::Close);
            let _ = self.zip.token.0.try_send(());
            return Pull::End;
        }
        if self.lacks != (false, false) {
            self.pace.pause();
            return Pull::Pending;
        }
        let most = most.min(pairs.left.len()).min(pairs.right.len());
        let left = cut(&mut pairs.left, most);
        let right = cut(&mut pairs.right, most);
        self.cx.ticket.set(pairs.ticket);
        pairs.ticket += 1;
        // One side's rest is enough: the worker that is woken knows what else to wait for.
        let _ = self.zip.token.0.try_send(());
        Pull::Chunk(left.zip(right))
    }
}

impl<A: Send, B: Send> Feed for Zipping<'_, A, B> {
    type Iter = iter::Zip<vec::IntoIter<A>, vec::IntoIter<B>>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let mut taken = Vec::new();
        let pulled = self.pair(&mut taken);
        // Whoever listens to batches is called without the lock.
        for (items, bytes) in taken {
            self.cx.counts.takes(items, bytes);
        }
        Ok(pulled)
    }

    fn wait(&mut self, until: Option<Instant>) {
        let mut select = Select::new();
        // A side that has items would always be ready, so only the others are waited for.
        if let (true, Some(left)) = (self.lacks.0, &self.left) {
            select.recv(left.channel());
        }
        if let (true, Some(right)) = (self.lacks.1, &self.right) {
            select.recv(right.channel());
        }
        select.recv(&self.zip.token.1);
        // Which side lacks items may change while this worker waits for the other one, and the token wakes only one.
        let until = if self.lacks == (true, true) {
            until
        } else {
            let look = Instant::now() + LOOK;
            Some(until.map_or(look, |until| until.min(look)))
        };
        ready(&mut select, until);
    }
}

impl<A, B> fmt::Debug for Zip<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zip").finish_non_exhaustive()
    }
}

impl<A, B> fmt::Debug for Zipping<'_, A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zipping").finish_non_exhaustive()
    }
}
