//! Events nobody has asked for yet, with infos between them that keep their place.
//!
//! Events are numbered from the first ever stored; an info's place is the number of the event behind it, and it is due when
//! all events before that are gone, taken or dropped.

use std::collections::VecDeque;

use super::dispatch::InfoId;

/// What a full buffer does with events.
///
/// # Examples
/// ```
/// use millstream::stage::Keep;
///
/// assert_eq!(Keep::default(), Keep::Last);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Keep {
    /// What is in it stays: the new ones are dropped.
    First,
    /// The new ones come in: the oldest are dropped.
    #[default]
    Last,
    /// Nothing is dropped: the stage takes no more until there is room.
    Block,
}

/// What [`Buffer::store`] has done.
#[derive(Debug)]
pub(crate) struct Stored<E> {
    /// How many events were dropped, to be reported.
    pub(crate) dropped: usize,
    /// Infos whose turn has come, since the events before them were dropped.
    pub(crate) infos: Vec<InfoId>,
    /// Those that do not fit and are not dropped, in their order: only with [`Keep::Block`].
    pub(crate) back: Vec<E>,
}

/// What [`Buffer::take`] gives.
#[derive(Debug)]
pub(crate) struct Taken<E> {
    pub(crate) events: Vec<E>,
    /// Infos whose turn comes behind these events.
    pub(crate) infos: Vec<InfoId>,
}

/// A queue of events and infos; infos take no room and are never dropped. Storing and taking cost O(1) an event.
#[derive(Debug)]
pub(crate) struct Buffer<E> {
    events: VecDeque<E>,
    /// The number of the first event in it.
    first: u64,
    /// Places of infos, ascending; those with the same place in the order they came.
    infos: VecDeque<(u64, InfoId)>,
    size: Option<usize>,
    keep: Keep,
}

impl<E> Buffer<E> {
    pub(crate) fn new(size: usize, keep: Keep) -> Self {
        Buffer {
            size: Some(size),
            keep,
            ..Self::unbounded()
        }
    }

    /// One that is as large as what comes: only where something else bounds it.
    pub(crate) fn unbounded() -> Self {
        Buffer {
            events: VecDeque::new(),
            // In the middle: events can be put in front that never were in it.
            first: 1 << 62,
            infos: VecDeque::new(),
            size: None,
            keep: Keep::default(),
        }
    }

    /// How many events are in it; infos are not counted.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// How many events can be stored before some are dropped or come back.
    pub(crate) fn room(&self) -> usize {
        let size = self.size.unwrap_or(usize::MAX);
        size.saturating_sub(self.events.len())
    }

    /// Stores an event whatever the size is.
    pub(crate) fn push(&mut self, event: E) {
        self.events.push_back(event);
    }

    pub(crate) fn store(&mut self, mut events: Vec<E>) -> Stored<E> {
        let excess = events.len().saturating_sub(self.room());
        let mut stored = Stored {
            dropped: 0,
            infos: Vec::new(),
            back: Vec::new(),
        };
        if excess == 0 {
            self.events.extend(events);
            return stored;
        }
        match self.keep {
            Keep::Block => {
                stored.back = events.split_off(events.len() - excess);
                self.events.extend(events);
            }
            Keep::First => {
                stored.dropped = excess;
                events.truncate(events.len() - excess);
                self.events.extend(events);
            }
            Keep::Last => {
                stored.dropped = excess;
                // Old ones first; if they are not enough, the first of the new ones.
                let old = excess.min(self.events.len());
                self.events.drain(..old);
                self.events.extend(events.drain(..).skip(excess - old));
                self.first += excess as u64;
                stored.infos = self.due();
            }
        }
        stored
    }

    /// Puts events back that were taken and not used: they are the first again. They had room, so they have it still.
    pub(crate) fn put_back(&mut self, events: Vec<E>) {
        self.first = self.first.saturating_sub(events.len() as u64);
        for event in events.into_iter().rev() {
            self.events.push_front(event);
        }
    }

    /// Stores an info behind all events; false if there are none, and it is to be handed out at once.
    #[must_use]
    pub(crate) fn info(&mut self, info: InfoId) -> bool {
        if self.events.is_empty() {
            return false;
        }
        let place = self.first + self.events.len() as u64;
        self.infos.push_back((place, info));
        true
    }

    /// Takes so many events, fewer if there are fewer or an info stands between them. Nothing from an empty one.
    pub(crate) fn take(&mut self, n: u64) -> Taken<E> {
        let until_info = match self.infos.front() {
            Some((place, _)) => n.min(place - self.first),
            None => n,
        };
        let len = self.events.len();
        let run = usize::try_from(until_info).map_or(len, |run| run.min(len));
        let events = if run == len {
            Vec::from(std::mem::take(&mut self.events))
        } else {
            self.events.drain(..run).collect()
        };
        self.first += run as u64;
        Taken {
            events,
            infos: self.due(),
        }
    }

    /// Infos with no event before them.
    fn due(&mut self) -> Vec<InfoId> {
        let due = self
            .infos
            .partition_point(|(place, _)| *place <= self.first);
        self.infos.drain(..due).map(|(_, info)| info).collect()
    }
}

#[cfg(test)]
mod tests;
