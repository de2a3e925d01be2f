//! How far event time has come: the least of what the producers in front have reached.

use crate::edge::{Marks, Word};

/// The latest event time of each producer, and what follows from them.
#[derive(Debug)]
pub(crate) struct Watermark {
    /// One a producer: the split it was last seen in, and the latest time in it.
    latest: Vec<Option<(u64, i64)>>,
    /// By how much items may be out of order.
    disorder: i64,
    /// Everything before this is complete; it never goes back.
    at: i64,
}

impl Watermark {
    /// No item has this time yet.
    pub(crate) const START: i64 = i64::MIN;

    pub(crate) fn new(disorder: i64) -> Self {
        Watermark {
            latest: Vec::new(),
            disorder,
            at: Self::START,
        }
    }

    /// Notes the time of an item that a producer sent from one of its splits.
    #[inline]
    pub(crate) fn see(&mut self, producer: usize, split: u64, time: i64) {
        if self.latest.len() <= producer {
            self.latest.resize(producer + 1, None);
        }
        let latest = &mut self.latest[producer];
        match latest {
            Some((seen, at)) if *seen == split => *at = time.max(*at),
            _ => *latest = Some((split, time)),
        }
    }

    /// Moves on with what the producers say, as seen in this channel.
    pub(crate) fn advance(&mut self, marks: &Marks, channel: usize) -> i64 {
        let words = (0..marks.producers()).map(|producer| marks.word(producer, channel));
        self.advance_by(words)
    }

    /// Moves on with what each producer says.
    pub(crate) fn advance_by(&mut self, words: impl Iterator<Item = Word>) -> i64 {
        let (mut least, mut most): (Option<i64>, Option<i64>) = (None, None);
        for (producer, word) in words.enumerate() {
            let latest = self.latest.get(producer).copied().flatten();
            match (word, latest) {
                (Word::Idle, latest) => most = most.max(latest.map(|(_, at)| at)),
                (Word::Reading(split), Some((seen, at))) if seen == split => {
                    least = Some(least.map_or(at, |least| least.min(at)));
                }
                (Word::Unread | Word::Reading(_), _) => return self.at,
            }
        }
        // While none has anything under way, everything that was seen is all there is.
        if let Some(reached) = least.or(most) {
            self.at = self.at.max(reached.saturating_sub(self.disorder));
        }
        self.at
    }

    pub(crate) fn at(&self) -> i64 {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_least_of_the_producers_that_are_not_idle() {
        let mut mark = Watermark::new(0);
        mark.see(0, 0, 10);
        assert_eq!(
            mark.advance_by([Word::Reading(0), Word::Reading(0)].into_iter()),
            Watermark::START,
            "the second has not sent anything"
        );
        mark.see(1, 0, 4);
        assert_eq!(
            mark.advance_by([Word::Reading(0), Word::Reading(0)].into_iter()),
            4
        );
        assert_eq!(
            mark.advance_by([Word::Reading(0), Word::Idle].into_iter()),
            10
        );
        mark.see(1, 0, 5);
        assert_eq!(
            mark.advance_by([Word::Reading(0), Word::Reading(0)].into_iter()),
            10
        );
    }

    #[test]
    fn when_all_are_idle_it_is_the_most() {
        let mut mark = Watermark::new(0);
        mark.see(0, 0, 10);
        mark.see(1, 0, 4);
        assert_eq!(mark.advance_by([Word::Idle, Word::Idle].into_iter()), 10);
    }

    #[test]
    fn unread_splits_and_a_new_split_hold_it_back() {
        let mut mark = Watermark::new(2);
        mark.see(0, 0, 100);
        assert_eq!(
            mark.advance_by([Word::Unread].into_iter()),
            Watermark::START
        );
        assert_eq!(
            mark.advance_by([Word::Reading(1)].into_iter()),
            Watermark::START
        );
        mark.see(0, 1, 3);
        assert_eq!(
            mark.advance_by([Word::Reading(1)].into_iter()),
            1,
            "less the disorder"
        );
    }
}
