//! When, and how often, things are started again: the policy of one, and the limit of all.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::run::{Clock, ManualClock};

/// Whether a child of a [`Supervisor`](super::Supervisor), or a task of a
/// [`ConsumerSupervisor`](crate::stage::ConsumerSupervisor), is started again when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// Always.
    Permanent,
    /// When it failed: it panicked, or ended for another reason than `Normal` and `Shutdown`.
    #[default]
    Transient,
    /// Never.
    Temporary,
}

/// At most so many restarts in a time.
#[derive(Debug)]
pub(crate) struct Limit {
    most: usize,
    within: Duration,
    clock: Clock,
    began: Instant,
    restarts: VecDeque<Instant>,
}

impl Limit {
    /// Three in five seconds.
    pub(crate) fn new() -> Self {
        Limit {
            most: 3,
            within: Duration::from_secs(5),
            clock: Clock::Machine,
            began: Instant::now(),
            restarts: VecDeque::new(),
        }
    }

    pub(crate) fn set(&mut self, most: usize, within: Duration) {
        self.most = most;
        self.within = within;
    }

    pub(crate) fn set_clock(&mut self, clock: &ManualClock) {
        self.clock = Clock::Manual(clock.clone());
    }

    /// Counts a restart; false if it is one too many. A restart counts for less than the whole time.
    #[must_use]
    pub(crate) fn allows(&mut self) -> bool {
        let now = self.clock.now(self.began);
        while let Some(first) = self.restarts.front() {
            if now.saturating_duration_since(*first) < self.within {
                break;
            }
            self.restarts.pop_front();
        }
        self.restarts.push_back(now);
        self.restarts.len() <= self.most
    }

    /// What to say of one too many.
    pub(crate) fn exceeded(&self, what: &str, last: &str) -> Error {
        let message = format!(
            "{what} ended too often, more than max_restarts({}, {:?}) allows; the last time: {last}",
            self.most, self.within
        );
        Error::new(ErrorKind::Stage, message)
    }
}
