//! Several consumers of one running flow, and flows that are held after they were started.

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use millstream::{BoxFlow, Error, ErrorKind, Flow, Served, StopToken, Subscriber};

use crate::{BOOM, On, WAYS, boom_if, quiet, sorted};

/// What a consumer got, and the error behind it.
type Got = (Vec<u64>, Option<Error>);

/// Takes everything.
fn all(items: Subscriber<u64>) -> Got {
    let mut got = Vec::new();
    for item in items {
        match item {
            Ok(item) => got.push(item),
            Err(error) => return (got, Some(error)),
        }
    }
    (got, None)
}

/// Takes everything on a thread of its own.
fn aside(items: Subscriber<u64>) -> JoinHandle<Got> {
    thread::spawn(move || all(items))
}

/// What a consumer on a thread got of a flow that does not fail.
fn good(consumer: JoinHandle<Got>) -> Vec<u64> {
    let (got, error) = consumer.join().unwrap();
    assert!(error.is_none(), "{error:?}");
    got
}

/// Numbers from zero, and how many were given.
fn counting() -> (
    Arc<AtomicU64>,
    impl Iterator<Item = u64> + Send + use<> + 'static,
) {
    let given = Arc::new(AtomicU64::new(0));
    let inside = given.clone();
    let numbers = std::iter::repeat_with(move || inside.fetch_add(1, SeqCst));
    (given, numbers)
}

/// The numbers below `end` through two stages, with small batches and as little room as there can be.
fn tight(end: u64, stages: usize) -> BoxFlow<'static, u64> {
    let flow = Flow::from_iter(0..end).stages(stages).shuffle();
    flow.stages(stages).batch(3).buffer(1).boxed()
}

/// Both forms of a served flow.
const FORMS: [fn(BoxFlow<'static, u64>) -> Result<Served<u64>, Error>; 2] =
    [|flow| flow.serve(), |flow| flow.serve_to_all()];

fn yield_until(mut done: impl FnMut() -> bool) {
    while !done() {
        thread::yield_now();
    }
}

#[test]
fn fc_01_late_consumers_miss_nothing() {
    for way in WAYS {
        for stages in 1..=4 {
            let served = tight(1000, stages).on(way).serve().unwrap();
            let mut first = served.subscribe();
            let mut got: Vec<u64> = first.by_ref().take(99).map(Result::unwrap).collect();
            let second = aside(served.subscribe());
            let first = aside(first);
            let third = aside(served.subscribe());
            for consumer in [first, second, third] {
                got.extend(good(consumer));
            }
            // Behind the end there is nothing left, and no error.
            assert!(served.subscribe().next().is_none());
            served.join().unwrap();
            assert!(sorted(got).into_iter().eq(0..1000), "{way:?}, {stages}");
        }
    }
}

#[test]
fn a_flow_without_consumers_waits_for_one() {
    for way in WAYS {
        for serve in FORMS {
            let (given, numbers) = counting();
            let flow = Flow::from_iter(numbers.take(500)).stages(2).shuffle();
            let flow = flow.stages(2).batch(1).buffer(1).boxed();
            let served = serve(flow.on(way)).unwrap();
            yield_until(|| given.load(SeqCst) > 2);
            assert!(!served.is_finished(), "there is no room for all");
            let got = all(served.subscribe());
            assert!(got.1.is_none());
            assert!(sorted(got.0).into_iter().eq(0..500), "{way:?}");
        }
    }
}

#[test]
fn fc_02_a_failure_is_seen_by_every_consumer() {
    for way in WAYS {
        for serve in FORMS {
            let flow = tight(1000, 2).map(|n| {
                boom_if(n == 500);
                n
            });
            let served = serve(flow.boxed().on(way)).unwrap();
            let consumers = [(); 3].map(|()| aside(served.subscribe()));
            let mut errors = consumers.map(|c| c.join().unwrap().1.expect("an error"));
            for error in &errors {
                assert_eq!(error.kind(), ErrorKind::Panic);
                assert_eq!(error.message(), errors[0].message());
                assert!(error.stage().is_some() && error.report().is_some());
            }
            let late = all(served.subscribe()).1.expect("an error for late ones");
            assert_eq!(late.kind(), ErrorKind::Panic);
            let joined = served.join().unwrap_err();
            // There is one payload, and the first that asks gets it.
            let payload = joined.into_panic().unwrap();
            assert_eq!(payload.downcast_ref(), Some(&BOOM));
            let again = std::mem::replace(&mut errors[0], late).into_panic();
            assert_eq!(again.unwrap_err().kind(), ErrorKind::Panic);
        }
    }
}

#[test]
fn an_error_of_a_step_keeps_its_cause() {
    let flow = Flow::from_iter(["1", "x"]).try_map(|text| text.parse::<u64>());
    let served = flow.serve().unwrap();
    for _ in 0..2 {
        let error = all(served.subscribe()).1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Step);
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn fc_03_a_consumer_that_goes_does_not_end_the_flow_and_the_last_one_may() {
    for way in WAYS {
        // Shared: with batches of one item nothing is lost with the consumer that goes.
        let flow = tight(500, 2).shuffle().stages(2).batch(1).buffer(1);
        let served = flow.on(way).serve().unwrap();
        let stays = served.subscribe();
        let goes = served.subscribe();
        let mut got: Vec<u64> = goes.take(20).map(Result::unwrap).collect();
        got.extend(good(aside(stays)));
        assert!(sorted(got).into_iter().eq(0..500), "{way:?}");

        for serve in FORMS {
            let (_, numbers) = counting();
            let flow = Flow::from_iter(numbers).stages(2).shuffle().stages(2);
            let served = serve(flow.boxed().on(way)).unwrap();
            let some = served.subscribe().take(1000);
            let some = thread::spawn(move || some.map(Result::unwrap).count());
            served.join().expect("a flow that nobody wants more of");
            assert_eq!(some.join().unwrap(), 1000);
        }
    }
}

#[test]
fn what_a_consumer_took_and_did_not_use_goes_with_it() {
    let flow = Flow::from_iter(0..1000u64).stages(1).shuffle();
    let served = flow.stages(1).batch(8).serve().unwrap();
    let mut goes = served.subscribe();
    assert!(goes.next().is_some());
    drop(goes);
    let (got, error) = all(served.subscribe());
    assert!(error.is_none());
    assert!((992..=999).contains(&got.len()), "{}", got.len());
}

#[test]
fn fc_05_a_consumer_is_an_iterator() {
    let served = Flow::from_iter(1..10u64).ordered().filter(|n| n % 2 == 1);
    let served = served.serve().unwrap();
    let odds: Result<Vec<u64>, Error> = served.subscribe().collect();
    assert_eq!(odds.unwrap(), [1, 3, 5, 7, 9]);
}

#[test]
fn a_consumer_can_be_the_source_of_another_flow() {
    for way in WAYS {
        let served = tight(1000, 2).on(way).held().serve_to_all().unwrap();
        let [even, odd] = [0, 1].map(|rest| {
            let flow = Flow::from_iter(served.subscribe()).try_map(|item| item);
            flow.filter(move |n| n % 2 == rest)
        });
        let odd = thread::spawn(move || odd.sum::<u64>());
        served.forward();
        assert_eq!(even.sum::<u64>().unwrap(), 249_500);
        assert_eq!(odd.join().unwrap().unwrap(), 250_000);
    }
}

#[test]
fn fc_06_a_held_flow_gives_nothing_before_it_is_let_go() {
    for way in WAYS {
        for stages in 1..=4 {
            let (given, numbers) = counting();
            let up = Arc::new(AtomicU64::new(0));
            let inside = up.clone();
            let flow = Flow::from_iter(numbers.take(1000))
                .stages(stages)
                .map_with(move |_, _| inside.fetch_add(1, SeqCst), |_, n| n);
            let served = flow.shuffle().stages(stages).on(way).held();
            let served = served.serve_to_all().unwrap();
            // The threads are there.
            yield_until(|| up.load(SeqCst) == stages as u64);
            let consumers = [(); 3].map(|()| aside(served.subscribe()));
            assert_eq!(given.load(SeqCst), 0, "{way:?}");
            served.forward();
            served.forward();
            for consumer in consumers {
                let got = good(consumer);
                assert!(sorted(got).into_iter().eq(0..1000), "{way:?}, {stages}");
            }
        }
    }
}

#[test]
fn a_held_flow_that_is_started_ends_however_it_is_told_to() {
    for way in WAYS {
        let held = || {
            let (given, numbers) = counting();
            let flow = Flow::from_iter(numbers).stages(3).partition().stages(2);
            (given, flow.on(way).held())
        };
        let (given, flow) = held();
        drop(flow.start().unwrap());
        let (_, flow) = held();
        drop(flow.into_iter());
        let (_, flow) = held();
        drop(flow.serve().unwrap());
        assert_eq!(given.load(SeqCst), 0);

        let (given, flow) = held();
        let handle = flow.start().unwrap();
        handle.stop();
        assert_eq!(handle.join().unwrap_err().kind(), ErrorKind::Stopped);
        assert_eq!(given.load(SeqCst), 0);

        let (given, flow) = held();
        let handle = flow.start().unwrap();
        handle.drain();
        assert_eq!(handle.join().unwrap().stages()[0].items_in(), 0);
        assert_eq!(given.load(SeqCst), 0);

        let (given, flow) = held();
        let token = StopToken::new();
        let handle = flow.stop_token(&token).start().unwrap();
        token.stop();
        yield_until(|| handle.is_finished());
        assert_eq!(handle.join().unwrap_err().kind(), ErrorKind::Stopped);
        assert_eq!(given.load(SeqCst), 0);

        let (given, flow) = held();
        let handle = flow.deadline(Duration::from_millis(5)).start().unwrap();
        yield_until(|| handle.is_finished());
        assert_eq!(handle.join().unwrap_err().kind(), ErrorKind::Deadline);
        assert_eq!(given.load(SeqCst), 0);
    }
}

#[test]
fn a_panic_while_a_held_flow_opens_ends_it() {
    quiet();
    for way in WAYS {
        let flow = Flow::from_iter(0..10u64).shuffle();
        let flow = flow.map_with(|_, _| -> u64 { panic_any(BOOM) }, |_, n| n);
        let handle = flow.on(way).held().start().unwrap();
        yield_until(|| handle.is_finished());
        assert_eq!(handle.join().unwrap_err().kind(), ErrorKind::Panic);
        let flow = Flow::from_iter(0..10u64);
        let flow = flow.map_with(|_, _| -> u64 { panic_any(BOOM) }, |_, n| n);
        let handle = flow.on(way).held().start().unwrap();
        yield_until(|| handle.is_finished());
        assert_eq!(handle.join().unwrap_err().kind(), ErrorKind::Panic);
    }
}

#[test]
fn whoever_is_alone_with_a_held_flow_lets_it_go() {
    for way in WAYS {
        let held = || tight(100, 2).on(way).held();
        assert_eq!(held().into_iter().count(), 100);
        let mut items = held().into_iter();
        assert!(items.next().unwrap().is_ok());
        let items = held().into_iter();
        items.forward();
        assert_eq!(items.count(), 100);
        let report = held().start().unwrap().join().unwrap();
        assert_eq!(report.stages()[0].items_in(), 100);
        let served = held().serve_to_all().unwrap();
        let consumer = aside(served.subscribe());
        served.join().unwrap();
        assert_eq!(good(consumer).len(), 100);
    }
}

#[test]
fn ends_that_wait_refuse_a_held_flow() {
    let (given, numbers) = counting();
    let numbers = Arc::new(std::sync::Mutex::new(numbers));
    let held = || {
        let numbers = numbers.clone();
        let next = move || numbers.lock().unwrap().next();
        Flow::from_iter(std::iter::from_fn(next)).held()
    };
    let inner = Flow::from_range(0..10u64).merge(held());
    let refused = [
        held().collect_vec().unwrap_err(),
        held().count().unwrap_err(),
        held().sum::<u64>().unwrap_err(),
        held().run().unwrap_err(),
        held().for_each(drop).unwrap_err(),
        held().sorted().unwrap_err(),
        held().scope(|items| items.count()).unwrap_err(),
        held().ending().count().run().unwrap_err(),
        inner.count().unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::Plan);
        assert!(error.message().contains("leave `held` out"), "{error}");
    }
    assert_eq!(given.load(SeqCst), 0);
}

#[test]
fn every_consumer_of_all_gets_all_in_order() {
    for way in WAYS {
        for stages in 1..=4 {
            let flow = Flow::from_iter(0..400u64).stages(stages).ordered();
            let flow = flow.shuffle().stages(stages).batch(7).buffer(1);
            let served = flow.on(way).held().serve_to_all().unwrap();
            let consumers = [(); 3].map(|()| aside(served.subscribe()));
            served.forward();
            for consumer in consumers {
                assert!(good(consumer).into_iter().eq(0..400), "{way:?}, {stages}");
            }
        }
    }
}

#[test]
fn a_late_consumer_of_all_gets_the_rest() {
    for way in WAYS {
        let flow = Flow::from_iter(0..300u64).stages(2).ordered();
        let flow = flow.shuffle().stages(2).batch(1).buffer(1);
        let served = flow.on(way).serve_to_all().unwrap();
        let mut first = served.subscribe();
        for n in 0..100 {
            assert_eq!(first.next().unwrap().unwrap(), n);
        }
        let late = served.subscribe();
        let first = aside(first);
        let (late, error) = all(late);
        assert!(error.is_none());
        assert!(good(first).into_iter().eq(100..300));
        // All from when it came: what is under way then is a few items a worker.
        let since = late[0];
        assert!((100..200).contains(&since), "{since}");
        assert!(late.into_iter().eq(since..300), "{way:?}");
    }
}

#[test]
fn a_slow_consumer_holds_the_others_back() {
    for way in WAYS {
        let (given, numbers) = counting();
        let flow = Flow::from_iter(numbers).stages(1).batch(1).ordered();
        let flow = flow.shuffle().stages(1).batch(1).buffer(1);
        let most = flow.plan().most_in_flight() + 8;
        let served = flow.on(way).held().serve_to_all().unwrap();
        let (quick, mut slow) = (served.subscribe(), served.subscribe());
        let quick = thread::spawn(move || quick.take_while(Result::is_ok).count());
        served.forward();
        for taken in 0..300 {
            assert_eq!(slow.next().unwrap().unwrap(), taken);
            let given = given.load(SeqCst);
            assert!(given <= taken + most, "{given}, {taken}, {way:?}");
        }
        // Without the slow one the quick one goes on.
        drop(slow);
        let before = given.load(SeqCst);
        yield_until(|| given.load(SeqCst) > before + 2 * most);
        drop(served);
        assert!(quick.join().unwrap() > 300);
    }
}

#[test]
fn consumers_come_and_go() {
    for way in WAYS {
        for stages in 1..=4 {
            for serve in FORMS {
                let served = serve(tight(600, stages).on(way)).unwrap();
                let stays = aside(served.subscribe());
                let mut passing = Vec::new();
                for round in 0..8 {
                    let mut visitor = served.subscribe();
                    for item in visitor.by_ref().take(round % 5) {
                        passing.push(item.unwrap());
                    }
                }
                let mut got = good(stays);
                assert!(passing.iter().all(|n| *n < 600));
                let kept = got.len();
                got.sort_unstable();
                got.dedup();
                assert_eq!(got.len(), kept, "none twice");
                served.join().unwrap();
            }
        }
    }
}

#[test]
fn stopping_and_dropping_end_every_consumer_with_an_error() {
    for way in WAYS {
        for serve in FORMS {
            for stops in [true, false] {
                let (_, numbers) = counting();
                let flow = Flow::from_iter(numbers).stages(2).partition().stages(3);
                let served = serve(flow.batch(2).buffer(1).boxed().on(way)).unwrap();
                let mut first = served.subscribe();
                let second = aside(served.subscribe());
                let idle = served.subscribe();
                if serve as usize == FORMS[0] as usize {
                    assert!(first.next().unwrap().is_ok());
                }
                if stops {
                    served.stop();
                }
                drop(served);
                for (_, error) in [all(first), all(idle), second.join().unwrap()] {
                    assert_eq!(error.expect("an error").kind(), ErrorKind::Stopped);
                }
            }
        }
    }
}

#[test]
fn draining_gives_every_consumer_a_good_end() {
    for way in WAYS {
        for (form, serve) in FORMS.into_iter().enumerate() {
            let (given, numbers) = counting();
            let flow = Flow::from_iter(numbers).stages(2).partition().stages(3);
            let flow = flow.batch(2).buffer(1).boxed().on(way).held();
            let served = serve(flow).unwrap();
            let consumers = [(); 2].map(|()| aside(served.subscribe()));
            served.forward();
            yield_until(|| given.load(SeqCst) > 1000);
            served.drain();
            let got = consumers.map(good);
            let given = given.load(SeqCst);
            if form == 0 {
                assert!(sorted(got.concat()).into_iter().eq(0..given), "{way:?}");
            } else {
                assert!(
                    got.into_iter()
                        .all(|got| sorted(got).into_iter().eq(0..given))
                );
            }
            served.join().unwrap();
        }
    }
}

#[test]
fn an_empty_flow_ends_for_everybody() {
    for way in WAYS {
        for serve in FORMS {
            let served = serve(tight(0, 2).on(way)).unwrap();
            let (one, two) = (served.subscribe(), served.subscribe());
            assert_eq!(one.count() + two.count(), 0);
            served.join().unwrap();
        }
    }
}

#[test]
fn joining_without_consumers_ends_an_endless_flow() {
    for way in WAYS {
        for serve in FORMS {
            let (_, numbers) = counting();
            let flow = Flow::from_iter(numbers).stages(2).boxed().on(way);
            serve(flow).unwrap().join().expect("nobody wants anything");
        }
    }
}

#[test]
fn a_plan_that_cannot_run_is_refused_at_once() {
    for serve in FORMS {
        let flow = Flow::from_iter(0..10u64).shuffle().buffer(0);
        assert_eq!(serve(flow.boxed()).unwrap_err().kind(), ErrorKind::Option);
    }
}

/// An item whose copy fails.
struct Brittle(u64);

impl Clone for Brittle {
    fn clone(&self) -> Self {
        boom_if(self.0 == 40);
        Brittle(self.0)
    }
}

#[test]
fn a_panic_while_copying_is_an_error_for_all() {
    for way in WAYS {
        let flow = Flow::from_iter((0..100).map(Brittle)).stages(2).batch(4);
        let served = flow.on(way).held().serve_to_all().unwrap();
        let consumers = [(); 3].map(|()| {
            let items = served.subscribe();
            thread::spawn(move || items.last().unwrap().err().map(|error| error.kind()))
        });
        served.forward();
        for consumer in consumers {
            assert_eq!(consumer.join().unwrap(), Some(ErrorKind::Panic));
        }
    }
}
