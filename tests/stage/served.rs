//! Flows into and through stages: rows FO-15, FO-16 and FC-01 to FC-06, backpressure, ends and failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use millstream::stage::dispatch::{Broadcast, PartitionBy};
use millstream::stage::testing::{Record, recorder};
use millstream::stage::{self, Cancel, DemandMode, Input, Next, Reason, Subscription};
use millstream::{Error, ErrorKind, Flow};

use super::common::{batch, cancelled, demands, doubled, gated, middle, next, nothing};

/// The lists of the original's tests, each a batch, by one worker.
fn lists() -> millstream::BoxFlow<'static, u64> {
    Flow::from_iters([[1, 2, 3], [4, 5, 6]])
        .stages(1)
        .map_batch(|batch| batch)
        .boxed()
}

fn nobody<E>() -> [(Input<E>, Subscription<E>); 0] {
    []
}

/// All events of a recorder that has ended or will.
fn events<E>(records: impl IntoIterator<Item = Record<E>>) -> Vec<E> {
    let batches = records.into_iter().filter_map(Record::events);
    batches.flatten().collect()
}

fn lives_on<E>(max: u64, min: u64) -> Subscription<E> {
    demands(max, min).cancel(Cancel::Transient)
}

#[test]
fn fo_15_through_stages_sees_the_batches() -> Result<(), Error> {
    let (copies, seen) = middle(1);
    let copies = copies.start()?;
    let through = lists()
        .through_stages([(copies.stage(), lives_on(1000, 500), Subscription::new())])
        .stages(1);
    assert_eq!(through.filter(|n| n % 2 == 0).collect_vec()?, [2, 4, 6]);
    assert_eq!([batch(&seen), batch(&seen)], [vec![1, 2, 3], vec![4, 5, 6]]);
    let (_, ended) = cancelled(&seen);
    assert!(matches!(ended.reason(), Reason::Normal), "{ended:?}");
    // It lives on, for the next flow.
    let evens = lists().filter(|n| n % 2 == 0);
    let through = evens.through_stages([(copies.stage(), lives_on(1000, 500), demands(9, 3))]);
    assert_eq!(through.stages(2).sorted()?, [2, 4, 6]);
    assert_eq!([batch(&seen), batch(&seen)], [vec![2], vec![4, 6]]);
    copies.stop()?;

    let (spec, seen) = middle(2);
    let through = lists().through_specs([(spec, demands(3, 0), Subscription::new())]);
    assert_eq!(through.sorted()?, doubled(1..7));
    assert_eq!(batch(&seen), [1, 2, 3]);
    Ok(())
}

#[test]
fn a_stage_that_ends_with_its_producers_ends_with_the_flow_and_loses_nothing() -> Result<(), Error>
{
    for workers in 1..4 {
        let (copies, _seen) = middle(1);
        let copies = copies.start()?;
        let through = Flow::from_range(0..1000u64)
            .stages(workers)
            .batch(10)
            .through_stages([(copies.stage(), demands(20, 10), demands(7, 2))])
            .stages(2);
        assert_eq!(through.sorted()?, (0..1000).collect::<Vec<_>>());
        copies.join()?;
    }
    Ok(())
}

#[test]
fn several_stages_workers_and_seeds() -> Result<(), Error> {
    for seed in [None, Some(1), Some(2)] {
        for workers in 1..3 {
            let specs = (0..3).map(|_| (middle(2).0, demands(5, 2), demands(4, 0)));
            let flow = Flow::from_range(0..300u64).stages(workers);
            let through = flow.through_specs(specs).stages(3).map(|n| n).shuffle();
            let through = match seed {
                Some(seed) => through.seeded(seed),
                None => through,
            };
            assert_eq!(through.sorted()?, doubled(0..300));
        }
    }
    Ok(())
}

#[test]
fn taking_few_behind_stages_ends_what_is_in_front() -> Result<(), Error> {
    let (copies, _seen) = middle(1);
    let copies = copies.start()?;
    let through = Flow::from_iter(0u64..)
        .stages(2)
        .through_stages([(copies.stage(), lives_on(10, 5), demands(10, 5))])
        .stages(2);
    assert_eq!(through.take(7).count()?, 7);
    copies.stop()
}

#[test]
fn nothing_comes_through_where_nothing_goes_in() -> Result<(), Error> {
    let (copies, _seen) = middle(1);
    let copies = copies.start()?;
    let through = Flow::from_iter(Vec::<u64>::new()).through_stages([(
        copies.stage(),
        lives_on(10, 5),
        demands(10, 5),
    )]);
    assert_eq!(through.stages(3).count()?, 0);
    copies.stop()
}

#[test]
fn a_stage_on_the_way_that_fails_ends_the_flow() {
    let picky = stage::map_batches(|batch: Vec<u64>, out| {
        if batch.contains(&50) {
            return Err("no fifties".into());
        }
        out.append(batch);
        Ok(Next::Go)
    });
    let through = Flow::from_iter(0u64..).through_specs([(
        picky.name("picky"),
        demands(10, 5),
        demands(10, 5),
    )]);
    let error = through.count().unwrap_err();
    assert_eq!(
        (error.message(), error.stage()),
        ("no fifties", Some("picky"))
    );
}

#[test]
fn fo_16_consumers_get_the_batches_and_end_with_the_flow() -> Result<(), Error> {
    let (consumer, records) = recorder();
    let consumer = consumer.start()?;
    let evens = lists().filter(|n| n % 2 == 0);
    let running = evens
        .into_stages([(&consumer, Subscription::new())])
        .start()?;
    assert_eq!(batch(&records), [2]);
    assert_eq!(batch(&records), [4, 6]);
    running.join()?;
    consumer.join()?;

    let (spec, records) = recorder();
    let partitioned = Flow::from_range(1..11u64).partition().stages(4);
    let evens = partitioned.filter(|n| n % 2 == 0);
    evens
        .into_specs([(spec, Subscription::new())])
        .start()?
        .join()?;
    let mut all = events(records);
    all.sort_unstable();
    assert_eq!(all, [2, 4, 6, 8, 10]);

    // Through and into together.
    let (spec, records) = recorder();
    let through = lists().through_specs([(middle(2).0, demands(3, 0), Subscription::new())]);
    let into = through.stages(1).into_specs([(spec, Subscription::new())]);
    into.start()?.join()?;
    assert_eq!(events(records), doubled(1..7));
    Ok(())
}

#[test]
fn fc_01_a_late_consumer_is_subscribed_to_the_workers() -> Result<(), Error> {
    let (consumer, records) = recorder();
    let consumer = consumer.start()?;
    let evens = lists().filter(|n| n % 2 == 0);
    let running = evens.into_stages(nobody()).start()?;
    running.subscribe(&consumer, demands(1, 0))?;
    for expected in [2, 4, 6] {
        assert_eq!(batch(&records), [expected]);
    }
    running.join()?;
    let (_, ended) = cancelled(&records);
    assert!(ended.is_down() && matches!(ended.reason(), Reason::Normal));
    consumer.join()
}

#[test]
fn fc_02_a_source_that_fails_ends_the_flow_and_its_consumers() -> Result<(), Error> {
    let (consumer, records) = recorder();
    let consumer = consumer.start()?;
    let broken = stage::from_fn(|_, _: &mut stage::Emit<u64>| Err("no such file".into()));
    let flow = Flow::from_specs([(broken.name("file"), Subscription::new())]);
    let running = flow.into_stages([(&consumer, lives_on(10, 5))]).start()?;
    let error = running.join().unwrap_err();
    assert_eq!(
        (error.message(), error.stage()),
        ("no such file", Some("file"))
    );
    let (_, ended) = cancelled(&records);
    assert!(matches!(ended.reason(), Reason::Failed(error) if error.stage() == Some("file")));
    assert_eq!(consumer.join().unwrap_err().message(), "no such file");
    Ok(())
}

#[test]
fn fc_03_the_end_of_a_consumer() -> Result<(), Error> {
    let endless = || Flow::from_iter(0u64..).stages(2);
    let fails = || stage::for_each_batch(|_: Vec<u64>| Err("disk full".into())).name("disk");
    let one = |spec| [(spec, demands(2, 1))];
    // One that fails ends the flow.
    let error = endless()
        .into_specs(one(fails()))
        .start()?
        .join()
        .unwrap_err();
    assert_eq!(
        (error.message(), error.stage()),
        ("disk full", Some("disk"))
    );
    // One that is stopped ends it well, if it is the last.
    let (consumer, _records) = recorder();
    let consumer = consumer.start()?;
    let running = endless()
        .into_stages([(&consumer, demands(2, 1))])
        .start()?;
    consumer.stop_with(Reason::Shutdown)?;
    running.join()?;
    // Or the first that counts.
    let ((first, _records), (other, _others)) = (recorder(), recorder());
    let (first, other) = (first.start()?, other.start()?);
    let running = endless()
        .into_stages([(&first, demands(2, 1)), (&other, demands(2, 1))])
        .at_leave(Cancel::Permanent)
        .start()?;
    first.stop()?;
    running.join()?;
    other.join()?;
    // Where consumers do not count, the flow goes on and waits for another.
    let (consumer, _records) = recorder();
    let consumer = consumer.start()?;
    let running = endless()
        .into_stages([(&consumer, demands(2, 1))])
        .at_leave(Cancel::Temporary)
        .start()?;
    consumer.stop()?;
    let mut stream = running.stream(demands(2, 1))?;
    assert!(stream.next().is_some_and(|event| event.is_ok()));
    assert!(!running.is_finished());
    running.stop();
    assert!(running.join().unwrap_err().is_stopped());
    Ok(())
}

#[test]
fn fc_04_a_consumer_that_does_not_subscribe_in_time() -> Result<(), Error> {
    let busy = stage::from_iter([1u64]).start()?;
    let gate = gated(&busy, Subscription::new().cancel(Cancel::Temporary))?;
    next(&gate.batches);
    let late = lists()
        .into_stages([(&gate._stage, Subscription::new().cancel(Cancel::Temporary))])
        .subscribe_timeout(Duration::ZERO);
    let error = late.start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(
        error.message().contains("did not subscribe within"),
        "{error}"
    );
    drop(gate);
    Ok(())
}

#[test]
fn fc_05_the_flow_as_a_stream_of_events() -> Result<(), Error> {
    let flow = || Flow::from_range(1..11u64).stages(1).filter(|n| n % 2 == 1);
    let running = flow().into_stages(nobody()).start()?;
    let stream = running.stream(Subscription::new().cancel(Cancel::Transient))?;
    assert_eq!(stream.collect::<Result<Vec<_>, _>>()?, [1, 3, 5, 7, 9]);
    running.join()?;
    // Taking few ends an endless one.
    let running = Flow::from_iter(0u64..)
        .stages(3)
        .into_stages(nobody())
        .start()?;
    let stream = running.stream(demands(4, 2))?;
    assert_eq!(stream.take(5).filter(Result::is_ok).count(), 5);
    running.join()?;
    Ok(())
}

#[test]
fn fc_06_nothing_is_given_before_forward() -> Result<(), Error> {
    let (consumer, records) = recorder();
    let (marked, marks) = channel();
    let running = lists()
        .inspect(move |n| marked.send(*n).unwrap())
        .into_specs([(consumer, Subscription::new())])
        .demand(DemandMode::Accumulate)
        .start()?;
    let late = running.stream(Subscription::new())?;
    nothing(&marks);
    nothing(&records);
    assert!(!running.is_finished());
    running.forward();
    let of_stream = late.collect::<Result<Vec<_>, _>>()?;
    running.join()?;
    let mut all = [of_stream, events(records)].concat();
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4, 5, 6]);
    Ok(())
}

#[test]
fn a_slow_consumer_holds_the_flow_back() -> Result<(), Error> {
    for (max, min) in [(1, 0), (10, 5), (7, 6)] {
        let made = Arc::new(AtomicU64::new(0));
        let count = made.clone();
        let flow = Flow::from_iter(0u64..)
            .stages(1)
            .batch(4)
            .inspect(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            });
        let running = flow.into_stages(nobody()).start()?;
        let stream = running.stream(demands(max, min))?;
        for (event, taken) in stream.take(100).zip(0..) {
            assert_eq!(event?, taken);
            // Of those asked for, and of the chunk that waits for demand.
            let under_way = made.load(Ordering::SeqCst) - taken;
            assert!(under_way <= max + 4, "{under_way} under way");
        }
        running.join()?;
    }
    Ok(())
}

#[test]
fn dispatchers_of_workers_share_out_among_all_consumers() -> Result<(), Error> {
    let ((a, of_a), (b, of_b)) = (recorder(), recorder());
    Flow::from_range(0..500u64)
        .stages(3)
        .into_specs([(a, demands(10, 5)), (b, demands(30, 0))])
        .dispatcher(Broadcast::new)
        .start()?
        .join()?;
    for records in [of_a, of_b] {
        let mut all = events(records);
        all.sort_unstable();
        assert_eq!(all, (0..500).collect::<Vec<_>>());
    }
    let ((even, of_even), (odd, of_odd)) = (recorder(), recorder());
    Flow::from_range(0..500u64)
        .stages(2)
        .into_specs([
            (even, demands(10, 5).partition(0)),
            (odd, demands(30, 0).partition(1)),
        ])
        .dispatcher(|| {
            PartitionBy::new(2, |n: u64| {
                let partition = (n % 2) as usize;
                Some((n, partition))
            })
        })
        .start()?
        .join()?;
    assert!(events(of_even).iter().all(|n| n % 2 == 0));
    assert_eq!(events(of_odd).len(), 250);
    Ok(())
}

#[test]
fn a_consumer_that_the_dispatcher_refuses_is_an_error() {
    let (spec, _records) = recorder();
    let refused = Flow::from_range(0..500u64)
        .into_specs([(spec.name("lost"), demands(10, 5))])
        .dispatcher(|| {
            PartitionBy::new(2, |n: u64| {
                let partition = (n % 2) as usize;
                Some((n, partition))
            })
        });
    let error = refused.start().unwrap().join().unwrap_err();
    assert_eq!(error.stage(), Some("lost"));
    assert!(
        error.message().contains("refused the subscription"),
        "{error}"
    );
}

#[test]
fn a_failed_flow_tells_its_consumers() -> Result<(), Error> {
    let (consumer, records) = recorder();
    let consumer = consumer.start()?;
    let failing = Flow::from_iter(0u64..)
        .stages(2)
        .try_map(|n| if n < 30 { Ok(n) } else { Err("too large") });
    let running = failing
        .into_stages([(&consumer, demands(8, 4).cancel(Cancel::Temporary))])
        .start()?;
    assert_eq!(running.join().unwrap_err().message(), "too large");
    let told = records.iter().find_map(|record| match record {
        Record::Cancelled(_, ended) => Some(ended),
        _ => None,
    });
    let told = told.unwrap();
    assert!(matches!(told.reason(), Reason::Failed(error) if error.message() == "too large"));
    consumer.stop()
}

#[test]
fn dropping_the_handle_leaves_nothing_behind() -> Result<(), Error> {
    let alive = Arc::new(());
    let (kept, kept_too) = (alive.clone(), alive.clone());
    let spec = stage::for_each_batch(move |_: Vec<u64>| {
        let _ = &kept;
        Ok(Next::Go)
    });
    let running = Flow::from_iter(0u64..)
        .inspect(move |_| drop(kept_too.clone()))
        .into_specs([(spec, demands(2, 0))])
        .start()?;
    drop(running);
    assert_eq!(Arc::strong_count(&alive), 1);
    // One that waits for a consumer, too.
    let held = alive.clone();
    let waiting = Flow::from_iter(0u64..).inspect(move |_| drop(held.clone()));
    drop(waiting.into_stages(nobody()).start()?);
    assert_eq!(Arc::strong_count(&alive), 1);
    Ok(())
}

#[test]
fn what_cannot_work_is_refused_before_anything_starts() -> Result<(), Error> {
    let alive = Arc::new(());
    let spec = || {
        let alive = alive.clone();
        stage::for_each(move |_: u64| drop(alive.clone()))
    };
    let refused = [
        lists().into_specs([(spec(), demands(0, 0))]),
        lists()
            .stages(2)
            .ordered()
            .into_specs([(spec(), demands(2, 0))]),
        lists().stages(0).into_specs([(spec(), demands(2, 0))]),
    ];
    let kinds = refused.map(|into| into.start().unwrap_err().kind());
    assert_eq!(
        kinds,
        [ErrorKind::Option, ErrorKind::Plan, ErrorKind::Option]
    );
    assert_eq!(Arc::strong_count(&alive), 1);
    let gone = recorder::<u64>().0.name("gone").start()?;
    let input = stage::Takes::input(&gone);
    gone.stop()?;
    let error = lists()
        .into_stages([(input, demands(2, 0))])
        .start()
        .unwrap_err();
    assert_eq!(error.stage(), Some("gone"));
    Ok(())
}

#[test]
fn the_plan_names_the_consumers() {
    let specs = [recorder::<u64>().0.name("a"), recorder().0.name("b")];
    let into = Flow::from_range(0..9u64)
        .stages(2)
        .into_specs(specs.map(|spec| (spec, demands(10, 5))));
    let said = "to the stages `a` and `b`, as it is asked: at most 40 events under way \
                (2 threads × 20 events)";
    assert!(into.explain().contains(said), "{}", into.explain());
}
