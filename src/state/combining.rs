//! The producer's side of `count_by`, `sum_by`, `aggregate_by` and their kind.

use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::exchange::Exchange;
use super::front::{Front, Mode};
use super::{Entry, KeyedEdge};
use crate::aggregate::{Combine, Place};
use crate::edge::AnyEdge;
use crate::output::{Output, Sink};
use crate::run::Context;

/// Items between two looks at the stop flag and at how the front table works.
const LOOK: u64 = 1 << 14;

/// A stage's end on a keyed edge.
pub(crate) struct CombineByKey<T, K, C: Combine<T>, F> {
    pub(crate) edge: Arc<KeyedEdge<K, C::Acc>>,
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
        }
    }

    fn abandon(&self) {
        AnyEdge::abandon(&*self.edge.edge);
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
}

impl<T, K, C, F> Output<T> for Combining<'_, T, K, C, F>
where
    K: Hash + Eq,
    C: Combine<T>,
    F: Fn(&T) -> K,
{
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        // The hot loop: what it changes for every item stays in locals, and a key that is there touches nothing but
        // its entry.
        let (mut at, mut seen) = (self.at, 0u64);
        let mode = self.front.mode();
        let (front, exchange) = (&mut self.front, &mut self.exchange);
        let rehash = |key: &K| self.hasher.hash_one(key);
        let left = items.try_for_each(|item| {
            let key = (self.key)(&item);
            let hash = self.hasher.hash_one(&key);
            let here = at;
            seen += 1;
            if C::PLACED {
                at.item += 1;
            }
            let room = if mode == Mode::Rest {
                let acc = self.combine.first(item, here);
                exchange.put(Entry { hash, key, acc })
            } else if let Some(acc) = front.find(mode, hash, |known| *known == key) {
                self.combine.fold(acc, item, here);
                true
            } else {
                let acc = self.combine.first(item, here);
                let left = front.insert(Entry { hash, key, acc }, rehash, |entry| {
                    exchange.put_apart(entry);
                });
                left.is_none_or(|entry| exchange.put_apart(entry)) && front.mode() == mode
            };
            // An endless expansion must see the stop flag, and the mode change, at some time.
            if room && seen < LOOK {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        self.at = at;
        match mode {
            Mode::Rest => self.front.passed(seen),
            Mode::Table | Mode::Cache => self.front.looked_up(seen),
        }
        self.exchange.made_of(self.front.total());
        self.exchange.cut_finely(self.front.mode() == Mode::Rest);
        // A break is no reason to wait: the next step asks whether there is room.
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
        let rehash = |key: &K| self.hasher.hash_one(key);
        for entry in self.front.empty(rehash) {
            self.exchange.put_apart(entry);
        }
        self.exchange.finish()
    }

    fn closed(&self) -> bool {
        self.exchange.closed()
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.exchange.wait(until);
    }
}
