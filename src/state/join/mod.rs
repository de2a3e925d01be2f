//! Joins: rows of two inputs, cut into the same parts by the hash of their keys, and matched part by part in the cache.
//!
//! ```text
//!  left  ─▶ key, hash ─▶ a buffer a part ═══╗  parcels     owner of the part
//!                                           ╠═══════════▶ rows of both sides ─▶ a round: matched part by part ─▶ pairs
//!  right ─▶ key, hash ─▶ a buffer a part ═══╝
//! ```
//!
//! A consumer lays arriving rows down in their parts and matches them in rounds. In a round a part's new left rows meet
//! the old right ones, and then all its left rows the new right ones, so each pair is made once. Either matching enters
//! the shorter run of rows in a table that all parts use in turn, and looks the longer one up: two passes over rows that
//! fit the cache. Rounds come often while there is little, and seldom while there is much (see [`Joining`]).
//!
//! Once a side is complete, rows of the other side are final as soon as they were matched: they are dropped, and come
//! out alone if the join is outer and nothing matched them. A declared build side is only that: its consumer takes
//! nothing from the other side before the declared one is complete.

mod feed;
mod kind;
mod part;
mod send;
mod table;
mod within;

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use feed::Joining;
pub use kind::{FullOuter, Inner, JoinKind, LeftOuter, RightOuter};
use part::Pairs;
pub(crate) use send::SendByKey;
pub use within::JoinedWithin;
use within::TimedRows;
pub(crate) use within::Times;

use super::KeyedEdge;
use crate::edge::AnyEdge;
use crate::run::Context;
use crate::step::{Pipe, Release};

/// One of the two inputs of a join: see `build`, the method of a flow right behind a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The flow that the join is a method of.
    Left,
    /// The flow that is given to the join.
    Right,
}

/// The input of a stage behind a join: pairs of rows with equal keys, of the [kind](JoinKind) `M`.
pub struct Joined<K, L, R, M> {
    pub(crate) left: Arc<KeyedEdge<K, L>>,
    pub(crate) right: Arc<KeyedEdge<K, R>>,
    /// The side that must be complete before the other is taken.
    pub(crate) build: Option<Side>,
    /// Where the sides are told that they go another way: see [`SendByKey`].
    pub(crate) timed: (Timed<K, L>, Timed<K, R>),
    pub(crate) kind: PhantomData<fn() -> M>,
}

/// The edge of a side of a join within windows, once it is one.
type Timed<K, T> = Arc<OnceLock<Arc<TimedRows<K, T>>>>;

impl<K, L, R, M> Pipe for Joined<K, L, R, M>
where
    K: Hash + Eq + Send,
    L: Clone + Send,
    R: Clone + Send,
    M: JoinKind<L, R>,
{
    type Item = M::Item;
    type Iter<'s>
        = Pairs<'s, K, L, R, M>
    where
        Self: 's;
    type Feed<'s>
        = Joining<'s, K, L, R, M>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        cx.waits_for(self.left.edge.marks(), cx.index);
        cx.waits_for(self.right.edge.marks(), cx.index);
        Joining::new(self, cx)
    }

    fn release(&self, how: Release) {
        match how {
            Release::Abandon => {
                AnyEdge::abandon(&*self.left.edge);
                AnyEdge::abandon(&*self.right.edge);
            }
            Release::Close => {
                self.left.edge.close();
                self.right.edge.close();
            }
        }
    }
}

impl<K, L, R, M> fmt::Debug for Joined<K, L, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined")
            .field("build", &self.build)
            .finish_non_exhaustive()
    }
}
