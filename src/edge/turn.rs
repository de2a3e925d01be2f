//! Whose turn it is: chunks of an ordered stage pass one point in the order of their tickets.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::run::lock;

/// How often a waiting worker looks at the stop flag, in case the worker whose turn it is has failed.
const LOOK: Duration = Duration::from_millis(5);

/// Counts tickets up; one ticket at a time has the turn.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    next: Mutex<u64>,
    changed: Condvar,
}

impl Turn {
    /// Whether it is this ticket's turn.
    pub(crate) fn is(&self, ticket: u64) -> bool {
        *lock(&self.next) >= ticket
    }

    /// Gives the turn to the ticket behind this one.
    pub(crate) fn pass(&self, ticket: u64) {
        let mut next = lock(&self.next);
        *next = (*next).max(ticket + 1);
        drop(next);
        self.changed.notify_all();
    }

    /// Blocks until it is this ticket's turn, but for a few milliseconds at most.
    pub(crate) fn wait(&self, ticket: u64, until: Option<Instant>) {
        let next = lock(&self.next);
        if *next >= ticket {
            return;
        }
        let patience = until.map_or(LOOK, |until| {
            until.saturating_duration_since(Instant::now()).min(LOOK)
        });
        drop(
            self.changed
                .wait_timeout(next, patience)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}
