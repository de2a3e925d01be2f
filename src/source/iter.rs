//! One iterator shared by all workers: each takes a chunk under a lock.
//!
//! The iterator is asked for nothing more once it returned `None` or panicked: the state says "over" for as long as
//! the user's code runs, and stays so if that unwinds.

use std::fmt;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Instant;

use super::take::Stride;
use super::{begin, exact};
use crate::error::Error;
use crate::run::{Context, Doing, lock};
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull};

/// The source of [`Flow::from_iter`](crate::Flow::from_iter) and [`Flow::from_vec`](crate::Flow::from_vec).
pub struct FromIter<I> {
    state: Mutex<State<I>>,
}

struct State<I> {
    iter: I,
    over: bool,
    ticket: u64,
    stride: Stride,
}

impl<I> FromIter<I> {
    pub(crate) fn new(iter: I) -> Self {
        FromIter {
            state: Mutex::new(State {
                iter,
                over: false,
                ticket: 0,
                stride: Stride::default(),
            }),
        }
    }
}

impl<I: Iterator + Send> Pipe for FromIter<I>
where
    I::Item: Send,
{
    type Item = I::Item;
    type Iter<'s>
        = std::vec::IntoIter<I::Item>
    where
        Self: 's;
    type Feed<'s>
        = IterFeed<'s, I>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> IterFeed<'s, I> {
        cx.counts.measure.items(|| exact(&lock(&self.state).iter));
        IterFeed {
            state: &self.state,
            cx,
            pace: Pace::new(1, cx.group.items(size_of::<I::Item>())),
            slow: false,
        }
    }
}

/// One worker's end of a shared iterator.
pub struct IterFeed<'s, I> {
    state: &'s Mutex<State<I>>,
    cx: &'s Context,
    pace: Pace,
    slow: bool,
}

impl<'s, I> IterFeed<'s, I> {
    /// Waits for the iterator while another worker has it, which is to be without input and not to be at work.
    fn enter(&self) -> MutexGuard<'s, State<I>> {
        match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(state)) => state.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let counts = &self.cx.counts;
                counts.does(Doing::Starved, self.cx.shared.age());
                let state = lock(self.state);
                counts.does(Doing::Working, self.cx.shared.age());
                state
            }
        }
    }
}

impl<I: Iterator> Feed for IterFeed<'_, I> {
    type Iter = std::vec::IntoIter<I::Item>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let size = self.pace.next(self.cx.now());
        let since = self.cx.now();
        let mut state = self.enter();
        // Waiting for the lock may have taken long: another worker was in the user's code. Nobody enters it
        // after the run was told to stop or to drain.
        if self.cx.shared.must_end() || self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        if state.over {
            // A panic in the iterator lets go of the lock before the run knows of it, and is not the end of the input:
            // a reduction behind would give out what it has as if it were all.
            let panicked = self.state.is_poisoned();
            return Ok(if panicked { Pull::Again } else { Pull::End });
        }
        let all = &mut *state;
        all.over = true;
        let taken = (all.stride).take(&mut all.iter, size, since, || self.cx.now());
        all.over = taken.ended;
        self.slow = taken.slow;
        if taken.items.is_empty() {
            return Ok(Pull::End);
        }
        let ticket = all.ticket;
        all.ticket += 1;
        // Whoever listens to batches is called without the lock.
        drop(state);
        begin(self.cx, ticket, taken.items.len());
        Ok(Pull::Chunk(taken.items.into_iter()))
    }

    /// A pull waits for the iterator itself.
    fn wait(&mut self, _until: Option<Instant>) {}

    fn slow(&self) -> bool {
        self.slow
    }
}

impl<I> fmt::Debug for FromIter<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromIter").finish_non_exhaustive()
    }
}

impl<I> fmt::Debug for IterFeed<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterFeed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::source::drive::{context, drive, numbered};

    #[test]
    fn gives_every_item_once_in_order_of_tickets() {
        for feeds in 1..5 {
            let got = numbered(&FromIter::new(0..5000), feeds, true);
            assert_eq!(got, (0..5000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn is_not_polled_after_none() {
        let mut left = 100;
        let mut ended = false;
        let iter = std::iter::from_fn(move || {
            assert!(!ended, "polled after None");
            ended = left == 0;
            left -= 1;
            (!ended).then_some(left)
        });
        let chunks = drive(&FromIter::new(iter), 3, false).unwrap();
        assert_eq!(chunks.iter().map(|c| c.items.len()).sum::<usize>(), 100);
    }

    #[test]
    fn is_not_polled_after_a_panic() {
        let mut polls = 0;
        let source = FromIter::new(std::iter::from_fn(move || -> Option<u8> {
            polls += 1;
            assert!(polls == 1, "polled again");
            panic!("the first poll")
        }));
        let contexts = [context(0, 2, false), context(1, 2, false)];
        let mut first = source.open(&contexts[0]);
        let mut second = source.open(&contexts[1]);
        assert!(catch_unwind(AssertUnwindSafe(|| first.pull())).is_err());
        assert!(matches!(second.pull(), Ok(Pull::Again)), "not its end");
    }

    #[test]
    fn nothing_is_taken_once_the_run_is_to_end() {
        let source = FromIter::new(std::iter::from_fn(|| -> Option<u8> { panic!("asked") }));
        let cx = context(0, 1, false);
        cx.shared.halt();
        assert!(matches!(source.open(&cx).pull(), Ok(Pull::End)));
    }

    #[test]
    fn the_first_piece_is_one_item() {
        let source = FromIter::new(0..64);
        let cx = context(0, 1, false);
        let Ok(Pull::Chunk(chunk)) = source.open(&cx).pull() else {
            panic!("no chunk");
        };
        assert_eq!(chunk.len(), 1);
    }
}
