//! What a worker does, and what its time went to: changed only where it begins or ends to wait.
//!
//! One thread writes. Whoever reads sees what belongs together as it was between two changes: a wait that was counted twice would make a
//! worker wait for longer than it lives. The writer never waits for a reader.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};
use std::time::Duration;

use super::counts::Count;
use super::report::Doing;

/// What a worker is while another has the thread; beside the values of [`Doing`].
const ASIDE: u8 = 4;

/// The times of one worker, in nanoseconds from the start of the run.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Odd while the others are being changed.
    version: AtomicU64,
    input: Count,
    output: Count,
    /// Neither at work nor waiting: another worker had the thread.
    aside: Count,
    /// What it does now, and since when.
    doing: AtomicU8,
    since: Count,
    /// When it began and when it ended, plus one; zero while it has not.
    born: Count,
    died: Count,
}

/// What its time went to until a moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) doing: Doing,
    pub(super) busy: Duration,
    pub(super) input: Duration,
    pub(super) output: Duration,
}

impl Times {
    pub(super) fn begin(&self, now: Duration) {
        let now = nanos(now);
        self.change(|| {
            self.turn_to(Doing::Working as u8, now);
            self.born.set(now + 1);
        });
    }

    /// Only the first time counts.
    pub(super) fn end(&self, now: Duration) {
        if self.died.get() == 0 {
            let now = nanos(now);
            self.change(|| {
                self.turn_to(Doing::Ended as u8, now);
                self.died.set(now + 1);
            });
        }
    }

    pub(super) fn ended_at(&self) -> Option<Duration> {
        let died = self.died.get().checked_sub(1);
        died.map(Duration::from_nanos)
    }

    pub(super) fn does(&self, what: Doing, now: Duration) {
        self.change(|| self.turn_to(what as u8, nanos(now)));
    }

    pub(super) fn steps_aside(&self, now: Duration) {
        self.change(|| self.turn_to(ASIDE, nanos(now)));
    }

    /// It does something else from now on: adds how long it did what it did before.
    fn turn_to(&self, what: u8, now: u64) {
        let took = now.saturating_sub(self.since.get());
        match self.doing.load(Ordering::Relaxed) {
            ASIDE => self.aside.add(took),
            byte => match Doing::of(byte) {
                Doing::Starved => self.input.add(took),
                Doing::Blocked => self.output.add(took),
                Doing::Working | Doing::Ended => {}
            },
        }
        self.since.set(now);
        self.doing.store(what, Ordering::Relaxed);
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

    /// Until now, or until it last changed what it does, if that came later: the clock was looked at before the times were.
    pub(super) fn until(&self, now: Duration) -> Spent {
        let mut tries = 0;
        loop {
            let before = self.version.load(Ordering::Acquire);
            let spent = self.read(nanos(now));
            fence(Ordering::Acquire);
            if before % 2 == 0 && self.version.load(Ordering::Relaxed) == before {
                return spent;
            }
            // A change takes nanoseconds, but its thread may have lost its core in the midst of it.
            tries += 1;
            match tries {
                0..100 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(50)),
            }
        }
    }

    fn read(&self, now: u64) -> Spent {
        let since = self.since.get();
        let now = now.max(since);
        let byte = self.doing.load(Ordering::Relaxed);
        let doing = Doing::of(byte);
        let current = |is: bool| if is { now - since } else { 0 };
        let input = self.input.get() + current(doing == Doing::Starved);
        let output = self.output.get() + current(doing == Doing::Blocked);
        let aside = self.aside.get() + current(byte == ASIDE);
        let lived = match (self.born.get(), self.died.get()) {
            (0, _) => 0,
            (born, 0) => (now + 1).saturating_sub(born),
            (born, died) => died.saturating_sub(born),
        };
        Spent {
            doing,
            busy: Duration::from_nanos(lived.saturating_sub(input + output + aside)),
            input: Duration::from_nanos(input),
            output: Duration::from_nanos(output),
        }
    }
}

fn nanos(time: Duration) -> u64 {
    // A number less than can be, so that one more is none too many.
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn whenever_one_looks_they_add_up_and_never_go_back() {
        let (times, over) = (Times::default(), AtomicBool::new(false));
        let clock = AtomicU64::new(0);
        let now = || Duration::from_nanos(clock.load(Ordering::SeqCst));
        times.begin(now());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // At work for a quarter of the time, and each wait is long beside what a look takes.
                for n in 0..200_000 {
                    clock.fetch_add(1_000, Ordering::SeqCst);
                    let waits = [Doing::Starved, Doing::Blocked, Doing::Starved];
                    times.does(waits[n % 3], now());
                    clock.fetch_add(3_000, Ordering::SeqCst);
                    times.does(Doing::Working, now());
                }
                times.end(now());
                over.store(true, Ordering::SeqCst);
            });
            let mut last = times.until(now());
            while !over.load(Ordering::SeqCst) {
                let before = now();
                let seen = times.until(before);
                let after = now();
                let lived = seen.busy + seen.input + seen.output;
                assert!(before <= lived && lived <= after, "{before:?} {seen:?}");
                assert!(seen.busy >= last.busy, "{last:?} {seen:?}");
                assert!(seen.input >= last.input);
                assert!(seen.output >= last.output);
                last = seen;
            }
        });
        let end = times.until(now());
        assert_eq!(end.busy * 3, end.input + end.output);
    }

    #[test]
    fn time_in_which_others_have_the_thread_is_none_of_it() {
        let times = Times::default();
        let at = Duration::from_millis;
        times.begin(at(0));
        times.steps_aside(at(1));
        assert_eq!(times.until(at(5)).busy, at(1));
        assert_eq!(times.until(at(5)).doing, Doing::Working);
        times.does(Doing::Working, at(10));
        times.does(Doing::Starved, at(12));
        times.end(at(20));
        times.end(at(90));
        let seen = times.until(at(100));
        assert_eq!((seen.busy, seen.input), (at(3), at(8)));
    }
}
