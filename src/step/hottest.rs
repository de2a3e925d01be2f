//! `hottest_keys`: looks at a sample of the items and counts their keys.
//!
//! The gaps between two items of the sample are random, about [`GAP`] on average, so that an input with a rhythm of its own is not
//! met at the same beat each time. An item that is not in the sample costs a decrement.

use std::cell::Cell;
use std::fmt::{self, Debug};
use std::hash::Hash;
use std::rc::Rc;

use super::{Adapt, Adapted, Pipe, Release, Splits};
use crate::run::Context;

/// Every so many items one is looked at, on average; a power of two.
const GAP: u64 = 64;

/// The chain of [`Flow::hottest_keys`](crate::Flow::hottest_keys).
pub struct HottestKeys<P, F> {
    pub(crate) pipe: P,
    pub(crate) n: usize,
    pub(crate) key: F,
}

impl<P: Pipe, K, F> Pipe for HottestKeys<P, F>
where
    K: Hash + Debug,
    F: Fn(&P::Item) -> K + Send + Sync,
{
    type Item = P::Item;
    type Iter<'s>
        = Sampled<'s, P::Iter<'s>, F>
    where
        Self: 's;
    type Feed<'s>
        = Adapted<P::Feed<'s>, Sample<'s, F>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        cx.counts.samples(self.n);
        Adapted {
            feed: self.pipe.open(cx),
            step: Sample(Rc::new(Sampler {
                key: &self.key,
                cx,
                gap: Cell::new(1),
                dice: Cell::new(cx.index as u64 + 1),
            })),
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }

    fn splits(&self) -> Option<&dyn Splits> {
        self.pipe.splits()
    }
}

/// What the chunks of one worker have in common.
struct Sampler<'s, F> {
    key: &'s F,
    cx: &'s Context,
    /// Items until the next that is looked at.
    gap: Cell<u64>,
    dice: Cell<u64>,
}

impl<F> Sampler<'_, F> {
    #[inline]
    fn pass<T, K>(&self, item: &T)
    where
        K: Hash + Debug,
        F: Fn(&T) -> K,
    {
        match self.gap.get() {
            0 | 1 => self.look(item),
            gap => self.gap.set(gap - 1),
        }
    }

    #[cold]
    fn look<T, K>(&self, item: &T)
    where
        K: Hash + Debug,
        F: Fn(&T) -> K,
    {
        // xorshift, by G. Marsaglia, "Xorshift RNGs", 2003.
        let mut dice = self.dice.get();
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        self.dice.set(dice);
        self.gap.set(1 + dice % (2 * GAP - 1));
        let key = (self.key)(item);
        let hash = self.cx.shared.hasher.hash_one(&key);
        self.cx.counts.sees(hash, || format!("{key:?}"));
    }
}

/// The step of [`HottestKeys`] in one worker.
pub struct Sample<'s, F>(Rc<Sampler<'s, F>>);

impl<'s, I, K, F> Adapt<I> for Sample<'s, F>
where
    I: Iterator,
    K: Hash + Debug,
    F: Fn(&I::Item) -> K,
{
    type Out = Sampled<'s, I, F>;

    fn adapt(&self, chunk: I) -> Self::Out {
        Sampled {
            chunk,
            sampler: self.0.clone(),
        }
    }
}

/// One chunk, some of whose items are looked at on their way.
pub struct Sampled<'s, I, F> {
    chunk: I,
    sampler: Rc<Sampler<'s, F>>,
}

impl<I, K, F> Iterator for Sampled<'_, I, F>
where
    I: Iterator,
    K: Hash + Debug,
    F: Fn(&I::Item) -> K,
{
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        let item = self.chunk.next()?;
        self.sampler.pass(&item);
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunk.size_hint()
    }

    #[inline]
    fn fold<A, G>(self, init: A, mut f: G) -> A
    where
        G: FnMut(A, I::Item) -> A,
    {
        let sampler = self.sampler;
        self.chunk.fold(init, |acc, item| {
            sampler.pass(&item);
            f(acc, item)
        })
    }
}

impl<P, F> Debug for HottestKeys<P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HottestKeys")
            .field("n", &self.n)
            .finish_non_exhaustive()
    }
}

impl<F> Debug for Sample<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample").finish_non_exhaustive()
    }
}

impl<I, F> Debug for Sampled<'_, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampled").finish_non_exhaustive()
    }
}
