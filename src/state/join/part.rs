//! The rows of a part, how a round matches them, and the iterator that gives what matched.

use std::cell::RefCell;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::rc::Rc;

use super::JoinKind;
use super::table::{Cursor, Table};
use crate::state::entries::Entries;

/// One side of a part.
#[derive(Debug)]
pub(super) struct Rows<K, T> {
    pub(super) rows: Entries<K, T>,
    /// So many, the first ones, have been matched with all rows of the other side that are old too.
    old: usize,
    /// Which rows matched, where the join asks for those that did not.
    matched: Vec<bool>,
}

impl<K, T> Default for Rows<K, T> {
    fn default() -> Self {
        Rows {
            rows: Entries::default(),
            old: 0,
            matched: Vec::new(),
        }
    }
}

impl<K, T> Rows<K, T> {
    pub(super) fn old(&self) -> usize {
        self.old
    }

    fn is_new(&self) -> bool {
        self.old < self.rows.len()
    }

    /// Takes a row from the end that nothing matched.
    fn pop_unmatched(&mut self) -> Option<T> {
        while let Some((_, row)) = self.rows.pop() {
            if self.matched.pop() != Some(true) {
                return Some(row);
            }
        }
        None
    }

    /// All rows have been matched: they are old, or not needed any more.
    fn settle(&mut self, last: bool) {
        if !last {
            self.old = self.rows.len();
        } else if self.old > 0 {
            *self = Rows::default();
        } else {
            // Rows pass through from now on: the next ones have the same memory.
            self.rows.clear();
            self.matched.clear();
        }
    }
}

/// Both sides of a part.
#[derive(Debug)]
pub(super) struct Part<K, L, R> {
    pub(super) left: Rows<K, L>,
    pub(super) right: Rows<K, R>,
}

impl<K, L, R> Default for Part<K, L, R> {
    fn default() -> Self {
        Part {
            left: Rows::default(),
            right: Rows::default(),
        }
    }
}

/// Which sides have all their rows, in this consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Complete {
    pub(super) left: bool,
    pub(super) right: bool,
}

/// What is being done with the part on the bench, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// New left rows meet old right ones.
    NewLeft,
    /// All left rows meet new right ones.
    NewRight,
    /// Left rows that are final leave.
    LeftOut,
    /// Right rows that are final leave.
    RightOut,
    Done,
}

/// A consumer's parts, and what works on one of them.
#[derive(Debug)]
pub(super) struct Bench<K, L, R> {
    pub(super) parts: Vec<Part<K, L, R>>,
    table: Table,
    cursor: Cursor,
    /// Whether it is left rows that are in the table.
    left_entered: bool,
    phase: Phase,
    /// The part that is being matched.
    at: usize,
    complete: Complete,
}

impl<K, L, R> Bench<K, L, R> {
    pub(super) fn new(parts: usize) -> Self {
        Bench {
            parts: (0..parts).map(|_| Part::default()).collect(),
            table: Table::default(),
            cursor: Cursor::default(),
            left_entered: false,
            phase: Phase::Done,
            at: 0,
            complete: Complete {
                left: false,
                right: false,
            },
        }
    }

    /// Puts a part on the bench; false if a round would change nothing in it.
    pub(super) fn lay_out(
        &mut self,
        at: usize,
        complete: Complete,
        rehash: impl Fn(&K) -> u64,
    ) -> bool {
        self.settle();
        let part = &self.parts[at];
        let gone = |is: bool, rows: usize| is && rows > 0;
        let work = part.left.is_new()
            || part.right.is_new()
            || gone(complete.right, part.left.rows.len())
            || gone(complete.left, part.right.rows.len());
        if work {
            (self.at, self.complete) = (at, complete);
            self.phase = Phase::NewLeft;
            self.begin(rehash);
        }
        work
    }

    /// Lets go of a part that was left before its end: whoever took pairs wants no more of them.
    fn settle(&mut self) {
        if self.phase != Phase::Done {
            let part = &mut self.parts[self.at];
            part.left.settle(self.complete.right);
            part.right.settle(self.complete.left);
            self.phase = Phase::Done;
        }
    }

    /// Enters the shorter of the two runs that are to meet.
    fn begin(&mut self, rehash: impl Fn(&K) -> u64) {
        let Part { left, right } = &self.parts[self.at];
        let (of_left, of_right) = if self.phase == Phase::NewLeft {
            (left.old..left.rows.len(), 0..right.old)
        } else {
            (0..left.rows.len(), right.old..right.rows.len())
        };
        if of_left.is_empty() || of_right.is_empty() {
            self.cursor.begin(0..0);
            return;
        }
        self.left_entered = of_left.len() < of_right.len();
        if self.left_entered {
            self.table.enter(&left.rows, of_left, rehash);
            self.cursor.begin(of_right);
        } else {
            self.table.enter(&right.rows, of_right, rehash);
            self.cursor.begin(of_left);
        }
    }
}

impl<K: Eq, L: Clone, R: Clone> Bench<K, L, R> {
    fn next<M: JoinKind<L, R>>(&mut self, rehash: impl Fn(&K) -> u64) -> Option<M::Item> {
        loop {
            match self.phase {
                Phase::NewLeft | Phase::NewRight => {
                    let Part { left, right } = &mut self.parts[self.at];
                    let (cursor, table) = (&mut self.cursor, &self.table);
                    let found = if self.left_entered {
                        let found = cursor.next(table, &right.rows, &left.rows, &rehash);
                        found.map(|(right, left)| (left, right))
                    } else {
                        cursor.next(table, &left.rows, &right.rows, &rehash)
                    };
                    if let Some((at_left, at_right)) = found {
                        if M::LEFT {
                            mark(&mut left.matched, at_left);
                        }
                        if M::RIGHT {
                            mark(&mut right.matched, at_right);
                        }
                        let left = left.rows.item(at_left).clone();
                        return Some(M::pair(left, right.rows.item(at_right).clone()));
                    }
                    if self.phase == Phase::NewLeft {
                        self.phase = Phase::NewRight;
                        self.begin(&rehash);
                    } else {
                        self.phase = Phase::LeftOut;
                        let Part { left, right } = &mut self.parts[self.at];
                        if M::LEFT && self.complete.right {
                            left.matched.resize(left.rows.len(), false);
                        }
                        if M::RIGHT && self.complete.left {
                            right.matched.resize(right.rows.len(), false);
                        }
                    }
                }
                Phase::LeftOut => {
                    let left = &mut self.parts[self.at].left;
                    if M::LEFT && self.complete.right {
                        if let Some(row) = left.pop_unmatched() {
                            return M::left(row);
                        }
                    }
                    left.settle(self.complete.right);
                    self.phase = Phase::RightOut;
                }
                Phase::RightOut => {
                    let right = &mut self.parts[self.at].right;
                    if M::RIGHT && self.complete.left {
                        if let Some(row) = right.pop_unmatched() {
                            return M::right(row);
                        }
                    }
                    right.settle(self.complete.left);
                    self.phase = Phase::Done;
                }
                Phase::Done => return None,
            }
        }
    }
}

/// Notes that a row has matched.
fn mark(matched: &mut Vec<bool>, at: usize) {
    if matched.len() <= at {
        matched.resize(at + 1, false);
    }
    matched[at] = true;
}

/// What a round makes of one part.
pub struct Pairs<'s, K, L, R, M> {
    pub(super) bench: Rc<RefCell<Bench<K, L, R>>>,
    pub(super) hasher: &'s ahash::RandomState,
    pub(super) kind: PhantomData<fn() -> M>,
}

impl<K: Hash + Eq, L: Clone, R: Clone, M: JoinKind<L, R>> Iterator for Pairs<'_, K, L, R, M> {
    type Item = M::Item;

    #[inline]
    fn next(&mut self) -> Option<M::Item> {
        let hasher = self.hasher;
        self.bench
            .borrow_mut()
            .next::<M>(|key| hasher.hash_one(key))
    }
}

impl<K, L, R, M> fmt::Debug for Pairs<'_, K, L, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairs").finish_non_exhaustive()
    }
}
