//! A cursor over a known length that workers move on by as much as they take: what ranges and slices share.
//!
//! Every offset below the length is given exactly once. Without order the cursor is one atomic; in order the number
//! of the piece must belong to its offset, so both move together under a lock.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::run::lock;

/// The most that is taken at a time; a piece of cheap items takes about a tenth of a millisecond.
pub(super) const MOST: usize = 1 << 20;

/// Where the next piece begins.
#[derive(Debug)]
pub(super) struct Cursor {
    len: u64,
    next: AtomicU64,
    /// The offset and the ticket of the next piece, in ordered stages.
    in_order: Mutex<(u64, u64)>,
}

impl Cursor {
    pub(super) fn new(len: u64) -> Self {
        Cursor {
            len,
            next: AtomicU64::new(0),
            in_order: Mutex::new((0, 0)),
        }
    }

    /// The next piece of up to `size` with its ticket; `None` once all is taken.
    pub(super) fn take(&self, size: usize, ordered: bool) -> Option<(Range<u64>, u64)> {
        let size = size as u64;
        let (start, ticket) = if ordered {
            let mut next = lock(&self.in_order);
            let (start, ticket) = *next;
            if start < self.len {
                *next = (start.saturating_add(size), ticket + 1);
            }
            (start, ticket)
        } else {
            // It stops at the length, so that workers which ask again at the end cannot move it around to zero.
            let on = |at: u64| (at < self.len).then(|| at.saturating_add(size).min(self.len));
            let moved = self
                .next
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, on);
            let start = moved.ok()?;
            (start, start)
        };
        (start < self.len).then(|| (start..start.saturating_add(size).min(self.len), ticket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_without_gap_or_overlap() {
        for ordered in [false, true] {
            let cursor = Cursor::new(1000);
            let mut at = 0;
            for (n, size) in [1, 2, 300, 64, 1, 1000].into_iter().enumerate() {
                let (piece, ticket) = cursor.take(size, ordered).unwrap();
                assert_eq!(piece.start, at);
                assert_eq!(ticket, if ordered { n as u64 } else { at });
                at = piece.end;
            }
            assert_eq!(at, 1000);
            assert_eq!(cursor.take(1, ordered), None);
            assert_eq!(cursor.take(MOST, ordered), None);
        }
    }
}
