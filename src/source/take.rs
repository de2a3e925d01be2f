//! Taking a chunk from an iterator of unknown speed, without a clock reading for each item.
//!
//! The clock is read once a stride. A stride grows by one item while strides are quick and falls back to one item
//! when one was slow, so a cheap iterator pays a clock reading every 64 items and a bursty one (a socket, a queue)
//! never holds back more than a few items while it waits for the next.

use std::time::{Duration, Instant};

/// A pull that takes this long is slow.
const LONG: Duration = Duration::from_micros(100);

/// The longest stride, in items.
const LONGEST: usize = 64;

/// How many items are taken between two looks at the clock.
#[derive(Debug)]
pub(crate) struct Stride(usize);

/// What came of taking a chunk.
#[derive(Debug)]
pub(crate) struct Taken<T> {
    pub(crate) items: Vec<T>,
    /// The iterator returned `None`; it must not be asked again.
    pub(crate) ended: bool,
    /// Taking took so long that the next time is expected to take long too.
    pub(crate) slow: bool,
}

impl Default for Stride {
    fn default() -> Self {
        Stride(1)
    }
}

impl Stride {
    /// Takes up to `size` items, fewer when the iterator is slow or ends. `since` is when the caller began
    /// to wait, by the clock `now`.
    pub(crate) fn take<I: Iterator>(
        &mut self,
        iter: &mut I,
        size: usize,
        since: Instant,
        now: impl Fn() -> Instant,
    ) -> Taken<I::Item> {
        let mut items = Vec::with_capacity(size);
        loop {
            let want = self.0.min(size - items.len());
            let before = items.len();
            iter.by_ref().take(want).for_each(|item| items.push(item));
            let ended = items.len() - before < want;
            let slow = now() - since >= LONG;
            self.0 = if slow { 1 } else { LONGEST.min(self.0 + 1) };
            if ended || slow || items.len() == size {
                return Taken { items, ended, slow };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_was_asked_for_and_sees_the_end() {
        let mut numbers = 0..10;
        let mut stride = Stride::default();
        // A slow machine may cut a chunk short, so only the sum of all chunks is certain.
        let mut all = Vec::new();
        loop {
            let taken = stride.take(&mut numbers, 4, Instant::now(), Instant::now);
            assert!(taken.items.len() <= 4);
            all.extend(taken.items);
            if taken.ended {
                break;
            }
        }
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_slow_iterator_gives_what_it_has() {
        let long_ago = Instant::now().checked_sub(2 * LONG).unwrap();
        let taken = Stride::default().take(&mut (0..), 1000, long_ago, Instant::now);
        assert!(taken.slow);
        assert_eq!(taken.items, [0]);
    }

    #[test]
    fn a_quick_stride_grows_and_a_slow_one_starts_again() {
        let mut stride = Stride(LONGEST);
        let ahead = Instant::now() + Duration::from_secs(3600);
        let taken = stride.take(&mut (0..), 1000, ahead, Instant::now);
        assert_eq!((taken.items.len(), stride.0), (1000, LONGEST));
        let long_ago = Instant::now().checked_sub(2 * LONG).unwrap();
        let taken = stride.take(&mut (0..), 1000, long_ago, Instant::now);
        assert_eq!((taken.items.len(), stride.0), (LONGEST, 1));
    }
}
