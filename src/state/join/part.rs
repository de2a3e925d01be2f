//! The rows of a part, how a round matches them, and the iterator that gives what matched.

use std::cell::RefCell;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::rc::Rc;

use super::JoinKind;
use super::table::{Cursor, Table};
use crate::state::Entry;
use crate::state::entries::Entries;

/// Rows that are laid down in chunks: fewer are joined to the ones before, lest chunks be many and small.
const SMALL: usize = 64;

/// Rows of a chunk that is joined together, at most.
const CHUNK: usize = 256;

/// One side of a part as it lies in memory: in the vectors it came in, so that nothing is moved, grown or freed.
#[derive(Debug)]
pub(super) struct Stock<K, T> {
    chunks: Vec<Entries<K, T>>,
    rows: usize,
    /// So many, the first ones, have been matched with all rows of the other side that are old too.
    old: usize,
    /// Which rows matched, where the join asks for those that did not; those behind its end did not.
    matched: Vec<bool>,
}

impl<K, T> Default for Stock<K, T> {
    fn default() -> Self {
        Stock {
            chunks: Vec::new(),
            rows: 0,
            old: 0,
            matched: Vec::new(),
        }
    }
}

impl<K, T> Stock<K, T> {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn old(&self) -> usize {
        self.old
    }

    fn is_new(&self) -> bool {
        self.old < self.rows
    }

    /// Lays a parcel down; gives its vector back if that was not kept.
    pub(super) fn add(&mut self, mut parcel: Entries<K, T>) -> Option<Entries<K, T>> {
        self.rows += parcel.len();
        match self.chunks.last_mut() {
            Some(last) if parcel.len() < SMALL && last.len() < CHUNK => {
                last.append(&mut parcel);
                Some(parcel)
            }
            _ => {
                self.chunks.push(parcel);
                None
            }
        }
    }

    /// Lays one row down.
    pub(super) fn push(&mut self, entry: Entry<K, T>) {
        self.rows += 1;
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(entry),
            _ => {
                let mut chunk = Entries::default();
                chunk.push(entry);
                self.chunks.push(chunk);
            }
        }
    }
}

/// One side of the part that is being matched: in one vector, which is used for all parts in turn and stays in cache.
#[derive(Debug)]
struct Rows<K, T> {
    rows: Entries<K, T>,
    old: usize,
    matched: Vec<bool>,
    /// The vectors that the rows lay in.
    emptied: Vec<Entries<K, T>>,
}

impl<K, T> Default for Rows<K, T> {
    fn default() -> Self {
        Rows {
            rows: Entries::default(),
            old: 0,
            matched: Vec::new(),
            emptied: Vec::new(),
        }
    }
}

impl<K, T> Rows<K, T> {
    fn take_from(&mut self, stock: &mut Stock<K, T>) {
        for mut chunk in stock.chunks.drain(..) {
            self.rows.append(&mut chunk);
            self.emptied.push(chunk);
        }
        (self.old, stock.rows, stock.old) = (stock.old, 0, 0);
        self.matched = std::mem::take(&mut stock.matched);
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

    /// All rows have been matched: they go back and are old, or are not needed any more.
    fn settle(&mut self, last: bool, stock: &mut Stock<K, T>) {
        if last {
            self.rows.clear();
            return;
        }
        (stock.rows, stock.old) = (self.rows.len(), self.rows.len());
        stock.matched = std::mem::take(&mut self.matched);
        // From the end, into the vectors they lay in; the places of the rows stay the same.
        while !self.rows.is_empty() {
            let mut chunk = self.emptied.pop().unwrap_or_default();
            chunk.take_tail(&mut self.rows, CHUNK);
            stock.chunks.push(chunk);
        }
        stock.chunks.reverse();
    }
}

/// Both sides of a part.
#[derive(Debug)]
pub(super) struct Part<K, L, R> {
    pub(super) left: Stock<K, L>,
    pub(super) right: Stock<K, R>,
}

impl<K, L, R> Default for Part<K, L, R> {
    fn default() -> Self {
        Part {
            left: Stock::default(),
            right: Stock::default(),
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
    left: Rows<K, L>,
    right: Rows<K, R>,
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
            left: Rows::default(),
            right: Rows::default(),
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
        let Part { left, right } = &mut self.parts[at];
        let leave = (complete.right && left.rows > 0) || (complete.left && right.rows > 0);
        if !leave && (left.rows == 0 || right.rows == 0) {
            // There is nothing to meet, and all may still be met.
            (left.old, right.old) = (left.rows, right.rows);
            return false;
        }
        if !leave && !left.is_new() && !right.is_new() {
            return false;
        }
        self.left.take_from(left);
        self.right.take_from(right);
        (self.at, self.complete) = (at, complete);
        self.phase = Phase::NewLeft;
        self.begin(rehash);
        true
    }

    /// Lets go of a part that was left before its end: whoever took pairs wants no more of them.
    fn settle(&mut self) {
        if self.phase != Phase::Done {
            let part = &mut self.parts[self.at];
            self.left.settle(self.complete.right, &mut part.left);
            self.right.settle(self.complete.left, &mut part.right);
            self.phase = Phase::Done;
        }
    }

    /// The vectors that rows lay in which are gone.
    pub(super) fn emptied(&mut self) -> (&mut Vec<Entries<K, L>>, &mut Vec<Entries<K, R>>) {
        (&mut self.left.emptied, &mut self.right.emptied)
    }

    /// Enters the shorter of the two runs that are to meet.
    fn begin(&mut self, rehash: impl Fn(&K) -> u64) {
        let (left, right) = (&self.left, &self.right);
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
                    let (left, right) = (&mut self.left, &mut self.right);
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
                        let (left, right) = (&mut self.left, &mut self.right);
                        if M::LEFT && self.complete.right {
                            left.matched.resize(left.rows.len(), false);
                        }
                        if M::RIGHT && self.complete.left {
                            right.matched.resize(right.rows.len(), false);
                        }
                    }
                }
                Phase::LeftOut => {
                    let left = &mut self.left;
                    if M::LEFT && self.complete.right {
                        if let Some(row) = left.pop_unmatched() {
                            return M::left(row);
                        }
                    }
                    left.settle(self.complete.right, &mut self.parts[self.at].left);
                    self.phase = Phase::RightOut;
                }
                Phase::RightOut => {
                    let right = &mut self.right;
                    if M::RIGHT && self.complete.left {
                        if let Some(row) = right.pop_unmatched() {
                            return M::right(row);
                        }
                    }
                    right.settle(self.complete.left, &mut self.parts[self.at].right);
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
