//! `map_concurrent`: `map` for calls that wait. It says so to the worker, which hands over each result before it makes
//! the next call.

use std::fmt;
use std::time::Instant;

use super::{Feed, Map, Pipe, Pull, Release};
use crate::error::Error;
use crate::run::Context;

/// The chain of [`Flow::map_concurrent`](crate::Flow::map_concurrent).
pub struct MapConcurrent<P, F>(Map<P, F>);

impl<P, F> MapConcurrent<P, F> {
    pub(crate) fn new(pipe: P, f: F) -> Self {
        MapConcurrent(Map { pipe, f })
    }
}

impl<P: Pipe, F, U> Pipe for MapConcurrent<P, F>
where
    F: Fn(P::Item) -> U + Send + Sync,
{
    type Item = U;
    type Iter<'s>
        = <Map<P, F> as Pipe>::Iter<'s>
    where
        Self: 's;
    type Feed<'s>
        = Calling<<Map<P, F> as Pipe>::Feed<'s>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Calling(self.0.open(cx))
    }

    fn release(&self, how: Release) {
        self.0.release(how);
    }
}

/// One worker's calls.
#[derive(Debug)]
pub struct Calling<D>(D);

impl<D: Feed> Feed for Calling<D> {
    type Iter = D::Iter;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        self.0.pull()
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.0.wait(until);
    }

    /// The next call is expected to wait.
    fn slow(&self) -> bool {
        true
    }

    fn timer(&self) -> Option<Instant> {
        self.0.timer()
    }
}

impl<P, F> fmt::Debug for MapConcurrent<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapConcurrent").finish_non_exhaustive()
    }
}
