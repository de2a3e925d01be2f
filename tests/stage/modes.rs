//! Demand that is forwarded, and demand that is collected first.

use millstream::Error;
use millstream::stage::dispatch::Broadcast;
use millstream::stage::testing::pushed;
use millstream::stage::{DemandMode, Subscription};

use crate::common::{Ping, batch, counter, demands, next, nothing, record};

#[test]
fn gs_17_nothing_flows_before_forward() -> Result<(), Error> {
    let (counter, demanded) = counter();
    let counter = counter.demand(DemandMode::Accumulate).start()?;
    let (_consumer, received) = record(&counter, demands(4, 0))?;
    counter.call(Ping)?;
    nothing(&demanded);
    nothing(&received);
    counter.set_demand(DemandMode::Forward)?;
    assert_eq!(batch(&received), [0, 1, 2, 3]);
    Ok(())
}

#[test]
fn gs_18_the_mode_can_be_read_and_set() -> Result<(), Error> {
    let (counter, demanded) = counter();
    let counter = counter.demand(DemandMode::Accumulate).start()?;
    assert_eq!(counter.demand()?, DemandMode::Accumulate);
    counter.set_demand(DemandMode::Forward)?;
    assert_eq!(counter.demand()?, DemandMode::Forward);
    let (_consumer, received) = record(&counter, demands(4, 0))?;
    assert_eq!(batch(&received), [0, 1, 2, 3]);
    assert_eq!(next(&demanded), 4);
    Ok(())
}

#[test]
fn gs_19_events_are_held_until_forward() -> Result<(), Error> {
    let producer = pushed().dispatcher(Broadcast::new()).start()?;
    let (old_one, _) = record(&producer, demands(10, 0))?;
    let (old_two, _) = record(&producer, demands(10, 0))?;
    producer.set_demand(DemandMode::Accumulate)?;
    old_one.stop()?;
    old_two.stop()?;
    producer.push(1..=4)?;
    assert_eq!(producer.estimate_buffered_count()?, 4);

    let (_one, first) = record(&producer, demands(10, 0))?;
    let (_two, second) = record(&producer, demands(10, 0))?;
    producer.demanded()?;
    nothing(&first);
    nothing(&second);
    producer.set_demand(DemandMode::Forward)?;
    assert_eq!(batch(&first), [1, 2, 3, 4]);
    assert_eq!(batch(&second), [1, 2, 3, 4]);
    assert_eq!(producer.estimate_buffered_count()?, 0);
    Ok(())
}

#[test]
fn gs_20_collecting_again_loses_no_demand() -> Result<(), Error> {
    let (counter, demanded) = counter();
    let counter = counter.demand(DemandMode::Accumulate).start()?;
    let (_consumer, received) = record(&counter, demands(4, 0))?;
    counter.set_demand(DemandMode::Accumulate)?;
    counter.call(Ping)?;
    nothing(&demanded);
    counter.set_demand(DemandMode::Forward)?;
    assert_eq!(batch(&received), [0, 1, 2, 3]);
    Ok(())
}

#[test]
fn gs_21_each_demand_is_kept_by_itself() -> Result<(), Error> {
    let (counter, demanded) = counter();
    let counter = counter.demand(DemandMode::Accumulate).start()?;
    let (_one, _first) = record(&counter, demands(2, 1))?;
    let (_two, _second) = record(&counter, demands(2, 1))?;
    counter.set_demand(DemandMode::Forward)?;
    for n in [2, 2, 1, 1, 1] {
        assert_eq!(next(&demanded), n);
    }
    Ok(())
}

#[test]
fn what_was_owed_before_is_not_asked_for_again() -> Result<(), Error> {
    let producer = pushed().start()?;
    let (_consumer, received) =
        record(&producer, Subscription::new().max_demand(10).min_demand(0))?;
    while producer.demanded()?.is_empty() {}
    producer.set_demand(DemandMode::Accumulate)?;
    producer.push(0..4)?;
    nothing(&received);
    producer.set_demand(DemandMode::Forward)?;
    assert_eq!(batch(&received), [0, 1, 2, 3]);
    producer.push(4..10)?;
    assert_eq!(batch(&received), [4, 5, 6, 7, 8, 9]);
    while producer.demanded()?.len() < 2 {}
    assert_eq!(producer.demanded()?, [10, 10]);
    Ok(())
}
