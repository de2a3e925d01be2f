//! The producer's side of `count_each` and `count_by_ref`: keys are looked up by reference, so a key that was seen
//! before costs no allocation.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::exchange::Exchange;
use super::front::{Front, Mode};
use super::{Entry, KeyedEdge};
use crate::edge::AnyEdge;
use crate::output::{Output, Sink};
use crate::run::Context;

/// A stage's end on a keyed edge whose closure names the keys.
pub(crate) struct CombineRefs<Q: ToOwned + ?Sized, F> {
    pub(crate) edge: Arc<KeyedEdge<Q::Owned, u64>>,
    /// Names the keys of an item.
    pub(crate) f: F,
}

impl<T, Q, F> Sink<T> for CombineRefs<Q, F>
where
    Q: ToOwned + Hash + Eq + ?Sized,
    Q::Owned: Eq + Send,
    F: Fn(&T, &mut Adder<'_, Q>) + Send + Sync,
{
    type Output<'s>
        = CombiningRefs<'s, Q, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        CombiningRefs {
            f: &self.f,
            adder: Adder {
                hasher: &cx.shared.hasher,
                front: Front::new(),
                exchange: Exchange::new(&self.edge, cx),
            },
            cx,
        }
    }

    fn abandon(&self) {
        AnyEdge::abandon(&*self.edge.edge);
    }
}

/// Counts keys by reference: what the closure of [`Flow::count_each`](crate::Flow::count_each) is given.
pub struct Adder<'s, Q: ToOwned + ?Sized> {
    hasher: &'s ahash::RandomState,
    front: Front<Q::Owned, u64>,
    exchange: Exchange<'s, Q::Owned, u64>,
}

impl<Q> Adder<'_, Q>
where
    Q: ToOwned + Hash + Eq + ?Sized,
    Q::Owned: Eq,
{
    /// Notes for the report how many keys were added.
    fn note(&self) {
        self.exchange.made_of(self.front.total());
    }

    /// Counts a key once more. Only a key that is not in this worker's table is copied.
    #[inline]
    pub fn add(&mut self, key: &Q) {
        let hash = self.hasher.hash_one(key);
        let mode = self.front.mode();
        if mode == Mode::Rest {
            self.front.passed(1);
            self.exchange.put(entry(hash, key));
            return;
        }
        self.front.looked_up(1);
        if let Some(count) = self.front.find(mode, hash, |known| known.borrow() == key) {
            *count += 1;
            return;
        }
        let exchange = &mut self.exchange;
        let rehash = |key: &Q::Owned| self.hasher.hash_one(key.borrow());
        let left = self.front.insert(entry(hash, key), rehash, |entry| {
            exchange.put(entry);
        });
        if let Some(left) = left {
            exchange.put(left);
        }
    }

    fn empty(&mut self) {
        let rehash = |key: &Q::Owned| self.hasher.hash_one(key.borrow());
        for entry in self.front.empty(rehash) {
            self.exchange.put(entry);
        }
    }
}

fn entry<Q: ToOwned + ?Sized>(hash: u64, key: &Q) -> Entry<Q::Owned, u64> {
    Entry {
        hash,
        key: key.to_owned(),
        acc: 1,
    }
}

impl<Q: ToOwned + ?Sized> fmt::Debug for Adder<'_, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adder").finish_non_exhaustive()
    }
}

/// One producer's table and buffers.
pub(crate) struct CombiningRefs<'s, Q: ToOwned + ?Sized, F> {
    f: &'s F,
    adder: Adder<'s, Q>,
    cx: &'s Context,
}

impl<T, Q, F> Output<T> for CombiningRefs<'_, Q, F>
where
    Q: ToOwned + Hash + Eq + ?Sized,
    Q::Owned: Eq,
    F: Fn(&T, &mut Adder<'_, Q>),
{
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let left = items.try_for_each(|item| {
            (self.f)(&item, &mut self.adder);
            if self.adder.exchange.has_room() && !self.cx.shared.halted() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        self.adder.note();
        left.is_break().then_some(items)
    }

    fn deliver(&mut self) -> bool {
        self.adder.exchange.deliver()
    }

    fn finish(&mut self) -> bool {
        self.adder.empty();
        self.adder.exchange.finish()
    }

    fn closed(&self) -> bool {
        self.adder.exchange.closed()
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.adder.exchange.wait(until);
    }
}
