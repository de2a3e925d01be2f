//! What a stage counts, and what is under way over its subscriptions: written by the threads at work, read by whoever looks.
//!
//! Each number has one thread that writes it, by a plain store: looking costs a stage nothing, and a reader may see two numbers a few
//! events apart.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::subscription::{StageId, Tag};
use crate::run::{Count, Counts, Doing, WorkerReport, lock};

/// The name under which events that a buffer dropped are reported.
const DROPPED: &str = "buffer";
/// How many subscriptions that are over a stage remembers, for a picture of it when it has ended.
const OVER: usize = 32;

/// What a stage has counted; written by its thread alone, but for the list of its subscriptions.
#[derive(Debug)]
pub(crate) struct Gauges {
    pub(crate) counts: Counts,
    /// Events in its buffer.
    pub(crate) buffered: Count,
    /// Messages of its producers that wait for demand.
    pub(crate) waiting: Count,
    /// Its subscriptions to producers.
    links: Mutex<Links>,
    /// When it was started: times count from here.
    pub(super) born: Instant,
}

impl Gauges {
    pub(super) fn new() -> Self {
        Gauges {
            counts: Counts::default(),
            buffered: Count::default(),
            waiting: Count::default(),
            links: Mutex::default(),
            born: Instant::now(),
        }
    }

    /// Its life begins.
    pub(super) fn begin(&self) {
        self.counts.begin(self.born.elapsed());
    }

    /// It does something else from now on.
    pub(super) fn does(&self, what: Doing) {
        self.counts.does(what, self.born.elapsed());
    }

    /// Its life is over.
    pub(super) fn end(&self) {
        self.counts.end(self.born.elapsed());
    }

    /// Events were dropped by its buffer.
    pub(super) fn drops(&self, events: usize) {
        self.counts.reject(DROPPED, events as u64);
    }

    /// Events that its buffer has dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.counts.rejected(DROPPED)
    }

    /// What it has done until now.
    pub(super) fn report(&self) -> WorkerReport {
        self.counts.report(self.born.elapsed())
    }

    /// Notes a subscription. Those to the same producer that are over are forgotten.
    pub(super) fn link(&self, tag: Tag, link: Arc<Link>) {
        let mut links = lock(&self.links);
        links.over.retain(|old| old.producer != link.producer);
        links.open.insert(tag, link);
    }

    /// A subscription is over. The oldest of too many is forgotten.
    pub(super) fn unlink(&self, tag: Tag) {
        let mut links = lock(&self.links);
        if let Some(link) = links.open.remove(&tag) {
            if links.over.len() == OVER {
                links.over.pop_front();
            }
            links.over.push_back(link);
        }
    }

    /// Its subscriptions in the order in which they were made, behind those that are over and not forgotten.
    pub(super) fn links(&self) -> Vec<Arc<Link>> {
        let links = lock(&self.links);
        links
            .over
            .iter()
            .chain(links.open.values())
            .cloned()
            .collect()
    }
}

/// The subscriptions of a stage to producers.
#[derive(Debug, Default)]
struct Links {
    open: BTreeMap<Tag, Arc<Link>>,
    over: VecDeque<Arc<Link>>,
}

/// A subscription as it is seen from outside.
#[derive(Debug)]
pub(crate) struct Link {
    pub(super) producer: StageId,
    /// The most events under way: its `max_demand`.
    pub(super) most: u64,
    /// Events sent: the producer's thread counts them.
    sent: Count,
    /// The most that were under way.
    high: Count,
    /// Events that the consumer has begun to handle: its thread counts them.
    taken: Count,
}

impl Link {
    pub(super) fn new(producer: StageId, most: u64) -> Self {
        Link {
            producer,
            most,
            sent: Count::default(),
            high: Count::default(),
            taken: Count::default(),
        }
    }

    /// Events are about to be sent.
    pub(super) fn sends(&self, events: usize) {
        self.sent.add(events as u64);
        let under_way = self.under_way();
        if under_way > self.high.get() {
            self.high.set(under_way);
        }
    }

    /// Events are about to be handled.
    pub(super) fn takes(&self, events: usize) {
        self.taken.add(events as u64);
    }

    /// Events sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Events sent that the consumer has not come to.
    pub(super) fn under_way(&self) -> u64 {
        self.sent.get().saturating_sub(self.taken.get())
    }

    /// The most that were under way.
    pub(super) fn high_water(&self) -> u64 {
        self.high.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_what_was_sent_and_not_taken() {
        let link = Link::new(StageId::new(), 10);
        link.sends(4);
        link.sends(3);
        link.takes(5);
        link.sends(1);
        assert_eq!(
            (link.sent(), link.under_way(), link.high_water()),
            (8, 3, 7)
        );
    }

    #[test]
    fn subscriptions_that_are_over_do_not_pile_up() {
        let gauges = Gauges::new();
        let stays = StageId::new();
        let link = |producer| {
            let tag = Tag::new();
            gauges.link(tag, Arc::new(Link::new(producer, 1)));
            tag
        };
        for again in 0..10 * OVER {
            let other = StageId::new();
            gauges.unlink(link(if again % 2 == 0 { stays } else { other }));
        }
        assert_eq!(gauges.links().len(), OVER);
        // The one that goes on takes the place of those to the same producer.
        link(stays);
        let links = gauges.links();
        let to_it = links.iter().filter(|link| link.producer == stays);
        assert_eq!(to_it.count(), 1);
    }
}
