//! The time of a run: the machine's, a test's own, or in a seeded run one that moves only when nothing else does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A clock that stands still until it is told to move: for tests of windows, triggers and timeouts.
///
/// Clones are the same clock. A flow with this clock ([`Flow::clock`](crate::Flow::clock)) takes from it all time that
/// its results depend on: periodic windows and triggers, linger. Deadlines keep to the machine's clock.
///
/// # Examples
/// ```
/// use millstream::{Flow, ManualClock, Window};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let hands = clock.clone();
/// let sums = Flow::from_iter(1..7)
///     .stages(1)
///     .batch(1)
///     .inspect(move |n| if *n == 4 { hands.advance(Duration::from_secs(1)) })
///     .window(Window::periodic(Duration::from_secs(1)))
///     .reduce(|| 0, |sum, n| *sum += n)
///     .clock(&clock)
///     .collect_vec()?;
/// assert_eq!(sums, [1 + 2 + 3 + 4, 5 + 6]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves it on. Times beyond 584 years are one time.
    pub fn advance(&self, by: Duration) {
        let by = nanos(by);
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |at| {
                Some(at.saturating_add(by))
            });
    }

    /// How far it has been moved.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Acquire))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Whose time a run keeps.
#[derive(Debug)]
pub(crate) enum Clock {
    Machine,
    /// Somebody else moves it.
    Manual(ManualClock),
    /// The seeded scheduler moves it to the next timer when every worker waits.
    Seeded(ManualClock),
}

impl Clock {
    pub(crate) fn now(&self, started: Instant) -> Instant {
        match self {
            Clock::Machine => Instant::now(),
            Clock::Manual(clock) | Clock::Seeded(clock) => {
                started.checked_add(clock.elapsed()).unwrap_or(started)
            }
        }
    }

    /// Moves the clock of a seeded run on to a timer; false if it is not the scheduler's to move.
    pub(crate) fn move_to(&self, timer: Instant, started: Instant) -> bool {
        let Clock::Seeded(clock) = self else {
            return false;
        };
        clock.advance(timer.saturating_duration_since(self.now(started)));
        true
    }

    /// When, by the machine's clock, a worker has to look at a timer.
    pub(crate) fn look(&self, timer: Instant) -> Instant {
        match self {
            Clock::Machine => timer,
            // Nobody wakes a worker when the clock is moved.
            Clock::Manual(_) | Clock::Seeded(_) => Instant::now() + Duration::from_millis(1),
        }
    }
}
