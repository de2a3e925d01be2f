//! What consumers have asked for and not got, in the order in which they are served. The arithmetic that dispatchers by
//! demand and by turn have in common.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use ahash::RandomState;

use crate::stage::subscription::Tag;

/// Where a consumer stands in the queue: the least is served first.
pub(super) trait Place: Ord + Copy {
    /// The place of one that has so much demand, and got it as the `turn`th.
    fn new(demand: u64, turn: u64) -> Self;
    /// The place of one that stands here already and has asked for more.
    fn asked(self, demand: u64, turn: u64) -> Self;
}

/// The highest demand first; among equals, the one first whose demand changed longest ago.
pub(super) type MostFirst = (Reverse<u64>, u64);

impl Place for MostFirst {
    fn new(demand: u64, turn: u64) -> Self {
        (Reverse(demand), turn)
    }

    fn asked(self, demand: u64, turn: u64) -> Self {
        Self::new(demand, turn)
    }
}

/// Whoever has waited longest.
pub(super) type InTurn = u64;

impl Place for InTurn {
    fn new(_: u64, turn: u64) -> Self {
        turn
    }

    fn asked(self, _: u64, _: u64) -> Self {
        self
    }
}

#[derive(Debug)]
struct Credit<K> {
    demand: u64,
    /// None without demand: idle consumers stand in no queue.
    place: Option<K>,
}

/// The demand of all consumers. Every change costs O(log n).
#[derive(Debug)]
pub(super) struct Credits<K> {
    of: HashMap<Tag, Credit<K>, RandomState>,
    order: BTreeMap<K, Tag>,
    /// The demand of all.
    sum: u64,
    /// What consumers that are gone have asked for: the producer owes it, so nobody has to ask for it again.
    pending: u64,
    turn: u64,
}

impl<K: Place> Credits<K> {
    pub(super) fn new() -> Self {
        Credits {
            of: HashMap::default(),
            order: BTreeMap::new(),
            sum: 0,
            pending: 0,
            turn: 0,
        }
    }

    pub(super) fn subscribe(&mut self, from: Tag) {
        self.of.entry(from).or_insert(Credit {
            demand: 0,
            place: None,
        });
    }

    pub(super) fn cancel(&mut self, from: Tag) {
        let Some(credit) = self.of.remove(&from) else {
            return;
        };
        if let Some(place) = credit.place {
            self.order.remove(&place);
        }
        self.sum -= credit.demand;
        self.pending += credit.demand;
    }

    /// Adds demand; returns what the producer does not owe yet.
    pub(super) fn ask(&mut self, from: Tag, n: u64) -> u64 {
        let Some(credit) = self.of.get_mut(&from) else {
            return 0;
        };
        // Never more than can be counted, whatever is asked for.
        let n = n.min(u64::MAX - self.sum - self.pending);
        if n == 0 {
            return 0;
        }
        credit.demand += n;
        self.sum += n;
        self.turn += 1;
        let place = match credit.place {
            Some(place) => {
                self.order.remove(&place);
                place.asked(credit.demand, self.turn)
            }
            None => K::new(credit.demand, self.turn),
        };
        credit.place = Some(place);
        self.order.insert(place, from);
        let owed = n.min(self.pending);
        self.pending -= owed;
        n - owed
    }

    /// Who is served next, and its demand, which is never zero.
    pub(super) fn first(&self) -> Option<(Tag, u64)> {
        let (_, tag) = self.order.first_key_value()?;
        Some((*tag, self.demand(*tag)))
    }

    pub(super) fn demand(&self, of: Tag) -> u64 {
        self.of.get(&of).map_or(0, |credit| credit.demand)
    }

    /// Everybody who has demand, in order.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Tag> {
        self.order.values().copied()
    }

    /// Takes demand that was served, no more than there is, and gives the consumer a new place.
    pub(super) fn serve(&mut self, to: Tag, n: u64) {
        let Some(credit) = self.of.get_mut(&to) else {
            return;
        };
        if let Some(place) = credit.place.take() {
            self.order.remove(&place);
        }
        credit.demand -= n;
        self.sum -= n;
        if credit.demand > 0 {
            self.turn += 1;
            let place = K::new(credit.demand, self.turn);
            credit.place = Some(place);
            self.order.insert(place, to);
        }
    }

    /// Events came that nobody has asked for: those that are gone did.
    pub(super) fn unwanted(&mut self, n: usize) {
        self.pending = self.pending.saturating_sub(n as u64);
    }

    /// Grants demand for events that are there already: what the producer owes, it owes still.
    pub(super) fn draw(&mut self, held: u64) -> u64 {
        let drawn = held.min(self.sum).min(u64::MAX - self.sum - self.pending);
        self.pending += drawn;
        drawn
    }

    #[cfg(test)]
    pub(super) fn pending(&self) -> u64 {
        self.pending
    }

    /// What the producer owes.
    #[cfg(test)]
    pub(super) fn owed(&self) -> u64 {
        self.sum + self.pending
    }
}
