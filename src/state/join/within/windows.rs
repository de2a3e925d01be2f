//! Rows of both sides by key and window of event time: every left row of a window meets every right one.
//!
//! A key has a short list of its windows, and a window one of its keys. So a row costs one look-up, and the end of a
//! window what it drops.

use std::collections::VecDeque;
use std::vec;

use super::super::JoinKind;
use super::keys::Keys;
use super::{LOOKED_AT, Row};
use crate::window::{Fit, Keep, Kind, OpenWindows, Panes};

/// The rows of a key, by the start of their window, in its order.
type OfKey<L, R> = Vec<(i64, Met<L, R>)>;

/// The rows of a key in a window.
#[derive(Debug)]
struct Met<L, R> {
    left: Vec<L>,
    right: Vec<R>,
}

/// The rows of the windows that are open.
#[derive(Debug)]
pub(super) struct Windows<K, L, R> {
    keys: Keys<K, OfKey<L, R>>,
    /// The places of the keys of each window.
    panes: Panes<Vec<u32>>,
    entering: Option<Entering<L, R>>,
    /// Windows that are over, with the places of their keys.
    ended: VecDeque<(i64, vec::IntoIter<u32>)>,
    /// Rows of them that nothing matched.
    alone: (vec::IntoIter<L>, vec::IntoIter<R>),
}

/// A row on its way into its windows.
#[derive(Debug)]
struct Entering<L, R> {
    /// `None` once it is in the last one.
    row: Option<Row<L, R>>,
    left: bool,
    at: u32,
    next: i64,
    last: i64,
    step: i64,
    /// The window it was put into, and how many rows of the other side it has met there.
    meets: Option<(i64, usize)>,
}

impl<K: Eq, L: Clone, R: Clone> Windows<K, L, R> {
    pub(super) fn new(kind: Kind, lateness: i64) -> Self {
        Windows {
            keys: Keys::default(),
            panes: Panes::new(kind, lateness, 0),
            entering: None,
            ended: VecDeque::new(),
            alone: (Vec::new().into_iter(), Vec::new().into_iter()),
        }
    }

    /// Takes a row; false if its windows have ended.
    pub(super) fn enter(
        &mut self,
        (hash, key): (u64, K),
        time: i64,
        row: Row<L, R>,
        at: i64,
    ) -> bool {
        match self.panes.windows(time, at) {
            Fit::Late => false,
            Fit::Between => true,
            Fit::In { first, last, step } => {
                self.entering = Some(Entering {
                    left: matches!(row, Row::Left(_)),
                    row: Some(row),
                    at: self.keys.enter(hash, key),
                    next: first,
                    last,
                    step,
                    meets: None,
                });
                true
            }
        }
    }

    /// Pairs the row that was taken last, until there are so many pairs; true once it has met all.
    pub(super) fn pairs<M: JoinKind<L, R>>(&mut self, out: &mut Vec<M::Item>, most: usize) -> bool {
        while let Some(row) = &mut self.entering {
            let Some(of_key) = self.keys.rows(row.at) else {
                break;
            };
            if let Some((start, met)) = &mut row.meets {
                let Some(rows) = window(of_key, *start) else {
                    break;
                };
                let others = match row.left {
                    true => rows.right.len(),
                    false => rows.left.len(),
                };
                while *met < others {
                    if out.len() >= most {
                        return false;
                    }
                    // The row itself is the last of its side.
                    let (l, r) = match row.left {
                        true => (rows.left.last(), rows.right.get(*met)),
                        false => (rows.left.get(*met), rows.right.last()),
                    };
                    if let (Some(l), Some(r)) = (l, r) {
                        out.push(M::pair(l.clone(), r.clone()));
                    }
                    *met += 1;
                }
                row.meets = None;
            }
            let start = row.next;
            let copy = if start < row.last {
                row.row.clone()
            } else {
                row.row.take()
            };
            let Some(copy) = copy else { break };
            row.next = start.saturating_add(row.step);
            let place = match of_key.binary_search_by_key(&start, |(start, _)| *start) {
                Ok(place) => place,
                Err(place) => {
                    let (left, right) = (Vec::new(), Vec::new());
                    of_key.insert(place, (start, Met { left, right }));
                    self.panes.enter(start, None, Vec::new).0.push(row.at);
                    place
                }
            };
            match copy {
                Row::Left(l) => of_key[place].1.left.push(l),
                Row::Right(r) => of_key[place].1.right.push(r),
            }
            row.meets = Some((start, 0));
        }
        self.entering = None;
        true
    }

    /// Ends the windows that the watermark has passed.
    pub(super) fn advance(&mut self, at: i64) {
        let ended = &mut self.ended;
        self.panes.advance(at, Vec::new, |pane, _, keep| {
            if let Keep::Ends(keys) = keep {
                ended.push_back((pane.id(), keys.into_iter()));
            }
        });
    }

    /// Ends all windows.
    pub(super) fn finish(&mut self) {
        let ended = &mut self.ended;
        self.panes.finish(Vec::new, |pane, _, keep| {
            if let Keep::Ends(keys) = keep {
                ended.push_back((pane.id(), keys.into_iter()));
            }
        });
    }

    /// Drops the rows of windows that are over, and gives those that nothing matched, until there are so many; true
    /// once all are gone.
    pub(super) fn alone<M: JoinKind<L, R>>(&mut self, out: &mut Vec<M::Item>, most: usize) -> bool {
        let mut looked_at = 0;
        loop {
            while out.len() < most {
                let Some(l) = self.alone.0.next() else { break };
                out.extend(M::left(l));
            }
            while out.len() < most {
                let Some(r) = self.alone.1.next() else { break };
                out.extend(M::right(r));
            }
            if out.len() >= most || looked_at >= LOOKED_AT {
                return false;
            }
            let Some((start, keys)) = self.ended.front_mut() else {
                return true;
            };
            let Some(at) = keys.next() else {
                self.ended.pop_front();
                continue;
            };
            looked_at += 1;
            let Some(of_key) = self.keys.rows(at) else {
                continue;
            };
            if let Ok(place) = of_key.binary_search_by_key(start, |(start, _)| *start) {
                let (_, Met { left, right }) = of_key.remove(place);
                if M::LEFT && right.is_empty() {
                    self.alone.0 = left.into_iter();
                } else if M::RIGHT && left.is_empty() {
                    self.alone.1 = right.into_iter();
                }
            }
            if of_key.is_empty() {
                self.keys.leave(at);
            }
        }
    }

    #[cfg(test)]
    fn len(&self) -> (usize, usize) {
        (self.keys.len(), self.panes.len())
    }
}

fn window<L, R>(of_key: &mut OfKey<L, R>, start: i64) -> Option<&mut Met<L, R>> {
    let place = of_key.binary_search_by_key(&start, |(start, _)| *start);
    Some(&mut of_key[place.ok()?].1)
}

#[cfg(test)]
mod tests {
    use super::super::super::FullOuter;
    use super::*;

    type Pair = (Option<i64>, Option<i64>);

    /// A join whose rows are their times, with one key in ten.
    struct Rows(Windows<i64, i64, i64>);

    impl Rows {
        fn new(size: i64, slide: i64) -> Self {
            Rows(Windows::new(Kind::Time { size, slide }, 0))
        }

        fn put(&mut self, row: Row<i64, i64>, at: i64) -> Vec<Pair> {
            let (Row::Left(time) | Row::Right(time)) = row;
            let mut out = Vec::new();
            let key = time.rem_euclid(10);
            if self.0.enter((0, key), time, row, at) {
                // Interrupted after the first.
                if !self.0.pairs::<FullOuter>(&mut out, 1) {
                    assert!(self.0.pairs::<FullOuter>(&mut out, usize::MAX));
                }
            }
            out
        }

        fn alone(&mut self) -> Vec<Pair> {
            let mut all = Vec::new();
            loop {
                let mut out = Vec::new();
                let done = self.0.alone::<FullOuter>(&mut out, 1);
                all.append(&mut out);
                if done {
                    return all;
                }
            }
        }
    }

    #[test]
    fn rows_of_a_window_and_a_key_meet() {
        let mut rows = Rows::new(20, 20);
        assert_eq!(rows.put(Row::Left(3), 0), []);
        assert_eq!(rows.put(Row::Left(13), 0), []);
        assert_eq!(rows.put(Row::Left(23), 0), []);
        assert_eq!(rows.put(Row::Right(4), 0), []);
        let met = [(Some(3), Some(3)), (Some(13), Some(3))];
        assert_eq!(rows.put(Row::Right(3), 0), met);
        assert_eq!(rows.0.len(), (2, 2));
        rows.0.advance(20);
        assert_eq!(rows.alone(), [(None, Some(4))]);
        assert_eq!(rows.0.len(), (1, 1));
        assert_eq!(rows.put(Row::Right(13), 20), [], "it is late");
        rows.0.finish();
        assert_eq!(rows.alone(), [(Some(23), None)]);
        assert_eq!(rows.0.len(), (0, 0));
    }

    #[test]
    fn each_window_is_a_join_of_its_own() {
        let mut rows = Rows::new(30, 10);
        assert_eq!(rows.put(Row::Left(25), 0), []);
        assert_eq!(rows.put(Row::Right(35), 0), [(Some(25), Some(35)); 2]);
        assert_eq!(rows.put(Row::Right(5), 30), [], "its windows have ended");
        rows.0.finish();
        assert_eq!(rows.alone(), [(Some(25), None), (None, Some(35))]);
    }
}
