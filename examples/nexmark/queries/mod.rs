//! The queries, and the events they are asked of.
//!
//! Each query is a function from a slice of events in the order of time to rows, in no order. Where a
//! query joins two kinds of events, each side reads the slice for itself.

mod auctions;
mod bids;
mod leaders;
mod windows;

pub(crate) use auctions::{q3, q4, q6};
pub(crate) use bids::{q0, q1, q2};
pub(crate) use windows::{q5, q7, q8};

use millstream::{Error, Flow, Pipe};
use nexmark::EventGenerator;
use nexmark::config::NexmarkConfig;
use nexmark::event::{Auction, Bid, Event, Person};

/// The last query there is; the first is 0.
pub(crate) const LAST: u8 = 8;

/// When the first event happens, in milliseconds: the beginning of 2020. By default it would be now, and no two runs alike.
const BEGINNING: u64 = 1_577_836_800_000;

/// The first events of the benchmark, so many in a second of event time.
pub(crate) fn events(count: usize, per_second: usize) -> Vec<Event> {
    let config = NexmarkConfig {
        base_time: BEGINNING,
        first_rate: per_second,
        next_rate: per_second,
        ..NexmarkConfig::default()
    };
    EventGenerator::new(config).take(count).collect()
}

/// Runs a query by its number, up to [`LAST`], for the number of its rows.
pub(crate) fn rows(query: u8, events: &[Event]) -> Result<usize, Error> {
    Ok(match query {
        0 => q0(events).count()? as usize,
        1 => q1(events).count()? as usize,
        2 => q2(events).count()? as usize,
        3 => q3(events)?.len(),
        4 => q4(events)?.len(),
        5 => q5(events)?.len(),
        6 => q6(events)?.len(),
        7 => q7(events)?.len(),
        _ => q8(events)?.len(),
    })
}

fn persons(events: &[Event]) -> Flow<'_, impl Pipe<Item = &Person>> {
    of_kind(events, |event| match event {
        Event::Person(person) => Some(person),
        _ => None,
    })
}

fn auctions(events: &[Event]) -> Flow<'_, impl Pipe<Item = &Auction>> {
    of_kind(events, |event| match event {
        Event::Auction(auction) => Some(auction),
        _ => None,
    })
}

fn bids(events: &[Event]) -> Flow<'_, impl Pipe<Item = &Bid>> {
    of_kind(events, |event| match event {
        Event::Bid(bid) => Some(bid),
        _ => None,
    })
}

fn of_kind<'a, T: 'a>(
    events: &'a [Event],
    kind: fn(&'a Event) -> Option<&'a T>,
) -> Flow<'a, impl Pipe<Item = &'a T>> {
    Flow::from_slice(events).in_time_order().filter_map(kind)
}
