//! The owner's side of declared aggregates over windows: partial results merged by window and key.

use std::collections::{HashMap, hash_map};
use std::fmt;
use std::hash::Hash;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ahash::RandomState;

use super::Partials;
use crate::aggregate::Combine;
use crate::step::{Accumulate, LateItem, OnFiring};
use crate::window::{Firing, Pane, Panes, Spec};

/// How the owner merges partials, and what a window that is done gives.
#[derive(Debug)]
pub(crate) struct MergeWindows<C> {
    combine: Arc<C>,
    /// The keys of the window that ended last: the next one will have about as many.
    keys: Arc<AtomicUsize>,
}

impl<C> MergeWindows<C> {
    pub(crate) fn new(combine: Arc<C>) -> Self {
        MergeWindows {
            combine,
            keys: Arc::default(),
        }
    }

    /// A table for a window that opens.
    pub(crate) fn table<T, K>(&self, hasher: &RandomState) -> OwnerTable<T, K, C>
    where
        C: Combine<T>,
    {
        let keys = self.keys.load(Ordering::Relaxed);
        OwnerTable(HashMap::with_capacity_and_hasher(keys, hasher.clone()))
    }
}

impl<C> Clone for MergeWindows<C> {
    fn clone(&self) -> Self {
        MergeWindows {
            combine: self.combine.clone(),
            keys: self.keys.clone(),
        }
    }
}

impl<T, K, C, E> Accumulate<OwnerTable<T, K, C>, Partials<K, C::Acc>, E> for MergeWindows<C>
where
    K: Hash + Eq,
    C: Combine<T>,
{
    type Open = Panes<OwnerTable<T, K, C>>;
    type Out = iter::Empty<E>;

    fn open(&self, spec: &Spec<Partials<K, C::Acc>>) -> Self::Open {
        Panes::new(spec.kind, spec.lateness, spec.gaps)
    }

    #[inline]
    fn take(&self, table: &mut OwnerTable<T, K, C>, partials: Partials<K, C::Acc>) -> Self::Out {
        for (key, acc) in partials.entries {
            match table.0.entry(key) {
                hash_map::Entry::Occupied(mut known) => {
                    self.combine.merge(known.get_mut(), acc);
                }
                hash_map::Entry::Vacant(free) => {
                    free.insert(acc);
                }
            }
        }
        iter::empty()
    }
}

/// The owner's keys of one window.
pub(crate) struct OwnerTable<T, K, C: Combine<T>>(pub(crate) HashMap<K, C::Acc, RandomState>);

impl<T, K, C: Combine<T>> OnFiring<OwnerTable<T, K, C>> for MergeWindows<C> {
    type Item = (Pane, K, C::Out);
    type Out = Finished<T, K, C>;

    fn fires(&self, _: &mut OwnerTable<T, K, C>, firing: &Firing) -> Self::Out {
        // With lateness a window fires at the watermark too, but is given out once, when it is done.
        Finished {
            entries: HashMap::with_hasher(RandomState::with_seeds(0, 0, 0, 0)).into_iter(),
            pane: firing.window,
            combine: self.combine.clone(),
        }
    }

    fn keys(&self, table: &OwnerTable<T, K, C>) -> usize {
        table.0.len()
    }

    fn ends(&self, table: OwnerTable<T, K, C>, firing: &Firing) -> Self::Out {
        self.keys.store(table.0.len(), Ordering::Relaxed);
        Finished {
            entries: table.0.into_iter(),
            pane: firing.window,
            combine: self.combine.clone(),
        }
    }
}

/// The results of a window.
pub(crate) struct Finished<T, K, C: Combine<T>> {
    entries: hash_map::IntoIter<K, C::Acc>,
    pane: Pane,
    combine: Arc<C>,
}

impl<T, K, C: Combine<T>> Iterator for Finished<T, K, C> {
    type Item = (Pane, K, C::Out);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, acc) = self.entries.next()?;
        Some((self.pane, key, self.combine.finish(acc)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

/// Late partials count as the items they are made of.
#[derive(Debug)]
pub(crate) struct LatePartials;

impl<K, A, E> LateItem<Partials<K, A>, E> for LatePartials {
    fn late(&self, _: Partials<K, A>) -> Option<E> {
        None
    }

    fn items(&self, partials: &Partials<K, A>) -> u64 {
        partials.items
    }
}

impl<T, K, C: Combine<T>> fmt::Debug for OwnerTable<T, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnerTable").finish_non_exhaustive()
    }
}

impl<T, K, C: Combine<T>> fmt::Debug for Finished<T, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished").finish_non_exhaustive()
    }
}
