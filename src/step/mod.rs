//! Chains: what a worker makes of its input before anything leaves it.
//!
//! A [`Pipe`] is the description of a chain, shared by all workers of a stage: its input and the steps fused onto
//! it. A [`Feed`] is one worker's end of it. Pulling a feed gives a chunk of input as an iterator with all steps
//! applied: std's own adaptors, monomorphic, so that a chain of cheap steps costs what a loop costs. The worker
//! drives that iterator and may stop in the middle of it when there is no room downstream; it resumes where it was.
//!
//! To add a step: a file here with a struct that implements [`Pipe`], a struct that implements [`Feed`], and a
//! method of [`Flow`](crate::Flow) in `src/flow/`.

mod adapt;
mod boxed;
mod chunks;
mod departition;
mod emit;
mod filter;
mod flat_map;
mod flat_ok;
mod hottest;
mod inner;
mod inspect;
mod map;
mod map_batch;
mod map_concurrent;
mod map_with;
mod origin;
mod pace;
#[cfg(feature = "rate")]
mod rate;
mod reduce;
mod take;
mod tries;
mod try_map;
mod uniq;
mod validate;
mod window;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Instant;

pub(crate) use adapt::{Adapt, Adapted};
pub use boxed::Boxed;
pub use chunks::{Chunk, Chunks};
pub use departition::Departition;
pub use emit::Emit;
pub use filter::{Filter, FilterMap};
pub use flat_map::FlatMap;
pub use flat_ok::FlatOk;
pub use hottest::HottestKeys;
pub(crate) use inner::waits_as_inner;
pub use inspect::Inspect;
pub use map::Map;
pub use map_batch::MapBatch;
pub use map_concurrent::MapConcurrent;
pub use map_with::MapWith;
pub use origin::{Origin, WithOrigin};
pub(crate) use pace::{Pace, rest};
#[cfg(feature = "rate")]
pub use rate::RateLimit;
pub use reduce::Reduce;
pub use take::Take;
pub use tries::{Attempt, Tries};
pub use try_map::{
    ByReference, ByValue, Spread, TryFlatMap, TryItems, TryMap, TryMapRef, Unwrapped,
};
pub use uniq::{ItsKey, Itself, Mark, Uniq};
pub use validate::Validate;
pub use window::{
    Accumulate, AndEmit, Bridging, DropLate, EmitState, Given, LateItem, OnFiring, OnLate,
    OnTrigger, Punctuation, Quiet, Windowed,
};
pub(crate) use window::{Reach, Rules};

use crate::error::Error;
use crate::run::Context;

/// A chain of steps over an input; the type behind [`Flow`](crate::Flow).
///
/// It is implemented by this crate alone; a source of one's own implements [`Source`](crate::Source).
pub trait Pipe: Send + Sync {
    /// What comes out of the chain.
    type Item;
    /// One chunk of input with the steps applied.
    #[doc(hidden)]
    type Iter<'s>: Iterator<Item = Self::Item>
    where
        Self: 's;
    /// One worker's end of the chain.
    #[doc(hidden)]
    type Feed<'s>: Feed<Iter = Self::Iter<'s>>
    where
        Self: 's;
    /// Opens one worker's end, on the worker's thread.
    #[doc(hidden)]
    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s>;
    /// Passes a word to the input: see [`Release`]. Sources have nothing to let go of.
    #[doc(hidden)]
    fn release(&self, _how: Release) {}
    /// What is known of the splits of the input, if each item of the chain is made of one item of a source whose splits
    /// are the same in every run. Steps that look at one item at a time pass it on; steps with state do not.
    #[doc(hidden)]
    fn splits(&self) -> Option<&dyn Splits> {
        None
    }
}

/// A source whose splits are the same in every run over the same input.
#[doc(hidden)]
pub trait Splits: Send + Sync {
    /// What the input is, in a line of text that another input does not have.
    fn input(&self) -> Result<String, Error>;
    /// These splits are not to be given.
    fn leave_out(&self, done: BTreeSet<u64>);
}

/// What a stage tells the edge it takes from, outside of the items' way.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// No worker will come for the channel ends that are left: let go of them.
    Abandon,
    /// The stage wants no more items (`take` has its number): producers may end.
    Close,
}

/// One worker's end of a chain.
#[doc(hidden)]
pub trait Feed {
    /// One chunk with the steps applied.
    type Iter: Iterator;

    /// Asks for the next chunk without waiting for other workers; sources may wait for their input a few
    /// milliseconds at most, and not at all in a seeded run.
    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error>;

    /// Blocks until a pull may give something, or `until` has passed.
    fn wait(&mut self, until: Option<Instant>);

    /// Whether the next pull is expected to block for long (a slow iterator), so that half-full batches
    /// should be handed over first.
    fn slow(&self) -> bool {
        false
    }

    /// When a step wants to be asked again even if no input comes, in the time of the run.
    fn timer(&self) -> Option<Instant> {
        None
    }
}

/// What a pull gives.
#[doc(hidden)]
#[derive(Debug)]
pub enum Pull<I> {
    /// A chunk of items.
    Chunk(I),
    /// Work was done, but nothing came of it yet; pull again.
    Again,
    /// A natural border of the input, such as the end of one of several iterators: what gathers items across
    /// chunks lets go of them here.
    Border,
    /// Nothing now; wait.
    Pending,
    /// Nothing any more.
    End,
}

impl<I> Pull<I> {
    /// Applies a step to the chunk, if there is one.
    pub fn map<J>(self, step: impl FnOnce(I) -> J) -> Pull<J> {
        match self {
            Pull::Chunk(chunk) => Pull::Chunk(step(chunk)),
            Pull::Again => Pull::Again,
            Pull::Border => Pull::Border,
            Pull::Pending => Pull::Pending,
            Pull::End => Pull::End,
        }
    }
}

/// Runs an iterator to its end, looking at the stop flag where the iterator may be endless.
///
/// A chunk of known length is folded by value, which lets a chain of cheap steps become one loop; one of unknown
/// length (an expanding `flat_map`) is left as soon as the run halts.
#[inline]
pub(crate) fn consume<I: Iterator>(items: I, cx: &Context, mut each: impl FnMut(I::Item)) {
    const LONG: usize = 1 << 21;
    let mut items = items;
    if items.size_hint().1.is_some_and(|most| most <= LONG) {
        items.for_each(each);
    } else {
        let _ = items.try_for_each(|item| {
            each(item);
            if cx.shared.halted() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }
}
