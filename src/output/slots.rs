//! Where workers leave their part of a result, one place a worker.

use std::sync::{Arc, Mutex};

use crate::run::lock;

/// One place a worker, shared between a sink and the method that waits for its result.
#[derive(Debug)]
pub(crate) struct Slots<A>(Arc<Mutex<Vec<(usize, A)>>>);

impl<A> Clone for Slots<A> {
    fn clone(&self) -> Self {
        Slots(self.0.clone())
    }
}

impl<A> Slots<A> {
    pub(crate) fn new() -> Self {
        Slots(Arc::new(Mutex::new(Vec::new())))
    }

    /// Leaves the part of one worker.
    pub(crate) fn put(&self, worker: usize, part: A) {
        lock(&self.0).push((worker, part));
    }

    /// All parts, by worker.
    pub(crate) fn take(&self) -> Vec<A> {
        let mut parts = std::mem::take(&mut *lock(&self.0));
        parts.sort_by_key(|(worker, _)| *worker);
        parts.into_iter().map(|(_, part)| part).collect()
    }
}
