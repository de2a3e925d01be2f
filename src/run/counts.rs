//! Counters of one worker: written by its thread alone, read by whoever looks.
//!
//! Each is an atomic that only its worker writes, by a plain load and store, on a cache line that no other worker writes to: adding
//! costs what adding to a cell costs, and nothing is published. A reader may see two counters a few items apart; times add up
//! (`times.rs`).
//! With `--cfg millstream_uncounted` they are compiled out, to measure what they cost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::hottest::Sketch;
use super::report::{Doing, WorkerReport};
use super::shared::lock;
use super::size::Measure;
use super::times::{Spent, Times};
use crate::observe::Tap;

/// A number that one thread writes.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds to it; only the owner does.
    #[inline]
    pub(crate) fn add(&self, by: u64) {
        if cfg!(not(millstream_uncounted)) {
            self.0.store(
                self.0.load(Ordering::Relaxed).wrapping_add(by),
                Ordering::Relaxed,
            );
        }
    }

    /// Sets it; only the owner does.
    #[inline]
    pub(crate) fn set(&self, to: u64) {
        if cfg!(not(millstream_uncounted)) {
            self.0.store(to, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Adds to a counter.
#[inline]
pub(crate) fn bump(count: &Count, by: u64) {
    count.add(by);
}

/// What one worker counts. Two cache lines, since processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counts {
    pub(crate) items_in: Count,
    pub(crate) items_out: Count,
    pub(crate) batches_in: Count,
    pub(crate) batches_out: Count,
    pub(crate) bytes_in: Count,
    pub(crate) bytes_out: Count,
    pub(crate) late: Count,
    /// Keys that it has, where its stage keeps keys.
    pub(crate) keys: Count,
    /// Items that went into tables in front of a hash boundary.
    pub(crate) combined: Count,
    /// Entries that they became and that were sent.
    pub(crate) entries: Count,
    pub(crate) panics: Count,
    /// How often an item was tried again.
    pub(crate) retried: Count,
    /// Rejected items by the name of the rule; rare, so a map behind a lock will do.
    rejected: Mutex<BTreeMap<String, u64>>,
    /// Keys of a sample of the items, if its stage takes one: a lock for an item in sixty-four will do.
    hot: Mutex<Option<Box<Sketch>>>,
    /// What it does, and what its time went to.
    times: Times,
    /// What the source of the stage says of its size, if it has one.
    pub(crate) measure: Arc<Measure>,
    /// Where it tells of batches, if somebody listens.
    pub(crate) tap: Tap,
}

impl Counts {
    /// Those of one worker of a stage.
    pub(super) fn of(measure: &Arc<Measure>) -> Self {
        Counts {
            measure: measure.clone(),
            ..Counts::default()
        }
    }

    /// Counts a batch or a chunk that came in, and the bytes of one item of it.
    #[inline]
    pub(crate) fn takes(&self, items: usize, bytes: usize) {
        self.items_in.add(items as u64);
        self.batches_in.add(1);
        self.bytes_in.add((items * bytes) as u64);
        self.tap.taken(items, items * bytes);
    }

    /// Counts a batch that went on, and the bytes of one item of it.
    #[inline]
    pub(crate) fn gives(&self, items: usize, bytes: usize) {
        self.items_out.add(items as u64);
        self.batches_out.add(1);
        self.bytes_out.add((items * bytes) as u64);
        self.tap.given(items, items * bytes);
    }

    /// Counts items that a rule rejected.
    pub(crate) fn reject(&self, rule: &str, items: u64) {
        let mut rejected = lock(&self.rejected);
        match rejected.get_mut(rule) {
            Some(count) => *count += items,
            None => {
                rejected.insert(rule.to_owned(), items);
            }
        }
    }

    /// Items that a rule rejected.
    pub(crate) fn rejected(&self, rule: &str) -> u64 {
        lock(&self.rejected).get(rule).copied().unwrap_or_default()
    }

    /// Before its first item: keys are to be counted, as many as that.
    pub(crate) fn samples(&self, keys: usize) {
        lock(&self.hot).get_or_insert_with(|| Box::new(Sketch::new(keys)));
    }

    /// Counts a key of the sample. Its label is made by the user's code, so without the lock: that code may ask for a report.
    pub(crate) fn sees(&self, hash: u64, label: impl FnOnce() -> String) {
        let known = |sketch: &mut Box<Sketch>| sketch.again(hash);
        if lock(&self.hot).as_mut().is_none_or(known) {
            return;
        }
        let label = label();
        if let Some(sketch) = &mut *lock(&self.hot) {
            sketch.first(hash, label);
        }
    }

    pub(crate) fn begin(&self, now: Duration) {
        self.times.begin(now);
    }

    /// Notes that it has ended; only the first time counts.
    pub(crate) fn end(&self, now: Duration) {
        self.times.end(now);
    }

    /// When it ended, from the start of the run.
    pub(super) fn ended_at(&self) -> Option<Duration> {
        self.times.ended_at()
    }

    /// Notes that it does something else from now on.
    pub(crate) fn does(&self, what: Doing, now: Duration) {
        self.times.does(what, now);
    }

    /// Notes that from now on the thread is another worker's, and this one waits for nothing but its turn.
    pub(crate) fn steps_aside(&self, now: Duration) {
        self.times.steps_aside(now);
    }

    /// What it has done until now.
    pub(crate) fn report(&self, now: Duration) -> WorkerReport {
        let Spent {
            doing,
            busy,
            input,
            output,
        } = self.times.until(now);
        WorkerReport {
            items_in: self.items_in.get(),
            items_out: self.items_out.get(),
            batches_in: self.batches_in.get(),
            batches_out: self.batches_out.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            late: self.late.get(),
            keys: self.keys.get(),
            combined: self.combined.get(),
            entries: self.entries.get(),
            panics: self.panics.get(),
            rejected: lock(&self.rejected).clone(),
            retried: self.retried.get(),
            busy,
            waiting_input: input,
            waiting_output: output,
            doing,
            hot: lock(&self.hot)
                .as_ref()
                .map_or_else(Default::default, |sketch| sketch.hot()),
        }
    }
}

/// How full a channel is: written by those who send and receive, read by whoever looks.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Fill {
    now: AtomicU64,
    most: AtomicU64,
}

impl Fill {
    /// Notes how many batches are in it.
    #[inline]
    pub(crate) fn note(&self, batches: usize) {
        if cfg!(not(millstream_uncounted)) {
            let batches = batches as u64;
            self.now.store(batches, Ordering::Relaxed);
            if batches > self.most.load(Ordering::Relaxed) {
                self.most.fetch_max(batches, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(crate) fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}
