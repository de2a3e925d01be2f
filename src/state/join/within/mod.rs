//! Joins within windows of event time, or within an interval between the times of two rows.
//!
//! ```text
//!  left  ─▶ key, hash ═ batch {producer, split} ═╗      time ─▶ the watermark of its side ─┐
//!                                                ╠═▶ row                                  the least: what is over goes
//!  right ─▶ key, hash ═ batch {producer, split} ═╝      rows of its key that are near ─▶ pairs, at once
//! ```
//!
//! Other than joins of whole inputs, these keep little, and let go of it while the inputs run. So a row meets what is there as
//! soon as it comes, one row after the other, instead of waiting for a round.

mod feed;
mod interval;
mod keys;
mod send;
mod windows;

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;
use std::vec;

use feed::Meeting;
pub(crate) use send::SendRows;

use super::JoinKind;
use crate::edge::{AnyEdge, Batch, Edge};
use crate::run::Context;
use crate::state::Entry;
use crate::step::{Pipe, Release};
use crate::window::JoinSpec;

/// Keys that are looked at to let go of their rows, before something else is done.
const LOOKED_AT: usize = 4096;

/// The edge of one side: rows with their keys, in batches that say where they come from.
pub(crate) type TimedRows<K, T> = Edge<Batch<Entry<K, T>>>;

/// When the rows of each side happened, in milliseconds.
pub(crate) struct Times<'env, L, R> {
    pub(crate) left: Box<dyn Fn(&L) -> i64 + Send + Sync + 'env>,
    pub(crate) right: Box<dyn Fn(&R) -> i64 + Send + Sync + 'env>,
}

/// A row of either side.
#[derive(Debug, Clone)]
enum Row<L, R> {
    Left(L),
    Right(R),
}

/// The input of a stage behind a join [within](crate::Flow::within) windows.
pub struct JoinedWithin<'env, K, L, R, M> {
    pub(crate) left: Arc<TimedRows<K, L>>,
    pub(crate) right: Arc<TimedRows<K, R>>,
    pub(crate) times: Times<'env, L, R>,
    pub(crate) spec: JoinSpec,
    pub(crate) kind: PhantomData<fn() -> M>,
}

impl<'env, K, L, R, M> Pipe for JoinedWithin<'env, K, L, R, M>
where
    K: Hash + Eq + Send,
    L: Clone + Send,
    R: Clone + Send,
    M: JoinKind<L, R>,
{
    type Item = M::Item;
    type Iter<'s>
        = vec::IntoIter<M::Item>
    where
        Self: 's;
    type Feed<'s>
        = Meeting<'s, K, L, R, M>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        cx.waits_for(self.left.marks(), cx.index);
        cx.waits_for(self.right.marks(), cx.index);
        Meeting::new(self, cx)
    }

    fn release(&self, how: Release) {
        match how {
            Release::Abandon => {
                AnyEdge::abandon(&*self.left);
                AnyEdge::abandon(&*self.right);
            }
            Release::Close => {
                self.left.close();
                self.right.close();
            }
        }
    }
}

impl<K, L, R, M> fmt::Debug for JoinedWithin<'_, K, L, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinedWithin")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
