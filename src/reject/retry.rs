//! Trying again: how often, after which times, and whose the item is then.
//!
//! The policy says when; the step holds the item, and the runner waits.

use std::fmt;
use std::time::Duration;

use super::{AfterRun, Fail, Policy, Reject, Rejected, Verdict};
use crate::error::Error;
use crate::run::{Context, bump};

/// The policy that tries a rejected item again, some times, and then leaves it to another policy.
///
/// The wait before the first of these tries is a tenth of a second, each one after it twice as long as the one before, and
/// none longer than ten seconds; [`backoff`](Retry::backoff) says otherwise. The worker has the item, and what is left of
/// its chunk, while it waits; it sends on what it has made, and the other workers go on. The time is that of the run: under
/// [`seeded`](crate::Flow::seeded), or with a [`ManualClock`](crate::ManualClock), nothing is slept for. How often items were
/// tried again is in the [report](crate::Report::retried).
///
/// # Examples
/// ```
/// use millstream::{Flow, Retry, Skip};
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::time::Duration;
///
/// // A service that is not there at first.
/// let calls = AtomicU32::new(0);
/// let answers = Flow::from_iter(["a", "b"])
///     .stages(1)
///     .try_map(|name| match calls.fetch_add(1, Ordering::Relaxed) {
///         0 | 1 => Err("not yet"),
///         _ => Ok(name.to_uppercase()),
///     })
///     .on_error(Retry::times(3).backoff(Duration::from_millis(1), 2.0, Duration::from_secs(1)).or(Skip))
///     .sorted()?;
/// assert_eq!(answers, ["A", "B"]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Retry<O = Fail> {
    times: u32,
    first: Duration,
    factor: f64,
    most: Duration,
    or: O,
}

impl Retry {
    /// Tries an item up to `n` times more; one that is rejected still ends the run, unless [`or`](Retry::or) says
    /// otherwise.
    ///
    /// ```
    /// use millstream::{Flow, Retry};
    ///
    /// let report = Flow::from_iter([1]).try_map(|n: u32| Ok::<_, std::io::Error>(n)).on_error(Retry::times(2)).run()?;
    /// assert_eq!(report.retried(), 0);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn times(n: u32) -> Retry {
        Retry {
            times: n,
            first: Duration::from_millis(100),
            factor: 2.0,
            most: Duration::from_secs(10),
            or: Fail,
        }
    }
}

impl<O> Retry<O> {
    /// The waits: the first, by which factor each is longer than the one before, and the longest.
    ///
    /// A factor below one, or one that is no number, counts as one.
    ///
    /// ```
    /// use millstream::Retry;
    /// use std::time::Duration;
    ///
    /// let steady = Retry::times(10).backoff(Duration::from_secs(1), 1.0, Duration::from_secs(1));
    /// # drop(steady);
    /// ```
    pub fn backoff(mut self, first: Duration, factor: f64, most: Duration) -> Self {
        self.first = first;
        self.factor = factor.max(1.0);
        self.most = most;
        self
    }

    /// What is done about an item that was tried so often.
    ///
    /// ```
    /// use millstream::{Flow, Retry, Skip};
    /// use std::time::Duration;
    ///
    /// let none = Duration::ZERO;
    /// let report = Flow::from_iter(["1", "x"])
    ///     .try_map(|text| text.parse::<u32>())
    ///     .on_error(Retry::times(2).backoff(none, 1.0, none).or(Skip))
    ///     .run()?;
    /// assert_eq!((report.retried(), report.rejected()["try_map"]), (2, 1));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn or<N>(self, policy: N) -> Retry<N> {
        Retry {
            times: self.times,
            first: self.first,
            factor: self.factor,
            most: self.most,
            or: policy,
        }
    }

    /// The wait before an item is tried again that was tried so often.
    fn wait(&self, tried: u32) -> Duration {
        let grown = self
            .factor
            .powi(i32::try_from(tried - 1).unwrap_or(i32::MAX));
        let wait = Duration::try_from_secs_f64(self.first.as_secs_f64() * grown);
        // Beyond what can be told, or nothing at all times infinity.
        wait.unwrap_or(if self.first.is_zero() {
            self.first
        } else {
            self.most
        })
        .min(self.most)
    }
}

impl<T, O: Policy<T>> Policy<T> for Retry<O> {
    type Worker<'s>
        = Retrying<'s, O, O::Worker<'s>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Worker<'s> {
        Retrying {
            of: self,
            or: self.or.open(cx),
            cx,
        }
    }

    fn keeps(&self) -> Option<String> {
        let keeps = "an item a thread that waits to be tried again, and the rest of its chunk";
        Some(match self.or.keeps() {
            Some(other) => format!("{keeps}; {other}"),
            None => keeps.to_owned(),
        })
    }

    fn by_splits(&self) -> bool {
        self.or.by_splits()
    }

    fn after<'e>(&self) -> Option<AfterRun<'e>>
    where
        Self: 'e,
        T: 'e,
    {
        self.or.after()
    }
}

/// One worker's end of [`Retry`].
#[doc(hidden)]
pub struct Retrying<'s, O, W> {
    of: &'s Retry<O>,
    or: W,
    cx: &'s Context,
}

impl<T, O, W: Reject<T>> Reject<T> for Retrying<'_, O, W> {
    fn reject(&mut self, rejected: Rejected<T>) -> Verdict<T> {
        let tried = rejected.tried().max(1);
        if tried > self.of.times {
            return self.or.reject(rejected);
        }
        bump(&self.cx.counts.retried, 1);
        Verdict::Again {
            after: self.of.wait(tried),
            item: rejected.into_item(),
        }
    }

    fn border(&mut self) -> Result<(), Error> {
        self.or.border()
    }
}

impl<O, W> fmt::Debug for Retrying<'_, O, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retrying").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(retry: &Retry, tries: u32) -> Vec<u128> {
        (1..=tries).map(|n| retry.wait(n).as_millis()).collect()
    }

    #[test]
    fn waits_grow_up_to_the_longest() {
        let retry = Retry::times(5);
        assert_eq!(millis(&retry, 4), [100, 200, 400, 800]);
        assert_eq!(retry.wait(u32::MAX).as_millis(), 10_000);
        let (first, most) = (Duration::from_millis(3), Duration::from_millis(20));
        let retry = Retry::times(5).backoff(first, 3.0, most);
        assert_eq!(millis(&retry, 4), [3, 9, 20, 20]);
    }

    #[test]
    fn factors_that_make_no_sense_are_one() {
        let (first, most) = (Duration::from_millis(3), Duration::from_millis(20));
        for factor in [f64::NAN, -1.0, 0.0, 0.5] {
            let retry = Retry::times(5).backoff(first, factor, most);
            assert_eq!(millis(&retry, 3), [3, 3, 3]);
        }
        let endless = Retry::times(5).backoff(first, f64::INFINITY, most);
        assert_eq!(millis(&endless, 3), [3, 20, 20]);
        let nothing = Retry::times(5).backoff(Duration::ZERO, f64::INFINITY, most);
        assert_eq!(millis(&nothing, 3), [0, 0, 0]);
    }
}
