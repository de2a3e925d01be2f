//! The producer's side of `count_by`, `sum_by`, `aggregate_by` and their kind.

use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::exchange::Exchange;
use super::front::Front;
use super::{Entry, Parcel};
use crate::aggregate::{Combine, Place};
use crate::edge::{AnyEdge, Edge};
use crate::output::{Output, Sink};
use crate::run::Context;

/// Items between two looks at the stop flag.
const LOOK: u64 = 4096;

/// A stage's end on a keyed edge.
pub(crate) struct CombineByKey<T, K, C: Combine<T>, F> {
    pub(crate) edge: Arc<Edge<Parcel<K, C::Acc>>>,
    pub(crate) key: F,
    pub(crate) combine: Arc<C>,
    pub(crate) item: PhantomData<fn(T)>,
}

impl<T, K, C, F> Sink<T> for CombineByKey<T, K, C, F>
where
    K: Hash + Eq + Send,
    C: Combine<T>,
    F: Fn(&T) -> K + Send + Sync,
{
    type Output<'s>
        = Combining<'s, T, K, C, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        Combining {
            key: &self.key,
            combine: &self.combine,
            hasher: &cx.shared.hasher,
            front: Front::new(),
            exchange: Exchange::new(&self.edge, cx),
            at: Place { chunk: 0, item: 0 },
            cx,
        }
    }

    fn abandon(&self) {
        AnyEdge::abandon(&*self.edge);
    }
}

/// One producer's table and buffers.
pub(crate) struct Combining<'s, T, K, C: Combine<T>, F> {
    key: &'s F,
    combine: &'s C,
    hasher: &'s ahash::RandomState,
    front: Front<K, C::Acc>,
    exchange: Exchange<'s, K, C::Acc>,
    /// The place of the next item, where the aggregate looks at places.
    at: Place,
    cx: &'s Context,
}

impl<T, K, C, F> Combining<'_, T, K, C, F>
where
    K: Hash + Eq,
    C: Combine<T>,
    F: Fn(&T) -> K,
{
    /// Adds an item whose key is not in the table; false when there is no room downstream.
    #[inline]
    fn add(&mut self, hash: u64, key: K, item: T, at: Place) -> bool {
        if self.front.is_full() {
            self.move_on();
        }
        let acc = self.combine.first(item, at);
        self.front.insert(Entry { hash, key, acc });
        self.exchange.has_room()
    }

    #[cold]
    fn move_on(&mut self) {
        for entry in self.front.empty() {
            self.exchange.put(entry);
        }
    }

    /// The loop while the table pays: a key that is there touches nothing but its entry.
    #[inline]
    fn combine<I: Iterator<Item = T>>(&mut self, items: &mut I) -> ControlFlow<()> {
        let mut at = self.at;
        let mut seen = 0u64;
        let left = items.try_for_each(|item| {
            let key = (self.key)(&item);
            let hash = self.hasher.hash_one(&key);
            seen += 1;
            let here = at;
            if C::PLACED {
                at.item += 1;
            }
            if let Some(acc) = self.front.find(hash, |known| *known == key) {
                self.combine.fold(acc, item, here);
                // An endless expansion of known keys must see the stop flag too.
                if seen % LOOK != 0 || !self.cx.shared.halted() {
                    return ControlFlow::Continue(());
                }
            } else if self.add(hash, key, item, here) && !self.front.rests() {
                return ControlFlow::Continue(());
            }
            ControlFlow::Break(())
        });
        self.at = at;
        self.front.looked_up(seen);
        left
    }

    /// The loop while it does not: each item goes on as an entry of its own.
    #[inline]
    fn pass<I: Iterator<Item = T>>(&mut self, items: &mut I) -> ControlFlow<()> {
        let mut passed = 0u64;
        let left = items.try_for_each(|item| {
            let key = (self.key)(&item);
            let hash = self.hasher.hash_one(&key);
            let at = self.at;
            if C::PLACED {
                self.at.item += 1;
            }
            let acc = self.combine.first(item, at);
            passed += 1;
            if self.exchange.put(Entry { hash, key, acc }) && passed % LOOK != 0 {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        self.front.passed(passed);
        left
    }
}

impl<T, K, C, F> Output<T> for Combining<'_, T, K, C, F>
where
    K: Hash + Eq,
    C: Combine<T>,
    F: Fn(&T) -> K,
{
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let left = if self.front.rests() {
            self.pass(&mut items)
        } else {
            self.combine(&mut items)
        };
        // A break is no reason to wait: the next step asks for room first, then for the mode.
        left.is_break().then_some(items)
    }

    fn begin(&mut self, ticket: u64) {
        self.at = Place {
            chunk: ticket,
            item: 0,
        };
    }

    fn deliver(&mut self) -> bool {
        self.exchange.deliver()
    }

    fn finish(&mut self) -> bool {
        self.move_on();
        self.exchange.finish()
    }

    fn closed(&self) -> bool {
        self.exchange.closed()
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.exchange.wait(until);
    }
}
