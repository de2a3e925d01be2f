//! Counters of one worker: written by its thread alone, read by whoever looks.
//!
//! Each is an atomic that only its worker writes, by a plain load and store, on a cache line that no other worker writes to: adding
//! costs what adding to a cell costs, and nothing is published. A reader may see two counters a few items apart. What belongs together, what the
//! worker does and since when, changes only where it begins or ends to wait; a reader sees that as it was between two changes.
//! With `--cfg millstream_uncounted` they are compiled out, to measure what they cost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::hottest::Sketch;
use super::report::{Doing, WorkerReport};
use super::shared::lock;
use super::size::Measure;
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
    pub(crate) panics: Count,
    /// How often an item was tried again.
    pub(crate) retried: Count,
    /// Rejected items by the name of the rule; rare, so a map behind a lock will do.
    rejected: Mutex<BTreeMap<String, u64>>,
    /// Keys of a sample of the items, if its stage takes one: a lock for an item in sixty-four will do.
    hot: Mutex<Option<Box<Sketch>>>,
    /// Odd while what follows is being changed, so that a reader sees all of it from before a change or from after it: a wait that was
    /// counted twice would make a worker wait longer than it lives.
    version: AtomicU64,
    /// Nanoseconds.
    waited_input: Count,
    waited_output: Count,
    /// Neither at work nor waiting: another worker had the thread.
    aside: Count,
    /// What it does now, and since when, in nanoseconds from the start of the run.
    doing: AtomicU8,
    since: Count,
    /// When it began and when it ended, plus one; zero while it has not.
    born: Count,
    died: Count,
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
        self.change(|| self.born.set(nanos(now) + 1));
        self.does(Doing::Working, now);
    }

    /// Notes that it has ended; only the first time counts.
    pub(crate) fn end(&self, now: Duration) {
        if self.died.get() == 0 {
            self.does(Doing::Ended, now);
            self.change(|| self.died.set(nanos(now) + 1));
        }
    }

    /// When it ended, from the start of the run.
    pub(super) fn ended_at(&self) -> Option<Duration> {
        let died = self.died.get().checked_sub(1);
        died.map(Duration::from_nanos)
    }

    /// Notes that it does something else from now on, and how long it did what it did before.
    pub(crate) fn does(&self, what: Doing, now: Duration) {
        self.turns_to(what as u8, now);
    }

    /// Notes that from now on the thread is another worker's, and this one waits for nothing but its turn.
    pub(crate) fn steps_aside(&self, now: Duration) {
        self.turns_to(ASIDE, now);
    }

    fn turns_to(&self, what: u8, now: Duration) {
        let now = nanos(now);
        let took = now.saturating_sub(self.since.get());
        self.change(|| {
            match self.doing.load(Ordering::Relaxed) {
                ASIDE => self.aside.add(took),
                byte => match Doing::of(byte) {
                    Doing::Starved => self.waited_input.add(took),
                    Doing::Blocked => self.waited_output.add(took),
                    Doing::Working | Doing::Ended => {}
                },
            }
            self.since.set(now);
            self.doing.store(what, Ordering::Relaxed);
        });
    }

    /// Changes what belongs together; only the owner does.
    fn change(&self, change: impl FnOnce()) {
        let version = self.version.load(Ordering::Relaxed);
        self.version
            .store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        change();
        self.version
            .store(version.wrapping_add(2), Ordering::Release);
    }

    /// What its time went to, as it was between two changes.
    fn times(&self) -> Times {
        let read = || Times {
            input: self.waited_input.get(),
            output: self.waited_output.get(),
            aside: self.aside.get(),
            doing: self.doing.load(Ordering::Relaxed),
            since: self.since.get(),
            born: self.born.get(),
            died: self.died.get(),
        };
        let mut tries = 0;
        loop {
            let before = self.version.load(Ordering::Acquire);
            let times = read();
            fence(Ordering::Acquire);
            if before % 2 == 0 && self.version.load(Ordering::Relaxed) == before {
                return times;
            }
            // A change takes nanoseconds, but its thread may have lost its core in the midst of it.
            tries += 1;
            match tries {
                0..100 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(50)),
            }
        }
    }

    /// What it has done until now.
    pub(crate) fn report(&self, now: Duration) -> WorkerReport {
        let Spent {
            doing,
            busy,
            input,
            output,
        } = self.times().until(nanos(now));
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
            panics: self.panics.get(),
            rejected: lock(&self.rejected).clone(),
            retried: self.retried.get(),
            busy: Duration::from_nanos(busy),
            waiting_input: Duration::from_nanos(input),
            waiting_output: Duration::from_nanos(output),
            doing,
            hot: lock(&self.hot)
                .as_ref()
                .map_or_else(Default::default, |sketch| sketch.hot()),
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// What a worker is while another has the thread; beside the values of [`Doing`].
const ASIDE: u8 = 4;

/// What a worker's time went to, until it last changed what it does; in nanoseconds.
struct Times {
    input: u64,
    output: u64,
    aside: u64,
    doing: u8,
    since: u64,
    born: u64,
    died: u64,
}

/// The same until a moment.
struct Spent {
    doing: Doing,
    busy: u64,
    input: u64,
    output: u64,
}

impl Times {
    /// Until now, or until it last changed what it does, if that came later: the clock was looked at before the counters were.
    fn until(mut self, now: u64) -> Spent {
        let now = now.max(self.since);
        let current = now - self.since;
        let doing = Doing::of(self.doing);
        match (self.doing, doing) {
            (ASIDE, _) => self.aside += current,
            (_, Doing::Starved) => self.input += current,
            (_, Doing::Blocked) => self.output += current,
            (_, Doing::Working | Doing::Ended) => {}
        }
        let lived = match (self.born, self.died) {
            (0, _) => 0,
            (born, 0) => (now + 1).saturating_sub(born),
            (born, died) => died.saturating_sub(born),
        };
        let waited = self.input + self.output + self.aside;
        Spent {
            doing,
            busy: lived.saturating_sub(waited),
            input: self.input,
            output: self.output,
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn whenever_one_looks_times_add_up_and_never_go_back() {
        let (counts, over) = (Counts::default(), AtomicBool::new(false));
        let clock = AtomicU64::new(0);
        let now = || Duration::from_nanos(clock.load(Ordering::SeqCst));
        counts.begin(now());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // At work for a quarter of the time, and each wait is long beside what a look takes.
                for n in 0..200_000 {
                    clock.fetch_add(1_000, Ordering::SeqCst);
                    let waits = [Doing::Starved, Doing::Blocked, Doing::Starved];
                    counts.does(waits[n % 3], now());
                    clock.fetch_add(3_000, Ordering::SeqCst);
                    counts.does(Doing::Working, now());
                }
                counts.end(now());
                over.store(true, Ordering::SeqCst);
            });
            let mut last = WorkerReport::default();
            while !over.load(Ordering::SeqCst) {
                let before = now();
                let seen = counts.report(before);
                let after = now();
                let lived = seen.busy + seen.waiting_input + seen.waiting_output;
                assert!(before <= lived && lived <= after, "{before:?} {seen:?}");
                assert!(seen.busy >= last.busy, "{last:?} {seen:?}");
                assert!(seen.waiting_input >= last.waiting_input);
                assert!(seen.waiting_output >= last.waiting_output);
                last = seen;
            }
        });
        let end = counts.report(now());
        assert_eq!(end.busy * 3, end.waiting_input + end.waiting_output);
    }

    #[test]
    fn time_in_which_others_have_the_thread_is_none_of_it() {
        let counts = Counts::default();
        let at = Duration::from_millis;
        counts.begin(at(0));
        counts.steps_aside(at(1));
        assert_eq!(counts.report(at(5)).busy, at(1));
        assert_eq!(counts.report(at(5)).doing, Doing::Working);
        counts.does(Doing::Working, at(10));
        counts.does(Doing::Starved, at(12));
        counts.end(at(20));
        counts.end(at(90));
        let seen = counts.report(at(100));
        assert_eq!((seen.busy, seen.waiting_input), (at(3), at(8)));
    }
}
