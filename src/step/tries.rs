//! Steps that can fail: each item is tried, and what is rejected is the policy's.
//!
//! The step knows how an item is tried ([`Attempt`]), the policy what is done about one that was rejected; this file
//! has them meet. Where the policy wants another try later, the chunk is cut there: the item and what is left of the
//! chunk stay here, the runner is told when, and the next pull goes on with them. So no item behind overtakes it.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::pace::rest;
use super::{Feed, Pipe, Pull, Release, Splits};
use crate::error::{Error, ErrorKind};
use crate::reject::{Fail, Policy, Reject, Rejected, Verdict};
use crate::run::Context;

/// How an item of type `T` is tried, under a policy `R`.
pub trait Attempt<T, R>: Send + Sync {
    /// What becomes of it.
    type Out;
    /// What there is of it if it is rejected.
    type Kept;

    /// Tries it.
    fn attempt(&self, item: T) -> Result<Self::Out, Rejected<Self::Kept>>;

    /// The item, if it can be tried again.
    fn back(kept: Self::Kept) -> Option<T>;
}

/// The chain of a step that can fail: [`Flow::try_map`](crate::Flow::try_map) and the like.
pub struct Tries<P, A, R = Fail> {
    pub(crate) pipe: P,
    pub(crate) attempt: A,
    pub(crate) policy: R,
}

impl<P: Pipe, A, R> Pipe for Tries<P, A, R>
where
    A: Attempt<P::Item, R>,
    R: Policy<A::Kept>,
{
    type Item = A::Out;
    type Iter<'s>
        = Tried<'s, P::Iter<'s>, A, R>
    where
        Self: 's;
    type Feed<'s>
        = Trying<'s, P::Feed<'s>, A, R>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Trying {
            feed: self.pipe.open(cx),
            attempt: &self.attempt,
            held: Rc::new(RefCell::new(Held {
                policy: self.policy.open(cx),
                waiting: None,
            })),
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        // A split that is done is not read again, so what it rejected has to be settled with it.
        let splits = self.pipe.splits();
        splits.filter(|_| self.policy.by_splits())
    }
}

/// One worker's tries.
pub struct Trying<'s, D: Feed, A, R>
where
    A: Attempt<<D::Iter as Iterator>::Item, R>,
    R: Policy<A::Kept> + 's,
{
    feed: D,
    attempt: &'s A,
    held: Rc<RefCell<Held<D::Iter, R::Worker<'s>>>>,
    cx: &'s Context,
}

/// What a worker has beside its chunk.
struct Held<I: Iterator, W> {
    policy: W,
    waiting: Option<Waiting<I>>,
}

/// An item that is tried again later.
struct Waiting<I: Iterator> {
    item: I::Item,
    /// How often it was tried.
    tried: u32,
    /// What is left of its chunk.
    chunk: I,
    /// When it is tried again, since the start of the run.
    until: Duration,
    /// Whether the chunk was cut by a step before when the item was rejected.
    cut: bool,
}

impl<'s, D: Feed, A, R> Trying<'s, D, A, R>
where
    A: Attempt<<D::Iter as Iterator>::Item, R>,
    R: Policy<A::Kept> + 's,
{
    fn tried(&self, left: Left<D::Iter>) -> Tried<'s, D::Iter, A, R> {
        Tried {
            left,
            attempt: self.attempt,
            held: self.held.clone(),
            cx: self.cx,
        }
    }

    /// When an item is tried again, if one waits for that.
    fn again(&self) -> Option<Instant> {
        let held = self.held.borrow();
        let until = held.waiting.as_ref()?.until;
        // A time that the clock cannot express never comes.
        let never = || self.cx.shared.started + Duration::from_secs(u64::from(u32::MAX));
        Some(
            self.cx
                .shared
                .started
                .checked_add(until)
                .unwrap_or_else(never),
        )
    }
}

impl<'s, D: Feed, A, R> Feed for Trying<'s, D, A, R>
where
    A: Attempt<<D::Iter as Iterator>::Item, R>,
    R: Policy<A::Kept> + 's,
{
    type Iter = Tried<'s, D::Iter, A, R>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let mut held = self.held.borrow_mut();
        if let Some(waiting) = held.waiting.take() {
            if self.cx.elapsed() < waiting.until {
                held.waiting = Some(waiting);
                return Ok(Pull::Pending);
            }
            drop(held);
            self.cx.cut.set(waiting.cut);
            return Ok(Pull::Chunk(self.tried(Left::Again(waiting))));
        }
        drop(held);
        self.cx.cut.set(false);
        let pulled = self.feed.pull()?;
        if let Pull::Border = pulled {
            self.held.borrow_mut().policy.border()?;
        }
        Ok(pulled.map(|chunk| self.tried(Left::Items(chunk))))
    }

    fn wait(&mut self, until: Option<Instant>) {
        match self.again() {
            // Nothing but time brings the next try; the runner says how much of it to wait for.
            Some(_) => rest(until),
            None => self.feed.wait(until),
        }
    }

    fn slow(&self) -> bool {
        self.held.borrow().waiting.is_none() && self.feed.slow()
    }

    fn timer(&self) -> Option<Instant> {
        // While an item waits for its next try, what is in front is not asked.
        self.again().or_else(|| self.feed.timer())
    }
}

/// Where a chunk is.
enum Left<I: Iterator> {
    Items(I),
    /// It goes on with an item that was rejected before.
    Again(Waiting<I>),
    /// It has failed, or was cut: what is left belongs to the next one.
    Over,
}

/// The items of a chunk that are not rejected.
pub struct Tried<'s, I: Iterator, A, R>
where
    A: Attempt<I::Item, R>,
    R: Policy<A::Kept> + 's,
{
    left: Left<I>,
    attempt: &'s A,
    held: Rc<RefCell<Held<I, R::Worker<'s>>>>,
    cx: &'s Context,
}

impl<'s, I: Iterator, A, R> Tried<'s, I, A, R>
where
    A: Attempt<I::Item, R>,
    R: Policy<A::Kept> + 's,
{
    /// The item to be tried again, and how often it was tried.
    #[cold]
    fn resume(&mut self) -> Option<(I::Item, u32)> {
        match mem::replace(&mut self.left, Left::Over) {
            Left::Again(waiting) => {
                self.left = Left::Items(waiting.chunk);
                Some((waiting.item, waiting.tried))
            }
            left => {
                self.left = left;
                None
            }
        }
    }

    /// Asks the policy about an item; whether the chunk goes on.
    #[cold]
    fn rejected(&mut self, rejected: Rejected<A::Kept>, tried: u32) -> bool {
        let mut held = self.held.borrow_mut();
        let tried = tried.saturating_add(1);
        let (item, after) = match held.policy.reject(rejected.after(tried)) {
            // However many are rejected, a run that is to end does not wait for the last of them.
            Verdict::Settled if !self.cx.shared.must_end() => return true,
            Verdict::Settled => {
                self.left = Left::Over;
                return false;
            }
            Verdict::Fail(error) => {
                self.cx.fault(error);
                self.left = Left::Over;
                return false;
            }
            Verdict::Again { item, after } => (A::back(item), after),
        };
        match (item, mem::replace(&mut self.left, Left::Over)) {
            (Some(item), Left::Items(chunk)) => {
                held.waiting = Some(Waiting {
                    item,
                    tried,
                    chunk,
                    until: self.cx.elapsed().saturating_add(after),
                    cut: self.cx.cut.replace(true),
                });
            }
            _ => self.cx.fault(Error::new(
                ErrorKind::Step,
                "an item was to be tried again that is gone: give the step another policy than `Retry`",
            )),
        }
        false
    }
}

impl<'s, I: Iterator, A, R> Iterator for Tried<'s, I, A, R>
where
    A: Attempt<I::Item, R>,
    R: Policy<A::Kept> + 's,
{
    type Item = A::Out;

    #[inline]
    fn next(&mut self) -> Option<A::Out> {
        loop {
            let (item, tried) = match &mut self.left {
                Left::Items(chunk) => (chunk.next()?, 0),
                _ => self.resume()?,
            };
            match self.attempt.attempt(item) {
                Ok(out) => return Some(out),
                Err(rejected) => {
                    if !self.rejected(rejected, tried) {
                        return None;
                    }
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let most = match &self.left {
            Left::Items(chunk) => chunk.size_hint().1,
            Left::Again(waiting) => {
                let left = waiting.chunk.size_hint().1;
                left.and_then(|left| left.checked_add(1))
            }
            Left::Over => Some(0),
        };
        (0, most)
    }
}

impl<P, A, R> fmt::Debug for Tries<P, A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tries").finish_non_exhaustive()
    }
}

impl<'s, D: Feed, A, R> fmt::Debug for Trying<'s, D, A, R>
where
    A: Attempt<<D::Iter as Iterator>::Item, R>,
    R: Policy<A::Kept> + 's,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trying").finish_non_exhaustive()
    }
}

impl<'s, I: Iterator, A, R> fmt::Debug for Tried<'s, I, A, R>
where
    A: Attempt<I::Item, R>,
    R: Policy<A::Kept> + 's,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tried").finish_non_exhaustive()
    }
}
