//! Rows of both sides by key, in the order of their times: those meet whose times differ by what an interval allows.
//!
//! Each row has a time from which nothing can come that it would meet. A heap of those times says whose turn it is to
//! go, so that dropping rows costs what is dropped.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;

use super::super::JoinKind;
use super::keys::Keys;
use super::{LOOKED_AT, Row};

/// A row that may still meet others.
#[derive(Debug)]
struct Kept<T> {
    time: i64,
    matched: bool,
    row: T,
}

/// The rows of one side and key, in the order of their times.
type Queue<T> = VecDeque<Kept<T>>;

/// The rows of both sides that may still meet others.
#[derive(Debug)]
pub(super) struct Interval<K, L, R> {
    from: i64,
    to: i64,
    lateness: i64,
    keys: Keys<K, (Queue<L>, Queue<R>)>,
    /// The last time at which something may come that a row would meet, the place of its key, and whether it is left.
    due: BinaryHeap<Reverse<(i64, u32, bool)>>,
    meets: Option<Meets>,
    /// What can come no more is before this; `None` once nothing comes at all.
    until: Option<i64>,
}

/// A row that meets others: its key's place, its own in its queue, and those of the other side that are left.
#[derive(Debug)]
struct Meets {
    left: bool,
    at: u32,
    place: usize,
    others: Range<usize>,
}

impl<K: Eq, L: Clone, R: Clone> Interval<K, L, R> {
    pub(super) fn new((from, to): (i64, i64), lateness: i64) -> Self {
        Interval {
            from,
            to,
            lateness,
            keys: Keys::default(),
            due: BinaryHeap::new(),
            meets: None,
            until: Some(i64::MIN),
        }
    }

    /// Takes a row; false if what it would meet may be gone.
    pub(super) fn enter(
        &mut self,
        (hash, key): (u64, K),
        time: i64,
        row: Row<L, R>,
        at: i64,
    ) -> bool {
        if time.saturating_add(self.lateness) < at {
            return false;
        }
        let at = self.keys.enter(hash, key);
        let Some((lefts, rights)) = self.keys.rows(at) else {
            return true;
        };
        let (left, place, others, last) = match row {
            Row::Left(row) => {
                let others = (time.saturating_add(self.from), time.saturating_add(self.to));
                (
                    true,
                    insert(lefts, time, row),
                    near(rights, others),
                    others.1,
                )
            }
            Row::Right(row) => {
                let others = (time.saturating_sub(self.to), time.saturating_sub(self.from));
                (
                    false,
                    insert(rights, time, row),
                    near(lefts, others),
                    others.1,
                )
            }
        };
        let due = last.saturating_add(self.lateness);
        self.due.push(Reverse((due, at, left)));
        self.meets = Some(Meets {
            left,
            at,
            place,
            others,
        });
        true
    }

    /// Pairs the row that was taken last, until there are so many pairs; true once it has met all.
    pub(super) fn pairs<M: JoinKind<L, R>>(&mut self, out: &mut Vec<M::Item>, most: usize) -> bool {
        if let Some(Meets {
            left,
            at,
            place,
            others,
        }) = &mut self.meets
        {
            if let Some((lefts, rights)) = self.keys.rows(*at) {
                while others.start < others.end {
                    if out.len() >= most {
                        return false;
                    }
                    let (l, r) = match left {
                        true => (*place, others.start),
                        false => (others.start, *place),
                    };
                    if let (Some(l), Some(r)) = (lefts.get_mut(l), rights.get_mut(r)) {
                        (l.matched, r.matched) = (true, true);
                        out.push(M::pair(l.row.clone(), r.row.clone()));
                    }
                    others.start += 1;
                }
            }
        }
        self.meets = None;
        true
    }

    /// Says how far both sides are.
    pub(super) fn advance(&mut self, at: i64) {
        self.until = Some(at);
    }

    /// Says that nothing comes any more.
    pub(super) fn finish(&mut self) {
        self.until = None;
    }

    /// Drops the rows that can meet nothing any more, and gives those that nothing matched, until there are so many;
    /// true once all are gone.
    pub(super) fn alone<M: JoinKind<L, R>>(&mut self, out: &mut Vec<M::Item>, most: usize) -> bool {
        let mut looked_at = 0;
        while let Some(Reverse((due, at, left))) = self.due.peek() {
            if self.until.is_some_and(|until| *due >= until) {
                break;
            }
            if out.len() >= most || looked_at >= LOOKED_AT {
                return false;
            }
            looked_at += 1;
            // The first in its queue is due: each row has its own turn, and the queue is in the order of turns.
            if let Some((lefts, rights)) = self.keys.rows(*at) {
                if *left {
                    let row = lefts.pop_front().filter(|kept| !kept.matched);
                    out.extend(row.and_then(|kept| M::left(kept.row)));
                } else {
                    let row = rights.pop_front().filter(|kept| !kept.matched);
                    out.extend(row.and_then(|kept| M::right(kept.row)));
                }
                if lefts.is_empty() && rights.is_empty() {
                    self.keys.leave(*at);
                }
            }
            self.due.pop();
        }
        true
    }

    #[cfg(test)]
    fn len(&self) -> (usize, usize) {
        (self.keys.len(), self.due.len())
    }
}

/// Puts a row in its place, which it returns: behind those of the same time.
fn insert<T>(queue: &mut Queue<T>, time: i64, row: T) -> usize {
    let place = queue.partition_point(|kept| kept.time <= time);
    let kept = Kept {
        time,
        matched: false,
        row,
    };
    queue.insert(place, kept);
    place
}

/// The places of the rows with times between two, both included.
fn near<T>(queue: &Queue<T>, (from, to): (i64, i64)) -> Range<usize> {
    let start = queue.partition_point(|kept| kept.time < from);
    let end = queue.partition_point(|kept| kept.time <= to);
    start..end
}

#[cfg(test)]
mod tests {
    use super::super::super::FullOuter;
    use super::*;

    type Pair = (Option<i64>, Option<i64>);

    /// A join of rows that are their times, all with one key, where the right one comes 1 before to 3 after the left.
    struct Rows(Interval<(), i64, i64>);

    impl Rows {
        fn new(lateness: i64) -> Self {
            Rows(Interval::new((-1, 3), lateness))
        }

        /// Pairs in the order of time, or `None` if the row is late.
        fn put(&mut self, row: Row<i64, i64>, at: i64) -> Option<Vec<Pair>> {
            let (Row::Left(time) | Row::Right(time)) = row;
            let mut out = Vec::new();
            if !self.0.enter((0, ()), time, row, at) {
                return None;
            }
            // Interrupted after the first.
            if !self.0.pairs::<FullOuter>(&mut out, 1) {
                assert!(self.0.pairs::<FullOuter>(&mut out, usize::MAX));
            }
            Some(out)
        }

        fn alone(&mut self) -> Vec<Pair> {
            let mut all = Vec::new();
            while {
                let mut out = Vec::new();
                let done = self.0.alone::<FullOuter>(&mut out, 1);
                all.append(&mut out);
                !done
            } {}
            all
        }
    }

    #[test]
    fn rows_meet_whose_times_are_near() {
        let mut rows = Rows::new(0);
        for (time, met) in [(13, 0), (9, 0), (10, 0), (14, 0), (8, 0)] {
            let pairs = rows.put(Row::Right(time), 0).unwrap();
            assert_eq!(pairs.len(), met);
        }
        let met = [9, 10, 13].map(|right| (Some(10), Some(right)));
        assert_eq!(rows.put(Row::Left(10), 0).unwrap(), met);
        let met = [(Some(10), Some(11))];
        assert_eq!(rows.put(Row::Right(11), 0).unwrap(), met);
    }

    #[test]
    fn rows_go_when_nothing_can_come_that_they_meet() {
        let mut rows = Rows::new(0);
        rows.put(Row::Left(12), 0);
        rows.put(Row::Left(10), 0);
        rows.put(Row::Right(11), 0);
        rows.put(Row::Right(20), 0);
        rows.0.advance(13);
        // A left row of 10 would meet a right one of 13, a right one of 11 a left one of 12.
        assert_eq!(rows.alone(), []);
        assert_eq!(rows.0.len(), (1, 3));
        assert_eq!(rows.put(Row::Left(12), 13), None, "it is late");
        rows.0.advance(16);
        assert_eq!(rows.alone(), [(Some(12), None)][..0]);
        assert_eq!(rows.0.len(), (1, 1));
        rows.0.finish();
        assert_eq!(rows.alone(), [(None, Some(20))]);
        assert_eq!(rows.0.len(), (0, 0));
    }

    #[test]
    fn lateness_keeps_rows_and_takes_late_ones() {
        let mut rows = Rows::new(5);
        rows.put(Row::Left(10), 0);
        rows.0.advance(18);
        assert_eq!(rows.alone(), []);
        let met = [(Some(10), Some(13))];
        assert_eq!(rows.put(Row::Right(13), 18).unwrap(), met);
        assert_eq!(rows.put(Row::Right(12), 18), None);
    }

    #[test]
    fn times_at_the_ends_of_what_can_be_said() {
        let mut rows = Rows::new(0);
        for time in [i64::MIN, i64::MAX] {
            assert_eq!(rows.put(Row::Left(time), i64::MIN).unwrap(), []);
            let met = [(Some(time), Some(time))];
            assert_eq!(rows.put(Row::Right(time), i64::MIN).unwrap(), met);
        }
        rows.0.finish();
        assert_eq!(rows.alone(), []);
        assert_eq!(rows.0.len(), (0, 0));
    }
}
