//! The consumer's side: batches of both inputs come in, a row at a time meets what is near, and what is over goes.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;
use std::vec;

use crossbeam_channel::{Select, TryRecvError};

use super::interval::Interval;
use super::windows::Windows;
use super::{JoinedWithin, Row, Times};
use crate::edge::{Batch, Edge, Inlet, Marks, ready};
use crate::error::Error;
use crate::run::{Context, bump};
use crate::state::Entry;
use crate::state::join::JoinKind;
use crate::step::{Feed, Pull};
use crate::window::{Both, JoinSpec, Nearness};

/// What is given at a time, at most.
const PIECE: usize = 1024;

/// One consumer of a join within windows.
pub struct Meeting<'s, K, L, R, M> {
    left: Port<K, L>,
    right: Port<K, R>,
    times: &'s Times<'s, L, R>,
    watermark: Both,
    kept: Kept<K, L, R>,
    /// What is left of the batch being worked on, and where it is from.
    batch: Option<(Rows<K, L, R>, (usize, u64))>,
    /// The side that is asked first where neither is ahead.
    first: usize,
    /// Both inputs have ended.
    over: bool,
    cx: &'s Context,
    kind: PhantomData<fn() -> M>,
}

/// Where the rows of one side come in.
struct Port<K, T> {
    /// `None` once the side is complete.
    receiver: Option<Inlet<Batch<Entry<K, T>>>>,
    marks: Arc<Marks>,
}

/// Rows of one side.
enum Rows<K, L, R> {
    Left(vec::IntoIter<Entry<K, L>>),
    Right(vec::IntoIter<Entry<K, R>>),
}

/// The rows that may still meet others, by what nearness is.
enum Kept<K, L, R> {
    Windows(Windows<K, L, R>),
    Interval(Interval<K, L, R>),
}

macro_rules! either {
    ($kept:expr, $rows:ident => $call:expr) => {
        match $kept {
            Kept::Windows($rows) => $call,
            Kept::Interval($rows) => $call,
        }
    };
}

impl<K, T> Port<K, T> {
    fn new(edge: &Edge<Batch<Entry<K, T>>>, cx: &Context) -> Self {
        Port {
            receiver: edge.receiver(cx.index),
            marks: edge.marks(),
        }
    }

    fn take(&mut self, cx: &Context) -> Option<Batch<Entry<K, T>>> {
        match self.receiver.as_ref()?.try_recv() {
            Ok(batch) => {
                cx.counts.takes(batch.items.len(), size_of::<Entry<K, T>>());
                Some(batch)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.receiver = None;
                None
            }
        }
    }
}

impl<K, L, R> Rows<K, L, R> {
    /// The side in numbers.
    fn side(&self) -> usize {
        match self {
            Rows::Left(_) => 0,
            Rows::Right(_) => 1,
        }
    }

    /// The next row with its key and its time.
    fn next(&mut self, times: &Times<'_, L, R>) -> Option<((u64, K), i64, Row<L, R>)> {
        Some(match self {
            Rows::Left(rows) => {
                let Entry { hash, key, acc } = rows.next()?;
                ((hash, key), (times.left)(&acc), Row::Left(acc))
            }
            Rows::Right(rows) => {
                let Entry { hash, key, acc } = rows.next()?;
                ((hash, key), (times.right)(&acc), Row::Right(acc))
            }
        })
    }
}

impl<'s, K, L, R, M> Meeting<'s, K, L, R, M>
where
    K: Eq,
    L: Clone,
    R: Clone,
    M: JoinKind<L, R>,
{
    pub(super) fn new(join: &'s JoinedWithin<'_, K, L, R, M>, cx: &'s Context) -> Self {
        let JoinSpec {
            nearness,
            lateness,
            disorder,
        } = join.spec;
        Meeting {
            left: Port::new(&join.left, cx),
            right: Port::new(&join.right, cx),
            times: &join.times,
            watermark: Both::new(disorder),
            kept: match nearness {
                Nearness::Windows(kind) => Kept::Windows(Windows::new(kind, lateness)),
                Nearness::Interval { from, to } => {
                    Kept::Interval(Interval::new((from, to), lateness))
                }
            },
            batch: None,
            first: 0,
            over: false,
            cx,
            kind: PhantomData,
        }
    }

    /// Takes a batch of either side: of the one that is behind, if it has one, since the other's rows wait for it.
    fn take(&mut self) -> bool {
        let first = self.watermark.behind().unwrap_or(self.first);
        self.first = 1 - self.first;
        for side in [first, 1 - first] {
            let batch = if side == 0 {
                let batch = self.left.take(self.cx);
                batch.map(|Batch { items, from }| (Rows::Left(items.into_iter()), from))
            } else {
                let batch = self.right.take(self.cx);
                batch.map(|Batch { items, from }| (Rows::Right(items.into_iter()), from))
            };
            if batch.is_some() {
                self.batch = batch;
                return true;
            }
        }
        false
    }

    /// Works on the batch that was taken, until there is enough to give; true once it is done.
    fn work(&mut self, out: &mut Vec<M::Item>) -> bool {
        let Some((rows, (producer, split))) = &mut self.batch else {
            return true;
        };
        let side = rows.side();
        loop {
            if !either!(&mut self.kept, kept => kept.pairs::<M>(out, PIECE)) {
                return false;
            }
            let Some((key, time, row)) = rows.next(self.times) else {
                break;
            };
            self.watermark.side(side).see(*producer, *split, time);
            let at = self.watermark.at();
            if !either!(&mut self.kept, kept => kept.enter(key, time, row, at)) {
                bump(&self.cx.counts.late, 1);
            }
        }
        let marks = [&self.left.marks, &self.right.marks][side];
        marks.took(*producer, self.cx.index);
        self.batch = None;
        true
    }

    /// Looks how far event time has come.
    fn advance(&mut self) {
        let before = self.watermark.at();
        let marks = [&*self.left.marks, &*self.right.marks];
        let at = self.watermark.advance(marks, self.cx.index);
        if at != before {
            either!(&mut self.kept, kept => kept.advance(at));
        }
    }
}

impl<'s, K, L, R, M> Feed for Meeting<'s, K, L, R, M>
where
    K: Eq,
    L: Clone,
    R: Clone,
    M: JoinKind<L, R>,
{
    type Iter = vec::IntoIter<M::Item>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let mut out = Vec::new();
        let mut taken = true;
        // What is over goes first, so that it never grows while more comes.
        let gone = either!(&mut self.kept, kept => kept.alone::<M>(&mut out, PIECE));
        if gone && self.over && out.is_empty() {
            return Ok(Pull::End);
        }
        if gone && !self.over {
            taken = self.batch.is_some() || self.take();
            if taken {
                if self.work(&mut out) {
                    self.advance();
                }
            } else if self.left.receiver.is_some() || self.right.receiver.is_some() {
                // Producers that went idle no longer hold the watermark back.
                let before = self.watermark.at();
                self.advance();
                taken = self.watermark.at() != before;
            } else if self.cx.shared.halted() {
                // The end of an input that failed is no end: nothing must be given out as if it were whole.
                return Ok(Pull::End);
            } else {
                self.over = true;
                either!(&mut self.kept, kept => kept.finish());
                taken = true;
            }
        }
        Ok(if !out.is_empty() {
            Pull::Chunk(out.into_iter())
        } else if taken {
            Pull::Again
        } else {
            Pull::Pending
        })
    }

    fn wait(&mut self, until: Option<Instant>) {
        let mut select = Select::new();
        if let Some(left) = &self.left.receiver {
            select.recv(left.channel());
        }
        if let Some(right) = &self.right.receiver {
            select.recv(right.channel());
        }
        ready(&mut select, until);
    }
}

impl<K, L, R, M> fmt::Debug for Meeting<'_, K, L, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meeting").finish_non_exhaustive()
    }
}
