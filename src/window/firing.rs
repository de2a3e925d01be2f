//! What fires: a window, and why.

use std::sync::Arc;
use std::time::Duration;

/// Which window it is.
///
/// # Examples
/// ```
/// use millstream::Pane;
///
/// let pane = Pane::Time { start: 0, end: 60_000 };
/// assert_eq!(pane.id(), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Pane {
    /// The only one there is.
    Global,
    /// Event times from `start` up to, and without, `end`, in milliseconds.
    Time {
        /// The first millisecond.
        start: i64,
        /// The first millisecond behind it.
        end: i64,
    },
    /// The windows of a number of items, counted from zero in each partition.
    Count(i64),
    /// The windows of a period of processing time, counted from zero in each partition.
    Period(i64),
}

impl Pane {
    /// Its number: the start of a window of event time, a running number otherwise; zero for the global one.
    pub fn id(&self) -> i64 {
        match self {
            Pane::Global => 0,
            Pane::Time { start, .. } => *start,
            Pane::Count(id) | Pane::Period(id) => *id,
        }
    }
}

/// Why a window fires.
///
/// # Examples
/// ```
/// use millstream::Trigger;
///
/// assert!(Trigger::Done.is_last());
/// assert!(!Trigger::Every(10).is_last());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trigger {
    /// The window has ended; nothing comes to it any more.
    Done,
    /// The watermark passed its end; late items may still come for as long as was allowed.
    Watermark,
    /// So many items have entered it since it last fired for this reason.
    Every(u64),
    /// So much processing time has passed.
    Periodically(Duration),
    /// A custom trigger, or a signal, of this name.
    Named(Arc<str>),
}

impl Trigger {
    /// Whether the window ends with it.
    pub fn is_last(&self) -> bool {
        *self == Trigger::Done
    }
}

/// A window that fires, in a partition: what the closure of `on_trigger` is told beside the state.
///
/// # Examples
/// ```
/// use millstream::{Flow, Window};
///
/// let seen = Flow::from_range(0..3)
///     .stages(1)
///     .window(Window::global())
///     .reduce(|| 0, |sum, n| *sum += n)
///     .on_trigger(|sum, firing| [(firing.partition, firing.trigger.is_last(), *sum)])
///     .collect_vec()?;
/// assert_eq!(seen, [(0, true, 3)]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Firing {
    /// The worker that has the window, from zero.
    pub partition: usize,
    /// How many workers the stage has.
    pub partitions: usize,
    /// The window.
    pub window: Pane,
    /// Why it fires.
    pub trigger: Trigger,
}
