//! Over several edges at once: each item to all branches, or to the one that a function names.
//!
//! It is full when one of its branches is, so a slow branch holds the others back and nothing grows. A branch that
//! wants nothing more is skipped; when none does, the stage is done.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use super::{Only, Output, Routed, Router, Sink};
use crate::edge::{AnyEdge, Batch, Edge, Weigher};
use crate::error::{Error, ErrorKind};
use crate::run::Context;

/// A stage's end on the edges of its branches.
pub(crate) struct Fork<'env, T, H> {
    pub(crate) branches: Vec<Branch<'env, T>>,
    pub(crate) hand: H,
}

/// The edge of one branch.
pub(crate) struct Branch<'env, T> {
    pub(crate) edge: Arc<Edge<Batch<T>>>,
    pub(crate) weigher: Weigher<'env, T>,
}

/// Hands an item to the branches that are to have it.
pub(crate) trait Hand<T>: Send + Sync {
    /// False when a batch found no room, or the item is an error.
    fn hand(&self, item: T, branches: &mut [Routed<'_, T, Only>], cx: &Context) -> bool;
}

/// Every branch gets every item.
pub(crate) struct ToAll;

impl<T: Clone + Send> Hand<T> for ToAll {
    fn hand(&self, item: T, branches: &mut [Routed<'_, T, Only>], _: &Context) -> bool {
        let mut open = branches.iter_mut().filter(|branch| !branch.closed());
        let Some(mut branch) = open.next() else {
            return false;
        };
        let mut room = true;
        for next in open {
            room &= branch.take(item.clone());
            branch = next;
        }
        // The last one needs no copy.
        branch.take(item) && room
    }
}

/// One branch gets an item, or none.
pub(crate) struct ToOne<R> {
    pub(crate) router: R,
    /// The method that made the branches.
    pub(crate) kind: &'static str,
}

impl<T: Send, R: Router<T>> Hand<T> for ToOne<R> {
    fn hand(&self, item: T, branches: &mut [Routed<'_, T, Only>], cx: &Context) -> bool {
        let of = branches.len();
        match self.router.target(&item, of, &cx.shared.hasher) {
            Ok(Some(to)) => match branches.get_mut(to) {
                Some(branch) if !branch.closed() => branch.take(item),
                _ => wanted(branches),
            },
            Ok(None) => wanted(branches),
            Err(to) => {
                cx.fault(Error::new(
                    ErrorKind::Step,
                    format!(
                        "the function of `{}` chose branch {to}, but there are {of}: return Some(branch) below the \
                         number it is given, or None to drop the item",
                        self.kind
                    ),
                ));
                false
            }
        }
    }
}

/// Whether any branch is open: an endless iterator inside a chunk must break off once none is.
fn wanted<T>(branches: &[Routed<'_, T, Only>]) -> bool {
    branches.iter().any(|branch| !branch.closed())
}

impl<T: Send, H: Hand<T>> Sink<T> for Fork<'_, T, H> {
    type Output<'s>
        = Forked<'s, T, H>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        let branches = self.branches.iter().zip(&cx.branches);
        Forked {
            branches: branches
                .map(|(branch, group)| {
                    let weigh = branch.weigher.get().map(|weigh| &**weigh);
                    Routed::new(branch.edge.clone(), &Only, weigh, group, cx)
                })
                .collect(),
            hand: &self.hand,
            cx,
        }
    }

    fn abandon(&self) {
        for branch in &self.branches {
            AnyEdge::abandon(&*branch.edge);
        }
    }
}

/// One worker's end of all branches.
pub(crate) struct Forked<'s, T, H> {
    branches: Vec<Routed<'s, T, Only>>,
    hand: &'s H,
    cx: &'s Context,
}

impl<'s, T: Send, H> Forked<'s, T, H> {
    /// The branches that still want something.
    fn open(&mut self) -> impl Iterator<Item = &mut Routed<'s, T, Only>> {
        self.branches.iter_mut().filter(|branch| !branch.closed())
    }

    /// Does it to every open branch, though one may say no; whether all said yes.
    fn each(&mut self, f: impl Fn(&mut Routed<'s, T, Only>) -> bool) -> bool {
        let mut all = true;
        for branch in self.open() {
            all &= f(branch);
        }
        all
    }
}

impl<T: Send, H: Hand<T>> Output<T> for Forked<'_, T, H> {
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let left = items.try_for_each(|item| {
            if self.hand.hand(item, &mut self.branches, self.cx) && !self.cx.shared.halted() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        left.is_break().then_some(items)
    }

    fn begin(&mut self, ticket: u64) {
        self.open().for_each(|branch| branch.begin(ticket));
    }

    fn awake(&mut self) {
        self.open().for_each(Output::awake);
    }

    fn idle(&mut self) {
        self.open().for_each(Output::idle);
    }

    fn end(&mut self) {
        self.open().for_each(Output::end);
    }

    fn deliver(&mut self) -> bool {
        // All of them, though one may be full: the others need not wait to get what is ready.
        self.each(Output::deliver)
    }

    fn flush(&mut self) {
        self.open().for_each(Output::flush);
    }

    fn finish(&mut self) -> bool {
        self.each(Output::finish)
    }

    fn closed(&self) -> bool {
        self.branches.iter().all(Output::closed)
    }

    fn linger(&self) -> Option<Instant> {
        let open = self.branches.iter().filter(|branch| !branch.closed());
        open.filter_map(Output::linger).min()
    }

    fn wait(&mut self, until: Option<Instant>) {
        // Nothing goes on before each has room, so the first that has none will do.
        if let Some(full) = self.open().find(|branch| branch.is_waiting()) {
            full.wait(until);
        }
    }
}
