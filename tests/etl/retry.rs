//! Trying again: everything comes out once and in its order, waits are the run's, and end with it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use millstream::{BoxFlow, ErrorKind, Flow, ManualClock, Rejected, Retry, Skip};

use crate::{Nothing, WAYS, Way, boom_if, on, sorted};

const SOON: Duration = Duration::from_micros(100);
const HOUR: Duration = Duration::from_secs(3_600);

fn soon(times: u32) -> Retry {
    Retry::times(times).backoff(SOON, 2.0, SOON * 4)
}

/// A service that refuses some numbers so many times before it takes them: `n % 5` times if that is below four, and the
/// others for ever.
#[derive(Default)]
struct Service(Mutex<BTreeMap<u32, u32>>);

impl Service {
    fn ask(&self, n: u32) -> Result<u32, String> {
        let mut asked = self.0.lock().unwrap();
        let times = asked.entry(n).or_default();
        *times += 1;
        if n % 5 < 4 && *times > n % 5 {
            Ok(n * 10)
        } else {
            Err(format!("{n} refused for the {times}th time"))
        }
    }

    fn asked(&self, n: u32) -> u32 {
        self.0.lock().unwrap().get(&n).copied().unwrap_or(0)
    }
}

fn numbers(stages: usize, way: Way) -> BoxFlow<'static, u32> {
    on(
        way,
        Flow::from_iter(0..100u32).stages(stages).batch(8).boxed(),
    )
}

#[test]
fn everything_is_tried_as_often_as_it_takes() {
    for way in WAYS {
        for stages in 1..=3 {
            let service = Service::default();
            let flow = numbers(stages, way).try_map(|n| service.ask(n));
            let made = Mutex::new(Vec::new());
            let flow = flow.on_error(soon(5).or(Skip));
            let report = flow.for_each(|n| made.lock().unwrap().push(n)).unwrap();
            let good = (0..100).filter(|n| n % 5 < 4);
            assert_eq!(
                sorted(made.into_inner().unwrap()),
                sorted(good.map(|n| n * 10))
            );
            for n in 0..100 {
                let times = if n % 5 < 4 { n % 5 + 1 } else { 6 };
                assert_eq!(service.asked(n), times, "{n}");
            }
            assert_eq!(report.retried(), 20 * (1 + 2 + 3 + 5));
            assert_eq!(report.rejected()["try_map"], 20);
            assert!(report.to_string().contains("tried again: 220\n"));
        }
    }
}

#[test]
fn order_is_kept() {
    for way in WAYS {
        for stages in 1..=3 {
            let expected = || (0..100).filter(|n| n % 5 < 4).map(|n| n * 10);
            let (one, two) = (Service::default(), Service::default());
            let flow = numbers(stages, way).ordered().try_map(|n| one.ask(n));
            let out = flow.on_error(soon(5).or(Skip)).collect_vec().unwrap();
            assert!(out.into_iter().eq(expected()));
            let flow = numbers(stages, way).ordered().try_map(|n| two.ask(n));
            let flow = flow.on_error(soon(5).or(Skip)).map_batch(|batch| batch);
            let out = flow.shuffle().stages(2).batch(1).take(50).collect_vec();
            assert!(out.unwrap().into_iter().eq(expected().take(50)));
            // What looks ahead, and what counts, in the same stage.
            let three = Service::default();
            let flow = numbers(stages, way).ordered().try_map(|n| three.ask(n));
            let flow = flow.on_error(soon(5).or(Skip)).boxed().take(50);
            let out = flow.flat_map(|n| [n; 3]).collect_vec().unwrap();
            assert!(out.into_iter().eq(expected().take(50).flat_map(|n| [n; 3])));
            let four = Service::default();
            let flow = numbers(stages, way).try_map(|n| four.ask(n));
            let counts = flow.on_error(soon(5).or(Skip)).count_by(|n| n % 3);
            let counts: BTreeMap<u32, u64> = counts.collect().unwrap();
            assert_eq!(counts.values().sum::<u64>(), 80);
        }
    }
}

#[test]
fn one_behind_another() {
    for way in WAYS {
        for stages in [1, 3] {
            let (one, two) = (Service::default(), Service::default());
            let twos = |n: u32| (n % 5 < 2).then_some(n);
            let flow = numbers(stages, way).ordered().filter_map(twos);
            let flow = flow.try_map(|n| one.ask(n)).on_error(soon(5));
            let flow = flow
                .try_flat_map(|n| two.ask(n / 10).map(|n| [n, n]))
                .on_error(soon(5));
            let out = flow.collect_vec().unwrap();
            let expected = (0..100).filter_map(twos).flat_map(|n| [n * 10; 2]);
            assert!(out.into_iter().eq(expected));
        }
    }
}

#[test]
fn what_is_rejected_for_good_has_been_tried_so_often() {
    let tries = Mutex::new(Vec::new());
    let tell = |rejected: Rejected<u32>| {
        assert_eq!(rejected.error().to_string(), "4 refused for the 4th time");
        tries
            .lock()
            .unwrap()
            .push((*rejected.item(), rejected.tried()));
        Ok::<(), Nothing>(())
    };
    let service = Service::default();
    let flow = Flow::from_iter(3..5u32)
        .stages(1)
        .try_map(|n| service.ask(n));
    assert_eq!(flow.on_error(soon(3).or(tell)).collect_vec().unwrap(), [30]);
    assert_eq!(tries.into_inner().unwrap(), [(4, 4)]);
    // Without another policy it ends the run.
    let service = Service::default();
    let flow = Flow::from_iter(0..5u32)
        .stages(1)
        .name("ask")
        .try_map(|n| service.ask(n));
    let error = flow.on_error(soon(7)).count().unwrap_err();
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::Step, Some("ask"))
    );
    assert_eq!(error.message(), "4 refused for the 8th time");
    assert_eq!(error.report().unwrap().retried(), 1 + 2 + 3 + 7);
    // No time more is none.
    let service = Service::default();
    let flow = Flow::from_iter([1u32]).try_map(|n| service.ask(n));
    assert!(flow.on_error(Retry::times(0)).count().is_err());
    assert_eq!(service.asked(1), 1);
}

#[test]
fn a_seeded_run_does_not_wait() {
    for way in WAYS.into_iter().filter(|way| *way != Way::Threads) {
        let service = Service::default();
        let hourly = Retry::times(5).backoff(HOUR, 2.0, HOUR * 24).or(Skip);
        let flow = numbers(3, way).try_map(|n| service.ask(n)).on_error(hourly);
        assert_eq!(flow.count().unwrap(), 80);
    }
}

#[test]
fn waits_are_those_of_the_clock() {
    let clock = ManualClock::new();
    let shown = clock.clone();
    let times = Mutex::new(Vec::new());
    let flow = Flow::from_iter([1u32]).clock(&clock).try_map(move |_| {
        let mut times = times.lock().unwrap();
        times.push(shown.elapsed());
        match times.len() {
            4 => Ok(times.clone()),
            _ => Err("not yet"),
        }
    });
    let retry = Retry::times(3).backoff(HOUR, 2.0, HOUR * 3);
    let run = std::thread::spawn(move || flow.on_error(retry).collect_vec());
    // The worker looks at the clock when it likes, so it is moved on until the flow has ended.
    while !run.is_finished() {
        clock.advance(Duration::from_secs(60));
        std::thread::yield_now();
    }
    let at = run.join().unwrap().unwrap().remove(0);
    let waits: Vec<Duration> = at.windows(2).map(|two| two[1] - two[0]).collect();
    for (wait, hours) in waits.into_iter().zip([1, 2, 3]) {
        assert!(wait >= HOUR * hours, "{wait:?}");
    }
}

#[test]
fn waiting_ends_with_the_run() {
    let never = || Retry::times(9).backoff(HOUR, 1.0, HOUR);
    let stuck = || {
        Flow::from_iter(0..)
            .stages(2)
            .try_map(|n: u32| if n == 3 { Err("no") } else { Ok(n) })
    };
    let late = stuck()
        .on_error(never())
        .deadline(Duration::from_millis(20))
        .count();
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Deadline);
    // What is made before is with the consumer before its producer waits for an hour.
    let sent = Flow::from_iter(0..)
        .stages(1)
        .try_map(|n: u32| if n == 3 { Err("no") } else { Ok(n) });
    let sent = sent.on_error(never()).shuffle().take(3).sorted().unwrap();
    assert_eq!(sent, [0, 1, 2]);
    // A panic elsewhere ends it.
    let passed = AtomicU32::new(0);
    let fifth = |_: &u32| boom_if(passed.fetch_add(1, Ordering::Relaxed) == 2);
    let failed = stuck().on_error(never()).inspect(fifth).count();
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Panic);
    let mut items = Flow::from_iter(0..)
        .stages(1)
        .try_map(|n: u32| if n == 3 { Err("no") } else { Ok(n) })
        .on_error(never())
        .into_iter();
    assert_eq!(items.by_ref().take(3).filter(Result::is_ok).count(), 3);
    drop(items);
}

#[test]
fn a_wait_beyond_all_time_is_one() {
    let forever = Retry::times(9).backoff(Duration::MAX, 1.0, Duration::MAX);
    let flow = Flow::from_iter([1])
        .try_map(|_: u32| Err::<u32, _>("no"))
        .on_error(forever);
    let late = flow.deadline(Duration::from_millis(20)).count();
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Deadline);
}

#[cfg(feature = "rate")]
#[test]
fn with_a_rate_before_and_behind() {
    for way in WAYS {
        for stages in [1, 3] {
            let service = Service::default();
            let flow = numbers(stages, way).ordered().rate_limit(7, SOON);
            let flow = flow.try_map(|n| service.ask(n)).on_error(soon(5).or(Skip));
            let out = flow.rate_limit(3, SOON).collect_vec().unwrap();
            let expected = (0..100).filter(|n| n % 5 < 4).map(|n| n * 10);
            assert!(out.into_iter().eq(expected));
        }
    }
}

#[test]
fn rules_may_be_asked_again() {
    let service = Service::default();
    let rules = millstream::Validation::new().check("taken", |n: &u32| service.ask(*n).map(drop));
    let flow = Flow::from_range(0..10u32)
        .validate(rules)
        .on_error(soon(5).or(Skip));
    assert_eq!(flow.sorted().unwrap(), [0, 1, 2, 3, 5, 6, 7, 8]);
    let service = Service::default();
    let flow = Flow::from_range(0..4u32)
        .try_map_ref(|n| service.ask(*n))
        .on_error(soon(5));
    assert_eq!(flow.sorted().unwrap(), [0, 10, 20, 30]);
}
