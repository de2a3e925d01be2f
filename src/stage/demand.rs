//! The consumer's side of one subscription: the first ask, the chunks that arriving events are cut into, and when to ask
//! again. Plain arithmetic.

use std::collections::VecDeque;

/// Events for one call of `handle_events`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chunk<E> {
    pub(crate) events: Vec<E>,
    /// What to ask for when they have been handled; zero if nothing.
    pub(crate) ask: u64,
}

/// What a consumer has asked of a producer, and when it asks again.
///
/// In automatic mode it asks for `max` first. Each chunk has at most `max − min` events; after one that leaves no more
/// than `min` on the way, it asks for as many as make `max` again. So at most `max` events are ever on the way or
/// waiting, and the producer works while the rest of a message is handled.
#[derive(Debug)]
pub(crate) struct Demand {
    max: u64,
    min: u64,
    manual: bool,
    /// Asked for and not yet cut into chunks.
    outstanding: u64,
    /// Events that came without being asked for. They are handled, but are a fault of the producer's dispatcher.
    excess: u64,
}

impl Demand {
    /// Asks by itself. `min` is less than `max`, which [`Subscription::check`](super::Subscription) sees to.
    pub(crate) fn automatic(max: u64, min: u64) -> Self {
        Demand {
            max,
            min,
            manual: false,
            outstanding: 0,
            excess: 0,
        }
    }

    /// Asks only when told to.
    pub(crate) fn manual() -> Self {
        Demand {
            max: 0,
            min: 0,
            manual: true,
            outstanding: 0,
            excess: 0,
        }
    }

    /// What to ask for when the subscription begins; zero in manual mode.
    pub(crate) fn first(&mut self) -> u64 {
        self.ask(self.max);
        self.max
    }

    /// Counts what is asked for by hand.
    pub(crate) fn ask(&mut self, n: u64) {
        self.outstanding = self.outstanding.saturating_add(n);
    }

    /// What was asked for and has not come.
    #[cfg(test)]
    pub(crate) fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// How many events have come without being asked for.
    #[cfg(test)]
    pub(crate) fn excess(&self) -> u64 {
        self.excess
    }

    /// Cuts a message into chunks and puts them behind the others. In manual mode it is one chunk.
    ///
    /// A message of no more than `max − min` events is not copied.
    pub(crate) fn cut<E>(&mut self, events: Vec<E>, into: &mut VecDeque<Chunk<E>>) {
        if events.is_empty() {
            return;
        }
        // What is asked for again while this message is cut has not come with it.
        let mut asked = self.outstanding;
        let all = events.len();
        let most = if self.manual {
            all
        } else {
            usize::try_from(self.max - self.min).map_or(all, |most| most.min(all))
        };
        let mut events = events.into_iter();
        while events.len() > 0 {
            let size = most.min(events.len());
            let counted = asked.min(size as u64);
            asked -= counted;
            self.excess += size as u64 - counted;
            let ask = self.handled(counted);
            let events = if size == all {
                std::mem::take(&mut events).collect()
            } else {
                events.by_ref().take(size).collect()
            };
            into.push_back(Chunk { events, ask });
        }
    }

    /// So many of those asked for are in a chunk; what to ask for behind it.
    fn handled(&mut self, counted: u64) -> u64 {
        self.outstanding -= counted;
        if self.manual || self.outstanding > self.min {
            return 0;
        }
        let ask = self.max - self.outstanding;
        self.outstanding = self.max;
        ask
    }
}

#[cfg(test)]
mod tests;
