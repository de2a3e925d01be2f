//! Event time: whole milliseconds since an epoch of the user's choice, negative before it.

use std::marker::PhantomData;
use std::time::Duration;

/// What an event's time can be: milliseconds since the epoch as an integer, or a `Duration` since it.
///
/// Times beyond what 64 bits hold, and the fractions of a millisecond of a `Duration`, are cut off.
///
/// # Examples
/// ```
/// use millstream::EventTime;
/// use std::time::Duration;
///
/// assert_eq!(1500_u32.millis(), 1500);
/// assert_eq!(Duration::from_secs(2).millis(), 2000);
/// ```
pub trait EventTime {
    /// Milliseconds since the epoch.
    fn millis(self) -> i64;
}

impl EventTime for i64 {
    fn millis(self) -> i64 {
        self
    }
}

impl EventTime for i32 {
    fn millis(self) -> i64 {
        self.into()
    }
}

impl EventTime for u32 {
    fn millis(self) -> i64 {
        self.into()
    }
}

impl EventTime for u64 {
    fn millis(self) -> i64 {
        i64::try_from(self).unwrap_or(i64::MAX)
    }
}

impl EventTime for Duration {
    fn millis(self) -> i64 {
        i64::try_from(self.as_millis()).unwrap_or(i64::MAX)
    }
}

/// When the items of windows happened: made by [`Flow::window_by`](crate::Flow::window_by).
pub trait TimeOf<T>: Send + Sync {
    /// Whether they have a time at all.
    #[doc(hidden)]
    const TIMED: bool;

    /// In milliseconds.
    #[doc(hidden)]
    fn at(&self, item: &T) -> i64;
}

/// Windows without event time: those of [`Flow::window`](crate::Flow::window).
#[derive(Debug, Clone, Copy)]
pub struct Timeless;

impl<T> TimeOf<T> for Timeless {
    const TIMED: bool = false;

    fn at(&self, _: &T) -> i64 {
        0
    }
}

/// A closure of the user's.
pub(crate) struct By<F, M>(F, PhantomData<fn() -> M>);

impl<F, M> By<F, M> {
    pub(crate) fn new(time: F) -> Self {
        By(time, PhantomData)
    }
}

impl<T, M: EventTime, F: Fn(&T) -> M + Send + Sync> TimeOf<T> for By<F, M> {
    const TIMED: bool = true;

    #[inline]
    fn at(&self, item: &T) -> i64 {
        (self.0)(item).millis()
    }
}
