//! The table that all parts of a consumer use in turn: chains of rows by the low bits of their hash.
//!
//! Building it compares no keys and moves no rows: two stores a row, in the order of the rows. Looking up compares keys
//! along a chain, which has one row on average, and as many more as there are rows with the key that is looked for.

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

/// Where a run of rows is that is looked up in the table.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// The row that is looked up.
    at: usize,
    /// Its hash.
    hash: u64,
    /// The rest of the chain it is looked for in.
    chain: u32,
    /// The rows to look up after it.
    rest: Range<usize>,
}

impl Cursor {
    pub(super) fn new(run: Range<usize>) -> Self {
        Cursor {
            rest: run,
            ..Cursor::default()
        }
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
        loop {
            while self.chain != 0 {
                let place = self.chain as usize - 1;
                self.chain = table.next[place];
                let found = table.first + place;
                if entered.is(found, self.hash, looked_up.key(self.at)) {
                    return Some((self.at, found));
                }
            }
            self.at = self.rest.next()?;
            self.hash = looked_up.hash_at(self.at, &rehash);
            self.chain = table.head(self.hash);
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn every_row_of_a_key_is_found_in_order_and_no_other() {
        let entered = rows([9, 1, 2, 1, 5, 1, 9]);
        let looked_up = rows([7, 1, 9, 5]);
        // A bad hash puts all in one chain or in few.
        for hash in [|_: &u64| 0, |key: &u64| *key % 2, |key: &u64| *key] {
            let mut table = Table::default();
            table.enter(&entered, 1..6, hash);
            let mut cursor = Cursor::new(0..4);
            let mut found = Vec::new();
            while let Some(pair) = cursor.next(&table, &looked_up, &entered, hash) {
                found.push(pair);
            }
            assert_eq!(found, [(1, 1), (1, 3), (1, 5), (3, 4)]);
        }
    }
}
