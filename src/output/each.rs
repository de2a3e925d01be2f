//! The end of `for_each` and `try_for_each`: the user's closure runs on the workers, nothing is kept.

use std::ops::ControlFlow;

use super::{Output, Sink};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::Context;
use crate::step::consume;

/// Calls a closure for each item.
pub(crate) struct Each<F>(pub(crate) F);

impl<T, F: Fn(T) + Send + Sync> Sink<T> for Each<F> {
    type Output<'s>
        = Calling<'s, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        Calling { f: &self.0, cx }
    }
}

/// One worker's calls.
pub(crate) struct Calling<'s, F> {
    f: &'s F,
    cx: &'s Context,
}

impl<T, F: Fn(T)> Output<T> for Calling<'_, F> {
    fn drain<I: Iterator<Item = T>>(&mut self, items: I) -> Option<I> {
        consume(items, self.cx, self.f);
        None
    }

    fn finish(&mut self) -> bool {
        true
    }
}

/// Calls a closure for each item until it returns an error.
pub(crate) struct TryEach<F>(pub(crate) F);

impl<T, F, E> Sink<T> for TryEach<F>
where
    F: Fn(T) -> Result<(), E> + Send + Sync,
    E: Into<BoxError>,
{
    type Output<'s>
        = TryCalling<'s, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        TryCalling { f: &self.0, cx }
    }
}

/// One worker's calls.
pub(crate) struct TryCalling<'s, F> {
    f: &'s F,
    cx: &'s Context,
}

impl<T, F, E> Output<T> for TryCalling<'_, F>
where
    F: Fn(T) -> Result<(), E>,
    E: Into<BoxError>,
{
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        let _ = items.try_for_each(|item| match (self.f)(item) {
            Ok(()) if !self.cx.shared.halted() => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(error) => {
                self.cx.fault(Error::wrap(ErrorKind::Step, error));
                ControlFlow::Break(())
            }
        });
        None
    }

    fn finish(&mut self) -> bool {
        true
    }
}
