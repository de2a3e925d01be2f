//! Sessions of each key, in one worker: what items do to them is said by [`OfSessions`], what is over goes on.
//!
//! ```text
//!  producer                                                    owner of the key
//!  item -> the table of its slice of time -> partials, oldest first ==> sessions of the key -> over -> results
//! ```
//!
//! The producers are those of other windows, [`CombineWindows`](super::CombineWindows): their windows are slices of time as
//! long as the gap, so that the items of a key in one slice are in one session, whatever else is in it, and a partial
//! result is an accumulator with a first and a last time. So producers need not know where sessions end, long sessions
//! are not held back by them, and the watermark is told by the slices as it is by windows.

mod merged;
mod uniq;

use std::fmt;
use std::hash::Hash;
use std::vec;

use ahash::RandomState;

pub(crate) use merged::{MergeSessions, Span, Spanning};
pub(crate) use uniq::UniqSessions;

use crate::error::Error;
use crate::run::{Context, bump};
use crate::step::{Feed, Pipe, Pull, Reach, Release, waits_as_inner};
use crate::window::{KeySessions, Pane, Spec};

/// Items that are worked through, and sessions that are given out, before what they gave goes on.
const PIECE: usize = 4096;

/// What items do to the sessions of their keys.
pub(crate) trait OfSessions<T>: Send + Sync {
    type Key: Hash + Eq;
    type Acc;
    type Out;
    /// What the watermark learns from an item, and its last time.
    fn times(&self, item: &T) -> (i64, i64);
    /// How many items it stands for.
    fn items(&self, item: &T) -> u64;
    /// Puts it, with its last time, into its session; what it gives at once.
    fn enter(
        &self,
        item: T,
        last: i64,
        open: &mut KeySessions<Self::Key, Self::Acc>,
    ) -> Option<Self::Out>;
    /// What a session gives that is over.
    fn done(&self, pane: Pane, key: Self::Key, acc: Self::Acc) -> Option<Self::Out>;
}

/// What was asked for, whatever the items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    gap: i64,
    lateness: i64,
    disorder: i64,
}

impl<T> From<&Spec<T>> for Rule {
    fn from(spec: &Spec<T>) -> Self {
        Rule {
            gap: spec.size(),
            lateness: spec.lateness,
            disorder: spec.disorder,
        }
    }
}

/// The chain of what has sessions of each key.
pub(crate) struct BySession<P, D> {
    pub(crate) pipe: P,
    pub(crate) rule: Rule,
    pub(crate) of: D,
}

impl<P: Pipe, D: OfSessions<P::Item>> Pipe for BySession<P, D> {
    type Item = D::Out;
    type Iter<'s>
        = vec::IntoIter<D::Out>
    where
        Self: 's;
    type Feed<'s>
        = Sessioner<'s, P, D, D::Key, D::Acc>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        let Rule {
            gap,
            lateness,
            disorder,
        } = self.rule;
        Sessioner {
            feed: self.pipe.open(cx),
            rest: None,
            // Not the hasher that cut the keys, which leaves some of the bits equal in each worker.
            open: KeySessions::new(gap, lateness, RandomState::new()),
            reach: Reach::new(disorder, cx),
            close: None,
            over: false,
            of: &self.of,
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// One worker's sessions.
pub(crate) struct Sessioner<'s, P: Pipe + 's, D, K, A> {
    feed: P::Feed<'s>,
    /// What is left of a chunk.
    rest: Option<P::Iter<'s>>,
    open: KeySessions<K, A>,
    reach: Reach<'s>,
    /// Set while sessions that are over by this watermark are given out.
    close: Option<i64>,
    /// Whether the input has ended.
    over: bool,
    of: &'s D,
    cx: &'s Context,
}

impl<P: Pipe, D: OfSessions<P::Item>> Sessioner<'_, P, D, D::Key, D::Acc> {
    fn enter(&mut self, item: P::Item, out: &mut Vec<D::Out>) {
        let (mark, last) = self.of.times(&item);
        self.reach.see(mark);
        if self.open.is_late(last, self.reach.at()) {
            bump(&self.cx.counts.late, self.of.items(&item));
        } else {
            out.extend(self.of.enter(item, last, &mut self.open));
        }
    }

    /// Gives out some of what is over.
    fn close(&mut self, out: &mut Vec<D::Out>) {
        let Some(watermark) = self.close else { return };
        for _ in 0..PIECE {
            let Some((pane, key, acc)) = self.open.pop(watermark) else {
                self.close = None;
                return;
            };
            if let Some(done) = self.of.done(pane, key, acc) {
                bump(&self.cx.counts.keys, 1);
                out.push(done);
            }
        }
    }
}

impl<'s, P: Pipe, D: OfSessions<P::Item>> Feed for Sessioner<'s, P, D, D::Key, D::Acc> {
    type Iter = vec::IntoIter<D::Out>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let mut out = Vec::new();
        if self.close.is_some() {
            self.close(&mut out);
        } else if self.over {
            return Ok(Pull::End);
        } else {
            let pulled = match self.rest.take() {
                Some(rest) => Pull::Chunk(rest),
                None => self.feed.pull()?,
            };
            match pulled {
                Pull::Chunk(mut chunk) => {
                    let mut left = PIECE;
                    while left > 0 {
                        let Some(item) = chunk.next() else { break };
                        self.enter(item, &mut out);
                        left -= 1;
                    }
                    self.rest = (left == 0).then_some(chunk);
                    if self.rest.is_none() && self.reach.is_time() {
                        self.close = Some(self.reach.advance());
                        self.close(&mut out);
                    }
                }
                Pull::Again | Pull::Border => {}
                Pull::Pending => {
                    // Producers that went idle no longer hold the watermark back.
                    let watermark = self.reach.advance();
                    if !self.open.any_due(watermark) {
                        return Ok(Pull::Pending);
                    }
                    self.close = Some(watermark);
                }
                // The end of an input that failed is no end: nothing must be given out as if it were whole.
                Pull::End if self.cx.shared.halted() => return Ok(Pull::End),
                Pull::End => {
                    self.over = true;
                    self.close = Some(i64::MAX);
                }
            }
        }
        Ok(if out.is_empty() {
            Pull::Again
        } else {
            Pull::Chunk(out.into_iter())
        })
    }

    waits_as_inner!();
}

impl<P, D> fmt::Debug for BySession<P, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BySession")
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

impl<P: Pipe, D, K, A> fmt::Debug for Sessioner<'_, P, D, K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessioner").finish_non_exhaustive()
    }
}
