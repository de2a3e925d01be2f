//! The end of `fold`, `count`, `sum`: each worker folds by value, the caller merges.

use super::{Output, Sink, Slots};
use crate::run::Context;

/// Folds items into one accumulator a worker.
pub(crate) struct Fold<N, F, A> {
    pub(crate) init: N,
    pub(crate) f: F,
    pub(crate) parts: Slots<A>,
}

impl<T, N, F, A: Send> Sink<T> for Fold<N, F, A>
where
    N: Fn() -> A + Send + Sync,
    F: Fn(A, T) -> A + Send + Sync,
{
    type Output<'s>
        = Folding<'s, F, A>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        Folding {
            part: Some((self.init)()),
            f: &self.f,
            parts: &self.parts,
            cx,
        }
    }
}

/// One worker's accumulator.
pub(crate) struct Folding<'s, F, A> {
    /// `None` only while a fold runs, or after a panic in it.
    part: Option<A>,
    f: &'s F,
    parts: &'s Slots<A>,
    cx: &'s Context,
}

impl<T, F, A> Output<T> for Folding<'_, F, A>
where
    F: Fn(A, T) -> A,
{
    fn drain<I: Iterator<Item = T>>(&mut self, items: I) -> Option<I> {
        let mut items = items;
        let part = self.part.take()?;
        // A known length folds by value, as a loop would; an unknown one might be endless.
        if items.size_hint().1.is_some_and(|most| most <= 1 << 21) {
            self.part = Some(items.fold(part, self.f));
            return None;
        }
        let mut part = part;
        for item in items.by_ref() {
            part = (self.f)(part, item);
            if self.cx.shared.halted() {
                break;
            }
        }
        self.part = Some(part);
        None
    }

    fn finish(&mut self) -> bool {
        if let Some(part) = self.part.take() {
            self.parts.put(self.cx.index, part);
        }
        true
    }
}
