//! The producer's side of `count_by`, `sum_by`, `aggregate_by` and their kind.

use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::exchange::Exchange;
use super::front::{Front, Seen};
use super::{Entry, Parcel};
use crate::aggregate::{Combine, Place};
use crate::edge::{AnyEdge, Edge};
use crate::output::{Output, Sink};
use crate::run::Context;

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
    #[inline]
    fn take(&mut self, item: T) {
        let key = (self.key)(&item);
        let hash = self.hasher.hash_one(&key);
        let at = self.at;
        if C::PLACED {
            self.at.item += 1;
        }
        match self.front.find(hash, |known| *known == key) {
            Seen::Before(acc) => return self.combine.fold(acc, item, at),
            Seen::Resting => {
                let acc = self.combine.first(item, at);
                return self.exchange.put(Entry { hash, key, acc });
            }
            Seen::New => {}
            Seen::Full => self.move_on(),
        }
        let acc = self.combine.first(item, at);
        self.front.insert(Entry { hash, key, acc });
    }

    #[cold]
    fn move_on(&mut self) {
        for entry in self.front.empty() {
            self.exchange.put(entry);
        }
    }
}

impl<T, K, C, F> Output<T> for Combining<'_, T, K, C, F>
where
    K: Hash + Eq,
    C: Combine<T>,
    F: Fn(&T) -> K,
{
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let left = items.try_for_each(|item| {
            self.take(item);
            if self.exchange.has_room() && !self.cx.shared.halted() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
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
