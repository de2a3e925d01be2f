//! The kinds of windows, as users write them.

use std::time::Duration;

use super::EventTime;

/// Makes windows: `Window::fixed(…)`, `Window::count(…)`, ….
///
/// # Examples
/// ```
/// use millstream::{Flow, Window};
/// use std::time::Duration;
///
/// let readings = [(100_u64, 1), (900, 2), (1500, 3)];
/// let sums = Flow::from_iter(readings)
///     .stages(1)
///     .window_by(Window::fixed(Duration::from_secs(1)), |r| r.0)
///     .reduce(|| 0, |sum, r| *sum += r.1)
///     .collect_vec()?;
/// assert_eq!(sums, [3, 3]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Window {}

impl Window {
    /// One window for everything; it ends with the input.
    pub fn global() -> Global {
        Global
    }

    /// Windows of event time of one size, aligned to the epoch: `[0, size)`, `[size, 2 size)`, …, and as well before it.
    ///
    /// The size is a `Duration` or a number of milliseconds; less than one counts as one.
    pub fn fixed(size: impl EventTime) -> Fixed {
        Fixed(Options::default(), size.millis().max(1))
    }

    /// Windows of event time of one size that begin every `slide`, so that an item is in `size / slide` of them.
    ///
    /// Items are cloned once a window. A slide above the size leaves holes.
    pub fn sliding(size: impl EventTime, slide: impl EventTime) -> Sliding {
        Sliding(
            Options::default(),
            size.millis().max(1),
            slide.millis().max(1),
        )
    }

    /// Sessions of event time: items less than `gap` apart are in one, which ends a gap behind its last item. An item
    /// between two makes them one.
    ///
    /// Declared aggregates such as [`count_by`](crate::WindowFlow::count_by) and `uniq_by` have sessions of each key; a
    /// `reduce` has sessions of all items of a worker, and takes one more closure that merges two. The gap is a
    /// `Duration` or a number of milliseconds; less than one counts as one.
    ///
    /// ```
    /// use millstream::{Flow, Pane, Window};
    ///
    /// let clicks = [("ann", 0), ("ann", 8), ("bob", 9), ("ann", 18)];
    /// let mut visits = Flow::from_iter(clicks)
    ///     .window_by(Window::session(10), |click| click.1)
    ///     .count_by(|click| click.0)
    ///     .sorted()?;
    /// let pane = |start, end| Pane::Time { start, end };
    /// let want = [(pane(0, 18), "ann", 2), (pane(9, 19), "bob", 1), (pane(18, 28), "ann", 1)];
    /// assert_eq!(visits, want);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn session(gap: impl EventTime) -> Session {
        Session(Options::default(), gap.millis().max(1))
    }

    /// Windows of so many items, counted in each partition; the last one holds what is left, and may be empty.
    pub fn count(items: u64) -> CountWindow {
        CountWindow(items.max(1))
    }

    /// Windows of processing time: each ends when the period is over, empty or not.
    pub fn periodic(period: Duration) -> Periodic {
        Periodic(period)
    }
}

/// The one window of [`Window::global`].
#[derive(Debug, Clone, Copy)]
pub struct Global;

/// The windows of [`Window::fixed`].
#[derive(Debug, Clone, Copy)]
pub struct Fixed(Options, i64);

/// The windows of [`Window::sliding`].
#[derive(Debug, Clone, Copy)]
pub struct Sliding(Options, i64, i64);

/// The windows of [`Window::session`].
///
/// An item is late if a session of nothing else would be over: when the watermark has passed its time, the gap and the
/// lateness. A late item within the lateness goes into the session that it touches, and may make it longer; then that
/// fires at the watermark again.
#[derive(Debug, Clone, Copy)]
pub struct Session(Options, i64);

/// The windows of [`Window::count`].
#[derive(Debug, Clone, Copy)]
pub struct CountWindow(u64);

/// The windows of [`Window::periodic`].
#[derive(Debug, Clone, Copy)]
pub struct Periodic(Duration);

/// What windows of event time have in common, in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Options {
    lateness: i64,
    disorder: i64,
    gaps: u64,
}

macro_rules! event_options {
    ($kind:ident) => {
        impl $kind {
            /// For how long after its end, in event time, a window takes late items. When the watermark passes its end
            /// it fires as [`Trigger::Watermark`](crate::Trigger::Watermark) and stays; when the watermark has passed the lateness too, it is
            /// done. What comes later still is late: see `on_late`.
            pub fn allowed_lateness(mut self, lateness: impl EventTime) -> Self {
                self.0.lateness = lateness.millis().max(0);
                self
            }

            /// By how much items of one producer may be out of order: the watermark stays so far behind the latest
            /// time of each. Zero by default: each producer sends in the order of time, or what is behind may be late.
            pub fn out_of_order(mut self, by: impl EventTime) -> Self {
                self.0.disorder = by.millis().max(0);
                self
            }
        }
    };
}

macro_rules! gaps_option {
    ($kind:ident) => {
        impl $kind {
            /// Fires windows in which nothing happened as well, between others, at most so many in a row; a stray time
            /// far away would make millions of them.
            pub fn gaps(mut self, at_most: u64) -> Self {
                self.0.gaps = at_most;
                self
            }
        }
    };
}

event_options!(Fixed);
event_options!(Sliding);
event_options!(Session);
gaps_option!(Fixed);
gaps_option!(Sliding);

/// What was asked for.
#[derive(Debug)]
pub struct Spec<T> {
    pub(crate) kind: Kind,
    /// How an item gets into several windows.
    pub(crate) copy: Option<fn(&T) -> T>,
    pub(crate) lateness: i64,
    pub(crate) disorder: i64,
    pub(crate) gaps: u64,
}

/// The kind, in plain numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Global,
    /// Milliseconds; fixed windows slide by their size.
    Time {
        size: i64,
        slide: i64,
    },
    /// Milliseconds; times are those of the windows' starts.
    Start {
        size: i64,
    },
    Count(u64),
    Period(Duration),
}

impl<T> Spec<T> {
    fn plain(kind: Kind) -> Self {
        Spec::timed(kind, Options::default(), None)
    }

    fn timed(kind: Kind, options: Options, copy: Option<fn(&T) -> T>) -> Self {
        Spec {
            kind,
            copy,
            lateness: options.lateness,
            disorder: options.disorder,
            gaps: options.gaps,
        }
    }

    /// The same windows for other items, which are in one of them each.
    pub(crate) fn of_others<U>(&self) -> Spec<U> {
        Spec {
            kind: self.kind,
            copy: None,
            lateness: self.lateness,
            disorder: self.disorder,
            gaps: self.gaps,
        }
    }

    /// The same windows for what was made of their items, whose times are the windows' starts.
    pub(crate) fn of_starts<U>(&self) -> Spec<U> {
        Spec {
            kind: Kind::Start { size: self.size() },
            copy: None,
            lateness: self.lateness,
            disorder: self.disorder,
            gaps: 0,
        }
    }

    /// The size of windows of event time; others have none.
    pub(crate) fn size(&self) -> i64 {
        match self.kind {
            Kind::Time { size, .. } | Kind::Start { size } => size,
            Kind::Global | Kind::Count(_) | Kind::Period(_) => 0,
        }
    }

    /// What it keeps, for `explain`.
    pub(crate) fn keeps(&self) -> &'static str {
        match self.kind {
            Kind::Global => "one state a partition",
            Kind::Time { .. } | Kind::Start { .. } => {
                "a state a window that is open, in each partition"
            }
            Kind::Count(_) | Kind::Period(_) => "the state of one window a partition",
        }
    }
}

/// Windows that need no time: for [`Flow::window`](crate::Flow::window).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a window of event time",
    note = "say where an item's time is: `.window_by(window, |item| item.time)`"
)]
pub trait PlainWindow<T> {
    #[doc(hidden)]
    fn spec(self) -> Spec<T>;
}

/// Windows of event time: for [`Flow::window_by`](crate::Flow::window_by).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no window of event time for items of `{T}`",
    note = "windows without a time go to `.window(window)`; sliding windows need items that are `Clone`",
    note = "where windows of a fixed size are asked for, sessions are none"
)]
pub trait EventWindow<T> {
    /// [`Aligned`] or [`Sessions`]: which reductions there are.
    type Shape;
    #[doc(hidden)]
    fn spec(self) -> Spec<T>;
}

/// Windows that begin and end where no item has a say.
#[derive(Debug, Clone, Copy)]
pub enum Aligned {}

/// Windows that items make: sessions.
#[derive(Debug, Clone, Copy)]
pub enum Sessions {}

impl<T> PlainWindow<T> for Global {
    fn spec(self) -> Spec<T> {
        Spec::plain(Kind::Global)
    }
}

impl<T> PlainWindow<T> for CountWindow {
    fn spec(self) -> Spec<T> {
        Spec::plain(Kind::Count(self.0))
    }
}

impl<T> PlainWindow<T> for Periodic {
    fn spec(self) -> Spec<T> {
        Spec::plain(Kind::Period(self.0))
    }
}

impl<T> EventWindow<T> for Fixed {
    type Shape = Aligned;

    fn spec(self) -> Spec<T> {
        let kind = Kind::Time {
            size: self.1,
            slide: self.1,
        };
        Spec::timed(kind, self.0, None)
    }
}

impl<T: Clone> EventWindow<T> for Sliding {
    type Shape = Aligned;

    fn spec(self) -> Spec<T> {
        let kind = Kind::Time {
            size: self.1,
            slide: self.2,
        };
        Spec::timed(kind, self.0, Some(T::clone))
    }
}

impl<T> EventWindow<T> for Session {
    type Shape = Sessions;

    /// The size is the gap. Read as windows it is the slices of time that producers combine in: whatever lies in one is
    /// less than a gap apart. What sessions are made of them is the reduction's.
    fn spec(self) -> Spec<T> {
        let kind = Kind::Time {
            size: self.1,
            slide: self.1,
        };
        Spec::timed(kind, self.0, None)
    }
}
