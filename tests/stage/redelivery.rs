//! Redelivery: what a consumer that fails had not handled is not lost, and what may come twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream::stage::dispatch::{Broadcast, PartitionBy, RoundRobin};
use millstream::stage::testing::{pushed, recorder};
use millstream::stage::{
    self, Answer, Builder, Cancel, Emit, ForEachBatch, FromIter, Next, Producer, Produces, Reason,
    Restart, Strategy, Subscription, Supervisor,
};

use crate::common::{batch, demands, next, nothing};

/// Events at which a stage fails, each once.
#[derive(Clone, Default)]
struct Traps(Arc<Mutex<BTreeSet<u64>>>);

impl Traps {
    fn new(at: impl IntoIterator<Item = u64>) -> Self {
        Traps(Arc::new(Mutex::new(at.into_iter().collect())))
    }

    /// Fails, by an error or a panic, if one of the events is a trap.
    fn spring(&self, batch: &[u64]) -> Result<(), String> {
        let mut traps = self.0.lock().unwrap();
        let sprung = batch.iter().copied().find(|event| traps.remove(event));
        drop(traps);
        match sprung {
            Some(event) if event % 2 == 0 => panic!("a trap at {event}"),
            Some(event) => Err(format!("a trap at {event}")),
            None => Ok(()),
        }
    }

    fn are_sprung(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

/// Events of a pipeline of three under a supervisor, with traps in the middle and at the end.
fn three(
    strategy: Strategy,
    events: u64,
    middle: &Traps,
    last: &Traps,
    options: Subscription<u64>,
) -> Vec<u64> {
    let (sender, received) = channel();
    let mut supervisor = Supervisor::new()
        .strategy(strategy)
        .max_restarts(1000, Duration::from_secs(1000));
    let numbers = supervisor.add(stage::child("numbers", move || stage::from_iter(0..events)));
    let traps = middle.clone();
    let forward = stage::child("middle", move || {
        let traps = traps.clone();
        stage::map_batches(move |batch: Vec<u64>, out| {
            // A call that fails emits nothing, not even what it had made.
            out.extend(batch.iter().take(batch.len() / 2).copied());
            traps.spring(&batch)?;
            out.extend(batch.iter().skip(batch.len() / 2).copied());
            Ok(Next::Go)
        })
    });
    let forward = supervisor.add(forward.subscribe_to(&numbers, options.clone()));
    let traps = last.clone();
    let last = stage::child("last", move || {
        let (traps, sender) = (traps.clone(), sender.clone());
        stage::for_each_batch(move |batch: Vec<u64>| {
            traps.spring(&batch)?;
            batch.into_iter().try_for_each(|event| sender.send(event))?;
            Ok(Next::Go)
        })
    });
    supervisor.add(last.subscribe_to(&forward, options));
    supervisor.start().unwrap().join().unwrap();
    received.iter().collect()
}

fn counted(events: Vec<u64>) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(event).or_default() += 1;
    }
    counts
}

#[test]
fn a_last_stage_that_fails_gets_all_events_and_those_handled_once() {
    for max in [1, 2, 7, 64] {
        let last = Traps::new([0, 3, 4, 50, 77, 99]);
        let options = Subscription::new().max_demand(max).redeliver();
        let events = three(Strategy::OneForOne, 100, &Traps::default(), &last, options);
        assert!(last.are_sprung());
        // It fails before it does anything with a batch: so none is seen twice.
        let mut sorted = events;
        sorted.sort();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>(), "max_demand({max})");
    }
}

#[test]
fn a_crash_anywhere_behind_the_source_loses_nothing() {
    for strategy in [Strategy::OneForOne, Strategy::RestForOne] {
        for max in [1, 2, 7, 64] {
            let middle = Traps::new([0, 10, 11, 52, 99]);
            let last = Traps::new([5, 12, 51, 98]);
            let options = Subscription::new().max_demand(max).redeliver();
            let counts = counted(three(strategy, 100, &middle, &last, options));
            assert!(middle.are_sprung() && last.are_sprung());
            let seen: Vec<u64> = counts.keys().copied().collect();
            assert_eq!(
                seen,
                (0..100).collect::<Vec<_>>(),
                "{strategy:?}, max_demand({max})"
            );
        }
    }
}

#[test]
fn what_is_seen_twice_behind_a_middle_that_fails_was_on_the_way_behind_it() {
    // One event at a time, and the last is done with each before the next is asked for.
    let middle = Traps::new([3, 4]);
    let options = Subscription::new().max_demand(1).redeliver();
    let events = three(Strategy::OneForOne, 10, &middle, &Traps::default(), options);
    let counts = counted(events);
    assert_eq!(counts.len(), 10);
    // At most what the last had got and the middle did not know to be done with: one event for each failure.
    assert!(counts.values().sum::<usize>() <= 12, "{counts:?}");
}

#[test]
fn nothing_is_seen_twice_if_nothing_fails() {
    let none = Traps::default();
    let options = Subscription::new().max_demand(5).redeliver();
    let events = three(Strategy::OneForAll, 1000, &none, &none, options);
    assert_eq!(events, (0..1000).collect::<Vec<_>>());
}

/// Counts on from a position that outlives it; fails at some calls.
struct Source {
    position: Arc<AtomicU64>,
    end: u64,
    traps: Traps,
}

impl Producer for Source {
    type Event = u64;
    fn handle_demand(&mut self, n: usize, out: &mut Emit<u64>) -> Answer {
        let from = self.position.load(Ordering::Relaxed);
        let to = self.end.min(from + n as u64);
        self.traps.spring(&(from..to).collect::<Vec<_>>())?;
        out.extend(from..to);
        self.position.store(to, Ordering::Relaxed);
        Ok(if to == self.end { Next::Done } else { Next::Go })
    }
}

#[test]
fn a_source_that_keeps_its_position_outside_loses_nothing() {
    let (sender, received) = channel();
    let position = Arc::new(AtomicU64::new(0));
    let traps = Traps::new([0, 21, 60, 99]);
    let sprung = traps.clone();
    let mut supervisor = Supervisor::new().max_restarts(1000, Duration::from_secs(1000));
    let source = supervisor.add(stage::child("source", move || {
        let (position, traps) = (position.clone(), traps.clone());
        stage::producer(Source {
            position,
            end: 100,
            traps,
        })
    }));
    let last = stage::child("last", move || {
        let sender = sender.clone();
        stage::for_each_batch(move |batch: Vec<u64>| {
            batch.into_iter().try_for_each(|event| sender.send(event))?;
            Ok(Next::Go)
        })
    });
    supervisor.add(last.subscribe_to(&source, Subscription::new().max_demand(7).redeliver()));
    supervisor.start().unwrap().join().unwrap();
    assert!(sprung.are_sprung());
    assert_eq!(
        received.iter().collect::<Vec<_>>(),
        (0..100).collect::<Vec<_>>()
    );
}

/// A consumer that tells its batches, and fails when it is told to.
fn told(
    name: &'static str,
) -> (
    Builder<stage::Consumes<impl stage::Consumer<Event = u64>>>,
    Receiver<Vec<u64>>,
    Sender<bool>,
) {
    let (sender, batches) = channel();
    let (go, waits) = channel();
    let consumer = stage::for_each_batch(move |batch: Vec<u64>| {
        sender.send(batch)?;
        match waits.recv() {
            Ok(false) => Err(format!("{name} was told to fail").into()),
            _ => Ok(Next::Go),
        }
    });
    (consumer.name(name), batches, go)
}

#[test]
fn what_one_had_not_handled_goes_to_another() {
    let producer = pushed().start().unwrap();
    let (one, batches, go) = told("one");
    let options = || demands(4, 2).redeliver();
    let one = one.subscribe_to(&producer, options()).start().unwrap();
    producer.push(0..6).unwrap();
    assert_eq!(next(&batches), [0, 1]);
    go.send(true).unwrap();
    assert_eq!(next(&batches), [2, 3]);
    go.send(false).unwrap();
    one.join().unwrap_err();
    let (other, records) = recorder();
    let _other = other.subscribe_to(&producer, options()).start().unwrap();
    // The two that failed before those that were never sent, in their order.
    let mut events = Vec::new();
    while events.len() < 4 {
        events.extend(batch(&records));
    }
    assert_eq!(events, [2, 3, 4, 5]);
    nothing(&records);
}

#[test]
fn without_the_option_it_is_lost() {
    let producer = pushed().start().unwrap();
    let (one, batches, go) = told("one");
    let one = one.subscribe_to(&producer, demands(4, 2)).start().unwrap();
    producer.push(0..6).unwrap();
    assert_eq!(next(&batches), [0, 1]);
    go.send(false).unwrap();
    one.join().unwrap_err();
    let (other, records) = recorder();
    let _other = other
        .subscribe_to(&producer, demands(4, 2))
        .start()
        .unwrap();
    assert_eq!(batch(&records), [4, 5]);
}

#[test]
fn events_handled_after_a_cancel_do_not_come_again() {
    let producer = pushed().start().unwrap();
    let (one, batches, go) = told("one");
    let options = || demands(4, 2).cancel(Cancel::Temporary).redeliver();
    let one = one.start().unwrap();
    let tag = one.subscribe(&producer, options()).unwrap();
    producer.push(0..4).unwrap();
    assert_eq!(next(&batches), [0, 1]);
    // Asked of itself, since it is busy: handled behind the events under way.
    let spare = pushed().start().unwrap();
    let resubscribed = {
        let (stage, spare) = (one.stage(), stage::Emits::output(&spare));
        std::thread::spawn(move || stage.resubscribe(tag, Reason::Normal, spare, options()))
    };
    go.send(true).unwrap();
    assert_eq!(next(&batches), [2, 3]);
    go.send(true).unwrap();
    resubscribed.join().unwrap().unwrap();
    one.stop().unwrap();
    // All was done with: nothing is left for others, and the producer can end.
    producer.finish().unwrap();
    producer.join().unwrap();
}

#[test]
fn a_producer_that_is_done_waits_for_its_consumers() {
    let producer = stage::from_iter(0..4u64).start().unwrap();
    let (one, batches, go) = told("one");
    let one = one
        .subscribe_to(&producer, demands(10, 8).redeliver())
        .start()
        .unwrap();
    assert_eq!(next(&batches), [0, 1]);
    // It has nothing more to send, but this fails.
    go.send(false).unwrap();
    one.join().unwrap_err();
    assert!(producer.ended().is_none());
    let rest = stage::stream([(&producer, Subscription::new().redeliver())]).unwrap();
    assert_eq!(rest.map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2, 3]);
    producer.join().unwrap();
}

#[test]
fn a_stream_that_is_dropped_hands_back_what_it_has_not_taken() {
    let producer = stage::from_iter(0..6u64).start().unwrap();
    let options = || demands(4, 2).redeliver();
    let mut stream = stage::stream([(&producer, options())]).unwrap();
    // The first two are a batch; the third is of the next.
    for event in 0..3 {
        assert_eq!(stream.next().unwrap().unwrap(), event);
    }
    drop(stream);
    let rest = stage::stream([(&producer, options())]).unwrap();
    let mut rest: Vec<u64> = rest.map(Result::unwrap).collect();
    rest.sort();
    assert_eq!(rest, [2, 3, 4, 5]);
}

/// Two consumers of one producer under a supervisor, the first of which fails; what each got.
fn two_of(
    producer: impl FnMut() -> Builder<Produces<FromIter<std::ops::Range<u64>>>> + Send + 'static,
    options: [Subscription<u64>; 2],
    traps: &Traps,
) -> [Vec<u64>; 2] {
    let mut supervisor = Supervisor::new().max_restarts(1000, Duration::from_secs(1000));
    let numbers = supervisor.add(stage::child("numbers", producer));
    let mut traps = [traps.clone(), Traps::default()].into_iter();
    let received = options.map(|options| {
        let (sender, received) = channel();
        let traps = traps.next().unwrap_or_default();
        let consumer = stage::child("consumer", move || {
            let (sender, traps) = (sender.clone(), traps.clone());
            stage::for_each_batch(move |batch: Vec<u64>| {
                traps.spring(&batch)?;
                batch.into_iter().try_for_each(|event| sender.send(event))?;
                Ok(Next::Go)
            })
        });
        supervisor.add(consumer.subscribe_to(&numbers, options));
        received
    });
    // All are there before the first event.
    let supervising = supervisor.start().unwrap();
    numbers
        .stage()
        .unwrap()
        .set_demand(stage::DemandMode::Forward)
        .unwrap();
    supervising.join().unwrap();
    received.map(|received| received.iter().collect())
}

fn waiting() -> Builder<Produces<FromIter<std::ops::Range<u64>>>> {
    stage::from_iter(0..50).demand(stage::DemandMode::Accumulate)
}

#[test]
fn a_consumer_of_a_broadcast_gets_its_own_again_and_others_nothing_twice() {
    for max in [1, 4, 30] {
        let traps = Traps::new([0, 17, 18, 49]);
        let options = |name| Subscription::new().max_demand(max).redeliver_to(name);
        let got = two_of(
            || waiting().dispatcher(Broadcast::new()),
            [options("one"), options("two")],
            &traps,
        );
        assert!(traps.are_sprung());
        for mut events in got {
            events.sort();
            assert_eq!(events, (0..50).collect::<Vec<_>>(), "max_demand({max})");
        }
    }
}

#[test]
fn a_consumer_of_a_partition_gets_its_own_again() {
    for named in [false, true] {
        let traps = Traps::new([0, 16, 18, 48]);
        let options = |partition: usize| {
            let options = Subscription::new().max_demand(4).partition(partition);
            match named {
                true => options.redeliver_to(partition.to_string()),
                false => options.redeliver(),
            }
        };
        let by = || PartitionBy::new(2, |n: u64| Some((n, (n % 2) as usize)));
        let got = two_of(
            move || waiting().dispatcher(by()),
            [options(0), options(1)],
            &traps,
        );
        assert!(traps.are_sprung());
        for (partition, mut events) in got.into_iter().enumerate() {
            events.sort();
            let own: Vec<u64> = (0..50).filter(|n| n % 2 == partition as u64).collect();
            assert_eq!(events, own);
        }
    }
}

#[test]
fn consumers_that_take_turns_share_what_one_had_not_handled() {
    let traps = Traps::new([0, 8, 16, 24]);
    let options = || Subscription::new().max_demand(4).redeliver();
    let got = two_of(
        || waiting().dispatcher(RoundRobin::new()),
        [options(), options()],
        &traps,
    );
    let mut all: Vec<u64> = got.concat();
    all.sort();
    assert_eq!(all, (0..50).collect::<Vec<_>>());
}

#[test]
fn temporary_consumers_leave_their_events_to_others() {
    let (sender, received) = channel();
    let mut supervisor = Supervisor::new();
    let numbers = supervisor.add(stage::child("numbers", || stage::from_iter(0..20u64)));
    let failing = stage::child(
        "failing",
        || -> Builder<stage::Consumes<ForEachBatch<u64, _>>> {
            stage::for_each_batch(|_: Vec<u64>| Err("never".into()))
        },
    );
    let failing = failing.restart(Restart::Temporary);
    let options = || Subscription::new().max_demand(3).redeliver();
    supervisor.add(failing.subscribe_to(&numbers, options()));
    let other = stage::child("other", move || {
        let sender = sender.clone();
        stage::for_each(move |n: u64| sender.send(n).unwrap())
    });
    supervisor.add(other.subscribe_to(&numbers, options()));
    supervisor.start().unwrap().join().unwrap();
    let mut events: Vec<u64> = received.iter().collect();
    events.sort();
    assert_eq!(events, (0..20).collect::<Vec<_>>());
}

#[test]
fn two_in_the_middle_that_fail_lose_nothing() {
    for seed in 0..8u64 {
        let (sender, received) = channel();
        let events = 200;
        // Others for each seed, some for both kinds of stages.
        let traps = |salt: u64| {
            Traps::new((0..events).filter(move |n| (n * 7919 + seed * 31 + salt) % 29 == 0))
        };
        let mut supervisor = Supervisor::new().max_restarts(1000, Duration::from_secs(1000));
        let numbers = stage::child("numbers", move || {
            stage::from_iter(0..events).dispatcher(RoundRobin::new())
        });
        let numbers = supervisor.add(numbers);
        let few = Subscription::new().max_demand(1 + seed * 3).redeliver();
        let shared = traps(5);
        let [one, two] = ["one", "two"].map(|name| {
            let shared = shared.clone();
            let middle = stage::child(name, move || {
                let shared = shared.clone();
                stage::map_batches(move |batch: Vec<u64>, out| {
                    shared.spring(&batch)?;
                    // Some come to nothing, some to two.
                    out.extend(batch.into_iter().flat_map(|n| vec![n; (n % 3) as usize]));
                    Ok(Next::Go)
                })
            });
            supervisor.add(middle.subscribe_to(&numbers, few.clone()))
        });
        let at_end = traps(11);
        let last = stage::child("last", move || {
            let (traps, sender) = (at_end.clone(), sender.clone());
            stage::for_each_batch(move |batch: Vec<u64>| {
                traps.spring(&batch)?;
                batch.into_iter().try_for_each(|event| sender.send(event))?;
                Ok(Next::Go)
            })
        });
        // It goes on when one of the two is done.
        let few = || {
            Subscription::new()
                .max_demand(1 + seed)
                .cancel(Cancel::Temporary)
                .redeliver()
        };
        let last = last.subscribe_to(&one, few()).subscribe_to(&two, few());
        let last = supervisor.add(last);
        let mut left = 3;
        let supervisor = supervisor.on_exit(move |exit| {
            left -= usize::from(!exit.comes_again);
            if left == 0 {
                // The last is done with all they made, or they would not have ended.
                let stage = last.stage().expect("the last stage runs");
                stage.stop_with(Reason::Normal).unwrap();
                left = usize::MAX;
            }
        });
        supervisor.start().unwrap().join().unwrap();
        let counts = counted(received.iter().collect());
        for n in 0..events {
            let least = (n % 3) as usize;
            assert!(
                counts.get(&n).copied().unwrap_or(0) >= least,
                "{n}, seed {seed}"
            );
        }
        assert!(shared.are_sprung());
    }
}

#[test]
fn events_of_tasks_that_failed_too_often_come_again() {
    for max in [1, 3, 10] {
        let (sender, received) = channel();
        let traps = Traps::new([0, 1, 7, 8, 19]);
        let sprung = traps.clone();
        let mut supervisor = Supervisor::new().max_restarts(1000, Duration::from_secs(1000));
        let numbers = supervisor.add(stage::child("numbers", || stage::from_iter(0..20u64)));
        let tasks = stage::child("tasks", move || {
            let (sender, traps) = (sender.clone(), traps.clone());
            stage::consumer_supervisor(move |n: &u64, _| {
                traps.spring(&[*n])?;
                Ok(sender.send(*n)?)
            })
            .restart(Restart::Transient)
            .max_restarts(0, Duration::from_secs(1))
        });
        supervisor.add(tasks.subscribe_to(&numbers, demands(max, 0).redeliver()));
        supervisor.start().unwrap().join().unwrap();
        assert!(sprung.are_sprung());
        let seen: Vec<u64> = counted(received.iter().collect()).into_keys().collect();
        assert_eq!(seen, (0..20).collect::<Vec<_>>(), "max_demand({max})");
    }
}

#[test]
fn events_of_tasks_that_were_told_to_stop_and_failed_come_again() {
    let (started, starts) = channel();
    let producer = pushed().start().unwrap();
    let tasks = stage::consumer_supervisor(move |n: &u64, task| {
        started.send(*n)?;
        while !task.is_stopped() && *n > 1 {
            std::thread::yield_now();
        }
        match *n {
            2 => Err("not done".into()),
            _ => Ok(()),
        }
    });
    let options = || demands(3, 2).redeliver();
    let tasks = tasks.subscribe_to(&producer, options()).start().unwrap();
    producer.push([1, 2, 3, 4]).unwrap();
    for _ in 0..3 {
        next(&starts);
    }
    drop(tasks);
    // The first is done with. The third is too, but was behind the second.
    let (other, records) = recorder();
    let _other = other.subscribe_to(&producer, options()).start().unwrap();
    let mut events = Vec::new();
    while events.len() < 3 {
        events.extend(batch(&records));
    }
    assert_eq!(events, [2, 3, 4]);
}
