//! A closure as a policy: it is told of each rejected item, and may end the run with an error of its own.

use std::fmt;

use super::{Policy, Reject, Rejected, Verdict};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::Context;

impl<T, F, E> Policy<T> for F
where
    F: Fn(Rejected<T>) -> Result<(), E> + Send + Sync,
    E: Into<BoxError>,
{
    type Worker<'s>
        = Told<'s, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Told<'s, F> {
        Told { f: self, cx }
    }
}

/// One worker's end of a closure.
#[doc(hidden)]
pub struct Told<'s, F> {
    f: &'s F,
    cx: &'s Context,
}

impl<T, F, E> Reject<T> for Told<'_, F>
where
    F: Fn(Rejected<T>) -> Result<(), E>,
    E: Into<BoxError>,
{
    fn reject(&mut self, rejected: Rejected<T>) -> Verdict<T> {
        self.cx.count_rejected(rejected.rule());
        match (self.f)(rejected.located(self.cx)) {
            Ok(()) => Verdict::Settled,
            Err(error) => Verdict::Fail(Error::wrap(ErrorKind::Step, error)),
        }
    }
}

impl<F> fmt::Debug for Told<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}
