//! Unique items of sessions: the first of each session of each key goes on at once.

use std::fmt;
use std::hash::Hash;

use super::OfSessions;
use crate::window::{KeySessions, Pane, TimeOf};

/// When an item happened, and its key.
pub(crate) struct UniqSessions<M, F> {
    pub(crate) time: M,
    pub(crate) key: F,
}

impl<T, K, M, F> OfSessions<T> for UniqSessions<M, F>
where
    K: Hash + Eq,
    M: TimeOf<T>,
    F: Fn(&T) -> K + Send + Sync,
{
    type Key = K;
    type Acc = ();
    type Out = T;

    fn times(&self, item: &T) -> (i64, i64) {
        let time = self.time.at(item);
        (time, time)
    }

    fn items(&self, _: &T) -> u64 {
        1
    }

    fn enter(&self, item: T, time: i64, open: &mut KeySessions<K, ()>) -> Option<T> {
        let opened = open.enter((self.key)(&item), time, time, (), |(), ()| {});
        opened.then_some(item)
    }

    fn done(&self, _: Pane, _: K, (): ()) -> Option<T> {
        None
    }
}

impl<M, F> fmt::Debug for UniqSessions<M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UniqSessions").finish_non_exhaustive()
    }
}
