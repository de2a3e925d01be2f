//! `rate_limit`: items pass at a rate, whichever of the stage's workers has them.
//!
//! The workers share one bucket of permits. A chunk whose next item finds the bucket empty is cut there: what is left
//! of it stays here, the runner is told when there may be a permit, and the next pull goes on with it. The bucket has no
//! clock; it is told the time of the run, which in a seeded run moves on when nothing else can be done.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::pace::rest;
use super::{Feed, Pipe, Pull, Release, Splits};
use crate::error::Error;
use crate::rate::Bucket;
use crate::run::Context;

/// The chain of [`Flow::rate_limit`](crate::Flow::rate_limit).
pub struct RateLimit<P> {
    pub(crate) pipe: P,
    /// `None` where the numbers made none: then the plan is refused, and nothing opens.
    pub(crate) bucket: Option<Bucket>,
}

impl<P: Pipe> Pipe for RateLimit<P> {
    type Item = P::Item;
    type Iter<'s>
        = Limited<'s, P::Iter<'s>>
    where
        Self: 's;
    type Feed<'s>
        = Limiting<'s, P::Feed<'s>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Limiting {
            feed: self.pipe.open(cx),
            held: Rc::new(RefCell::new(Held {
                chunk: None,
                item: None,
                until: None,
                cut: false,
            })),
            bucket: self.bucket.as_ref(),
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.pipe.splits()
    }
}

/// One worker's access to the bucket.
pub struct Limiting<'s, D: Feed> {
    feed: D,
    held: Rc<RefCell<Held<D::Iter>>>,
    bucket: Option<&'s Bucket>,
    cx: &'s Context,
}

/// What a worker has not passed on yet.
struct Held<I: Iterator> {
    /// What is left of the chunk.
    chunk: Option<I>,
    /// The item that found no permit.
    item: Option<I::Item>,
    /// When there may be one, since the start of the run.
    until: Option<Duration>,
    /// Whether the chunk was cut by a step before when its item found no permit.
    cut: bool,
}

impl<'s, D: Feed> Feed for Limiting<'s, D> {
    type Iter = Limited<'s, D::Iter>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let mut held = self.held.borrow_mut();
        if held.item.is_some() {
            if let Some(until) = held.until.take() {
                if self.cx.elapsed() < until {
                    held.until = Some(until);
                    return Ok(Pull::Pending);
                }
            }
            self.cx.cut.set(held.cut);
        } else {
            self.cx.cut.set(false);
            match self.feed.pull()? {
                Pull::Chunk(chunk) => held.chunk = Some(chunk),
                Pull::Again => return Ok(Pull::Again),
                Pull::Border => return Ok(Pull::Border),
                Pull::Pending => return Ok(Pull::Pending),
                Pull::End => return Ok(Pull::End),
            }
        }
        drop(held);
        Ok(Pull::Chunk(Limited {
            ended: false,
            held: self.held.clone(),
            bucket: self.bucket,
            cx: self.cx,
        }))
    }

    fn wait(&mut self, until: Option<Instant>) {
        if self.permit().is_none() {
            return self.feed.wait(until);
        }
        // Nothing but time brings a permit; the runner says how much of it to wait for.
        rest(until);
    }

    fn slow(&self) -> bool {
        self.held.borrow().item.is_none() && self.feed.slow()
    }

    fn timer(&self) -> Option<Instant> {
        // While an item waits for its permit, what is in front is not asked.
        self.permit().or_else(|| self.feed.timer())
    }
}

impl<D: Feed> Limiting<'_, D> {
    /// When there may be a permit for the item that found none.
    fn permit(&self) -> Option<Instant> {
        let until = self.held.borrow().until?;
        self.cx.shared.started.checked_add(until)
    }
}

/// The items of a chunk that find a permit.
pub struct Limited<'s, I: Iterator> {
    /// Set once it has ended, by the chunk's end or by a cut: what is left belongs to the next one.
    ended: bool,
    held: Rc<RefCell<Held<I>>>,
    bucket: Option<&'s Bucket>,
    cx: &'s Context,
}

impl<I: Iterator> Iterator for Limited<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if self.ended {
            return None;
        }
        let mut held = self.held.borrow_mut();
        let item = match held.item.take() {
            Some(item) => item,
            None => match held.chunk.as_mut().and_then(Iterator::next) {
                Some(item) => item,
                None => {
                    self.ended = true;
                    held.chunk = None;
                    return None;
                }
            },
        };
        let drawn = self.bucket.map(|bucket| bucket.draw(self.cx.elapsed()));
        if let Some(Err(until)) = drawn {
            self.ended = true;
            held.item = Some(item);
            held.until = Some(until);
            held.cut = self.cx.cut.replace(true);
            return None;
        }
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let held = self.held.borrow();
        let left = held.chunk.as_ref().map_or(Some(0), |c| c.size_hint().1);
        (0, left.and_then(|left| left.checked_add(1)))
    }
}

impl<P> fmt::Debug for RateLimit<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").finish_non_exhaustive()
    }
}

impl<D: Feed> fmt::Debug for Limiting<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiting").finish_non_exhaustive()
    }
}

impl<I: Iterator> fmt::Debug for Limited<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited").finish_non_exhaustive()
    }
}
