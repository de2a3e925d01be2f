//! The windows of a join: fixed and sliding ones, and the interval between the times of two rows.

use std::ops::RangeInclusive;

use super::{EventTime, EventWindow, Fixed, Kind, Sliding, Spec, Window};

impl Window {
    /// For a join: the right row's time less the left row's lies in this range. See [`Flow::within`](crate::Flow::within).
    ///
    /// The ends are `Duration`s or numbers of milliseconds; those may be negative, for right rows that come first.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let orders = Flow::from_iter([("tea", 100_i64), ("cake", 200)]);
    /// let bills = Flow::from_iter([("tea", 90_i64), ("cake", 230)]);
    /// let near = Window::interval(-20..=20).out_of_order(50);
    /// let pairs = orders
    ///     .inner_join(bills, |order| order.0, |bill| bill.0)
    ///     .within(near, |order| order.1, |bill| bill.1)
    ///     .collect_vec()?;
    /// assert_eq!(pairs, [(("tea", 100), ("tea", 90))]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn interval<D: EventTime>(range: RangeInclusive<D>) -> Interval {
        let (from, to) = range.into_inner();
        Interval {
            from: from.millis(),
            to: to.millis(),
            lateness: 0,
            disorder: 0,
        }
    }
}

/// The interval of [`Window::interval`].
#[derive(Debug, Clone, Copy)]
pub struct Interval {
    from: i64,
    to: i64,
    lateness: i64,
    disorder: i64,
}

impl Interval {
    /// For how long behind the watermark rows are still taken, and as much longer those that they may meet are kept.
    pub fn allowed_lateness(mut self, lateness: impl EventTime) -> Self {
        self.lateness = lateness.millis().max(0);
        self
    }

    /// By how much the rows of one producer may be out of order: the watermark stays so far behind the latest time of
    /// each. Zero by default.
    pub fn out_of_order(mut self, by: impl EventTime) -> Self {
        self.disorder = by.millis().max(0);
        self
    }
}

/// What rows of a join must have in common in time.
#[derive(Debug, Clone, Copy)]
pub struct JoinSpec {
    pub(crate) nearness: Nearness,
    pub(crate) lateness: i64,
    pub(crate) disorder: i64,
}

/// When two rows are near enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nearness {
    /// In the same window of event time.
    Windows(Kind),
    /// The right row's time less the left row's lies between these.
    Interval { from: i64, to: i64 },
}

/// Windows that a join can have: for [`Flow::within`](crate::Flow::within).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no window that two flows can be joined in",
    note = "joins take `Window::fixed(…)`, `Window::sliding(…)`, `Window::interval(…)`, or a range of milliseconds or `Duration`s such as `0..=5_000`"
)]
pub trait JoinWindow {
    #[doc(hidden)]
    fn join_spec(self) -> JoinSpec;
}

impl JoinSpec {
    fn windows(spec: &Spec<()>) -> Self {
        JoinSpec {
            nearness: Nearness::Windows(spec.kind),
            lateness: spec.lateness,
            disorder: spec.disorder,
        }
    }
}

impl JoinWindow for Fixed {
    fn join_spec(self) -> JoinSpec {
        JoinSpec::windows(&self.spec())
    }
}

impl JoinWindow for Sliding {
    fn join_spec(self) -> JoinSpec {
        JoinSpec::windows(&self.spec())
    }
}

impl JoinWindow for Interval {
    fn join_spec(self) -> JoinSpec {
        JoinSpec {
            nearness: Nearness::Interval {
                from: self.from,
                to: self.to,
            },
            lateness: self.lateness,
            disorder: self.disorder,
        }
    }
}

impl<D: EventTime> JoinWindow for RangeInclusive<D> {
    fn join_spec(self) -> JoinSpec {
        Window::interval(self).join_spec()
    }
}
