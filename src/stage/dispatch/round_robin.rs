//! In turn: one event, or a small chunk, to each consumer that has demand.

use std::collections::VecDeque;

use super::credit::{Credits, InTurn};
use super::{Dispatcher, Outbox, fit};
use crate::stage::subscription::{Tag, Wants};

/// Gives one event, or a small chunk, to each consumer that has demand, in turn. No consumer gets a whole batch while others
/// have nothing to do.
///
/// The turn goes on from batch to batch. A consumer whose demand was zero joins at the end of the queue when it asks. Of one
/// batch a consumer gets all its chunks together, in their order.
///
/// # Cost
/// An ask, a subscription, its end, and each consumer that gets something of a batch cost O(log n) of the consumers with
/// demand; a turn costs O(1), and copies its chunk. Small batches for many consumers cost more messages than
/// [`DemandDispatch`](super::DemandDispatch) sends: for cheap events use larger chunks.
///
/// # Examples
/// ```
/// use millstream::stage::dispatch::{Dispatcher, RoundRobin};
///
/// let mut in_tens = RoundRobin::new().chunk(10);
/// assert!(Dispatcher::<u32>::start(&mut in_tens).is_ok());
///
/// let mut none = RoundRobin::new().chunk(0);
/// assert!(Dispatcher::<u32>::start(&mut none).unwrap_err().contains("at least 1"));
/// ```
#[derive(Debug)]
pub struct RoundRobin {
    pub(super) credits: Credits<InTurn>,
    chunk: usize,
}

impl Default for RoundRobin {
    fn default() -> Self {
        Self::new()
    }
}

impl RoundRobin {
    /// One event to each in turn.
    pub fn new() -> Self {
        RoundRobin {
            credits: Credits::new(),
            chunk: 1,
        }
    }

    /// So many events to each in turn; at least one, or the stage does not start.
    pub fn chunk(mut self, events: usize) -> Self {
        self.chunk = events;
        self
    }
}

impl<E> Dispatcher<E> for RoundRobin {
    fn start(&mut self) -> Result<(), String> {
        match self.chunk {
            0 => Err("RoundRobin::chunk(0): a turn must have at least 1 event".to_owned()),
            _ => Ok(()),
        }
    }

    fn subscribe(&mut self, from: Tag, _: &Wants<E>) -> Result<u64, String> {
        self.credits.subscribe(from);
        Ok(0)
    }

    fn cancel(&mut self, from: Tag, _: &mut Outbox<E>) -> u64 {
        self.credits.cancel(from);
        0
    }

    fn ask(&mut self, from: Tag, n: u64, _: &mut Outbox<E>) -> u64 {
        self.credits.ask(from, n)
    }

    fn dispatch(&mut self, events: Vec<E>, out: &mut Outbox<E>) -> Result<Vec<E>, String> {
        let mut events = events.into_iter();
        // Those that had no turn in this batch yet; then those that had, as places in the outbox with the demand left.
        let mut fresh = self.credits.waiting();
        let mut again: VecDeque<(usize, u64)> = VecDeque::new();
        let mut used_up = Vec::new();
        while events.len() > 0 {
            let next = match fresh.next() {
                Some(tag) => {
                    out.events.push((tag, Vec::new()));
                    Some((out.events.len() - 1, self.credits.demand(tag)))
                }
                None => again.pop_front(),
            };
            let Some((slot, demand)) = next else {
                break;
            };
            let run = fit(demand, self.chunk.max(1)).min(events.len());
            out.events[slot].1.extend(events.by_ref().take(run));
            match demand - run as u64 {
                0 => used_up.push(slot),
                left => again.push_back((slot, left)),
            }
        }
        drop(fresh);
        // Behind those that had no turn, in the order in which they are next.
        let turns = again.into_iter().map(|(slot, _)| slot);
        for slot in used_up.into_iter().chain(turns) {
            let (tag, run) = &out.events[slot];
            self.credits.serve(*tag, run.len() as u64);
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
