//! Stages with a rate: how many events go by when, and that none is lost. The clock is moved by the tests.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use millstream::stage::dispatch::{Broadcast, RoundRobin};
use millstream::stage::testing::{Record, pushed, recorder};
use millstream::stage::{self, Keep, Rate, Subscription};
use millstream::{Error, ErrorKind, ManualClock};

use crate::common::{Ping, batch, counter, demands, doubled, middle, next, nothing, record};

const SECOND: Duration = Duration::from_secs(1);

/// So many events a second, and the hands of the clock. (A part of a second is rounded up: use parts that are whole.)
fn rate(n: u32) -> (Rate, ManualClock) {
    let clock = ManualClock::new();
    let rate = Rate::with_clock(n, SECOND, &clock).expect("a rate");
    (rate, clock)
}

/// The next events, however they are cut into batches.
#[track_caller]
fn events<E: std::fmt::Debug>(from: &Receiver<Record<E>>, n: usize) -> Vec<E> {
    let mut events = Vec::new();
    while events.len() < n {
        events.extend(batch(from));
    }
    events
}

#[test]
fn a_full_bucket_first_and_then_one_in_each_part() -> Result<(), Error> {
    let (rate, clock) = rate(4);
    let (counter, demanded) = counter();
    let counter = counter.rate(&rate).start()?;
    let (_consumer, records) = record(&counter, demands(10, 0))?;
    assert_eq!(batch(&records), [0, 1, 2, 3]);
    counter.call(Ping)?;
    nothing(&records);
    clock.advance(SECOND / 4);
    assert_eq!(batch(&records), [4]);
    // A long pause fills the bucket, and no more.
    clock.advance(10 * SECOND);
    assert_eq!(batch(&records), [5, 6, 7, 8]);
    counter.call(Ping)?;
    nothing(&records);
    clock.advance(SECOND / 4 - Duration::from_nanos(1));
    counter.call(Ping)?;
    nothing(&records);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(batch(&records), [9]);
    // The producer was asked for what was allowed.
    let asked: Vec<usize> = (0..4).map(|_| next(&demanded)).collect();
    assert_eq!(asked, [4, 1, 4, 1]);
    Ok(())
}

#[test]
fn events_from_outside_wait_in_the_buffer() -> Result<(), Error> {
    let (rate, clock) = rate(2);
    let producer = pushed().rate(&rate).start()?;
    let (_consumer, records) = record(&producer, demands(3, 0))?;
    producer.push(0..5)?;
    assert_eq!(events(&records, 2), [0, 1]);
    assert_eq!(producer.estimate_buffered_count()?, 3);
    clock.advance(SECOND / 2);
    assert_eq!(batch(&records), [2]);
    producer.push(5..6)?;
    clock.advance(SECOND);
    assert_eq!(events(&records, 2), [3, 4]);
    nothing(&records);
    clock.advance(SECOND);
    assert_eq!(batch(&records), [5]);
    Ok(())
}

#[test]
fn a_full_buffer_drops_what_waits_for_the_rate() -> Result<(), Error> {
    let (rate, clock) = rate(1);
    let producer = pushed().rate(&rate).buffer(2, Keep::First).start()?;
    let (_consumer, records) = record(&producer, Subscription::new())?;
    producer.push(0..5)?;
    assert_eq!(batch(&records), [0]);
    assert_eq!(producer.discarded(), 2);
    clock.advance(SECOND);
    assert_eq!(batch(&records), [1]);
    clock.advance(SECOND);
    assert_eq!(batch(&records), [2]);
    Ok(())
}

#[test]
fn whoever_pushes_waits_for_the_rate_if_the_buffer_blocks() -> Result<(), Error> {
    let (rate, clock) = rate(1);
    let producer = pushed().rate(&rate).buffer(1, Keep::Block).start()?;
    let (_consumer, records) = record(&producer, Subscription::new())?;
    producer.push(0..2)?;
    let (pushed, done) = channel();
    let stage = producer.stage();
    let pusher = std::thread::spawn(move || {
        let result = stage.push(2..3);
        let _ = pushed.send(());
        result
    });
    assert_eq!(batch(&records), [0]);
    assert!(producer.demand().is_ok());
    nothing(&done);
    clock.advance(SECOND);
    assert_eq!(batch(&records), [1]);
    next(&done);
    pusher.join().expect("no panic")?;
    clock.advance(SECOND);
    assert_eq!(batch(&records), [2]);
    Ok(())
}

#[test]
fn producers_share_a_rate() -> Result<(), Error> {
    let (rate, clock) = rate(5);
    let producers: Vec<_> = (0..3)
        .map(|_| {
            let (counter, demanded) = counter();
            Ok((counter.rate(&rate).start()?, demanded))
        })
        .collect::<Result<_, Error>>()?;
    let (mut consumer, records) = recorder();
    for (producer, _) in &producers {
        consumer = consumer.subscribe_to(producer, demands(4, 0));
    }
    let _consumer = consumer.start()?;
    for period in 1..5 {
        assert_eq!(events(&records, 5).len(), 5, "in period {period}");
        for (producer, _) in &producers {
            producer.call(Ping)?;
        }
        nothing(&records);
        let given: u64 = producers.iter().map(|(p, _)| p.counts().given).sum();
        assert_eq!(given, 5 * period);
        clock.advance(SECOND);
    }
    Ok(())
}

#[test]
fn a_rate_changes_while_stages_wait() -> Result<(), Error> {
    let (rate, clock) = rate(1);
    let (counter, _demanded) = counter();
    let counter = counter.rate(&rate).start()?;
    let (_consumer, records) = record(&counter, demands(1000, 0))?;
    assert_eq!(batch(&records), [0]);
    // Permits are not given anew by a change.
    rate.change(1_000, SECOND)?;
    counter.call(Ping)?;
    nothing(&records);
    clock.advance(SECOND / 10);
    assert_eq!(events(&records, 100), Vec::from_iter(1..101));
    rate.change(10, SECOND)?;
    clock.advance(SECOND / 10);
    assert_eq!(batch(&records), [101]);
    counter.call(Ping)?;
    nothing(&records);
    Ok(())
}

#[test]
fn what_is_left_stays_when_a_rate_changes() -> Result<(), Error> {
    for (first, then, left) in [(5, 3, 3), (2, 10, 2)] {
        let (rate, _clock) = rate(first);
        rate.change(then, SECOND)?;
        let (counter, _demanded) = counter();
        let counter = counter.rate(&rate).start()?;
        let (_consumer, records) = record(&counter, Subscription::new())?;
        assert_eq!(batch(&records), Vec::from_iter(0..left));
        counter.call(Ping)?;
        nothing(&records);
    }
    Ok(())
}

#[test]
fn a_bucket_is_filled_by_hand() -> Result<(), Error> {
    let (rate, _clock) = rate(2);
    let (counter, _demanded) = counter();
    let counter = counter.rate(&rate).start()?;
    let (_consumer, records) = record(&counter, demands(10, 0))?;
    assert_eq!(batch(&records), [0, 1]);
    rate.change(4, 2 * SECOND)?;
    assert_eq!(rate.get(), (4, 2 * SECOND));
    counter.call(Ping)?;
    nothing(&records);
    rate.refill();
    assert_eq!(batch(&records), [2, 3, 4, 5]);
    counter.call(Ping)?;
    nothing(&records);
    Ok(())
}

#[test]
fn a_change_wakes_stages_that_wait_by_the_machines_clock() -> Result<(), Error> {
    let rate = Rate::new(1, Duration::from_secs(3_600))?;
    let (counter, _demanded) = counter();
    let counter = counter.rate(&rate).start()?;
    let (_consumer, records) = record(&counter, demands(10, 0))?;
    assert_eq!(batch(&records), [0]);
    counter.call(Ping)?;
    rate.change(5, Duration::from_micros(5))?;
    assert_eq!(events(&records, 9), Vec::from_iter(1..10));
    Ok(())
}

#[test]
fn a_stage_that_waits_can_be_stopped() -> Result<(), Error> {
    let rate = Rate::new(1, Duration::from_secs(3_600))?;
    let (counter, _demanded) = counter();
    let counter = counter.rate(&rate).start()?;
    let (consumer, records) = record(&counter, demands(10, 0))?;
    assert_eq!(batch(&records), [0]);
    counter.stop()?;
    consumer.join()
}

#[test]
fn a_stage_in_the_middle_has_a_rate() -> Result<(), Error> {
    let (rate, clock) = rate(4);
    let (counter, _demanded) = counter();
    let counter = counter.start()?;
    let (middle, seen) = middle(2);
    let middle = middle
        .rate(&rate)
        .subscribe_to(&counter, demands(4, 0))
        .start()?;
    let (_consumer, records) = record(&middle, demands(8, 0))?;
    assert_eq!(events(&records, 4), [0, 0, 1, 1]);
    assert_eq!(batch(&seen), [0, 1, 2, 3]);
    middle.call(Ping)?;
    // It takes no more before the events it has made may go.
    nothing(&seen);
    nothing(&records);
    clock.advance(SECOND);
    assert_eq!(events(&records, 4), [2, 2, 3, 3]);
    let mut all = Vec::new();
    while all.len() < 16 {
        clock.advance(SECOND / 2);
        all.extend(events(&records, 2));
    }
    assert_eq!(all, doubled(4..12));
    assert_eq!(batch(&seen), [4, 5, 6, 7]);
    Ok(())
}

#[test]
fn an_event_for_all_is_one_event() -> Result<(), Error> {
    let (rate, clock) = rate(2);
    let (counter, _demanded) = counter();
    let counter = counter
        .rate(&rate)
        .dispatcher(Broadcast::new())
        .demand(stage::DemandMode::Accumulate)
        .start()?;
    let (_a, first) = record(&counter, demands(5, 0))?;
    let (_b, second) = record(&counter, demands(5, 0))?;
    counter.set_demand(stage::DemandMode::Forward)?;
    for records in [&first, &second] {
        assert_eq!(events(records, 2), [0, 1]);
    }
    counter.call(Ping)?;
    nothing(&first);
    nothing(&second);
    clock.advance(SECOND);
    for records in [&first, &second] {
        assert_eq!(events(records, 2), [2, 3]);
    }
    Ok(())
}

#[test]
fn what_was_emitted_while_demand_was_collected_keeps_to_the_rate() -> Result<(), Error> {
    let (rate, clock) = rate(2);
    let producer = pushed()
        .rate(&rate)
        .demand(stage::DemandMode::Accumulate)
        .start()?;
    let (_consumer, records) = record(&producer, demands(10, 0))?;
    producer.push(0..5)?;
    nothing(&records);
    producer.set_demand(stage::DemandMode::Forward)?;
    assert_eq!(events(&records, 2), [0, 1]);
    producer.demand()?;
    nothing(&records);
    clock.advance(SECOND);
    assert_eq!(events(&records, 2), [2, 3]);
    clock.advance(SECOND);
    assert_eq!(batch(&records), [4]);
    Ok(())
}

#[test]
fn a_stage_that_is_done_gives_the_rest_at_its_rate() -> Result<(), Error> {
    let (rate, clock) = rate(2);
    let producer = pushed().rate(&rate).start()?;
    let (consumer, records) = record(&producer, Subscription::new())?;
    producer.push(0..5)?;
    producer.finish()?;
    assert_eq!(events(&records, 2), [0, 1]);
    clock.advance(SECOND);
    assert_eq!(events(&records, 2), [2, 3]);
    assert!(producer.ended().is_none());
    clock.advance(SECOND);
    assert_eq!(batch(&records), [4]);
    producer.join()?;
    consumer.join()
}

#[test]
fn what_waits_goes_to_the_next_consumer() -> Result<(), Error> {
    let (rate, clock) = rate(2);
    let producer = pushed().rate(&rate).start()?;
    let (first, records) = record(&producer, demands(4, 0))?;
    producer.push(0..5)?;
    assert_eq!(events(&records, 2), [0, 1]);
    first.stop()?;
    let (_second, records) = record(&producer, demands(4, 0))?;
    producer.demanded()?;
    nothing(&records);
    let mut got = Vec::new();
    while got.len() < 3 {
        clock.advance(SECOND / 2);
        got.extend(batch(&records));
    }
    assert_eq!(got, [2, 3, 4]);
    Ok(())
}

/// Everything comes once and in order, and at no time more than the bucket and what came back.
#[test]
fn nothing_is_lost_or_too_early() -> Result<(), Error> {
    for (how, per_second) in [1u32, 2, 3, 7].into_iter().enumerate() {
        let (rate, clock) = rate(per_second);
        let producer = pushed::<u32>().rate(&rate);
        let producer = match how % 2 {
            0 => producer.start()?,
            _ => producer.dispatcher(RoundRobin::new()).start()?,
        };
        let (_consumer, records) = record(&producer, demands(5, 2))?;
        let (mut last, mut random) = (0, 12_345u64 + how as u64);
        for _ in 0..200 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let more = (random >> 60) as u32;
            producer.push(last..last + more)?;
            last += more;
            clock.advance(Duration::from_millis(random >> 54));
            let given = producer.counts().given;
            let allowed = 2 * u128::from(per_second)
                + clock.elapsed().as_nanos() * u128::from(per_second) / SECOND.as_nanos();
            assert!(u128::from(given) <= allowed, "{given} of {allowed}");
        }
        let mut got = Vec::new();
        while got.len() < last as usize {
            clock.advance(SECOND);
            got.extend(batch(&records));
        }
        assert_eq!(got, Vec::from_iter(0..last));
    }
    Ok(())
}

#[test]
fn a_rate_that_cannot_be_is_refused() -> Result<(), Error> {
    for (n, per) in [(0, SECOND), (1, Duration::ZERO)] {
        let error = Rate::new(n, per).expect_err("no rate");
        assert_eq!(error.kind(), ErrorKind::Option);
        let rate = Rate::new(1, SECOND)?;
        assert_eq!(
            rate.change(n, per).expect_err("no rate").message(),
            error.message()
        );
    }
    Ok(())
}
