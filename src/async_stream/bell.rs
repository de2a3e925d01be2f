//! What wakes a worker that waits for a stream.
//!
//! It is silenced before the stream is polled, so one that rings during the poll is heard after it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Wake;
use std::time::Instant;

use crate::run::lock;

/// A bell that stays rung until somebody is about to look. It is rung at first, since nobody has looked yet.
#[derive(Debug)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    waiting: Condvar,
}

impl Default for Bell {
    fn default() -> Self {
        Bell {
            rung: Mutex::new(true),
            waiting: Condvar::new(),
        }
    }
}

impl Bell {
    /// Whether it was rung since somebody looked.
    pub(super) fn is_rung(&self) -> bool {
        *lock(&self.rung)
    }

    /// Wakes one worker, or the next that would wait.
    pub(super) fn ring(&self) {
        *lock(&self.rung) = true;
        self.waiting.notify_one();
    }

    /// Wakes all workers.
    pub(super) fn ring_all(&self) {
        *lock(&self.rung) = true;
        self.waiting.notify_all();
    }

    /// From here on it has not been rung.
    pub(super) fn silence(&self) {
        *lock(&self.rung) = false;
    }

    /// Waits until it is rung, or until then; it may return before either.
    pub(super) fn wait(&self, until: Instant) {
        let rung = lock(&self.rung);
        let left = until.saturating_duration_since(Instant::now());
        if !*rung && !left.is_zero() {
            let woken = self.waiting.wait_timeout(rung, left);
            drop(woken.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
