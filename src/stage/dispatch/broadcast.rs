//! To all: every consumer gets every event, or those that it selects, at the pace of the slowest.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use ahash::RandomState;

use super::{Dispatcher, Outbox, fit};
use crate::stage::subscription::{Selector, StageId, Tag, Wants};

/// Gives every event to every consumer, or those that its selector wants.
///
/// The producer is asked for what *all* consumers have asked for: the least of their demands. So a consumer that has subscribed
/// and not asked yet holds all others up, until it asks or goes. One that subscribes late misses what was given before: let the
/// producer collect demand until all are there.
///
/// Events that a selector does not want count as taken, and are asked for again on that consumer's behalf: a filter holds nobody up.
/// The same consumer may subscribe only once.
///
/// # Cost
/// An ask costs O(log n) of the consumers. An event is cloned once for each consumer that wants it but one, which gets the
/// original: use `Arc` for large ones.
///
/// # Examples
/// ```
/// use millstream::stage::dispatch::{Broadcast, Dispatcher};
///
/// let mut to_all: Broadcast<String> = Broadcast::new();
/// assert!(to_all.start().is_ok());
/// ```
pub struct Broadcast<E> {
    /// In the order of their subscription.
    consumers: BTreeMap<Tag, Listener<E>>,
    stages: HashSet<StageId, RandomState>,
    /// Up to which event each has asked, counted from the first ever; its least is that of the slowest.
    upto: BTreeSet<(u64, Tag)>,
    /// Events given out so far.
    served: u64,
    /// What the producer owes; never less than what all consumers wait for.
    pub(super) requested: u64,
}

struct Listener<E> {
    stage: StageId,
    selector: Option<Selector<E>>,
    upto: u64,
}

impl<E> Default for Broadcast<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Broadcast<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("consumers", &self.consumers.len())
            .field("waiting", &self.waiting())
            .field("requested", &self.requested)
            .finish_non_exhaustive()
    }
}

impl<E> Broadcast<E> {
    /// A dispatcher that gives every event to all.
    pub fn new() -> Self {
        Broadcast {
            consumers: BTreeMap::new(),
            stages: HashSet::default(),
            upto: BTreeSet::new(),
            served: 0,
            requested: 0,
        }
    }

    /// What all consumers wait for: the least of their demands.
    pub(super) fn waiting(&self) -> u64 {
        self.upto.first().map_or(0, |(upto, _)| upto - self.served)
    }

    /// What all wait for and the producer was not asked for yet.
    fn release(&mut self) -> u64 {
        let new = self.waiting().saturating_sub(self.requested);
        self.requested += new;
        new
    }

    #[cfg(test)]
    pub(super) fn demand(&self, of: Tag) -> u64 {
        self.consumers[&of].upto - self.served
    }
}

impl<E: Clone + Send> Dispatcher<E> for Broadcast<E> {
    fn subscribe(&mut self, from: Tag, wants: &Wants<E>) -> Result<u64, String> {
        let stage = wants.consumer();
        if !self.stages.insert(stage) {
            return Err(
                "this consumer has subscribed already: it would get every event of a Broadcast twice; cancel the first \
                 subscription, or use one"
                    .to_owned(),
            );
        }
        let listener = Listener {
            stage,
            selector: wants.selector().cloned(),
            upto: self.served,
        };
        self.upto.insert((listener.upto, from));
        self.consumers.insert(from, listener);
        Ok(0)
    }

    fn cancel(&mut self, from: Tag, _: &mut Outbox<E>) -> u64 {
        let Some(gone) = self.consumers.remove(&from) else {
            return 0;
        };
        self.stages.remove(&gone.stage);
        self.upto.remove(&(gone.upto, from));
        // The slowest may be gone.
        self.release()
    }

    fn ask(&mut self, from: Tag, n: u64, _: &mut Outbox<E>) -> u64 {
        let Some(consumer) = self.consumers.get_mut(&from) else {
            return 0;
        };
        self.upto.remove(&(consumer.upto, from));
        consumer.upto = consumer.upto.saturating_add(n);
        self.upto.insert((consumer.upto, from));
        self.release()
    }

    fn dispatch(&mut self, mut events: Vec<E>, out: &mut Outbox<E>) -> Result<Vec<E>, String> {
        // Whether somebody takes them or not, the producer has given them.
        self.requested = self.requested.saturating_sub(events.len() as u64);
        let run = fit(self.waiting(), events.len());
        if run == 0 {
            return Ok(events);
        }
        let rest = events.split_off(run);
        self.served += run as u64;
        let mut events = Some(events);
        let mut consumers = self.consumers.iter().peekable();
        while let Some((tag, consumer)) = consumers.next() {
            let last = consumers.peek().is_none();
            let wanted: Vec<E> = match (&consumer.selector, &mut events) {
                (None, events) if last => events.take().unwrap_or_default(),
                (Some(selects), events) if last => {
                    let mut all = events.take().unwrap_or_default();
                    all.retain(|event| selects(event));
                    all
                }
                (_, None) => Vec::new(),
                (None, Some(all)) => all.clone(),
                (Some(selects), Some(all)) => all.iter().filter(|e| selects(e)).cloned().collect(),
            };
            let unwanted = run - wanted.len();
            out.send(*tag, wanted);
            out.ask(*tag, unwanted as u64);
        }
        Ok(rest)
    }

    fn draw(&mut self, held: u64) -> u64 {
        let drawn = held.min(self.waiting()).min(u64::MAX - self.requested);
        self.requested += drawn;
        drawn
    }
}

#[cfg(test)]
mod tests;
