//! Where the workers of a held run's sources wait until somebody lets them go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::lock;

/// A gate that is open unless it was closed before the run, and never closes again.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Changed under the lock alone, or somebody about to wait could miss it.
    closed: AtomicBool,
    waiting: Mutex<()>,
    opened: Condvar,
}

impl Gate {
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Opens it and wakes all that wait.
    pub(super) fn open(&self) {
        if self.is_closed() {
            let guard = lock(&self.waiting);
            self.closed.store(false, Ordering::Release);
            drop(guard);
            self.opened.notify_all();
        }
    }

    /// Blocks until it is open, or for so long; it may return before either.
    pub(super) fn wait(&self, most: Option<Duration>) {
        let guard = lock(&self.waiting);
        if !self.is_closed() {
            return;
        }
        match most {
            Some(most) => {
                let woken = self.opened.wait_timeout(guard, most);
                drop(woken.unwrap_or_else(PoisonError::into_inner));
            }
            None => {
                let woken = self.opened.wait(guard);
                drop(woken.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }
}
