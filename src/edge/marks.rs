//! What the consumers of an edge know of its producers, beside the items: which split each reads, whether unread ones
//! may still be older than everything, and whether it has nothing to send at the moment.
//!
//! Watermarks need it. Event times are looked at by the consumer, batch by batch, and each batch says which producer
//! and which split it came from. What no batch can say is that a producer has nothing more to come for now; it says so
//! here, after it has sent what it had. A consumer believes it once it has taken all the batches it counts as sent.
//!
//! A producer that is idle may wait for one that is not. Whoever compares two inputs must know that, since the one may be
//! far ahead of the other: so a producer says which edges it waits for itself, and *rests* only if all before it do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Set while a producer waits for its input, and once it has ended.
const IDLE: u64 = 1;
/// Set while splits that nobody has begun may hold items older than any seen so far.
const UNREAD: u64 = 2;
/// Set once a producer has ended.
const ENDED: u64 = 4;
/// What a producer says before it has said anything.
const SILENT: u64 = UNREAD;
/// The split lies above the flags.
const SPLIT: u32 = 3;

/// Edges that a worker takes from: what their producers say, and its channel.
pub(crate) type Fronts = Vec<(Arc<Marks>, usize)>;

/// The words of all producers of one edge.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    producers: Vec<Producer>,
}

#[derive(Debug)]
struct Producer {
    /// The split it reads, above the flags.
    state: AtomicU64,
    /// The edges that it waits for when it is idle; none for a source.
    fronts: OnceLock<Fronts>,
    /// One a channel.
    channels: Vec<Channel>,
}

#[derive(Debug, Default)]
struct Channel {
    sent: AtomicU64,
    taken: AtomicU64,
}

/// What a producer says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Older items than any seen so far may come.
    Unread,
    /// It has nothing under way.
    Idle,
    /// It reads this split.
    Reading(u64),
}

impl Marks {
    pub(crate) fn new(producers: usize, channels: usize) -> Self {
        let producer = |_| Producer {
            state: AtomicU64::new(SILENT),
            fronts: OnceLock::new(),
            channels: (0..channels).map(|_| Channel::default()).collect(),
        };
        Marks {
            producers: (0..producers).map(producer).collect(),
        }
    }

    pub(crate) fn producers(&self) -> usize {
        self.producers.len()
    }

    /// A producer says which split it reads, before it takes anything of it.
    pub(crate) fn reads(&self, producer: usize, split: u64, unread: bool) {
        self.say(producer, split << SPLIT | if unread { UNREAD } else { 0 });
    }

    /// A producer says that it has sent all it had, and what it waits for.
    pub(crate) fn idles(&self, producer: usize, split: u64, fronts: impl FnOnce() -> Fronts) {
        if let Some(producer) = self.producers.get(producer) {
            producer.fronts.get_or_init(fronts);
        }
        self.say(producer, split << SPLIT | IDLE);
    }

    /// A producer says that it sends nothing more; what it read last may still be under way.
    pub(crate) fn ends(&self, producer: usize, split: u64) {
        self.say(producer, split << SPLIT | ENDED | IDLE);
    }

    fn say(&self, producer: usize, state: u64) {
        if let Some(producer) = self.producers.get(producer) {
            // Ordered with what other producers take from the same source, and with what consumers look at.
            producer.state.store(state, Ordering::SeqCst);
        }
    }

    /// A producer sends a batch; called before the batch can be taken.
    pub(crate) fn sends(&self, producer: usize, channel: usize) {
        if let Some(channel) = self.channel(producer, channel) {
            channel.sent.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A batch found no room after all.
    pub(crate) fn takes_back(&self, producer: usize, channel: usize) {
        if let Some(channel) = self.channel(producer, channel) {
            channel.sent.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// A consumer has worked through a batch.
    pub(crate) fn took(&self, producer: usize, channel: usize) {
        if let Some(channel) = self.channel(producer, channel) {
            channel.taken.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// What a producer says, as far as a consumer of this channel may believe it.
    pub(crate) fn word(&self, producer: usize, channel: usize) -> Word {
        let Some(state) = self.producers.get(producer) else {
            return Word::Idle;
        };
        let state = state.state.load(Ordering::SeqCst);
        let under_way = self.channel(producer, channel).is_some_and(|channel| {
            channel.sent.load(Ordering::SeqCst) != channel.taken.load(Ordering::SeqCst)
        });
        if state & UNREAD != 0 {
            Word::Unread
        } else if state & IDLE != 0 && !under_way {
            Word::Idle
        } else {
            Word::Reading(state >> SPLIT)
        }
    }

    /// Whether nothing is under way to a consumer of this channel: all producers have ended, or are idle like all before
    /// them.
    pub(crate) fn rests(&self, channel: usize) -> bool {
        (0..self.producers.len()).all(|producer| self.one_rests(producer, channel))
    }

    fn one_rests(&self, producer: usize, channel: usize) -> bool {
        let idle = || self.word(producer, channel) == Word::Idle;
        if !idle() {
            return false;
        }
        let Some(Producer { state, fronts, .. }) = self.producers.get(producer) else {
            return true;
        };
        // What those in front had may be in this producer's hands by now, so it is asked again after them.
        let ended = state.load(Ordering::SeqCst) & ENDED != 0;
        let waits = |fronts: &Fronts| fronts.iter().all(|(marks, channel)| marks.rests(*channel));
        (ended || fronts.get().is_some_and(waits)) && idle()
    }

    fn channel(&self, producer: usize, channel: usize) -> Option<&Channel> {
        self.producers.get(producer)?.channels.get(channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producer_is_idle_once_all_it_sent_was_taken() {
        let marks = Marks::new(2, 1);
        assert_eq!(marks.word(0, 0), Word::Unread, "it has said nothing yet");
        marks.reads(0, 7, false);
        marks.sends(0, 0);
        marks.idles(0, 7, Vec::new);
        assert_eq!(marks.word(0, 0), Word::Reading(7), "a batch is under way");
        marks.took(0, 0);
        assert_eq!(marks.word(0, 0), Word::Idle);
        marks.sends(0, 0);
        marks.ends(0, 8);
        assert_eq!(marks.word(0, 0), Word::Reading(8), "its last batch");
        marks.took(0, 0);
        assert!(marks.word(0, 0) == Word::Idle && !marks.rests(0));
        assert_eq!(marks.word(1, 0), Word::Unread);
    }

    #[test]
    fn a_producer_rests_if_all_in_front_of_it_do() {
        let first = Arc::new(Marks::new(1, 1));
        let marks = Marks::new(1, 1);
        let waits = || vec![(first.clone(), 0)];
        marks.idles(0, 0, waits);
        assert_eq!(marks.word(0, 0), Word::Idle);
        assert!(!marks.rests(0), "its source has not said anything");
        first.idles(0, 0, Vec::new);
        assert!(marks.rests(0));
        first.reads(0, 0, false);
        assert!(!marks.rests(0));
        marks.ends(0, 0);
        assert!(marks.rests(0), "it takes nothing more");
        assert!(Marks::new(0, 1).rests(0));
    }
}
