//! The gate of an ordered stage: chunks leave in the order of their tickets, whichever worker had them.
//!
//! A worker whose turn it is sends straight through. Others keep what they made, a bounded number of items; a worker
//! with a full buffer waits. The lowest ticket always has the turn, so somebody can always go on.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Instant;

use super::{Output, Sink};
use crate::edge::Turn;
use crate::run::Context;

/// A sink whose chunks pass in order.
pub(crate) struct Ordered<S> {
    pub(crate) sink: S,
    turn: Turn,
}

impl<S> Ordered<S> {
    pub(crate) fn new(sink: S) -> Self {
        Ordered {
            sink,
            turn: Turn::default(),
        }
    }
}

impl<T, S: Sink<T>> Sink<T> for Ordered<S> {
    type Output<'s>
        = Gate<'s, T, S::Output<'s>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        Gate {
            inner: self.sink.open(cx),
            turn: &self.turn,
            active: cx.group.ordered,
            ticket: 0,
            done: VecDeque::new(),
            held: Vec::new(),
            holding: 0,
            most: cx.group.batch.max(1),
        }
    }

    fn abandon(&self) {
        self.sink.abandon();
    }
}

/// One worker at the gate.
pub(crate) struct Gate<'s, T, O> {
    inner: O,
    turn: &'s Turn,
    active: bool,
    /// The chunk being drained.
    ticket: u64,
    /// Chunks that are done and wait for their turn, in order.
    done: VecDeque<(u64, std::vec::IntoIter<T>)>,
    /// What the chunk being drained has given while it was not its turn.
    held: Vec<T>,
    /// Items in `done` and `held`.
    holding: usize,
    most: usize,
}

impl<T, O: Output<T>> Gate<'_, T, O> {
    /// Whether what is drained now may go straight through.
    fn has_turn(&self) -> bool {
        self.done.is_empty() && self.turn.is(self.ticket)
    }

    /// Sends what has its turn; false when there was no room for it.
    fn release(&mut self) -> bool {
        while let Some((ticket, items)) = self.done.pop_front() {
            if !self.turn.is(ticket) {
                self.done.push_front((ticket, items));
                break;
            }
            let before = items.len();
            let left = if self.inner.deliver() {
                self.inner.drain(items)
            } else {
                Some(items)
            };
            if let Some(items) = left {
                self.holding -= before - items.len();
                self.done.push_front((ticket, items));
                return false;
            }
            self.holding -= before;
            // The next ticket's items may come from another worker, so ours must all be on their way.
            if !self.inner.finish() {
                self.done.push_front((ticket, Vec::new().into_iter()));
                return false;
            }
            self.turn.pass(ticket);
        }
        true
    }
}

impl<T, O: Output<T>> Output<T> for Gate<'_, T, O> {
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        if !self.active {
            return self.inner.drain(items);
        }
        if !self.release() {
            return Some(items);
        }
        if self.has_turn() {
            let held = std::mem::take(&mut self.held);
            if !held.is_empty() {
                self.holding -= held.len();
                if let Some(rest) = self.inner.drain(held.into_iter()) {
                    self.held = rest.collect();
                    self.holding += self.held.len();
                    return Some(items);
                }
            }
            return self.inner.drain(items);
        }
        let left = items.try_for_each(|item| {
            self.held.push(item);
            self.holding += 1;
            if self.holding >= self.most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        left.is_break().then_some(items)
    }

    fn begin(&mut self, ticket: u64) {
        self.ticket = ticket;
        self.inner.begin(ticket);
    }

    fn awake(&mut self) {
        self.inner.awake();
    }

    fn idle(&mut self) {
        if self.done.is_empty() && self.held.is_empty() {
            self.inner.idle();
        }
    }

    fn end(&mut self) {
        if !self.active {
            return self.inner.end();
        }
        let held = std::mem::take(&mut self.held);
        self.done.push_back((self.ticket, held.into_iter()));
        self.release();
    }

    fn deliver(&mut self) -> bool {
        if !self.active {
            return self.inner.deliver();
        }
        self.release() && self.inner.deliver() && (self.holding < self.most || self.has_turn())
    }

    fn flush(&mut self) {
        self.inner.flush();
    }

    fn finish(&mut self) -> bool {
        if self.active && !(self.release() && self.done.is_empty()) {
            return false;
        }
        self.inner.finish()
    }

    fn closed(&self) -> bool {
        self.inner.closed()
    }

    fn linger(&self) -> Option<Instant> {
        self.inner.linger()
    }

    fn wait(&mut self, until: Option<Instant>) {
        match self.done.front() {
            Some((ticket, _)) if !self.turn.is(*ticket) => self.turn.wait(*ticket, until),
            None if self.active && !self.turn.is(self.ticket) && self.holding >= self.most => {
                self.turn.wait(self.ticket, until);
            }
            _ => self.inner.wait(until),
        }
    }
}
