//! Sessions: items less than a gap apart belong together, and an item between two sessions makes them one.
//!
//! A session is the time from its first item up to a gap behind its last one. [`Spans`] keeps sessions that do not
//! touch, and merges those that an item brings together. [`OpenSessions`] are those of a worker's items, beside the
//! panes of other windows; [`KeySessions`] are those of each key.

mod keys;
mod open;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

pub(crate) use keys::KeySessions;
pub use open::OpenSessions;

use super::Pane;

/// Sessions that do not touch, by their first times; so they are in the order of their last times too.
#[derive(Debug)]
struct Spans<A>(BTreeMap<i64, Session<A>>);

/// A session without its first time.
#[derive(Debug)]
struct Session<A> {
    last: i64,
    acc: A,
}

impl<A> Default for Spans<A> {
    fn default() -> Self {
        Spans(BTreeMap::new())
    }
}

impl<A> Spans<A> {
    /// Puts an item that lasts from `first` to `last` into the session that it touches, or opens one. Where it touches
    /// several they become one before, the earlier with what `merge` adds of the later. The second value is set if it
    /// opened one.
    fn enter<I>(
        &mut self,
        gap: i64,
        (first, last): (i64, i64),
        item: I,
        fresh: impl FnOnce(I) -> A,
        fold: impl FnOnce(&mut A, I),
        merge: impl Fn(&mut A, A),
    ) -> (&mut Session<A>, bool) {
        let reach = last.saturating_add(gap - 1);
        let mut later: Option<Session<A>> = None;
        let home = loop {
            let near = self.0.range(..=reach).next_back();
            match near.map(|(start, near)| (*start, near.last)) {
                // The one before that ends too early to touch: sessions are a gap apart.
                Some((start, end)) if start <= first && apart(end, first) < gap => break start,
                Some((start, _)) if start > first => {
                    let Some(mut near) = self.0.remove(&start) else {
                        break first;
                    };
                    if let Some(later) = later.take() {
                        merge(&mut near.acc, later.acc);
                        near.last = later.last;
                    }
                    later = Some(near);
                }
                _ => break first,
            }
        };
        let last = later.as_ref().map_or(last, |later| later.last.max(last));
        match self.0.entry(home) {
            Entry::Vacant(free) => {
                let opened = later.is_none();
                let acc = match later {
                    Some(later) => {
                        let mut acc = later.acc;
                        fold(&mut acc, item);
                        acc
                    }
                    None => fresh(item),
                };
                (free.insert(Session { last, acc }), opened)
            }
            Entry::Occupied(known) => {
                let known = known.into_mut();
                known.last = known.last.max(last);
                if let Some(later) = later {
                    merge(&mut known.acc, later.acc);
                }
                fold(&mut known.acc, item);
                (known, false)
            }
        }
    }

    /// The session that a time lies in, with its first time.
    fn at(&mut self, time: i64) -> Option<(i64, &mut Session<A>)> {
        let near = self.0.range_mut(..=time).next_back();
        near.map(|(start, session)| (*start, session))
    }

    /// The last time of the oldest.
    fn oldest(&self) -> Option<i64> {
        self.0.first_key_value().map(|(_, oldest)| oldest.last)
    }
}

/// The time between two.
fn apart(before: i64, after: i64) -> i64 {
    after.saturating_sub(before)
}

/// Whether a session with this last time is over for good.
fn over(last: i64, gap: i64, lateness: i64, watermark: i64) -> bool {
    end(last, gap).saturating_add(lateness) <= watermark
}

fn end(last: i64, gap: i64) -> i64 {
    last.saturating_add(gap)
}

fn pane(first: i64, last: i64, gap: i64) -> Pane {
    Pane::Time {
        start: first,
        end: end(last, gap),
    }
}
