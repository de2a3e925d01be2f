//! Dispatchers with stages around them: what the arithmetic promises holds across threads too.

use std::collections::BTreeSet;
use std::sync::mpsc::{RecvTimeoutError, channel};

use millstream::Error;
use millstream::stage::dispatch::{Broadcast, DemandDispatch, Notice, PartitionBy, RoundRobin};
use millstream::stage::testing::{Record, recorder};
use millstream::stage::{
    self, Answer, Cancel, DemandMode, Emit, Next, Producer, Reason, Subscription,
};

use crate::common::{GUARD, Ping, batch, counter, demands, middle, next, nothing, record};

/// All events of a record, until its stage ended.
fn all<E>(records: impl IntoIterator<Item = Record<E>>) -> Vec<E> {
    records
        .into_iter()
        .filter_map(Record::events)
        .flatten()
        .collect()
}

#[test]
fn every_event_goes_to_one_consumer_and_all_end_with_the_producer() -> Result<(), Error> {
    for turns in [true, false] {
        let numbers = stage::from_iter(0..10_000).demand(DemandMode::Accumulate);
        let numbers = if turns {
            numbers.dispatcher(RoundRobin::new())
        } else {
            numbers.dispatcher(DemandDispatch::new().shuffle())
        };
        let numbers = numbers.start()?;
        let mut consumers = Vec::new();
        for max in [1, 7, 100, 1000] {
            consumers.push(record(&numbers, Subscription::new().max_demand(max))?);
        }
        numbers.set_demand(DemandMode::Forward)?;
        let mut got = BTreeSet::new();
        for (consumer, records) in consumers {
            consumer.join()?;
            for event in all(records) {
                assert!(got.insert(event), "{event} came twice");
            }
        }
        assert_eq!(got.len(), 10_000);
        assert_eq!(numbers.counts().given, 10_000);
        numbers.join()?;
    }
    Ok(())
}

#[test]
fn partitions_get_their_own_and_a_finite_producer_waits_for_the_slowest() -> Result<(), Error> {
    let parts = PartitionBy::new(3, |n: u64| Some((n, (n % 3) as usize)));
    let numbers = stage::from_iter(0..3000u64).dispatcher(parts).start()?;
    let mut consumers = Vec::new();
    for (part, max) in [(0, 1000), (1, 10), (2, 1)] {
        let options = Subscription::new().max_demand(max).partition(part);
        consumers.push(record(&numbers, options)?);
    }
    for (part, (consumer, records)) in consumers.into_iter().enumerate() {
        consumer.join()?;
        let own = (0..3000).filter(|n| n % 3 == part as u64);
        assert_eq!(all(records), Vec::from_iter(own));
    }
    numbers.join()
}

#[test]
fn a_producer_of_events_nobody_wants_can_be_stopped() -> Result<(), Error> {
    let nowhere = PartitionBy::new(1, |_: u64| None);
    let (dropped, demanded) = counter();
    let dropped = dropped.dispatcher(nowhere).start()?;
    let (consumer, records) = record(&dropped, Subscription::new().partition(0))?;
    for _ in 0..10 {
        next(&demanded);
    }
    dropped.stop()?;
    consumer.join()?;
    assert!(all(records).is_empty());

    let (unwanted, demanded) = counter();
    let unwanted = unwanted.dispatcher(Broadcast::new()).start()?;
    let none = Subscription::new().selector(|_: &u64| false);
    let (consumer, records) = record(&unwanted, none)?;
    for _ in 0..10 {
        next(&demanded);
    }
    unwanted.stop()?;
    consumer.join()?;
    assert!(all(records).is_empty());
    Ok(())
}

#[test]
fn a_selector_holds_nobody_up() -> Result<(), Error> {
    let numbers = stage::from_iter(0..5000u64)
        .dispatcher(Broadcast::new())
        .demand(DemandMode::Accumulate)
        .start()?;
    let few = Subscription::new().selector(|n: &u64| n % 1000 == 0);
    let (few, thousands) = record(&numbers, few)?;
    let (every, records) = record(&numbers, Subscription::new())?;
    numbers.set_demand(DemandMode::Forward)?;
    few.join()?;
    every.join()?;
    assert_eq!(all(thousands), [0, 1000, 2000, 3000, 4000]);
    assert_eq!(all(records), Vec::from_iter(0..5000));
    numbers.join()
}

#[test]
fn an_event_of_no_partition_ends_the_producer_and_says_so() -> Result<(), Error> {
    let parts = PartitionBy::new(2, |n: u64| Some((n, n as usize)));
    let numbers = stage::from_iter(0..10u64)
        .name("numbers")
        .dispatcher(parts)
        .start()?;
    let (consumer, records) = recorder();
    let options = demands(3, 0).partition(0).cancel(Cancel::Temporary);
    let consumer = consumer.subscribe_to(&numbers, options).start()?;
    let error = numbers.join().unwrap_err();
    assert_eq!(error.stage(), Some("numbers"));
    assert_eq!(batch(&records), [0]);
    consumer.stop()
}

#[test]
fn demand_of_a_consumer_that_died_goes_to_the_others() -> Result<(), Error> {
    let (counter, demanded) = counter();
    let counter = counter.demand(DemandMode::Accumulate).start()?;
    let (dead, records) = record(&counter, demands(10, 0))?;
    dead.stop_with(Reason::other("killed"))?;
    assert!(dead.join().is_err());
    let (_alive, received) = record(&counter, demands(10, 0))?;
    counter.set_demand(DemandMode::Forward)?;
    // Asked for once; the second ask was served by the first.
    assert_eq!(batch(&received), Vec::from_iter(0..10));
    assert_eq!(batch(&received), Vec::from_iter(10..20));
    counter.call(Ping)?;
    assert_eq!(next(&demanded), 10);
    assert!(all(records).is_empty());
    Ok(())
}

/// Reports what its dispatcher has seen.
struct Noticing(std::sync::mpsc::Sender<Notice>);

impl Producer for Noticing {
    type Event = u64;
    fn handle_demand(&mut self, _: usize, _: &mut Emit<u64>) -> Answer {
        Ok(Next::Go)
    }
    fn handle_notice(&mut self, notice: &Notice) {
        let _ = self.0.send(notice.clone());
    }
}

#[test]
fn what_a_dispatcher_notices_is_a_callback() -> Result<(), Error> {
    let (sender, notices) = channel();
    let producer = stage::producer(Noticing(sender)).start()?;
    let (_small, _) = record(&producer, demands(3, 0))?;
    producer.estimate_buffered_count()?;
    nothing(&notices);
    let (_large, _) = record(&producer, demands(4, 0))?;
    let notice = next(&notices);
    assert!(matches!(
        notice,
        Notice::AskedMore {
            asked: 4,
            expected: 3,
            ..
        }
    ));
    Ok(())
}

/// Reads a record to its end, with a guard against a stall.
fn drain(records: &std::sync::mpsc::Receiver<Record<u64>>, what: &str) -> Vec<u64> {
    let mut got = Vec::new();
    loop {
        match records.recv_timeout(GUARD) {
            Ok(Record::Events(events)) => got.extend(events),
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => return got,
            Err(RecvTimeoutError::Timeout) => panic!("stalled after {}: {what}", got.len()),
        }
    }
}

#[test]
fn no_demands_and_no_dispatcher_make_a_chain_stall() -> Result<(), Error> {
    const EVENTS: u64 = 300;
    let demand = [(1, 0), (3, 2), (10, 0), (10, 9), (100, 50), (1000, 500)];
    let mut case = 0;
    for times in 0..4 {
        for who in 0..4 {
            for up in demand {
                case += 1;
                let numbers = stage::from_iter(0..EVENTS)
                    .demand(DemandMode::Accumulate)
                    .start()?;
                let (transform, _seen) = middle(times);
                let transform = match who {
                    0 => transform,
                    1 => transform.dispatcher(RoundRobin::new()),
                    2 => transform.dispatcher(Broadcast::new()),
                    _ => transform.dispatcher(PartitionBy::key(2, |n: &u64| *n).queue(3)),
                };
                let transform = transform
                    .subscribe_to(&numbers, demands(up.0, up.1))
                    .start()?;
                let mut consumers = Vec::new();
                for part in 0..2 {
                    let (max, min) = demand[(case * 5 + part * 2) % demand.len()];
                    let options = demands(max, min).partition(part);
                    consumers.push(record(&transform, options)?);
                }
                // All have subscribed.
                transform.call(Ping)?;
                numbers.set_demand(DemandMode::Forward)?;
                let what = format!("{times} times, dispatcher {who}, demand {up:?}");
                let mut got: Vec<u64> = Vec::new();
                for (consumer, records) in consumers {
                    got.extend(drain(&records, &what));
                    consumer.join()?;
                }
                got.sort_unstable();
                let copies = if who == 2 { 2 * times } else { times };
                let wanted = (0..EVENTS).flat_map(|n| std::iter::repeat_n(n, copies));
                assert_eq!(got, Vec::from_iter(wanted), "{what}");
                transform.join()?;
                numbers.join()?;
            }
        }
    }
    Ok(())
}
