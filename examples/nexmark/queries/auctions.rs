//! Queries that join auctions with their sellers or their bids, over the whole input.

use millstream::{Error, Flow, Pipe, Side};
use nexmark::event::{Auction, Bid, Event};

use super::{auctions, bids, persons};

/// Local item suggestion: who sells in category 10 in three states. Name, city, state, auction.
///
/// ```sql
/// SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON a.seller = p.id
/// WHERE a.category = 10 AND p.state IN ('or', 'id', 'ca');
/// ```
pub(crate) fn q3(events: &[Event]) -> Result<Vec<(&str, &str, &str, usize)>, Error> {
    let local = persons(events).filter(|p| ["or", "id", "ca"].contains(&p.state.as_str()));
    auctions(events)
        .filter(|a| a.category == 10)
        .inner_join(local, |a| a.seller, |p| p.id)
        .map(|(a, p)| (p.name.as_str(), p.city.as_str(), p.state.as_str(), a.id))
        .collect_vec()
}

/// Average price for a category: of the highest bids of its auctions, while they were open.
///
/// ```sql
/// SELECT category, AVG(final) FROM
///   (SELECT MAX(b.price) AS final, a.category FROM auction a JOIN bid b ON a.id = b.auction
///    WHERE b.date_time BETWEEN a.date_time AND a.expires GROUP BY a.id, a.category)
/// GROUP BY category;
/// ```
pub(crate) fn q4(events: &[Event]) -> Result<Vec<(usize, f64)>, Error> {
    valid_bids(events)
        .max_by(|(_, a)| (a.id, a.category), |(b, _)| b.price)
        .aggregate_by(|((_, category), _)| *category, |a| a.mean(|row| row.1))
        .collect_vec()
}

/// Average selling price by seller, over the last ten of the seller's auctions that found a buyer. All are closed when
/// the input ends.
///
/// ```sql
/// SELECT seller, AVG(final) FROM
///   (SELECT seller, final, ROW_NUMBER() OVER (PARTITION BY seller ORDER BY expires DESC, id DESC) AS n FROM
///     (SELECT a.seller, a.expires, a.id, MAX(b.price) AS final FROM auction a JOIN bid b ON a.id = b.auction
///      WHERE b.date_time BETWEEN a.date_time AND a.expires GROUP BY a.id, a.seller, a.expires))
/// WHERE n <= 10 GROUP BY seller;
/// ```
pub(crate) fn q6(events: &[Event]) -> Result<Vec<(usize, f64)>, Error> {
    valid_bids(events)
        .max_by(|(_, a)| (a.seller, a.expires, a.id), |(b, _)| b.price)
        .aggregate_by(
            |((seller, ..), _)| *seller,
            |a| a.top(10, |((_, expires, id), price)| (*expires, *id, *price)),
        )
        .map_values(|last| {
            let sum: usize = last.iter().map(|auction| auction.2).sum();
            sum as f64 / last.len() as f64
        })
        .collect_vec()
}

/// Bids with their auctions, where the auction was open. Auctions are fewer, so they are the side that is kept.
fn valid_bids(events: &[Event]) -> Flow<'_, impl Pipe<Item = (&Bid, &Auction)>> {
    bids(events)
        .inner_join(auctions(events), |b| b.auction, |a| a.id)
        .build(Side::Right)
        .filter(|(b, a)| (a.date_time..=a.expires).contains(&b.date_time))
}
