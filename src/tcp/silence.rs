//! How long connections may say nothing. All are looked at only when the first of them can be due.

use std::time::{Duration, Instant};

use super::connection::Connection;

/// Finds connections over which nothing has come for too long, in the time of the run.
pub(super) struct Silence {
    pub(super) most: Duration,
    /// Nobody has been silent for too long before; `None` if that is beyond all time.
    due: Option<Instant>,
}

impl Silence {
    pub(super) fn new(most: Duration, now: Instant) -> Self {
        let due = now.checked_add(most);
        Silence { most, due }
    }

    /// Whether it is worth a look.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Those that have been silent for too long, and when to look again is noted. Who may have sent something that was
    /// not read yet is none of them.
    pub(super) fn over(&mut self, connections: &[Option<Connection>], now: Instant) -> Vec<usize> {
        let mut over = Vec::new();
        let mut next = self.most;
        for (token, connection) in connections.iter().enumerate() {
            let Some(connection) = connection else {
                continue;
            };
            let left = self
                .most
                .saturating_sub(now.saturating_duration_since(connection.heard));
            if left.is_zero() && !connection.ready {
                over.push(token);
            } else {
                next = next.min(left);
            }
        }
        self.due = now.checked_add(next);
        over
    }
}
