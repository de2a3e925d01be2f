//! In turn: one event, or a small chunk, to each consumer that has demand.

use std::collections::HashMap;

use ahash::RandomState;

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
/// An ask, a subscription, its end, and each chunk cost O(log n) of the consumers with demand: for cheap events use larger
/// chunks, or [`DemandDispatch`](super::DemandDispatch).
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
        // Whose chunks are where in the outbox.
        let mut slots: HashMap<Tag, usize, RandomState> = HashMap::default();
        while events.len() > 0 {
            let Some((tag, demand)) = self.credits.first() else {
                break;
            };
            let run = fit(demand, self.chunk.max(1)).min(events.len());
            self.credits.serve(tag, run as u64);
            let slot = *slots.entry(tag).or_insert_with(|| {
                out.events.push((tag, Vec::new()));
                out.events.len() - 1
            });
            out.events[slot].1.extend(events.by_ref().take(run));
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
