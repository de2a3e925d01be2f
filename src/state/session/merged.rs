//! Declared aggregates over sessions: accumulators with a first and a last time, merged by the owner of the key.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use super::OfSessions;
use crate::aggregate::{Combine, Place};
use crate::state::Partial;
use crate::window::{KeySessions, Pane};

/// What was accumulated for items that are in one session, their first and last time, and how many they are.
#[derive(Debug)]
pub(crate) struct Span<A> {
    first: i64,
    last: i64,
    items: u64,
    acc: A,
}

/// An aggregate of items with their times, which are kept beside what it accumulates.
#[derive(Debug)]
pub(crate) struct Spanning<C>(pub(crate) C);

impl<T, C: Combine<T>> Combine<(i64, T)> for Spanning<C> {
    type Acc = Span<C::Acc>;
    type Out = C::Out;
    const PLACED: bool = C::PLACED;

    #[inline]
    fn first(&self, (time, item): (i64, T), at: Place) -> Self::Acc {
        Span {
            first: time,
            last: time,
            items: 1,
            acc: self.0.first(item, at),
        }
    }

    #[inline]
    fn fold(&self, span: &mut Self::Acc, (time, item): (i64, T), at: Place) {
        span.first = span.first.min(time);
        span.last = span.last.max(time);
        span.items += 1;
        self.0.fold(&mut span.acc, item, at);
    }

    fn merge(&self, span: &mut Self::Acc, other: Self::Acc) {
        span.first = span.first.min(other.first);
        span.last = span.last.max(other.last);
        span.items += other.items;
        self.0.merge(&mut span.acc, other.acc);
    }

    fn finish(&self, span: Self::Acc) -> Self::Out {
        self.0.finish(span.acc)
    }
}

/// How the owner merges partial results, and what a session gives.
pub(crate) struct MergeSessions<T, K, C> {
    combine: Arc<Spanning<C>>,
    of: PhantomData<fn(T) -> K>,
}

impl<T, K, C> MergeSessions<T, K, C> {
    pub(crate) fn new(combine: Arc<Spanning<C>>) -> Self {
        MergeSessions {
            combine,
            of: PhantomData,
        }
    }
}

impl<T, K: Hash + Eq, C: Combine<T>> OfSessions<Partial<K, Span<C::Acc>>>
    for MergeSessions<T, K, C>
{
    type Key = K;
    type Acc = C::Acc;
    type Out = (Pane, K, C::Out);

    /// The watermark is told by slices: the same slice may hold an earlier item that comes later.
    #[inline]
    fn times(&self, partial: &Partial<K, Span<C::Acc>>) -> (i64, i64) {
        (partial.start, partial.acc.last)
    }

    fn items(&self, partial: &Partial<K, Span<C::Acc>>) -> u64 {
        partial.acc.items
    }

    #[inline]
    fn enter(
        &self,
        partial: Partial<K, Span<C::Acc>>,
        last: i64,
        open: &mut KeySessions<K, C::Acc>,
    ) -> Option<Self::Out> {
        let Span { first, acc, .. } = partial.acc;
        open.enter(partial.key, first, last, acc, |acc, other| {
            self.combine.0.merge(acc, other);
        });
        None
    }

    fn done(&self, pane: Pane, key: K, acc: C::Acc) -> Option<Self::Out> {
        Some((pane, key, self.combine.0.finish(acc)))
    }
}

impl<T, K, C> fmt::Debug for MergeSessions<T, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeSessions").finish_non_exhaustive()
    }
}
