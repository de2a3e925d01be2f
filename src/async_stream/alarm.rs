//! What wakes the task that waits for a flow, and how the flow ended.
//!
//! The task leaves its waker before it looks; whoever has something for it does that first, and wakes it then.

use std::fmt;
use std::sync::Mutex;
use std::task::Waker;

use crate::error::Error;
use crate::run::lock;

/// What the threads of a flow and the task that polls it share.
#[derive(Default)]
pub(crate) struct Alarm {
    /// Of the task, if it waits.
    waker: Mutex<Option<Waker>>,
    /// How the flow ended, once it has.
    outcome: Mutex<Option<Result<(), Error>>>,
}

impl Alarm {
    /// Remembers who is to be woken.
    pub(super) fn set(&self, waker: &Waker) {
        let mut place = lock(&self.waker);
        match &mut *place {
            Some(old) => old.clone_from(waker),
            None => *place = Some(waker.clone()),
        }
    }

    /// Wakes the task, if it waits.
    pub(super) fn ring(&self) {
        let waker = lock(&self.waker).take();
        // Outside the lock: a waker may run the task at once.
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The flow has ended, and all its threads are gone.
    pub(super) fn end(&self, outcome: Result<(), Error>) {
        *lock(&self.outcome) = Some(outcome);
        self.ring();
    }

    /// How the flow ended, the first time it is asked after that.
    pub(super) fn outcome(&self) -> Option<Result<(), Error>> {
        lock(&self.outcome).take()
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").finish_non_exhaustive()
    }
}
