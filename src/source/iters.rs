//! Several iterators in parallel: a queue of them, each owned by one worker from its first item to its last.
//!
//! No lock is held while an iterator runs. Chunks are numbered as they are taken; the order of items is kept within
//! an iterator and undefined across iterators.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::take::Stride;
use super::{begin, exact, reads};
use crate::error::Error;
use crate::run::{Context, lock};
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull};

/// The source of [`Flow::from_iters`](crate::Flow::from_iters).
pub struct FromIters<I> {
    /// Those that nobody has begun, with their numbers.
    queue: Mutex<VecDeque<(u64, I)>>,
    /// How many they are.
    unread: AtomicU64,
    ticket: AtomicU64,
}

impl<I> FromIters<I> {
    pub(crate) fn new(iters: impl IntoIterator<Item = I>) -> Self {
        let queue: VecDeque<_> = (0..).zip(iters).collect();
        FromIters {
            unread: AtomicU64::new(queue.len() as u64),
            queue: Mutex::new(queue),
            ticket: AtomicU64::new(0),
        }
    }
}

impl<I: Iterator + Send> Pipe for FromIters<I> {
    type Item = I::Item;
    type Iter<'s>
        = std::vec::IntoIter<I::Item>
    where
        Self: 's;
    type Feed<'s>
        = ItersFeed<'s, I>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> ItersFeed<'s, I> {
        cx.counts.measure.items(|| {
            let queue = lock(&self.queue);
            let mut sizes = queue.iter().map(|(_, iter)| exact(iter));
            sizes.try_fold(0u64, |sum, size| sum.checked_add(size?))
        });
        ItersFeed {
            source: self,
            cx,
            pace: Pace::new(1, cx.group.items(size_of::<I::Item>())),
            stride: Stride::default(),
            current: Current::None,
            slow: false,
        }
    }
}

/// One worker's end of the queue of iterators.
pub struct ItersFeed<'s, I> {
    source: &'s FromIters<I>,
    cx: &'s Context,
    pace: Pace,
    stride: Stride,
    current: Current<I>,
    slow: bool,
}

/// What a worker has at hand.
enum Current<I> {
    None,
    Running((u64, I)),
    /// The last items of an iterator were given; its border is still to be.
    Ended,
}

impl<I: Iterator> Feed for ItersFeed<'_, I> {
    type Iter = std::vec::IntoIter<I::Item>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        // Taken out while it runs: one that panics is dropped and never asked again.
        let (number, mut iter) = match std::mem::replace(&mut self.current, Current::None) {
            Current::Ended => return Ok(Pull::Border),
            Current::Running(iter) => iter,
            Current::None => match lock(&self.source.queue).pop_front() {
                Some(next) => {
                    self.source.unread.fetch_sub(1, Ordering::SeqCst);
                    next
                }
                None => return Ok(Pull::End),
            },
        };
        let cx = self.cx;
        let size = self.pace.next(self.cx.now());
        let taken = self.stride.take(&mut iter, size, cx.now(), || cx.now());
        // An iterator that ended says nothing about the next one.
        self.slow = taken.slow && !taken.ended;
        self.current = match taken.ended {
            true => Current::Ended,
            false => Current::Running((number, iter)),
        };
        if taken.items.is_empty() {
            return Ok(Pull::Again);
        }
        let ticket = self.source.ticket.fetch_add(1, Ordering::Relaxed);
        let unread = self.source.unread.load(Ordering::SeqCst) > 0;
        reads(self.cx, number, unread);
        begin(self.cx, ticket, taken.items.len());
        Ok(Pull::Chunk(taken.items.into_iter()))
    }

    /// A pull waits for the iterator itself.
    fn wait(&mut self, _until: Option<Instant>) {}

    fn slow(&self) -> bool {
        self.slow
    }
}

impl<I> fmt::Debug for FromIters<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromIters").finish_non_exhaustive()
    }
}

impl<I> fmt::Debug for ItersFeed<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItersFeed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::drive::{context, drive};

    #[test]
    fn gives_the_items_of_all_and_keeps_the_order_within_each() {
        for feeds in 1..5 {
            let source = FromIters::new((0..7).map(|i| (0..i * 100).map(move |n| (i, n))));
            let chunks = drive(&source, feeds, true).unwrap();
            let tickets: Vec<u64> = chunks.iter().map(|c| c.ticket).collect();
            assert_eq!(tickets, (0..tickets.len() as u64).collect::<Vec<_>>());
            for i in 0..7 {
                let own: Vec<_> = chunks
                    .iter()
                    .flat_map(|c| &c.items)
                    .filter(|item| item.0 == i)
                    .collect();
                assert!(own.iter().map(|item| item.1).eq(0..i * 100));
                let mut homes: Vec<_> = chunks
                    .iter()
                    .filter(|c| c.items.iter().any(|item| item.0 == i))
                    .map(|c| c.feed)
                    .collect();
                homes.dedup();
                assert!(homes.len() <= 1, "iterator {i} moved between workers");
            }
        }
    }

    #[test]
    fn every_iterator_ends_with_a_border() {
        let source = FromIters::new([0..3, 0..0, 0..2]);
        let cx = context(0, 1, false);
        let mut feed = source.open(&cx);
        let mut seen = Vec::new();
        loop {
            match feed.pull().unwrap() {
                Pull::Chunk(chunk) => seen.extend(chunk.map(Some)),
                Pull::Border => seen.push(None),
                Pull::Again => {}
                Pull::Pending => panic!("iterators are never pending"),
                Pull::End => break,
            }
        }
        assert_eq!(
            seen,
            [
                Some(0),
                Some(1),
                Some(2),
                None,
                None,
                Some(0),
                Some(1),
                None
            ]
        );
    }
}
