//! `nexmark`: every query against the same computed one event after the other, and its arguments.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;

use ::nexmark::event::{Auction, Bid, Event, Person};

use crate::{complaint_of, stdout_of};

#[path = "../../examples/nexmark/queries/mod.rs"]
mod queries;

/// A minute of event time and a bit.
const EVENTS: usize = 6_100;
const RATE: usize = 100;
const SIZE: u64 = 10_000;

fn events() -> Vec<Event> {
    queries::events(EVENTS, RATE)
}

/// The events by kind.
fn kinds(events: &[Event]) -> (Vec<&Person>, Vec<&Auction>, Vec<&Bid>) {
    let (mut persons, mut auctions, mut bids) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        match event {
            Event::Person(person) => persons.push(person),
            Event::Auction(auction) => auctions.push(auction),
            Event::Bid(bid) => bids.push(bid),
        }
    }
    (persons, auctions, bids)
}

/// Compares rows in any order. An expectation without rows, or of one alone, would prove little.
fn assert_rows<T: PartialOrd + Debug>(mut found: Vec<T>, mut expected: Vec<T>) {
    assert!(expected.len() > 1, "the events have no rows for the query");
    for rows in [&mut found, &mut expected] {
        rows.sort_by(|a, b| a.partial_cmp(b).expect("rows have no NaN"));
    }
    assert_eq!(found, expected);
}

/// The beginning of the fixed window of a time.
fn window(time: u64) -> u64 {
    time - time % SIZE
}

/// The highest valid bid of each auction that has one.
fn highest<'a>(auctions: &[&'a Auction], bids: &[&Bid]) -> Vec<(&'a Auction, usize)> {
    let price = |a: &Auction| {
        bids.iter()
            .filter(|b| b.auction == a.id && a.date_time <= b.date_time && b.date_time <= a.expires)
            .map(|b| b.price)
            .max()
    };
    auctions
        .iter()
        .filter_map(|a| price(a).map(|price| (*a, price)))
        .collect()
}

fn mean(prices: &[usize]) -> f64 {
    prices.iter().sum::<usize>() as f64 / prices.len() as f64
}

#[test]
fn q0_passes_every_bid() {
    let events = events();
    let (_, _, bids) = kinds(&events);
    let rows = bids
        .iter()
        .map(|b| (b.auction, b.bidder, b.price, b.date_time, &*b.extra));
    assert_rows(queries::q0(&events).collect_vec().unwrap(), rows.collect());
}

#[test]
fn q1_converts_prices() {
    let events = events();
    let (_, _, bids) = kinds(&events);
    let rows = bids.iter().map(|b| {
        let price = b.price * 908 / 1_000;
        (b.auction, b.bidder, price, b.date_time, &*b.extra)
    });
    assert_rows(queries::q1(&events).collect_vec().unwrap(), rows.collect());
}

#[test]
fn q2_selects_auctions() {
    let events = events();
    let mut rows = Vec::new();
    for bid in kinds(&events).2 {
        if bid.auction % 123 == 0 {
            rows.push((bid.auction, bid.price));
        }
    }
    assert_rows(queries::q2(&events).collect_vec().unwrap(), rows);
}

#[test]
fn q3_finds_the_sellers_of_three_states() {
    let events = events();
    let (persons, auctions, _) = kinds(&events);
    let mut rows = Vec::new();
    for a in auctions.iter().filter(|a| a.category == 10) {
        for p in persons.iter().filter(|p| p.id == a.seller) {
            if p.state == "or" || p.state == "id" || p.state == "ca" {
                rows.push((&*p.name, &*p.city, &*p.state, a.id));
            }
        }
    }
    assert_rows(queries::q3(&events).unwrap(), rows);
}

#[test]
fn q4_is_the_mean_of_the_highest_bids_of_a_category() {
    let events = events();
    let (_, auctions, bids) = kinds(&events);
    let mut prices: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (auction, price) in highest(&auctions, &bids) {
        prices.entry(auction.category).or_default().push(price);
    }
    let rows = prices.iter().map(|(category, all)| (*category, mean(all)));
    assert_rows(queries::q4(&events).unwrap(), rows.collect());
}

#[test]
fn q5_counts_bids_in_windows_that_overlap() {
    let events = events();
    let mut windows: BTreeMap<i64, HashMap<usize, u64>> = BTreeMap::new();
    for bid in kinds(&events).2 {
        let last = bid.date_time - bid.date_time % 2_000;
        for behind in 0..5 {
            let window = windows.entry((last - behind * 2_000) as i64).or_default();
            *window.entry(bid.auction).or_default() += 1;
        }
    }
    let mut rows = Vec::new();
    for (window, counts) in windows {
        let most = counts.values().max().copied().unwrap();
        for (auction, count) in counts {
            if count == most {
                rows.push((window, auction, count));
            }
        }
    }
    assert_rows(queries::q5(&events).unwrap(), rows);
}

#[test]
fn q6_is_the_mean_of_the_last_ten_auctions_of_a_seller() {
    let events = events();
    let (_, auctions, bids) = kinds(&events);
    let mut sold = highest(&auctions, &bids);
    sold.sort_by_key(|(a, _)| (a.expires, a.id));
    let mut sellers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (auction, price) in sold {
        sellers.entry(auction.seller).or_default().push(price);
    }
    assert!(sellers.values().any(|prices| prices.len() > 10));
    let rows = sellers.iter().map(|(seller, prices)| {
        let last = prices.len().saturating_sub(10);
        (*seller, mean(&prices[last..]))
    });
    assert_rows(queries::q6(&events).unwrap(), rows.collect());
}

/// The highest bids of each window, ties and all.
fn highest_in_windows(events: &[Event]) -> Vec<(i64, usize, usize, usize)> {
    let bids = kinds(events).2;
    let mut windows: BTreeMap<u64, usize> = BTreeMap::new();
    for bid in &bids {
        let price = windows.entry(window(bid.date_time)).or_default();
        *price = bid.price.max(*price);
    }
    bids.iter()
        .filter(|b| windows[&window(b.date_time)] == b.price)
        .map(|b| (window(b.date_time) as i64, b.auction, b.price, b.bidder))
        .collect()
}

#[test]
fn q7_keeps_the_highest_bids_of_each_window() {
    let mut events = events();
    let found = queries::q7(&events).unwrap();
    assert_rows(found, highest_in_windows(&events));
    // With few prices many bids share the highest.
    for event in &mut events {
        if let Event::Bid(bid) = event {
            bid.price = bid.price.min(500);
        }
    }
    let expected = highest_in_windows(&events);
    assert!(expected.len() > 100, "{} rows", expected.len());
    assert_rows(queries::q7(&events).unwrap(), expected);
}

#[test]
fn q8_finds_who_came_and_sold_in_one_window() {
    let events = events();
    let (persons, auctions, _) = kinds(&events);
    let mut rows = BTreeSet::new();
    for p in persons {
        for a in auctions.iter().filter(|a| a.seller == p.id) {
            if window(a.date_time) == window(p.date_time) {
                rows.insert((window(p.date_time) as i64, p.id, &*p.name));
            }
        }
    }
    let found = queries::q8(&events).unwrap();
    assert_rows(found, rows.into_iter().collect());
}

#[test]
fn no_events_give_no_rows() {
    for query in 0..=queries::LAST {
        assert_eq!(queries::rows(query, &[]).unwrap(), 0, "q{query}");
    }
}

#[test]
fn the_program_says_how_many_rows_there_are() {
    let events = queries::events(5_000, 10_000);
    for query in 0..=queries::LAST {
        let rows = queries::rows(query, &events).unwrap();
        let printed = stdout_of(
            "nexmark",
            ["--query", &query.to_string(), "--events", "5000"],
        );
        let expected = format!("q{query} {rows} rows, 5000 events, ");
        assert!(
            printed.starts_with(&expected),
            "{printed} is not {expected}"
        );
        assert!(printed.ends_with(" s\n"), "{printed}");
    }
}

#[test]
fn arguments_that_mean_nothing_are_complained_of() {
    assert!(complaint_of("nexmark", [""; 0]).contains("--query is missing"));
    assert!(complaint_of("nexmark", ["--query"]).contains("missing"));
    assert!(complaint_of("nexmark", ["--query", "9"]).contains("no query 9"));
    assert!(complaint_of("nexmark", ["--query", "x"]).contains("`x`"));
    assert!(complaint_of("nexmark", ["--rows", "9"]).contains("`--rows`"));
}
