//! `uniq` and `uniq_by`: items whose key this worker has seen are dropped, the others pass at once.
//!
//! What was seen is a set in each worker, which outlives the chunks. It is looked up by reference; only a new key is
//! kept.

use std::cell::RefCell;
use std::fmt;
use std::hash::Hash;
use std::rc::Rc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::{Adapt, Adapted, Pipe, Release};
use crate::run::Context;

/// The chain of [`Flow::uniq`](crate::Flow::uniq) and `uniq_by`.
pub struct Uniq<P, M> {
    pub(crate) pipe: P,
    pub(crate) mark: M,
}

/// By what an item is known again. Internal: it shows only in bounds.
#[doc(hidden)]
pub trait Mark<T>: Send + Sync {
    /// What is kept of an item that was seen.
    type Key: Hash + Eq;
    /// Adds an item to what was seen; whether it is new.
    fn is_new(
        &self,
        item: &T,
        seen: &mut HashTable<Self::Key>,
        hasher: &ahash::RandomState,
    ) -> bool;
}

/// An item is known by itself.
#[derive(Debug, Clone, Copy)]
pub struct Itself;

impl<T: Hash + Eq + Clone> Mark<T> for Itself {
    type Key = T;

    #[inline]
    fn is_new(&self, item: &T, seen: &mut HashTable<T>, hasher: &ahash::RandomState) -> bool {
        let known = |known: &T| known == item;
        match seen.entry(hasher.hash_one(item), known, |known| hasher.hash_one(known)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(item.clone());
                true
            }
        }
    }
}

/// An item is known by what a closure says of it.
pub struct ItsKey<F>(pub(crate) F);

impl<T, K, F> Mark<T> for ItsKey<F>
where
    K: Hash + Eq,
    F: Fn(&T) -> K + Send + Sync,
{
    type Key = K;

    #[inline]
    fn is_new(&self, item: &T, seen: &mut HashTable<K>, hasher: &ahash::RandomState) -> bool {
        let key = (self.0)(item);
        let known = |known: &K| *known == key;
        match seen.entry(hasher.hash_one(&key), known, |known| hasher.hash_one(known)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(key);
                true
            }
        }
    }
}

impl<P: Pipe, M: Mark<P::Item>> Pipe for Uniq<P, M> {
    type Item = P::Item;
    type Iter<'s>
        = Fresh<'s, P::Iter<'s>, M, M::Key>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Seen<'s, M, M::Key>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Adapted {
            feed: self.pipe.open(cx),
            step: Seen {
                seen: Rc::default(),
                mark: &self.mark,
                hasher: &cx.shared.hasher,
            },
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// What one worker has seen.
pub struct Seen<'s, M, K> {
    seen: Rc<RefCell<HashTable<K>>>,
    mark: &'s M,
    hasher: &'s ahash::RandomState,
}

impl<'s, I: Iterator, M: Mark<I::Item>> Adapt<I> for Seen<'s, M, M::Key> {
    type Out = Fresh<'s, I, M, M::Key>;

    fn adapt(&self, chunk: I) -> Self::Out {
        Fresh {
            chunk,
            seen: self.seen.clone(),
            mark: self.mark,
            hasher: self.hasher,
        }
    }
}

/// The items of a chunk that are new to the worker.
pub struct Fresh<'s, I, M, K> {
    chunk: I,
    seen: Rc<RefCell<HashTable<K>>>,
    mark: &'s M,
    hasher: &'s ahash::RandomState,
}

impl<I: Iterator, M: Mark<I::Item>> Iterator for Fresh<'_, I, M, M::Key> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        let (seen, mark, hasher) = (&self.seen, self.mark, self.hasher);
        self.chunk
            .find(|item| mark.is_new(item, &mut seen.borrow_mut(), hasher))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.chunk.size_hint().1)
    }

    fn fold<B, F: FnMut(B, I::Item) -> B>(self, init: B, f: F) -> B {
        let (seen, mark, hasher) = (self.seen, self.mark, self.hasher);
        self.chunk
            .filter(|item| mark.is_new(item, &mut seen.borrow_mut(), hasher))
            .fold(init, f)
    }
}

impl<P, M> fmt::Debug for Uniq<P, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uniq").finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for ItsKey<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItsKey").finish_non_exhaustive()
    }
}

impl<M, K> fmt::Debug for Seen<'_, M, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

impl<I, M, K> fmt::Debug for Fresh<'_, I, M, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").finish_non_exhaustive()
    }
}
