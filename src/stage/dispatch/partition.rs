//! By partition: a function says to which partition an event belongs; each partition has one consumer.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use ahash::RandomState;

use super::{Dispatcher, InfoId, Notice, Outbox};
use crate::stage::buffer::Buffer;
use crate::stage::subscription::{Partition, Tag, Wants};

mod names;

use names::{Names, Route};

/// Gives each event to the consumer of its partition.
///
/// A function takes an event and says which partition it belongs to, or that nobody needs it; it may change the event.
/// Partitions are numbers from zero or names, and each has one consumer, which says which in its subscription.
///
/// The producer is asked for the sum of what the consumers ask. Events may come for a partition that has not asked for them,
/// or has no consumer: they wait in that partition's queue, and the producer is asked for as many again, so the others go on.
/// Dropped events are asked for again too.
///
/// **What is bounded.** Once [`queue`](Self::queue) events wait for a partition, the producer is not asked for more, until its
/// consumer takes some: the others wait, and the stage is told by [`Notice::PartitionFull`]. No queue is longer than its limit and
/// what was on its way then, at most the `max_demand`s of all consumers together. Nothing queued is ever thrown away: when a
/// consumer goes, its queue waits for the next of that partition. Events that the producer gives without being asked are not queued
/// here but go to the stage's buffer.
///
/// # Cost
/// One call of the function an event, and a look-up of the name if partitions have names; an ask costs O(1), and an info O(n) of
/// the partitions.
///
/// # Examples
/// ```
/// use millstream::stage::dispatch::{Dispatcher, PartitionBy};
///
/// let mut by_sign = PartitionBy::named(["negative", "positive"], |n: i64| match n {
///     0 => None,
///     n if n < 0 => Some((-n, "negative")),
///     n => Some((n, "positive")),
/// });
/// assert!(by_sign.start().is_ok());
///
/// // The same key, the same partition.
/// let mut by_length = PartitionBy::key(4, |word: &String| word.len()).queue(100);
/// assert!(by_length.start().is_ok());
///
/// let mut none = PartitionBy::new(0, |n: u32| Some((n, 0)));
/// assert!(none.start().unwrap_err().contains("at least 1"));
/// ```
pub struct PartitionBy<E> {
    names: Names,
    route: Route<E>,
    /// Events that may wait for a partition before asking stops.
    limit: usize,
    slots: Vec<Slot<E>>,
    places: HashMap<Tag, usize, RandomState>,
    /// Behind how many queues an info waits.
    infos: HashMap<InfoId, usize, RandomState>,
    /// What consumers that are gone have asked for, and nobody was served instead.
    pub(super) pending: u64,
    /// What the producer should owe: the demand of all consumers, and what is pending.
    pub(super) wanted: u64,
    /// What the producer owes; what is wanted, unless a queue is full.
    pub(super) owed: u64,
    /// Queues at their limit.
    pub(super) full: usize,
}

/// A partition: a consumer with demand, or events that wait for one; never both.
struct Slot<E> {
    consumer: Option<Tag>,
    demand: u64,
    queue: Buffer<E>,
    /// What it gets of the batch in hand.
    run: Vec<E>,
}

impl<E> fmt::Debug for PartitionBy<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionBy")
            .field("partitions", &self.names)
            .field("queue", &self.limit)
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}

impl<E> PartitionBy<E> {
    /// So many partitions, numbered from zero. The function gives the event and its partition, or `None` to drop it.
    pub fn new(
        partitions: usize,
        mut hash: impl FnMut(E) -> Option<(E, usize)> + Send + 'static,
    ) -> Self {
        let route = move |event, _: &Names| Ok(hash(event));
        Self::with(Names::Numbers(partitions), Box::new(route))
    }

    /// Partitions with names. The function gives the event and the name of its partition, or `None` to drop it.
    pub fn named<N, K>(
        names: impl IntoIterator<Item = N>,
        mut hash: impl FnMut(E) -> Option<(E, K)> + Send + 'static,
    ) -> Self
    where
        N: AsRef<str>,
        K: AsRef<str>,
    {
        let route = move |event, names: &Names| match hash(event) {
            None => Ok(None),
            Some((event, name)) => Ok(Some((event, names.find(name.as_ref())?))),
        };
        Self::with(Names::named(names), Box::new(route))
    }

    /// So many partitions, numbered from zero; events with equal keys go to the same one.
    pub fn key<K: Hash>(partitions: usize, key: impl Fn(&E) -> K + Send + 'static) -> Self {
        // The same in every run, so that what a program does can be repeated.
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        Self::new(partitions, move |event| {
            let hash = u128::from(hasher.hash_one(key(&event)));
            // The high half of the product is below the number of partitions.
            let partition = (hash * partitions as u128) >> 64;
            Some((event, partition as usize))
        })
    }

    fn with(names: Names, route: Route<E>) -> Self {
        PartitionBy {
            names,
            route,
            limit: 1000,
            slots: Vec::new(),
            places: HashMap::default(),
            infos: HashMap::default(),
            pending: 0,
            wanted: 0,
            owed: 0,
            full: 0,
        }
    }

    /// How many events may wait for a partition before the producer is not asked for more: 1000 if not given. At least one, or
    /// the stage does not start.
    pub fn queue(mut self, events: usize) -> Self {
        self.limit = events;
        self
    }

    /// How many events wait in queues.
    pub fn queued(&self) -> usize {
        self.slots.iter().map(|slot| slot.queue.len()).sum()
    }

    /// Asks for what is wanted and not owed yet, unless a queue is full.
    fn release(&mut self) -> u64 {
        if self.full > 0 {
            return 0;
        }
        let new = self.wanted.saturating_sub(self.owed);
        self.owed += new;
        new
    }

    /// An event came that no consumer's demand is used for: one that is gone may have asked for it.
    fn unused(&mut self) {
        if self.pending > 0 {
            self.pending -= 1;
            self.wanted -= 1;
        }
    }

    /// Puts events where they belong until the producer has given more than it owes; the rest is left in the iterator.
    fn sort(
        &mut self,
        events: &mut std::vec::IntoIter<E>,
        touched: &mut Vec<usize>,
        out: &mut Outbox<E>,
    ) -> Result<(), String> {
        while self.owed > 0 || (self.full == 0 && self.wanted > 0) {
            let Some(event) = events.next() else {
                return Ok(());
            };
            self.owed = self.owed.saturating_sub(1);
            let Some((event, place)) = (self.route)(event, &self.names)? else {
                self.unused();
                continue;
            };
            let Some(slot) = self.slots.get_mut(place) else {
                return Err(self.names.unknown(&Partition::Number(place)));
            };
            if slot.demand > 0 {
                slot.demand -= 1;
                self.wanted -= 1;
                if slot.run.is_empty() {
                    touched.push(place);
                }
                slot.run.push(event);
                continue;
            }
            slot.queue.push(event);
            let waiting = slot.queue.len();
            if waiting == self.limit {
                self.full += 1;
                out.notice(Notice::PartitionFull {
                    partition: self.names.of(place),
                    waiting,
                });
            }
            self.unused();
        }
        Ok(())
    }

    /// One queue fewer stands before these infos.
    fn passed(&mut self, infos: Vec<InfoId>, out: &mut Outbox<E>) {
        for info in infos {
            let Some(behind) = self.infos.get_mut(&info) else {
                continue;
            };
            *behind -= 1;
            if *behind == 0 {
                self.infos.remove(&info);
                out.info(info);
            }
        }
    }
}

impl<E: Send> Dispatcher<E> for PartitionBy<E> {
    fn start(&mut self) -> Result<(), String> {
        if self.limit == 0 {
            return Err("PartitionBy::queue(0): at least 1 event must be able to wait".to_owned());
        }
        self.names.check()?;
        let slot = || Slot {
            consumer: None,
            demand: 0,
            queue: Buffer::unbounded(),
            run: Vec::new(),
        };
        self.slots.resize_with(self.names.len(), slot);
        Ok(())
    }

    fn subscribe(&mut self, from: Tag, wants: &Wants<E>) -> Result<u64, String> {
        let place = self.names.place(wants.partition())?;
        let Some(slot) = self.slots.get_mut(place) else {
            return Err("call `start` before `subscribe`".to_owned());
        };
        if slot.consumer.is_some() {
            return Err(format!(
                "partition {} has a consumer already: subscribe to another partition, or cancel that subscription first",
                self.names.of(place)
            ));
        }
        slot.consumer = Some(from);
        self.places.insert(from, place);
        Ok(0)
    }

    fn cancel(&mut self, from: Tag, _: &mut Outbox<E>) -> u64 {
        let Some(place) = self.places.remove(&from) else {
            return 0;
        };
        let slot = &mut self.slots[place];
        slot.consumer = None;
        self.pending += std::mem::take(&mut slot.demand);
        0
    }

    fn ask(&mut self, from: Tag, n: u64, out: &mut Outbox<E>) -> u64 {
        let Some(&place) = self.places.get(&from) else {
            return 0;
        };
        // Never more than can be counted, whatever is asked for.
        let mut n = n.min(u64::MAX - self.wanted);
        let slot = &mut self.slots[place];
        let before = slot.queue.len();
        let mut run = Vec::new();
        let mut infos = Vec::new();
        while n > 0 && slot.queue.len() > 0 {
            let taken = slot.queue.take(n);
            n -= taken.events.len() as u64;
            infos.extend(taken.infos);
            if run.is_empty() {
                run = taken.events;
            } else {
                run.extend(taken.events);
            }
        }
        let after = slot.queue.len();
        slot.demand += n;
        out.send(from, run);
        if before >= self.limit && after < self.limit {
            self.full -= 1;
        }
        self.passed(infos, out);
        let owed = n.min(self.pending);
        self.pending -= owed;
        self.wanted += n - owed;
        self.release()
    }

    fn dispatch(&mut self, events: Vec<E>, out: &mut Outbox<E>) -> Result<Vec<E>, String> {
        let mut events = events.into_iter();
        let mut touched = Vec::new();
        let sorted = self.sort(&mut events, &mut touched, out);
        // What went well before an error is sent.
        for place in touched {
            let slot = &mut self.slots[place];
            let run = std::mem::take(&mut slot.run);
            if let Some(consumer) = slot.consumer {
                out.send(consumer, run);
            }
        }
        sorted?;
        out.demand(self.release());
        Ok(events.collect())
    }

    fn info(&mut self, info: InfoId, out: &mut Outbox<E>) {
        let behind = self
            .slots
            .iter_mut()
            .filter_map(|slot| slot.queue.info(info).then_some(()))
            .count();
        if behind == 0 {
            out.info(info);
        } else {
            self.infos.insert(info, behind);
        }
    }

    fn queued(&self) -> usize {
        PartitionBy::queued(self)
    }
}

#[cfg(test)]
mod tests;
