//! The consumer's side of a join: parcels of both inputs come in, rounds of matching go out.

use std::cell::RefCell;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Select, TryRecvError};

use super::part::{Bench, Complete, Pairs, Part, Stock};
use super::{JoinKind, Joined, Side};
use crate::edge::{Inlet, ready};
use crate::error::Error;
use crate::run::Context;
use crate::state::{Cut, KeyedEdge, Parcel, part_of, parts};
use crate::step::{Feed, Pull};

/// New rows that begin a round, at least; and without regard to time, a multiple of the old ones while both sides grow.
const FIRST: usize = 256;
const MULTIPLE: usize = 8;

/// A round comes no sooner than so many times the time that the last one took, but for the rows.
const PAUSE: u32 = 32;

/// Parcels taken between two parts of a round, lest producers wait for all of it.
const BETWEEN: usize = 4;

/// One consumer of a join.
///
/// Rows wait for a round: for so many of them that the two passes over a part are paid for, or so long that rounds take
/// a small part of the time. Both sides are kept anyway, so waiting costs no memory; once a side is complete, the other's
/// rows are let go of by a round, and no more than half as many wait as are kept.
pub struct Joining<'s, K, L, R, M> {
    left: Port<'s, K, L>,
    right: Port<'s, K, R>,
    bench: Rc<RefCell<Bench<K, L, R>>>,
    build: Option<Side>,
    /// Whose turn it is to be asked first.
    left_first: bool,
    /// New rows.
    waiting: usize,
    /// Old rows.
    kept: usize,
    /// Since when the oldest new row waits.
    since: Option<Instant>,
    /// Nothing came for as long as rows may wait.
    idle: bool,
    /// The round under way: its next part, and when it began.
    round: Option<(usize, Instant)>,
    /// How long the last round took.
    cost: Duration,
    over: bool,
    cx: &'s Context,
    kind: PhantomData<fn() -> M>,
}

/// Where the rows of one side come in.
struct Port<'s, K, T> {
    /// `None` once the side is complete.
    receiver: Option<Inlet<Parcel<K, T>>>,
    edge: &'s KeyedEdge<K, T>,
}

impl<'s, K: Hash, T> Port<'s, K, T> {
    fn new(edge: &'s KeyedEdge<K, T>, cx: &Context) -> Self {
        Port {
            receiver: edge.edge.receiver(cx.index),
            edge,
        }
    }

    /// Lays down a parcel, if there is one, and says how many rows it had.
    fn take<L, R>(
        &mut self,
        cx: &Context,
        parts: &mut [Part<K, L, R>],
        side: impl Fn(&mut Part<K, L, R>) -> &mut Stock<K, T>,
    ) -> Option<usize> {
        let Parcel { cut, mut entries } = match self.receiver.as_ref()?.try_recv() {
            Ok(parcel) => parcel,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => {
                self.receiver = None;
                return None;
            }
        };
        let rows = entries.len();
        cx.counts.takes(rows, size_of::<(K, T)>());
        let spare = match cut {
            Cut::Part(part) => side(&mut parts[part]).add(entries),
            Cut::Group(_) | Cut::Mixed => {
                let all = parts.len();
                for entry in entries.drain(|key| cx.shared.hasher.hash_one(key)) {
                    side(&mut parts[part_of(entry.hash, all)]).push(entry);
                }
                Some(entries)
            }
        };
        if let Some(spare) = spare {
            self.edge.keep_spare(spare);
        }
        Some(rows)
    }
}

impl<'s, K: Hash + Eq, L: Clone, R: Clone, M: JoinKind<L, R>> Joining<'s, K, L, R, M> {
    pub(super) fn new(join: &'s Joined<K, L, R, M>, cx: &'s Context) -> Self {
        Joining {
            left: Port::new(&join.left, cx),
            right: Port::new(&join.right, cx),
            bench: Rc::new(RefCell::new(Bench::new(parts(cx.of)))),
            build: join.build,
            left_first: true,
            waiting: 0,
            kept: 0,
            since: None,
            idle: false,
            round: None,
            cost: Duration::ZERO,
            over: false,
            cx,
            kind: PhantomData,
        }
    }

    fn complete(&self) -> Complete {
        Complete {
            left: self.left.receiver.is_none(),
            right: self.right.receiver.is_none(),
        }
    }

    /// Whether a side is taken from now.
    fn wants(&self, side: Side) -> bool {
        match side {
            Side::Left => self.build != Some(Side::Right) || self.complete().right,
            Side::Right => self.build != Some(Side::Left) || self.complete().left,
        }
    }

    /// Takes one parcel of either side.
    fn take(&mut self) -> bool {
        let mut rows = None;
        for left in [self.left_first, !self.left_first] {
            let side = if left { Side::Left } else { Side::Right };
            if rows.is_some() || !self.wants(side) {
                continue;
            }
            let parts = &mut self.bench.borrow_mut().parts;
            rows = match side {
                Side::Left => self.left.take(self.cx, parts, |part| &mut part.left),
                Side::Right => self.right.take(self.cx, parts, |part| &mut part.right),
            };
        }
        self.left_first = !self.left_first;
        if let Some(rows) = rows {
            self.waiting += rows;
            self.since.get_or_insert_with(|| self.cx.now());
        }
        rows.is_some()
    }

    /// How long a row may wait.
    fn patience(&self) -> Duration {
        self.cx.group.linger.max(self.cost.saturating_mul(PAUSE))
    }

    fn is_due(&self) -> bool {
        let enough = match self.complete() {
            Complete {
                left: false,
                right: false,
            } => self.kept.saturating_mul(MULTIPLE),
            _ => self.kept / 2,
        };
        let late = |since| self.cx.now() - since >= self.patience();
        self.waiting > 0
            && (self.idle || self.waiting >= enough.max(FIRST) || self.since.is_some_and(late))
    }

    fn begin_round(&mut self) {
        self.round = Some((0, self.cx.now()));
        (self.since, self.idle) = (None, false);
    }

    fn end_round(&mut self, began: Instant) {
        self.round = None;
        self.cost = self.cx.now() - began;
        (self.waiting, self.kept) = (0, 0);
        for Part { left, right } in &self.bench.borrow().parts {
            let old = left.old() + right.old();
            self.kept += old;
            self.waiting += left.rows() + right.rows() - old;
        }
    }
}

impl<'s, K, L, R, M> Feed for Joining<'s, K, L, R, M>
where
    K: Hash + Eq,
    L: Clone,
    R: Clone,
    M: JoinKind<L, R>,
{
    type Iter = Pairs<'s, K, L, R, M>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if let Some((next, began)) = self.round {
            for _ in 0..BETWEEN {
                if !self.take() {
                    break;
                }
            }
            let (complete, hasher) = (self.complete(), &self.cx.shared.hasher);
            let mut bench = self.bench.borrow_mut();
            let (lefts, rights) = bench.emptied();
            lefts
                .drain(..)
                .for_each(|spare| self.left.edge.keep_spare(spare));
            rights
                .drain(..)
                .for_each(|spare| self.right.edge.keep_spare(spare));
            let found = (next..bench.parts.len())
                .find(|&part| bench.lay_out(part, complete, |key| hasher.hash_one(key)));
            drop(bench);
            let Some(part) = found else {
                self.end_round(began);
                return Ok(Pull::Again);
            };
            self.round = Some((part + 1, began));
            return Ok(Pull::Chunk(Pairs {
                bench: self.bench.clone(),
                hasher,
                kind: PhantomData,
            }));
        }
        if self.over {
            return Ok(Pull::End);
        }
        let taken = self.take();
        let Complete { left, right } = self.complete();
        if left && right {
            self.over = true;
            self.begin_round();
        } else if self.is_due() {
            self.begin_round();
        } else if !taken {
            return Ok(Pull::Pending);
        }
        Ok(Pull::Again)
    }

    fn wait(&mut self, until: Option<Instant>) {
        let mut select = Select::new();
        let left = self.left.receiver.as_ref();
        if let Some(left) = left.filter(|_| self.wants(Side::Left)) {
            select.recv(left.channel());
        }
        let right = self.right.receiver.as_ref();
        if let Some(right) = right.filter(|_| self.wants(Side::Right)) {
            select.recv(right.channel());
        }
        let due = self.since.filter(|_| self.waiting > 0);
        let due = due.and_then(|since| since.checked_add(self.patience()));
        let until = [until, due].into_iter().flatten().min();
        if !ready(&mut select, until) && due.is_some_and(|due| Instant::now() >= due) {
            self.idle = true;
        }
    }
}

impl<K, L, R, M> fmt::Debug for Joining<'_, K, L, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joining").finish_non_exhaustive()
    }
}
