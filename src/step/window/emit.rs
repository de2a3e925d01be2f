//! What items and firings give: the parts that a reduction over windows is put together from.

use std::fmt;
use std::iter;
use std::option;
use std::sync::Arc;

use crate::window::{Firing, OpenSessions, OpenWindows, Panes, Spec};

/// What an item does to its window's accumulator, and what it gives at once.
#[doc(hidden)]
pub trait Accumulate<A, T, E>: Send + Sync {
    /// What keeps the open windows.
    type Open: OpenWindows<A>;
    type Out: Iterator<Item = E>;
    fn open(&self, spec: &Spec<T>) -> Self::Open;
    fn take(&self, acc: &mut A, item: T) -> Self::Out;
}

/// `reduce`: an item gives nothing.
#[derive(Debug)]
pub struct Quiet<F>(pub(crate) F);

impl<A, T, E, F: Fn(&mut A, T) + Send + Sync> Accumulate<A, T, E> for Quiet<F> {
    type Open = Panes<A>;
    type Out = iter::Empty<E>;

    fn open(&self, spec: &Spec<T>) -> Panes<A> {
        Panes::new(spec.kind, spec.lateness, spec.gaps)
    }

    #[inline]
    fn take(&self, acc: &mut A, item: T) -> Self::Out {
        (self.0)(acc, item);
        iter::empty()
    }
}

/// `emit_and_reduce`: an item gives what the closure returns.
#[derive(Debug)]
pub struct AndEmit<F>(pub(crate) F);

impl<A, T, U: IntoIterator, F: Fn(&mut A, T) -> U + Send + Sync> Accumulate<A, T, U::Item>
    for AndEmit<F>
{
    type Open = Panes<A>;
    type Out = U::IntoIter;

    fn open(&self, spec: &Spec<T>) -> Panes<A> {
        Panes::new(spec.kind, spec.lateness, spec.gaps)
    }

    #[inline]
    fn take(&self, acc: &mut A, item: T) -> Self::Out {
        (self.0)(acc, item).into_iter()
    }
}

/// The same over sessions, where an item may bring two accumulators together: what else is said, and how they merge.
pub struct Bridging<S, M> {
    step: S,
    merge: Arc<M>,
}

impl<S, M> Bridging<S, M> {
    pub(crate) fn new(step: S, merge: M) -> Self {
        Bridging {
            step,
            merge: Arc::new(merge),
        }
    }
}

impl<A, T, E, S, M> Accumulate<A, T, E> for Bridging<S, M>
where
    S: Accumulate<A, T, E>,
    M: Fn(&mut A, A) + Send + Sync,
{
    type Open = OpenSessions<A, M>;
    type Out = S::Out;

    fn open(&self, spec: &Spec<T>) -> Self::Open {
        OpenSessions::new(spec.size(), spec.lateness, self.merge.clone())
    }

    #[inline]
    fn take(&self, acc: &mut A, item: T) -> Self::Out {
        self.step.take(acc, item)
    }
}

impl<S, M> fmt::Debug for Bridging<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridging").finish_non_exhaustive()
    }
}

/// What a window gives when it fires.
#[doc(hidden)]
pub trait OnFiring<A>: Send + Sync {
    type Item;
    type Out: Iterator<Item = Self::Item>;
    /// It stays open.
    fn fires(&self, acc: &mut A, firing: &Firing) -> Self::Out;
    /// Keys that it had, as it ends, where it keeps keys: they are counted.
    fn keys(&self, acc: &A) -> usize {
        let _ = acc;
        0
    }
    /// It has ended.
    fn ends(&self, acc: A, firing: &Firing) -> Self::Out;
}

/// The state: a clone while the window stays open.
#[derive(Debug)]
pub struct EmitState;

impl<A: Clone> OnFiring<A> for EmitState {
    type Item = A;
    type Out = option::IntoIter<A>;

    fn fires(&self, acc: &mut A, _firing: &Firing) -> Self::Out {
        Some(acc.clone()).into_iter()
    }

    fn ends(&self, acc: A, _firing: &Firing) -> Self::Out {
        Some(acc).into_iter()
    }
}

/// What a closure makes of the state.
#[derive(Debug)]
pub struct OnTrigger<F>(pub(crate) F);

impl<A, V: IntoIterator, F: Fn(&mut A, &Firing) -> V + Send + Sync> OnFiring<A> for OnTrigger<F> {
    type Item = V::Item;
    type Out = V::IntoIter;

    fn fires(&self, acc: &mut A, firing: &Firing) -> Self::Out {
        (self.0)(acc, firing).into_iter()
    }

    fn ends(&self, mut acc: A, firing: &Firing) -> Self::Out {
        (self.0)(&mut acc, firing).into_iter()
    }
}

/// What becomes of an item whose windows have all ended.
#[doc(hidden)]
pub trait LateItem<T, E>: Send + Sync {
    fn late(&self, item: T) -> Option<E>;

    /// How many items it stands for.
    fn items(&self, _item: &T) -> u64 {
        1
    }
}

/// It is counted and dropped.
#[derive(Debug)]
pub struct DropLate;

impl<T, E> LateItem<T, E> for DropLate {
    fn late(&self, _item: T) -> Option<E> {
        None
    }
}

/// It is counted, and gives what a closure makes of it.
#[derive(Debug)]
pub struct OnLate<F>(pub(crate) F);

impl<T, E, F: Fn(T) -> Option<E> + Send + Sync> LateItem<T, E> for OnLate<F> {
    fn late(&self, item: T) -> Option<E> {
        (self.0)(item)
    }
}

/// What an item, a firing, or a late item gave.
#[derive(Debug)]
pub enum Given<I, J, E> {
    /// An item.
    Item(I),
    /// A firing.
    Fired(J),
    /// A late item.
    Late(Option<E>),
}

impl<E, I: Iterator<Item = E>, J: Iterator<Item = E>> Iterator for Given<I, J, E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        match self {
            Given::Item(items) => items.next(),
            Given::Fired(items) => items.next(),
            Given::Late(item) => item.take(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Given::Item(items) => items.size_hint(),
            Given::Fired(items) => items.size_hint(),
            Given::Late(item) => (0, Some(usize::from(item.is_some()))),
        }
    }
}
