//! The producer's side of a join: rows with their keys, on their way to the owners of the keys.

use std::hash::Hash;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::within::{SendRows, TimedRows};
use crate::edge::AnyEdge;
use crate::output::{Output, Sink};
use crate::run::Context;
use crate::state::exchange::Exchange;
use crate::state::{Entry, KeyedEdge};

/// Rows between two looks at the stop flag.
const LOOK: u64 = 1 << 14;

/// Rows within a linger that say that parcels fill by themselves: to send them half-full would make many small ones.
const BUSY: u64 = 1 << 13;

/// Lingers in a row that a busy producer lets pass.
const PASSED: u8 = 16;

/// A stage's end on one input of a join.
pub(crate) struct SendByKey<K, T, F> {
    pub(crate) edge: Arc<KeyedEdge<K, T>>,
    pub(crate) key: F,
    /// The edge that rows take instead, if the join turns out to be one within windows: its user says so when the
    /// stage before it is closed already.
    pub(crate) timed: Arc<OnceLock<Arc<TimedRows<K, T>>>>,
}

impl<K, T, F> Sink<T> for SendByKey<K, T, F>
where
    K: Hash + Eq + Send,
    T: Send,
    F: Fn(&T) -> K + Send + Sync,
{
    type Output<'s>
        = Sent<'s, K, T, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        if let Some(edge) = self.timed.get() {
            return Sent::Timed(SendRows::new(edge, &self.key, cx));
        }
        let mut exchange = Exchange::new(&self.edge, cx);
        // Every row passes here, so the consumer need not cut again.
        exchange.cut_finely(true);
        Sent::Whole(Sending {
            key: &self.key,
            exchange,
            since: None,
            seen: 0,
            passed: 0,
            cx,
        })
    }

    fn abandon(&self) {
        match self.timed.get() {
            Some(edge) => AnyEdge::abandon(&**edge),
            None => AnyEdge::abandon(&*self.edge.edge),
        }
    }
}

/// One producer's end, by what kind of join it is.
pub(crate) enum Sent<'s, K, T, F> {
    /// Of whole inputs.
    Whole(Sending<'s, K, T, F>),
    /// Within windows.
    Timed(SendRows<'s, K, T, F>),
}

macro_rules! either {
    ($sent:expr, $output:ident => $call:expr) => {
        match $sent {
            Sent::Whole($output) => $call,
            Sent::Timed($output) => $call,
        }
    };
}

impl<K, T, F> Output<T> for Sent<'_, K, T, F>
where
    K: Hash + Eq,
    F: Fn(&T) -> K,
{
    fn drain<I: Iterator<Item = T>>(&mut self, items: I) -> Option<I> {
        either!(self, output => output.drain(items))
    }

    fn begin(&mut self, ticket: u64) {
        either!(self, output => output.begin(ticket));
    }

    fn awake(&mut self) {
        either!(self, output => output.awake());
    }

    fn idle(&mut self) {
        either!(self, output => output.idle());
    }

    fn end(&mut self) {
        either!(self, output => output.end());
    }

    fn deliver(&mut self) -> bool {
        either!(self, output => output.deliver())
    }

    fn flush(&mut self) {
        either!(self, output => output.flush());
    }

    fn finish(&mut self) -> bool {
        either!(self, output => output.finish())
    }

    fn closed(&self) -> bool {
        either!(self, output => output.closed())
    }

    fn linger(&self) -> Option<Instant> {
        either!(self, output => output.linger())
    }

    fn wait(&mut self, until: Option<Instant>) {
        either!(self, output => output.wait(until));
    }
}

/// One producer's buffers.
pub(crate) struct Sending<'s, K, T, F> {
    key: &'s F,
    exchange: Exchange<'s, K, T>,
    /// Since when rows wait for others to fill a parcel.
    since: Option<Instant>,
    /// Rows since then.
    seen: u64,
    /// Lingers that passed since half-full parcels were sent.
    passed: u8,
    cx: &'s Context,
}

impl<K, T, F> Output<T> for Sending<'_, K, T, F>
where
    K: Hash + Eq,
    F: Fn(&T) -> K,
{
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let (exchange, hasher) = (&mut self.exchange, &self.cx.shared.hasher);
        let mut seen = 0;
        let left = items.try_for_each(|item| {
            let key = (self.key)(&item);
            let hash = hasher.hash_one(&key);
            seen += 1;
            let acc = item;
            // An endless expansion must see the stop flag at some time.
            if exchange.put(Entry { hash, key, acc }) && seen < LOOK {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        self.seen += seen;
        left.is_break().then_some(items)
    }

    fn end(&mut self) {
        let now = self.cx.now();
        match self.since {
            Some(since) if now - since >= self.cx.next.linger => {
                if self.seen >= BUSY && self.passed < PASSED {
                    self.passed += 1;
                    self.since = Some(now);
                    self.seen = 0;
                } else {
                    self.flush();
                }
            }
            Some(_) => {}
            None => {
                self.since = self.exchange.is_half_full().then_some(now);
                self.seen = 0;
            }
        }
    }

    fn deliver(&mut self) -> bool {
        self.exchange.deliver()
    }

    fn flush(&mut self) {
        if self.exchange.has_room() {
            self.exchange.finish();
            (self.since, self.passed) = (None, 0);
        }
    }

    fn finish(&mut self) -> bool {
        self.exchange.finish()
    }

    fn closed(&self) -> bool {
        self.exchange.closed()
    }

    fn linger(&self) -> Option<Instant> {
        // What waits for room cannot be hurried by a flush.
        let since = self.since.filter(|_| self.exchange.has_room())?;
        since.checked_add(self.cx.next.linger)
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.exchange.wait(until);
    }
}
