//! Queries of bids alone, one row at a time: pass through, currency conversion, selection. They are flows, which nobody need
//! collect.

use millstream::{Flow, Pipe};
use nexmark::event::Event;

use super::bids;

/// Auction, bidder, price, time, extra.
type Row<'a> = (usize, usize, usize, u64, &'a str);

/// Pass through: what getting events in and out costs.
///
/// ```sql
/// SELECT auction, bidder, price, date_time, extra FROM bid;
/// ```
pub(crate) fn q0(events: &[Event]) -> Flow<'_, impl Pipe<Item = Row<'_>>> {
    bids(events).map(|b| (b.auction, b.bidder, b.price, b.date_time, b.extra.as_str()))
}

/// Currency conversion: prices in euros instead of dollars, in whole cents.
///
/// ```sql
/// SELECT auction, bidder, price * 908 / 1000, date_time, extra FROM bid;
/// ```
pub(crate) fn q1(events: &[Event]) -> Flow<'_, impl Pipe<Item = Row<'_>>> {
    let euros = |dollars| dollars * 908 / 1000;
    bids(events).map(move |b| {
        let price = euros(b.price);
        (b.auction, b.bidder, price, b.date_time, b.extra.as_str())
    })
}

/// Selection: bids on a few of the auctions, with their prices.
///
/// ```sql
/// SELECT auction, price FROM bid WHERE auction % 123 = 0;
/// ```
pub(crate) fn q2(events: &[Event]) -> Flow<'_, impl Pipe<Item = (usize, usize)>> {
    bids(events)
        .filter(|b| b.auction % 123 == 0)
        .map(|b| (b.auction, b.price))
}
