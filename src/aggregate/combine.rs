//! The form in which the engine runs every keyed reduction: like `Aggregate`, but items come by value.
//!
//! `group_by` and `fold_by` have to own their items; `Aggregate` only looks at them, so that a tuple can hand the
//! same item to each part. The laws are those of `Aggregate`: parts may be merged in any order.

use super::{Aggregate, Count, Place};
use std::fmt;

/// A keyed reduction that takes its items by value. Internal: it shows only in bounds.
#[doc(hidden)]
pub trait Combine<T>: Send + Sync {
    /// What is kept for a key while items come.
    type Acc: Send;
    /// What comes out for a key at the end.
    type Out;
    /// Whether places are looked at; if not, any place will do.
    const PLACED: bool;
    /// The accumulator of a key's first item.
    fn first(&self, item: T, at: Place) -> Self::Acc;
    /// Adds an item to an accumulator.
    fn fold(&self, acc: &mut Self::Acc, item: T, at: Place);
    /// Adds what was accumulated elsewhere for the same key.
    fn merge(&self, acc: &mut Self::Acc, other: Self::Acc);
    /// The result for a key.
    fn finish(&self, acc: Self::Acc) -> Self::Out;
}

/// An `Aggregate` as a `Combine`: it looks at the item, which is dropped afterwards.
#[doc(hidden)]
#[derive(Debug)]
pub struct ByRef<A>(pub A);

impl<T, A: Aggregate<T>> Combine<T> for ByRef<A> {
    type Acc = A::Acc;
    type Out = A::Out;
    const PLACED: bool = A::PLACED;

    #[inline]
    fn first(&self, item: T, at: Place) -> A::Acc {
        self.0.first(&item, at)
    }

    #[inline]
    fn fold(&self, acc: &mut A::Acc, item: T, at: Place) {
        self.0.fold(acc, &item, at);
    }

    #[inline]
    fn merge(&self, acc: &mut A::Acc, other: A::Acc) {
        self.0.merge(acc, other);
    }

    #[inline]
    fn finish(&self, acc: A::Acc) -> A::Out {
        self.0.finish(acc)
    }
}

impl<T> Combine<T> for Count {
    type Acc = u64;
    type Out = u64;
    const PLACED: bool = false;

    #[inline]
    fn first(&self, _: T, _: Place) -> u64 {
        1
    }

    #[inline]
    fn fold(&self, acc: &mut u64, _: T, _: Place) {
        *acc += 1;
    }

    #[inline]
    fn merge(&self, acc: &mut u64, other: u64) {
        *acc += other;
    }

    #[inline]
    fn finish(&self, acc: u64) -> u64 {
        acc
    }
}

/// All items of a key: in order within a worker's part, parts as they are merged.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Group;

impl<T: Send> Combine<T> for Group {
    type Acc = Vec<T>;
    type Out = Vec<T>;
    const PLACED: bool = false;

    #[inline]
    fn first(&self, item: T, _: Place) -> Vec<T> {
        vec![item]
    }

    #[inline]
    fn fold(&self, acc: &mut Vec<T>, item: T, _: Place) {
        acc.push(item);
    }

    fn merge(&self, acc: &mut Vec<T>, mut other: Vec<T>) {
        // No order of parts was promised: move the fewer items.
        if other.len() > acc.len() {
            std::mem::swap(acc, &mut other);
        }
        acc.append(&mut other);
    }

    #[inline]
    fn finish(&self, acc: Vec<T>) -> Vec<T> {
        acc
    }
}

/// The second halves of all pairs of a key: in order within a worker's part, parts as they are merged.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Values;

impl<K, V: Send> Combine<(K, V)> for Values {
    type Acc = Vec<V>;
    type Out = Vec<V>;
    const PLACED: bool = false;

    #[inline]
    fn first(&self, item: (K, V), _: Place) -> Vec<V> {
        vec![item.1]
    }

    #[inline]
    fn fold(&self, acc: &mut Vec<V>, item: (K, V), _: Place) {
        acc.push(item.1);
    }

    fn merge(&self, acc: &mut Vec<V>, mut other: Vec<V>) {
        // What comes is merged into what is there, so each value moves once.
        acc.append(&mut other);
    }

    #[inline]
    fn finish(&self, acc: Vec<V>) -> Vec<V> {
        acc
    }
}

/// A user's own fold: how to start, how to add an item, how to join two.
#[doc(hidden)]
pub struct FoldBy<Init, Fold, Merge> {
    /// The empty accumulator.
    pub init: Init,
    /// Adds an item.
    pub fold: Fold,
    /// Adds another accumulator.
    pub merge: Merge,
}

impl<Init, Fold, Merge> fmt::Debug for FoldBy<Init, Fold, Merge> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoldBy").finish_non_exhaustive()
    }
}

impl<T, A, Init, Fold, Merge> Combine<T> for FoldBy<Init, Fold, Merge>
where
    A: Send,
    Init: Fn() -> A + Send + Sync,
    Fold: Fn(&mut A, T) + Send + Sync,
    Merge: Fn(&mut A, A) + Send + Sync,
{
    type Acc = A;
    type Out = A;
    const PLACED: bool = false;

    #[inline]
    fn first(&self, item: T, _: Place) -> A {
        let mut acc = (self.init)();
        (self.fold)(&mut acc, item);
        acc
    }

    #[inline]
    fn fold(&self, acc: &mut A, item: T, _: Place) {
        (self.fold)(acc, item);
    }

    #[inline]
    fn merge(&self, acc: &mut A, other: A) {
        (self.merge)(acc, other);
    }

    #[inline]
    fn finish(&self, acc: A) -> A {
        acc
    }
}
