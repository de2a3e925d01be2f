//! Timers of processing time, which a worker looks at when it is asked for more.

use std::time::{Duration, Instant};

/// Something that comes round.
pub(super) struct Timer {
    pub(super) period: Duration,
    pub(super) due: Option<Instant>,
    /// Whether it ends the window.
    pub(super) ends: bool,
}

impl Timer {
    pub(super) fn new(period: Duration, now: Instant) -> Self {
        Timer {
            period,
            // A time that the clock cannot express never comes.
            due: now.checked_add(period),
            ends: false,
        }
    }

    /// One that ends the window.
    pub(super) fn ending(period: Duration, now: Instant) -> Self {
        Timer {
            ends: true,
            ..Timer::new(period, now)
        }
    }

    /// Whether it is due; if so it begins again, from now.
    pub(super) fn comes_round(&mut self, now: Instant) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.due = now.checked_add(self.period);
        }
        due
    }
}
