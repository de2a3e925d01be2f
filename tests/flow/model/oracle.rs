//! The sequential side: a vector of items, and what a flow that did the same promises of their order.

use std::collections::BTreeMap;

/// Values stay below this, so that no sum overflows.
pub(super) const LIMIT: i64 = 1_000_003;

/// What the flow should give, and what it promises of the order.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) items: Vec<i64>,
    /// The stage being written is ordered.
    pub(super) ordered: bool,
    /// Order was used by a `take`, so that it may end.
    pub(super) used: bool,
    /// The order of the input is that of the vector.
    pub(super) known: bool,
    /// No step has gathered items of several chunks.
    pub(super) placed: bool,
    /// A reduction stands in the stage being written, so that `ordered` changes nothing.
    pub(super) reduced: bool,
}

impl Model {
    /// A boundary by key is a plan error while order is still wanted; such a step is left out of the chain.
    pub(super) fn may_hash(&self) -> bool {
        !self.ordered || self.used
    }

    pub(super) fn hashed(&mut self) {
        self.reduced = false;
        (self.ordered, self.used, self.known, self.placed) = (false, false, false, false);
    }

    pub(super) fn shuffled(&mut self) {
        self.reduced = false;
        self.known &= self.ordered;
        self.placed = false;
    }

    pub(super) fn reduce(&mut self) {
        self.reduced = true;
        (self.ordered, self.known, self.placed) = (false, false, false);
    }

    pub(super) fn each(&mut self, f: impl Fn(i64) -> i64) {
        self.items.iter_mut().for_each(|n| *n = f(*n));
    }

    pub(super) fn groups(&self, m: i64) -> BTreeMap<i64, Vec<i64>> {
        let mut groups: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for n in &self.items {
            groups.entry(n.rem_euclid(m)).or_default().push(*n);
        }
        groups
    }

    /// Replaces the items by one a group.
    pub(super) fn by_key(&mut self, m: i64, f: impl Fn(i64, Vec<i64>) -> i64) {
        self.items = self.groups(m).into_iter().map(|(k, v)| f(k, v)).collect();
        self.hashed();
    }
}

pub(super) fn squeeze(n: i64) -> i64 {
    n.rem_euclid(LIMIT)
}

/// One number of several, each of which matters.
pub(super) fn mix(parts: &[i64]) -> i64 {
    parts.iter().fold(7, |a, b| squeeze(a * 31 + b + 1))
}
