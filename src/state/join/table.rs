//! The table that all parts of a consumer use in turn: chains of rows by the low bits of their hash.
//!
//! Building it compares no keys and moves no rows: two stores a row, in the order of the rows. Looking up compares keys
//! along a chain, which has at most one other row on average beside those with the key that is looked for.

use std::ops::Range;

use crate::state::entries::Entries;

/// Why a position fits 32 bits.
const MANY: &str = "a part has fewer than 2^32 rows a side";

/// Rows of one side, by hash.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// A power of two of chains: one more than the place of their first row, or zero.
    heads: Vec<u32>,
    /// The next row of a chain, in the same way.
    next: Vec<u32>,
    /// The position of the first row.
    first: usize,
}

impl Table {
    /// Enters a run of rows in place of what was there.
    pub(super) fn enter<K, A>(
        &mut self,
        rows: &Entries<K, A>,
        run: Range<usize>,
        rehash: impl Fn(&K) -> u64,
    ) {
        u32::try_from(rows.len()).expect(MANY);
        self.first = run.start;
        let chains = run.len().next_power_of_two();
        self.heads.clear();
        self.heads.resize(chains, 0);
        self.next.clear();
        self.next.resize(run.len(), 0);
        let mask = chains - 1;
        // From the last to the first, so that a chain is in the order of the rows.
        for place in (0..run.len()).rev() {
            let hash = rows.hash_at(run.start + place, &rehash);
            let head = &mut self.heads[hash as usize & mask];
            self.next[place] = *head;
            *head = place as u32 + 1;
        }
    }

    #[inline]
    fn head(&self, hash: u64) -> u32 {
        self.heads[hash as usize & (self.heads.len() - 1)]
    }
}

/// Rows looked up together, a step of each chain at a time: the loads of one need not wait for another's compare, and
/// nothing branches on where a chain ends or what matches, which is hard to foresee.
const LANES: usize = 64;

/// Matches found at a time, at most.
const FOUND: usize = 256;

/// A run of rows that is looked up in the table, and the matches found last.
#[derive(Debug)]
pub(super) struct Cursor {
    /// Rows that are looked up together, and where their chains go on.
    lanes: [(u32, u32); LANES],
    /// How many have not come to the end of their chains.
    walking: usize,
    /// The rows to look up after them.
    rest: Range<usize>,
    /// A row that was looked up, and one that was entered.
    found: [(u32, u32); FOUND],
    matches: usize,
    /// Matches given out.
    given: usize,
}

impl Default for Cursor {
    fn default() -> Self {
        Cursor {
            lanes: [(0, 0); LANES],
            walking: 0,
            rest: 0..0,
            found: [(0, 0); FOUND],
            matches: 0,
            given: 0,
        }
    }
}

impl Cursor {
    /// Begins to look up a run of rows in place of what was looked up before.
    pub(super) fn begin(&mut self, run: Range<usize>) {
        u32::try_from(run.end).expect(MANY);
        self.rest = run;
        (self.walking, self.matches, self.given) = (0, 0, 0);
    }

    /// The next match: a row that was looked up, and one that was entered.
    #[inline]
    pub(super) fn next<K: Eq, A, B>(
        &mut self,
        table: &Table,
        looked_up: &Entries<K, A>,
        entered: &Entries<K, B>,
        rehash: impl Fn(&K) -> u64,
    ) -> Option<(usize, usize)> {
        if self.given == self.matches {
            self.find(table, looked_up, entered, rehash);
        }
        let (at, found) = *self.found[..self.matches].get(self.given)?;
        self.given += 1;
        Some((at as usize, found as usize))
    }

    /// Looks rows up until there are some matches or no more rows.
    #[inline(never)]
    fn find<K: Eq, A, B>(
        &mut self,
        table: &Table,
        looked_up: &Entries<K, A>,
        entered: &Entries<K, B>,
        rehash: impl Fn(&K) -> u64,
    ) {
        let (mut matches, mut walking) = (0, self.walking);
        while matches + LANES <= FOUND {
            if walking == 0 {
                let first = self.rest.start;
                let rows = self.rest.len().min(LANES);
                if rows == 0 || matches >= FOUND / 2 {
                    break;
                }
                self.rest.start += rows;
                for row in first..first + rows {
                    let chain = table.head(looked_up.hash_at(row, &rehash));
                    self.lanes[walking] = (row as u32, chain);
                    walking += usize::from(chain != 0);
                }
            }
            let mut left = 0;
            for lane in 0..walking {
                let (row, chain) = self.lanes[lane];
                let place = chain as usize - 1;
                let (at, found) = (row as usize, table.first + place);
                self.found[matches] = (row, found as u32);
                let same = entered.carried(found) == looked_up.carried(at)
                    && entered.key(found) == looked_up.key(at);
                matches += usize::from(same);
                let next = table.next[place];
                self.lanes[left] = (row, next);
                left += usize::from(next != 0);
            }
            walking = left;
        }
        (self.walking, self.matches, self.given) = (walking, matches, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;
    use crate::state::Entry;

    fn rows(keys: impl IntoIterator<Item = u64>) -> Entries<u64, ()> {
        let mut rows = Entries::default();
        for key in keys {
            rows.push(Entry {
                hash: 0,
                key,
                acc: (),
            });
        }
        rows
    }

    #[test]
    fn every_row_of_a_key_is_found_and_no_other() {
        let entered = rows([9, 1, 2, 1, 5, 1, 9]);
        let looked_up = rows([7, 1, 9, 5]);
        // A bad hash puts all in one chain or in few.
        for hash in [|_: &u64| 0, |key: &u64| *key % 2, |key: &u64| *key] {
            let mut table = Table::default();
            table.enter(&entered, 1..6, hash);
            let mut cursor = Cursor::default();
            cursor.begin(0..4);
            let mut found = Vec::new();
            while let Some(pair) = cursor.next(&table, &looked_up, &entered, hash) {
                found.push(pair);
            }
            found.sort();
            assert_eq!(found, [(1, 1), (1, 3), (1, 5), (3, 4)]);
        }
    }

    #[test]
    fn more_matches_than_are_found_at_a_time() {
        let (entered, looked_up) = (rows(iter::repeat_n(1, 1000)), rows(iter::repeat_n(1, 70)));
        let mut table = Table::default();
        table.enter(&entered, 0..1000, |_| 3);
        let mut cursor = Cursor::default();
        cursor.begin(0..70);
        let found = iter::from_fn(|| cursor.next(&table, &looked_up, &entered, |_| 3));
        let mut found: Vec<_> = found.collect();
        found.sort();
        let all = (0..70).flat_map(|l| (0..1000).map(move |e| (l, e)));
        assert!(found.into_iter().eq(all));
    }
}
