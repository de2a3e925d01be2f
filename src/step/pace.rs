//! How much a worker takes at a time: one item at first, more while a piece takes under a tenth of a millisecond.
//!
//! A fixed chunk fails one of two users: sixty-four slow calls would all land on one worker, or cheap items would
//! pay for a lock each. Doubling and halving by the clock serves both, and bounds the time between two looks at
//! the stop flag.

use std::time::{Duration, Instant};

/// The longest wait before the worker looks at the stop flag again.
const LOOK: Duration = Duration::from_millis(5);

/// Waits for time alone to pass: for a permit, or for another try.
pub(crate) fn rest(until: Option<Instant>) {
    let left = until.map_or(LOOK, |until| {
        until.saturating_duration_since(Instant::now())
    });
    std::thread::sleep(left.min(LOOK));
}

/// A piece of work should take about this long.
const TARGET: Duration = Duration::from_micros(100);

/// The growing and shrinking size of a worker's pieces.
#[derive(Debug)]
pub(crate) struct Pace {
    size: usize,
    most: usize,
    given: Option<Instant>,
}

impl Pace {
    /// Starts with pieces of `first` and never gives more than `most`.
    pub(crate) fn new(first: usize, most: usize) -> Self {
        let most = most.max(1);
        Pace {
            size: first.clamp(1, most),
            most,
            given: None,
        }
    }

    /// The size of the next piece, by how long the last one took; asked right before the piece is taken, with the time of the run.
    pub(crate) fn next(&mut self, now: Instant) -> usize {
        if let Some(given) = self.given.replace(now) {
            self.adapt(now - given);
        }
        self.size
    }

    /// Forgets when the last piece was given: the worker has waited since, and that is not the piece's fault.
    pub(crate) fn pause(&mut self) {
        self.given = None;
    }

    fn adapt(&mut self, took: Duration) {
        if took < TARGET {
            self.size = (self.size * 2).min(self.most);
        } else if took > 2 * TARGET {
            self.size = (self.size / 2).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_while_pieces_are_quick_and_shrinks_to_one() {
        let mut pace = Pace::new(1, 1000);
        for _ in 0..20 {
            pace.adapt(TARGET / 2);
        }
        assert_eq!(pace.size, 1000);
        for _ in 0..20 {
            pace.adapt(TARGET * 3);
        }
        assert_eq!(pace.size, 1);
        pace.adapt(TARGET + TARGET / 2);
        assert_eq!(pace.size, 1);
    }
}
