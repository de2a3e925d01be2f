//! Demand through a stage in the middle.

use millstream::Error;
use millstream::stage::dispatch::Broadcast;
use millstream::stage::testing::Record;
use millstream::stage::{self, Cancel, Emits, Handle, Produces, Reason, Subscription, Transforms};

use crate::common::{
    Counter, Middle, Ping, batch, cancelled, counter, demands, doubled, gated, middle, next,
    nothing, record, until,
};

/// All that was sent between the two has arrived, and what followed from it too.
fn settled(
    counter: &Handle<Produces<Counter>>,
    middle: &Handle<Transforms<Middle>>,
) -> Result<(), Error> {
    middle.call(Ping)?;
    counter.call(Ping)?;
    middle.call(Ping)
}

/// What the doubler handles and the consumer gets, with a doubler of 100/80.
fn small_steps(subscribe_late: bool) -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (doubler, handled) = middle(2);
    let doubler = if subscribe_late {
        doubler
    } else {
        doubler.subscribe_to(&counter, demands(100, 80))
    };
    let doubler = doubler.start()?;
    let consumer = gated(&doubler, demands(100, 50))?;
    if subscribe_late {
        doubler.subscribe(&counter, demands(100, 80))?;
    }
    // Cut by the doubler's demand, then by the consumer's.
    for (start, end) in [
        (0, 20),
        (20, 40),
        (40, 50),
        (50, 75),
        (75, 90),
        (90, 100),
        (100, 120),
        (120, 125),
        (125, 140),
    ] {
        assert_eq!(next(&consumer.batches), doubled(start..end));
        settled(&counter, &doubler)?;
        let _ = consumer.go.send(());
    }
    for start in (0..=120).step_by(20) {
        assert_eq!(batch(&handled), Vec::from_iter(start..start + 20));
    }
    Ok(())
}

/// The same with a doubler of 100/20.
fn large_steps(subscribe_late: bool) -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (doubler, handled) = middle(2);
    let doubler = if subscribe_late {
        doubler
    } else {
        doubler.subscribe_to(&counter, demands(100, 20))
    };
    let doubler = doubler.start()?;
    let (_consumer, received) = record(&doubler, demands(100, 50))?;
    if subscribe_late {
        doubler.subscribe(&counter, demands(100, 20))?;
    }
    assert_eq!(batch(&handled), Vec::from_iter(0..80));
    for start in [0, 25, 50] {
        assert_eq!(batch(&received), doubled(start..start + 25));
    }
    until(&handled, &Vec::from_iter(100..180));
    Ok(())
}

#[test]
fn gs_08_a_doubler_with_small_steps() -> Result<(), Error> {
    small_steps(false)
}

#[test]
fn gs_09_a_doubler_with_large_steps() -> Result<(), Error> {
    large_steps(false)
}

#[test]
fn gs_10_small_steps_when_the_consumer_is_first() -> Result<(), Error> {
    small_steps(true)
}

#[test]
fn gs_11_large_steps_when_the_consumer_is_first() -> Result<(), Error> {
    large_steps(true)
}

#[test]
fn gs_12_no_more_is_handled_than_was_asked_for() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (middle, handled) = middle(1);
    let middle = middle.subscribe_to(&counter, demands(10, 8)).start()?;
    let consumer = gated(&middle, demands(10, 5))?;
    assert_eq!(next(&consumer.batches), [0, 1]);
    for n in [0, 2, 4, 6, 8] {
        assert_eq!(batch(&handled), [n, n + 1]);
    }
    // The next ten are there, and wait.
    settled(&counter, &middle)?;
    nothing(&handled);
    nothing(&consumer.batches);
    drop(consumer.go);
    assert_eq!(batch(&handled), [10, 11]);
    Ok(())
}

#[test]
fn gs_13_dropping_everything_does_not_stall() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (middle, handled) = middle(0);
    let middle = middle.subscribe_to(&counter, demands(100, 80)).start()?;
    let (_consumer, received) = record(&middle, demands(100, 50))?;
    for start in (0..=1000).step_by(20) {
        assert_eq!(batch(&handled), Vec::from_iter(start..start + 20));
    }
    nothing(&received);
    Ok(())
}

#[test]
fn gs_14_a_doubler_to_all() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (doubler, _handled) = middle(2);
    let doubler = doubler.dispatcher(Broadcast::new()).start()?;
    let (_ten, first) = record(&doubler, demands(10, 0))?;
    let (_twenty, second) = record(&doubler, demands(20, 0))?;
    doubler.subscribe(&counter, demands(100, 80))?;
    until(&first, &doubled(200..205));
    until(&second, &doubled(200..205));
    Ok(())
}

#[test]
fn gs_15_one_that_never_asks_holds_the_middle_up() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (doubler, handled) = middle(2);
    let doubler = doubler.dispatcher(Broadcast::new()).start()?;
    let (third, _idle) = record(&doubler, Subscription::new().manual())?;
    let (_ten, first) = record(&doubler, demands(10, 0))?;
    let (_twenty, second) = record(&doubler, demands(20, 0))?;
    doubler.subscribe(&counter, demands(100, 80))?;
    settled(&counter, &doubler)?;
    nothing(&handled);
    third.stop()?;
    assert_eq!(batch(&first), doubled(0..5));
    assert_eq!(batch(&second), doubled(0..5));
    Ok(())
}

#[test]
fn gs_16_a_lost_producer_is_seen_behind_its_events() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    let (doubler, handled) = middle(2);
    let doubler = doubler.start()?;
    let options = demands(100, 50).cancel(Cancel::Temporary);
    let tag = doubler.subscribe(&counter, options)?;
    settled(&counter, &doubler)?;
    drop(counter);
    doubler.call(Ping)?;
    nothing(&handled);

    let (_consumer, received) = record(&doubler, demands(100, 50))?;
    assert_eq!(batch(&handled), Vec::from_iter(0..50));
    assert_eq!(batch(&handled), Vec::from_iter(50..100));
    assert_eq!(batch(&received), doubled(0..25));
    assert_eq!(batch(&received), doubled(25..50));
    let (lost, ended) = cancelled(&handled);
    assert_eq!(lost, tag);
    assert!(ended.is_down() && matches!(ended.reason(), Reason::Shutdown));
    // The stage goes on, with what it still has.
    assert_eq!(batch(&received), doubled(50..75));
    assert_eq!(batch(&received), doubled(75..100));
    doubler.call(Ping)?;
    nothing(&handled);
    nothing(&received);
    Ok(())
}

#[test]
fn a_middle_stage_gives_its_surplus_before_it_ends_with_its_producer() -> Result<(), Error> {
    let numbers = stage::from_iter(0..1000u64).start()?;
    let (doubler, handled) = middle(2);
    let doubler = doubler
        .subscribe_to(numbers.output(), Subscription::new())
        .start()?;
    // One at a time, so that nearly all of it is in the doubler's buffer when the numbers are over.
    let stream = stage::stream([(&doubler, demands(1, 0))])?;
    assert_eq!(stream.collect::<Result<Vec<_>, _>>()?, doubled(0..1000));
    doubler.join()?;
    numbers.join()?;
    let last = handled.iter().last();
    assert!(matches!(last, Some(Record::Cancelled(..))));
    Ok(())
}
