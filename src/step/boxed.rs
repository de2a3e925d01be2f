//! `boxed`: a chain without its type, for signatures, struct fields and collections of flows.
//!
//! It adds no thread and no queue. Items cross the erased border a batch at a time: one at first, twice as many each
//! time up to a cap, so that cheap items share a virtual call and a slow chunk is not read far ahead.

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use super::{Feed, Pipe, Pull, Release};
use crate::error::Error;
use crate::run::Context;

/// Most items that cross the erased border at a time.
const MOST: usize = 256;

/// The chain of [`Flow::boxed`](crate::Flow::boxed).
pub struct Boxed<'env, T>(Box<dyn ErasedPipe<T> + 'env>);

impl<'env, T: 'env> Boxed<'env, T> {
    pub(crate) fn new(pipe: impl Pipe<Item = T> + 'env) -> Self {
        Boxed(Box::new(pipe))
    }
}

trait ErasedPipe<T>: Send + Sync {
    fn open_erased<'s>(&'s self, cx: &'s Context) -> Box<dyn ErasedFeed<'s, T> + 's>;
    fn release_erased(&self, how: Release);
}

impl<T, P: Pipe<Item = T>> ErasedPipe<T> for P {
    fn open_erased<'s>(&'s self, cx: &'s Context) -> Box<dyn ErasedFeed<'s, T> + 's> {
        Box::new(self.open(cx))
    }

    fn release_erased(&self, how: Release) {
        self.release(how);
    }
}

trait ErasedFeed<'s, T> {
    fn pull_erased(&mut self) -> Result<Pull<Erased<'s, T>>, Error>;
    fn wait_erased(&mut self, until: Option<Instant>);
    fn slow_erased(&self) -> bool;
    fn timer_erased(&self) -> Option<Instant>;
}

impl<'s, T, D> ErasedFeed<'s, T> for D
where
    D: Feed,
    D::Iter: Iterator<Item = T> + 's,
{
    fn pull_erased(&mut self) -> Result<Pull<Erased<'s, T>>, Error> {
        Ok(self.pull()?.map(Erased::new))
    }

    fn wait_erased(&mut self, until: Option<Instant>) {
        self.wait(until);
    }

    fn slow_erased(&self) -> bool {
        self.slow()
    }

    fn timer_erased(&self) -> Option<Instant> {
        self.timer()
    }
}

impl<T> Pipe for Boxed<'_, T> {
    type Item = T;
    type Iter<'s>
        = Erased<'s, T>
    where
        Self: 's;
    type Feed<'s>
        = Unboxed<'s, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Unboxed(self.0.open_erased(cx))
    }

    fn release(&self, how: Release) {
        self.0.release_erased(how);
    }
}

/// One worker's end of an erased chain.
pub struct Unboxed<'s, T>(Box<dyn ErasedFeed<'s, T> + 's>);

impl<'s, T> Feed for Unboxed<'s, T> {
    type Iter = Erased<'s, T>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        self.0.pull_erased()
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.0.wait_erased(until);
    }

    fn slow(&self) -> bool {
        self.0.slow_erased()
    }

    fn timer(&self) -> Option<Instant> {
        self.0.timer_erased()
    }
}

/// A chunk of an erased chain.
pub struct Erased<'s, T> {
    /// `None` once it is empty.
    chunk: Option<Box<dyn Refill<T> + 's>>,
    ready: VecDeque<T>,
    /// How many items to ask for next.
    ask: usize,
}

impl<'s, T> Erased<'s, T> {
    pub(super) fn new(chunk: impl Iterator<Item = T> + 's) -> Self {
        Erased {
            chunk: Some(Box::new(chunk)),
            ready: VecDeque::new(),
            ask: 1,
        }
    }
}

trait Refill<T> {
    /// Appends up to `most` items; false when there are no more.
    fn refill(&mut self, ready: &mut VecDeque<T>, most: usize) -> bool;
}

impl<T, I: Iterator<Item = T>> Refill<T> for I {
    fn refill(&mut self, ready: &mut VecDeque<T>, most: usize) -> bool {
        let before = ready.len();
        ready.extend(self.by_ref().take(most));
        ready.len() - before == most
    }
}

impl<T> Iterator for Erased<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.ready.is_empty() {
            if !self.chunk.as_mut()?.refill(&mut self.ready, self.ask) {
                self.chunk = None;
            }
            self.ask = (self.ask * 2).min(MOST);
        }
        self.ready.pop_front()
    }
}

impl<T> fmt::Debug for Boxed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Boxed").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Unboxed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unboxed").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Erased<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Erased").finish_non_exhaustive()
    }
}
