//! A thread that looks at a run from time to time, from its beginning to its end.
//!
//! It sleeps on a condition that its owner signals, so the end of a run does not wait for it. Should there be no thread to be
//! had, or should a look panic, the owner still has its last look.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::run::{lock, quietly};

/// The thread, and what it looks with.
pub(super) struct Sampler<S> {
    state: Arc<Mutex<S>>,
    over: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl<S: Send + 'static> Sampler<S> {
    /// Calls `look` so often, the first time after one period.
    pub(super) fn start(
        name: &str,
        every: Duration,
        state: S,
        mut look: impl FnMut(&mut S) + Send + 'static,
    ) -> Self {
        let state = Arc::new(Mutex::new(state));
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let (seen, ended) = (state.clone(), over.clone());
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            while !wait(&ended, every) {
                if quietly(|| look(&mut lock(&seen))).is_none() {
                    break;
                }
            }
        });
        Sampler {
            state,
            over,
            thread: thread.ok(),
        }
    }
}

impl<S> Sampler<S> {
    /// Ends the thread; then the last look is the caller's.
    pub(super) fn stop<R>(mut self, last: impl FnOnce(&mut S) -> R) -> R {
        self.join();
        last(&mut lock(&self.state))
    }

    fn join(&mut self) {
        *lock(&self.over.0) = true;
        self.over.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // It catches what a look panics with.
            let _ = thread.join();
        }
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
        let sampler = Sampler::start("test", Duration::from_millis(1), 0, move |n| {
            *n += 1;
            let _ = sender.send(*n);
        });
        assert_eq!((looked.recv(), looked.recv()), (Ok(1), Ok(2)));
        let last = sampler.stop(|n| *n);
        assert!(last >= 2);
        // The thread is gone, and its sender with it.
        assert_eq!(looked.iter().last().unwrap_or(2), last);
    }

    #[test]
    fn a_long_period_does_not_hold_back_the_end() {
        let sampler = Sampler::start("test", Duration::MAX, 7, |_| unreachable!());
        assert_eq!(sampler.stop(|n| *n), 7);
    }

    #[test]
    fn a_look_that_panics_is_the_last_one() {
        let (sender, looked) = channel::<()>();
        let sampler = Sampler::start("test", Duration::from_millis(1), 1, move |n| {
            *n += 1;
            let _ = &sender;
            panic!("a look");
        });
        assert!(looked.recv().is_err());
        assert_eq!(sampler.stop(|n| *n), 2);
    }
}
