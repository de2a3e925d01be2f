//! Where a worker's items go: over an edge, into a result, or to the calling thread.
//!
//! A [`Sink`] is the description, shared by the workers of a stage; an [`Output`] is one worker's end of it. An output
//! never blocks: it takes items until it is full, and says so.

mod caller;
mod each;
mod fold;
mod fork;
mod gather;
mod hub;
mod load;
mod ordered;
mod route;
mod router;
mod slots;
mod stages;

use std::time::Instant;

pub(crate) use caller::ToCaller;
pub(crate) use each::{Each, TryEach};
pub(crate) use fold::Fold;
pub(crate) use fork::{Branch, Fork, Hand, ToAll, ToOne};
pub(crate) use gather::{Gather, Gathered};
pub(crate) use hub::{Hub, ToSubscribers};
pub(crate) use load::{Commits, Load, Loaded, Of};
pub(crate) use ordered::Ordered;
pub(crate) use route::{Route, Routed};
pub(crate) use router::{ByFunction, ByHash, ByItem, Only, Router, partition_of};
pub(crate) use slots::Slots;
pub(crate) use stages::{
    AtEnd, BeginConsumers, Consumers, Dispatchers, Doors, ToStages, subscribe,
};

use crate::run::Context;

/// The end of a stage, shared by its workers.
pub(crate) trait Sink<T>: Send + Sync {
    /// One worker's end.
    type Output<'s>: Output<T>
    where
        Self: 's;
    /// Opens one worker's end, on the worker's thread.
    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s>;
    /// Lets go of channel ends that no worker took.
    fn abandon(&self) {}
}

/// Where one worker's items go.
pub(crate) trait Output<T> {
    /// Takes items until the iterator ends, or returns what is left when there is no room.
    fn drain<I: Iterator<Item = T>>(&mut self, items: I) -> Option<I>;

    /// A chunk with this ticket begins.
    fn begin(&mut self, _ticket: u64) {}

    /// The input is about to be asked for more.
    fn awake(&mut self) {}

    /// The input has nothing at the moment.
    fn idle(&mut self) {}

    /// The chunk has been drained; linger is looked after here.
    fn end(&mut self) {}

    /// The input has come to a natural border: what came with the split in the context is complete.
    fn border(&mut self) {}

    /// Hands over what waits for room; true when nothing waits any more.
    fn deliver(&mut self) -> bool {
        true
    }

    /// Hands over half-full batches too, as far as there is room.
    fn flush(&mut self) {}

    /// Hands over everything at the end of the input; called until it is true.
    fn finish(&mut self) -> bool;

    /// Whether nobody downstream wants anything more.
    fn closed(&self) -> bool {
        false
    }

    /// When a half-full batch has waited long enough.
    fn linger(&self) -> Option<Instant> {
        None
    }

    /// When an output that is full wants to be asked again, in the time of the run, whatever else happens.
    fn timer(&self) -> Option<Instant> {
        None
    }

    /// Blocks until there may be room, or `until` has passed.
    fn wait(&mut self, _until: Option<Instant>) {}
}
