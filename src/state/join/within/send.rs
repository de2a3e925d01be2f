//! The producer's side: rows with their keys, in batches that say which producer and split they are from.

use std::hash::Hash;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use ahash::RandomState;

use super::TimedRows;
use crate::output::{Output, Routed, Router, partition_of};
use crate::run::Context;
use crate::state::Entry;

/// Rows with equal keys go to the same consumer.
pub(super) struct ByOwnHash;

impl<K, T> Router<Entry<K, T>> for ByOwnHash {
    #[inline]
    fn target(
        &self,
        row: &Entry<K, T>,
        of: usize,
        _: &RandomState,
    ) -> Result<Option<usize>, usize> {
        Ok(Some(partition_of(row.hash, of)))
    }
}

/// One producer's end.
pub(crate) struct SendRows<'s, K, T, F> {
    key: &'s F,
    routed: Routed<'s, Entry<K, T>, ByOwnHash>,
    cx: &'s Context,
}

impl<'s, K, T, F> SendRows<'s, K, T, F> {
    pub(in crate::state::join) fn new(
        edge: &Arc<TimedRows<K, T>>,
        key: &'s F,
        cx: &'s Context,
    ) -> Self {
        SendRows {
            key,
            routed: Routed::new(edge.clone(), &ByOwnHash, None, &cx.next, cx),
            cx,
        }
    }
}

impl<K, T, F> Output<T> for SendRows<'_, K, T, F>
where
    K: Hash,
    F: Fn(&T) -> K,
{
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let shared = &self.cx.shared;
        let left = items.try_for_each(|item| {
            let key = (self.key)(&item);
            let row = Entry {
                hash: shared.hasher.hash_one(&key),
                key,
                acc: item,
            };
            if self.routed.take(row) && !shared.halted() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        left.is_break().then_some(items)
    }

    fn begin(&mut self, ticket: u64) {
        self.routed.begin(ticket);
    }

    fn awake(&mut self) {
        self.routed.awake();
    }

    fn idle(&mut self) {
        self.routed.idle();
    }

    fn end(&mut self) {
        self.routed.end();
    }

    fn deliver(&mut self) -> bool {
        self.routed.deliver()
    }

    fn flush(&mut self) {
        self.routed.flush();
    }

    fn finish(&mut self) -> bool {
        self.routed.finish()
    }

    fn closed(&self) -> bool {
        self.routed.closed()
    }

    fn linger(&self) -> Option<Instant> {
        self.routed.linger()
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.routed.wait(until);
    }
}
