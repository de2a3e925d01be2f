//! How many bytes the items of an edge count for, where the user says so.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// How many bytes an item weighs, where the user said so; shared by the two sides of an edge, since the producer is
/// closed before the user can name it.
pub(crate) struct Weigher<'env, T>(Arc<OnceLock<Weigh<'env, T>>>);

type Weigh<'env, T> = Box<dyn Fn(&T) -> usize + Send + Sync + 'env>;

impl<'env, T> Weigher<'env, T> {
    pub(crate) fn none() -> Self {
        Weigher(Arc::new(OnceLock::new()))
    }

    pub(crate) fn set(&self, weigh: impl Fn(&T) -> usize + Send + Sync + 'env) {
        // A second `weigh` on the same edge is the same as a first: the builder replaces the edge's closure only once.
        let _ = self.0.set(Box::new(weigh));
    }

    pub(crate) fn get(&self) -> Option<&Weigh<'env, T>> {
        self.0.get()
    }
}

impl<T> Clone for Weigher<'_, T> {
    fn clone(&self) -> Self {
        Weigher(self.0.clone())
    }
}

impl<T> fmt::Debug for Weigher<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weigher").finish_non_exhaustive()
    }
}
