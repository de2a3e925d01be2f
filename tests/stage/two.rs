//! Demand between two stages.

use millstream::Error;
use millstream::stage::dispatch::Broadcast;
use millstream::stage::testing::Record;
use millstream::stage::{DemandMode, Subscription};

use crate::common::{Ping, batch, counter, demands, gated, next, nothing, record, until};

#[test]
fn gs_01_batches_of_half_the_demand() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (consumer, records) = record(&counter, Subscription::new())?;
    for start in [0, 500, 1000, 1500] {
        assert_eq!(batch(&records), Vec::from_iter(start..start + 500));
    }
    consumer.stop()?;
    counter.stop()
}

#[test]
fn gs_02_min_demand_makes_small_batches() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (_consumer, records) = record(&counter, demands(100, 80))?;
    for start in (0..=1000).step_by(20) {
        assert_eq!(batch(&records), Vec::from_iter(start..start + 20));
    }
    Ok(())
}

#[test]
fn gs_03_min_demand_makes_large_and_small_batches() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (_consumer, records) = record(&counter, demands(100, 20))?;
    for (start, end) in [(0, 80), (80, 100), (100, 180), (180, 260), (260, 280)] {
        assert_eq!(batch(&records), Vec::from_iter(start..end));
    }
    Ok(())
}

#[test]
fn gs_04_one_at_a_time() -> Result<(), Error> {
    let (counter, demanded) = counter();
    let counter = counter.start()?;
    let (_consumer, records) = record(&counter, demands(1, 0))?;
    for n in 0..3 {
        assert_eq!(batch(&records), [n]);
    }
    assert_eq!(demanded.recv(), Ok(1));
    Ok(())
}

#[test]
fn gs_05_broadcast_at_the_pace_of_the_slowest() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter
        .dispatcher(Broadcast::new())
        .demand(DemandMode::Accumulate)
        .start()?;
    let (_ten, first) = record(&counter, demands(10, 0))?;
    let (_twenty, second) = record(&counter, demands(20, 0))?;
    counter.set_demand(DemandMode::Forward)?;
    until(&first, &Vec::from_iter(1000..1010));
    until(&second, &Vec::from_iter(1000..1010));
    Ok(())
}

#[test]
fn gs_06_one_that_never_asks_holds_all_up() -> Result<(), Error> {
    let (counter, demanded) = counter();
    let counter = counter
        .dispatcher(Broadcast::new())
        .demand(DemandMode::Accumulate)
        .start()?;
    let (third, idle) = record(&counter, Subscription::new().manual())?;
    let (_ten, first) = record(&counter, demands(10, 0))?;
    let (_twenty, second) = record(&counter, demands(20, 0))?;
    counter.set_demand(DemandMode::Forward)?;
    counter.call(Ping)?;
    nothing(&demanded);
    third.stop()?;
    assert_eq!(batch(&first), Vec::from_iter(0..10));
    assert_eq!(batch(&second), Vec::from_iter(0..10));
    assert!(matches!(idle.recv(), Ok(Record::Terminated(_))));
    Ok(())
}

#[test]
fn gs_07_two_that_never_finish_are_asked_for_once() -> Result<(), Error> {
    let (counter, demanded) = counter();
    let counter = counter
        .dispatcher(Broadcast::new())
        .demand(DemandMode::Accumulate)
        .start()?;
    let ten = gated(&counter, demands(10, 0))?;
    let twenty = gated(&counter, demands(20, 0))?;
    counter.set_demand(DemandMode::Forward)?;
    assert_eq!(next(&ten.batches), Vec::from_iter(0..10));
    assert_eq!(next(&twenty.batches), Vec::from_iter(0..10));
    counter.call(Ping)?;
    assert_eq!(next(&demanded), 10);
    nothing(&demanded);
    Ok(())
}
