//! Queries over windows of event time; a window is named by its beginning, in milliseconds.

use std::time::Duration;

use millstream::{Error, Window};
use nexmark::event::Event;

use super::leaders::leaders;
use super::{auctions, bids, persons};

const SIZE: Duration = Duration::from_secs(10);
const SLIDE: Duration = Duration::from_secs(2);

/// Hot items: every two seconds, the auctions with the most bids in ten. Window, auction, bids.
///
/// ```sql
/// WITH counts AS (SELECT window_start, auction, COUNT(*) AS n
///   FROM HOP(bid, date_time, '2' SECOND, '10' SECOND) GROUP BY window_start, auction)
/// SELECT * FROM counts c WHERE n = (SELECT MAX(n) FROM counts WHERE window_start = c.window_start);
/// ```
pub(crate) fn q5(events: &[Event]) -> Result<Vec<(i64, usize, u64)>, Error> {
    bids(events)
        .window_by(Window::sliding(SIZE, SLIDE), |b| b.date_time)
        .count_by(|b| b.auction)
        .aggregate_by(|row| row.0.id(), |a| leaders(a, |row| row.2, |row| row.1))
        .flat_map(|(window, (count, hot))| hot.into_iter().map(move |id| (window, id, count)))
        .collect_vec()
}

/// Highest bid: those of the highest price in each ten seconds. Window, auction, price, bidder.
///
/// ```sql
/// WITH bids AS (SELECT * FROM TUMBLE(bid, date_time, '10' SECOND))
/// SELECT window_start, auction, price, bidder FROM bids b
/// WHERE price = (SELECT MAX(price) FROM bids WHERE window_start = b.window_start);
/// ```
pub(crate) fn q7(events: &[Event]) -> Result<Vec<(i64, usize, usize, usize)>, Error> {
    bids(events)
        .window_by(Window::fixed(SIZE), |b| b.date_time)
        .aggregate_by(
            |_| (),
            |a| leaders(a, |b| b.price, |b| (b.auction, b.bidder)),
        )
        .flat_map(|(window, (), (price, bids))| {
            let row = move |(auction, bidder)| (window.id(), auction, price, bidder);
            bids.into_iter().map(row)
        })
        .collect_vec()
}

/// Monitor new users: who came and opened an auction within the same ten seconds. Window, person, name.
///
/// ```sql
/// SELECT DISTINCT p.window_start, p.id, p.name FROM TUMBLE(person, date_time, '10' SECOND) p
/// JOIN TUMBLE(auction, date_time, '10' SECOND) a ON p.id = a.seller AND p.window_start = a.window_start;
/// ```
pub(crate) fn q8(events: &[Event]) -> Result<Vec<(i64, usize, &str)>, Error> {
    let sellers = auctions(events)
        .window_by(Window::fixed(SIZE), |a| a.date_time)
        .count_by(|a| a.seller)
        .map(|(window, seller, _)| (window.id(), seller));
    persons(events)
        .window_by(Window::fixed(SIZE), |p| p.date_time)
        .count_by(|p| (p.id, p.name.as_str()))
        .map(|(window, (id, name), _)| (window.id(), id, name))
        .inner_join(sellers, |p| (p.0, p.1), |s| *s)
        .map(|(person, _)| person)
        .collect_vec()
}
