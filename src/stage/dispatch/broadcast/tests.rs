//! The rows BD. Where the original forgets that the producer has answered, ours does not: BD-01 and BD-05.

use std::sync::Arc;

use super::super::InfoId;
use super::super::tests::{ask, cancel, dispatch, plain, subscribe};
use super::*;

/// What all wait for, and what the producer owes.
fn books<E>(of: &Broadcast<E>) -> (u64, u64) {
    (of.waiting(), of.requested)
}

#[test]
fn bd_01_without_consumers_everything_comes_back() {
    let mut all = Broadcast::new();
    let one = subscribe(&mut all);
    assert_eq!(ask(&mut all, one, 10), 10);
    assert_eq!(books(&all), (10, 10));
    assert_eq!(cancel(&mut all, one), 0);
    assert_eq!(books(&all), (0, 10));
    assert_eq!(
        dispatch(&mut all, &['a', 'b', 'c']),
        (vec![], vec!['a', 'b', 'c'])
    );
    // The producer has given three of the ten; the original would wait for them for ever.
    assert_eq!(books(&all), (0, 7));
}

#[test]
fn bd_02_a_late_subscription_holds_the_first_up() {
    let mut all: Broadcast<char> = Broadcast::new();
    let one = subscribe(&mut all);
    assert_eq!(ask(&mut all, one, 10), 10);
    let two = subscribe(&mut all);
    assert_eq!(books(&all), (0, 10));
    assert_eq!(all.demand(one), 10);
    assert_eq!(cancel(&mut all, one), 0);
    assert_eq!(ask(&mut all, two, 10), 0);
    assert_eq!(books(&all), (10, 10));
}

#[test]
fn bd_03_the_end_of_the_slowest_releases_demand() {
    let mut all: Broadcast<char> = Broadcast::new();
    let one = subscribe(&mut all);
    let two = subscribe(&mut all);
    assert_eq!(ask(&mut all, one, 10), 0);
    assert_eq!(cancel(&mut all, two), 10);
    assert_eq!(ask(&mut all, one, 10), 10);
    assert_eq!(books(&all), (20, 20));
}

#[test]
fn bd_04_the_least_demand_counts() {
    let mut all = Broadcast::new();
    let one = subscribe(&mut all);
    let two = subscribe(&mut all);
    assert_eq!(ask(&mut all, one, 3), 0);
    assert_eq!(ask(&mut all, two, 2), 2);
    assert_eq!(
        dispatch(&mut all, &['a', 'b']),
        (vec![(one, vec!['a', 'b']), (two, vec!['a', 'b'])], vec![])
    );
    assert_eq!((all.demand(one), all.demand(two)), (1, 0));
    assert_eq!(ask(&mut all, two, 2), 1);
    assert_eq!(
        dispatch(&mut all, &['c', 'd']),
        (vec![(one, vec!['c']), (two, vec!['c'])], vec!['d'])
    );
    assert_eq!(dispatch(&mut all, &['d']), (vec![], vec!['d']));
    assert_eq!((all.demand(one), all.demand(two)), (0, 1));
}

#[test]
fn bd_05_a_late_third_gets_what_comes_when_it_has_asked() {
    let mut all = Broadcast::new();
    let one = subscribe(&mut all);
    let two = subscribe(&mut all);
    assert_eq!(ask(&mut all, one, 1), 0);
    assert_eq!(ask(&mut all, two, 1), 1);
    let three = subscribe(&mut all);
    assert_eq!(dispatch(&mut all, &['d', 'e']), (vec![], vec!['d', 'e']));
    assert_eq!(ask(&mut all, one, 2), 0);
    assert_eq!(ask(&mut all, two, 2), 0);
    // Three, and not the two of the original: the one that had been requested has come, and is in the stage's buffer.
    assert_eq!(ask(&mut all, three, 3), 3);
    let run = vec!['d', 'e', 'f'];
    assert_eq!(
        dispatch(&mut all, &run),
        (
            vec![(one, run.clone()), (two, run.clone()), (three, run.clone())],
            vec![]
        )
    );
    assert_eq!(books(&all), (0, 0));
}

#[test]
fn bd_06_a_second_that_asks_for_more() {
    let mut all = Broadcast::new();
    let one = subscribe(&mut all);
    assert_eq!(ask(&mut all, one, 10), 10);
    assert_eq!(dispatch(&mut all, &[1, 2, 3]).0, [(one, vec![1, 2, 3])]);
    let two = subscribe(&mut all);
    assert_eq!(ask(&mut all, two, 20), 0);
    let run: Vec<i32> = (4..11).collect();
    assert_eq!(
        dispatch(&mut all, &run),
        (vec![(one, run.clone()), (two, run.clone())], vec![])
    );
    assert_eq!((all.demand(one), all.demand(two)), (0, 13));
}

#[test]
fn bd_07_what_the_gone_have_requested_is_used() {
    let mut all = Broadcast::new();
    let one = subscribe(&mut all);
    assert_eq!(ask(&mut all, one, 10), 10);
    cancel(&mut all, one);
    let two = subscribe(&mut all);
    assert_eq!(ask(&mut all, two, 5), 0);
    assert_eq!(dispatch(&mut all, &[1, 2, 3]).0, [(two, vec![1, 2, 3])]);
    assert_eq!(books(&all), (2, 7));
}

#[test]
fn bd_08_what_waited_behind_the_slowest_is_asked_for_when_it_goes() {
    let mut all: Broadcast<char> = Broadcast::new();
    let one = subscribe(&mut all);
    assert_eq!(ask(&mut all, one, 10), 10);
    let two = subscribe(&mut all);
    assert_eq!(ask(&mut all, one, 5), 0);
    assert_eq!(cancel(&mut all, two), 5);
    assert_eq!(books(&all), (15, 15));
}

#[test]
fn bd_09_what_a_selector_does_not_want_is_asked_for_again() {
    let mut all: Broadcast<&str> = Broadcast::new();
    let mut subscribe = |prefix: &'static str| {
        let tag = Tag::new();
        let mut wants = plain();
        wants.selector = Some(Arc::new(move |event: &&str| event.starts_with(prefix)));
        assert_eq!(all.subscribe(tag, &wants), Ok(0));
        tag
    };
    let (one, two) = (subscribe("pre"), subscribe("pref"));
    assert_eq!(ask(&mut all, one, 4), 0);
    assert_eq!(ask(&mut all, two, 4), 4);
    let mut out = Outbox::default();
    let events = vec!["pref-1234", "pref-5678", "pre0000", "foo0000"];
    assert_eq!(all.dispatch(events, &mut out), Ok(vec![]));
    assert_eq!(
        out.events,
        [
            (one, vec!["pref-1234", "pref-5678", "pre0000"]),
            (two, vec!["pref-1234", "pref-5678"])
        ]
    );
    assert_eq!(out.asks, [(one, 1), (two, 2)]);
}

#[test]
fn bd_10_an_info_is_handed_out_at_once() {
    let mut all: Broadcast<char> = Broadcast::new();
    let mut out = Outbox::default();
    all.info(InfoId(7), &mut out);
    assert_eq!(out.infos, [InfoId(7)]);
}

#[test]
fn bd_11_the_same_consumer_twice_is_refused() {
    let mut all: Broadcast<char> = Broadcast::new();
    let wants = plain();
    let one = Tag::new();
    assert_eq!(all.subscribe(one, &wants), Ok(0));
    let error = all.subscribe(Tag::new(), &wants).unwrap_err();
    assert!(error.contains("already"), "{error}");
    assert_eq!(ask(&mut all, one, 3), 3);
    cancel(&mut all, one);
    assert_eq!(all.subscribe(Tag::new(), &wants), Ok(0));
}

#[test]
fn one_that_wants_nothing_holds_nobody_up() {
    let mut all: Broadcast<u32> = Broadcast::new();
    let one = subscribe(&mut all);
    let none = Tag::new();
    let mut wants = plain();
    wants.selector = Some(Arc::new(|_: &u32| false));
    assert_eq!(all.subscribe(none, &wants), Ok(0));
    ask(&mut all, one, 5);
    assert_eq!(ask(&mut all, none, 2), 2);
    let mut out = Outbox::default();
    assert_eq!(all.dispatch(vec![1, 2], &mut out), Ok(vec![]));
    assert_eq!(out.events, [(one, vec![1, 2])]);
    assert_eq!(out.asks, [(none, 2)]);
    assert_eq!(ask(&mut all, none, 2), 2);
}
