//! A thread that looks at a run from time to time, from its beginning to its end.
//!
//! It sleeps on a condition that its owner signals, so the end of a run does not wait for it. Should there be no thread to be
//! had, the owner still has its last look. A look that panics is the last one.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::run::{Lost, lock, quietly};

/// The thread, and what it looks with.
pub(super) struct Sampler<S> {
    state: Arc<Mutex<S>>,
    over: Arc<(Mutex<bool>, Condvar)>,
    /// Gives whether no look has panicked.
    thread: Option<JoinHandle<bool>>,
}

impl<S: Send + 'static> Sampler<S> {
    /// Calls `look` so often, the first time after one period, until it panics, which is counted.
    pub(super) fn start(
        name: &str,
        every: Duration,
        lost: Lost,
        state: S,
        mut look: impl FnMut(&mut S) + Send + 'static,
    ) -> Self {
        let state = Arc::new(Mutex::new(state));
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let (seen, ended) = (state.clone(), over.clone());
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            while !wait(&ended, every) {
                if quietly(|| look(&mut lock(&seen))).is_none() {
                    lost.one_more();
                    return false;
                }
            }
            true
        });
        Sampler {
            state,
            over,
            thread: thread.ok(),
        }
    }
}

impl<S> Sampler<S> {
    /// Ends the thread; then the last look is the caller's, unless one before it panicked.
    pub(super) fn stop<R>(mut self, last: impl FnOnce(&mut S) -> R) -> Option<R> {
        self.join().then(|| last(&mut lock(&self.state)))
    }

    /// Whether no look has panicked.
    fn join(&mut self) -> bool {
        *lock(&self.over.0) = true;
        self.over.1.notify_all();
        let thread = self.thread.take();
        thread.is_none_or(|thread| thread.join().unwrap_or(false))
    }
}

impl<S> Drop for Sampler<S> {
    fn drop(&mut self) {
        self.join();
    }
}

/// Waits for the end, at most so long; whether it has come.
fn wait((over, changed): &(Mutex<bool>, Condvar), most: Duration) -> bool {
    let since = Instant::now();
    let mut over = lock(over);
    while !*over {
        let left = most.saturating_sub(since.elapsed());
        if left.is_zero() {
            return false;
        }
        let waited = changed.wait_timeout(over, left);
        over = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn it_looks_until_it_is_stopped_and_not_longer() {
        let (sender, looked) = channel();
        let sampler = Sampler::start(
            "test",
            Duration::from_millis(1),
            Lost::default(),
            0,
            move |n| {
                *n += 1;
                let _ = sender.send(*n);
            },
        );
        assert_eq!((looked.recv(), looked.recv()), (Ok(1), Ok(2)));
        let last = sampler.stop(|n| *n).unwrap();
        assert!(last >= 2);
        // The thread is gone, and its sender with it.
        assert_eq!(looked.iter().last().unwrap_or(2), last);
    }

    #[test]
    fn a_long_period_does_not_hold_back_the_end() {
        let sampler = Sampler::start(
            "test",
            Duration::MAX,
            Lost::default(),
            7,
            |_| unreachable!(),
        );
        assert_eq!(sampler.stop(|n| *n), Some(7));
    }

    #[test]
    fn a_look_that_panics_is_the_last_one() {
        let (sender, looked) = channel::<()>();
        let lost = Lost::default();
        let sampler = Sampler::start(
            "test",
            Duration::from_millis(1),
            lost.clone(),
            1,
            move |n| {
                *n += 1;
                let _ = &sender;
                panic!("a look");
            },
        );
        assert!(looked.recv().is_err());
        assert_eq!(sampler.stop(|n| *n), None);
        assert_eq!(format!("{lost:?}"), "Lost(1)");
    }
}
