//! By demand: the consumer that has asked for most is served first, with one run of events.

use super::credit::{Credits, MostFirst};
use super::{Dispatcher, Notice, Outbox, fit};
use crate::stage::subscription::{Tag, Wants};

/// Gives events to the consumer that has asked for most; among equals, to the one whose demand changed longest ago. It
/// gets as many as it has asked for in one run, then the next is served. This is what a stage does if nothing else is said.
///
/// Not one event each in turn: with three consumers that have asked for 1000 each, the first 1000 events go to the first. For
/// dear events use a smaller `max_demand`, or [`RoundRobin`](super::RoundRobin).
///
/// What a consumer asked for and did not get when it went is kept for the others, who need not ask the producer again.
///
/// # Cost
/// An ask, a subscription, its end, and each consumer served cost O(log n) of the consumers with demand; idle ones cost
/// nothing. Events move; a run that goes to one consumer as a whole is not copied.
///
/// # Examples
/// ```
/// use millstream::stage::dispatch::{DemandDispatch, Dispatcher};
///
/// let mut plain = DemandDispatch::new();
/// assert!(Dispatcher::<u32>::start(&mut plain).is_ok());
///
/// // Many producers with the same consumers, started together: each begins with another one.
/// let _shuffled = DemandDispatch::new().shuffle().max_demand(100);
/// ```
#[derive(Debug)]
pub struct DemandDispatch {
    pub(super) credits: Credits<MostFirst>,
    /// The most a consumer is expected to ask for.
    expected: Option<u64>,
    /// The seed of the shuffle, until the first dispatch.
    shuffle: Option<u64>,
}

impl Default for DemandDispatch {
    fn default() -> Self {
        Self::new()
    }
}

impl DemandDispatch {
    /// A dispatcher by demand.
    pub fn new() -> Self {
        DemandDispatch {
            credits: Credits::new(),
            expected: None,
            shuffle: None,
        }
    }

    /// The most that a consumer is expected to ask for at once; what the first ask is, if not given. An ask for more is
    /// served, and is a [`Notice::AskedMore`]: consumers should have the same `max_demand`, or those with a larger one get
    /// more than their share.
    pub fn max_demand(mut self, most: u64) -> Self {
        self.expected = Some(most);
        self
    }

    /// Shuffles the consumers once, at the first dispatch, so that many producers started together do not all begin with the
    /// same consumer.
    pub fn shuffle(self) -> Self {
        let seed = ahash::RandomState::new().hash_one(0);
        self.shuffle_seeded(seed)
    }

    /// As [`shuffle`](Self::shuffle), in an order that the seed decides.
    pub fn shuffle_seeded(mut self, seed: u64) -> Self {
        self.shuffle = Some(seed);
        self
    }

    /// The first dispatch in shuffled order: who has demand, as they are served.
    fn shuffled(&self, seed: u64) -> Vec<Tag> {
        let mut order: Vec<Tag> = self.credits.waiting().collect();
        let mut state = seed;
        for last in (1..order.len()).rev() {
            // The remainder is biased by less than n in 2^64.
            let chosen = split_mix(&mut state) % (last as u64 + 1);
            order.swap(last, fit(chosen, last));
        }
        order
    }
}

/// The next number of the generator "split mix": small, and good enough to choose who is first.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl<E> Dispatcher<E> for DemandDispatch {
    fn subscribe(&mut self, from: Tag, _: &Wants<E>) -> Result<u64, String> {
        self.credits.subscribe(from);
        Ok(0)
    }

    fn cancel(&mut self, from: Tag, _: &mut Outbox<E>) -> u64 {
        self.credits.cancel(from);
        0
    }

    fn ask(&mut self, from: Tag, n: u64, out: &mut Outbox<E>) -> u64 {
        if n > 0 {
            let expected = *self.expected.get_or_insert(n);
            if n > expected {
                out.notice(Notice::AskedMore {
                    from,
                    asked: n,
                    expected,
                });
            }
        }
        self.credits.ask(from, n)
    }

    fn dispatch(&mut self, events: Vec<E>, out: &mut Outbox<E>) -> Result<Vec<E>, String> {
        if events.is_empty() {
            return Ok(events);
        }
        let mut shuffled = match self.shuffle.take() {
            Some(seed) => self.shuffled(seed).into_iter(),
            None => Vec::new().into_iter(),
        };
        let all = events.len();
        let mut events = events.into_iter();
        while events.len() > 0 {
            let next = match shuffled.next() {
                Some(tag) => Some((tag, self.credits.demand(tag))),
                None => self.credits.first(),
            };
            let Some((tag, demand)) = next else {
                break;
            };
            let run = fit(demand, events.len());
            self.credits.serve(tag, run as u64);
            // The usual case, one consumer for all of them, moves the events as they are.
            let whole = run == all;
            let run = if whole {
                std::mem::take(&mut events).collect()
            } else {
                events.by_ref().take(run).collect()
            };
            out.send(tag, run);
        }
        // Those that were not served keep the order of the shuffle: no demand is taken, only a new place.
        for tag in shuffled {
            self.credits.serve(tag, 0);
        }
        self.credits.unwanted(events.len());
        Ok(events.collect())
    }

    fn draw(&mut self, held: u64) -> u64 {
        self.credits.draw(held)
    }
}

#[cfg(test)]
mod tests;
