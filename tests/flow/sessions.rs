//! Session windows against a naive model: sort the times, and cut where they are a gap apart.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use millstream::{Flow, ManualClock, Pane, Pipe, Punctuation, Session, Signal, Trigger, Window};
use proptest::prelude::*;

use super::{BOOM, On, WAYS, Way, boom, boom_if, sorted};

const GAP: i64 = 10;

fn pane(start: i64, end: i64) -> Pane {
    Pane::Time { start, end }
}

fn session() -> Session {
    Window::session(GAP)
}

/// The sessions of some times, and how many are in each.
fn naive(times: impl IntoIterator<Item = i64>) -> Vec<(Pane, u64)> {
    let mut sessions: Vec<(i64, i64, u64)> = Vec::new();
    for time in sorted(times) {
        match sessions.last_mut() {
            Some((_, last, n)) if time - *last < GAP => {
                *last = time;
                *n += 1;
            }
            _ => sessions.push((time, time, 1)),
        }
    }
    let ended = |(first, last, n)| (pane(first, last + GAP), n);
    sessions.into_iter().map(ended).collect()
}

/// The same for each key.
fn naive_by_key(events: &[(i64, u8)]) -> Vec<(Pane, u8, u64)> {
    let mut times: BTreeMap<u8, Vec<i64>> = BTreeMap::new();
    for (time, key) in events {
        times.entry(*key).or_default().push(*time);
    }
    let all = times.into_iter().flat_map(|(key, times)| {
        naive(times)
            .into_iter()
            .map(move |(pane, n)| (pane, key, n))
    });
    sorted(all)
}

/// Times that go up, with a key each, disturbed by up to `disorder`.
fn events(disorder: i64) -> impl Strategy<Value = Vec<(i64, u8)>> {
    prop::collection::vec((0..8_i64, 0..4_u8, 0..=disorder), 0..250).prop_map(|steps| {
        let mut now = -300;
        let event = |(step, key, back): (i64, u8, i64)| {
            now += step;
            (now - back, key)
        };
        steps.into_iter().map(event).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sessions_of_keys_are_those_of_a_loop(
        events in events(25),
        readers in 1..5_usize,
        owners in 1..5_usize,
        batch in 1..40_usize,
        seed in any::<u64>(),
        on_threads in any::<bool>(),
    ) {
        let way = if on_threads { Way::Threads } else { Way::Seeded(seed) };
        let window = session().out_of_order(25);
        let counts = Flow::from_slice(&events)
            .stages(readers)
            .batch(batch)
            .window_by(window, |e| e.0)
            .count_by(|e| e.1)
            .stages(owners)
            .batch(batch)
            .on(way)
            .collect_vec()
            .unwrap();
        let want = naive_by_key(&events);
        prop_assert_eq!(sorted(counts), want.clone());
        let spans = Flow::from_slice(&events)
            .stages(readers)
            .batch(1)
            .buffer(1)
            .window_by(window, |e| e.0)
            .aggregate_by(|e| e.1, |a| (a.min(|e| e.0), a.max(|e| e.0), a.count()))
            .stages(owners)
            .batch(1)
            .buffer(1)
            .map(|(session, key, (first, last, n))| {
                assert_eq!(session, pane(first, last + GAP));
                (session, key, n)
            })
            .on(way)
            .sorted()
            .unwrap();
        prop_assert_eq!(spans, want);
    }

    #[test]
    fn sessions_of_a_worker_are_those_of_a_loop(
        events in events(25),
        readers in 1..5_usize,
        workers in 1..5_usize,
        batch in 1..40_usize,
        seed in any::<u64>(),
        on_threads in any::<bool>(),
    ) {
        let way = if on_threads { Way::Threads } else { Way::Seeded(seed) };
        let got = Flow::from_slice(&events)
            .stages(readers)
            .batch(batch)
            .partition_with(|e, of| Some(usize::from(e.1) % of))
            .stages(workers)
            .batch(batch)
            .window_by(session().out_of_order(25), |e| e.0)
            .reduce(|| 0, |n, _| *n += 1, |n, later| *n += later)
            .on_trigger(|n, firing| [(firing.partition, firing.window, *n)])
            .on(way)
            .sorted()
            .unwrap();
        let mut want = Vec::new();
        for worker in 0..workers {
            let of = events.iter().filter(|e| usize::from(e.1) % workers == worker);
            let sessions = naive(of.map(|e| e.0)).into_iter();
            want.extend(sessions.map(|(pane, n)| (worker, pane, n)));
        }
        prop_assert_eq!(got, want);
    }

    #[test]
    fn unique_items_are_the_first_of_each_session(
        events in events(0),
        readers in 1..5_usize,
        owners in 1..5_usize,
        seed in any::<u64>(),
        on_threads in any::<bool>(),
    ) {
        let way = if on_threads { Way::Threads } else { Way::Seeded(seed) };
        // One reader keeps the order; with more of them a batch may be ahead of another by all that is in flight.
        let flow = Flow::from_slice(&events).stages(1).batch(readers);
        let got = flow
            .partition_by(|e| e.1)
            .stages(owners)
            .batch(1)
            .buffer(1)
            .window_by(session(), |e| e.0)
            .uniq_by(|e| e.1)
            .map(|e| (e.1, e.0))
            .on(way)
            .sorted()
            .unwrap();
        let firsts = naive_by_key(&events).into_iter().map(|(pane, key, _)| (key, pane.id()));
        prop_assert_eq!(got, sorted(firsts));
    }
}

#[test]
fn fw_08_sessions() {
    let visits = [
        ("elixir", 2_000_000_i64),
        ("erlang", 3_100_000),
        ("erlang", 3_200_000),
        ("elixir", 4_000_000),
        ("elixir", 4_100_000),
        ("erlang", 4_150_000),
    ];
    for way in WAYS {
        // In the original, what is a gap apart is one session still.
        let sessions = Flow::from_iter(visits)
            .stages(1)
            .window_by(Window::session(1_000_001), |visit| visit.1)
            .aggregate_by(|visit| visit.0, |a| (a.count(), a.max(|visit| visit.1)))
            .map(|(_, word, of)| (word, of))
            .on(way)
            .sorted()
            .unwrap();
        let want = [
            ("elixir", (1, 2_000_000)),
            ("elixir", (2, 4_100_000)),
            ("erlang", (3, 4_150_000)),
        ];
        assert_eq!(sessions, want);
    }
}

#[test]
fn several_splits_lose_nothing() {
    for way in WAYS {
        for readers in 1..=4 {
            let logs = [0..1000_i64, 5000..6000, 500..800, 995..1200, 7000..7001];
            let report = Mutex::new(0);
            let flow = Flow::from_iters(logs)
                .stages(readers)
                .batch(1)
                .buffer(1)
                .window_by(session(), |n| *n)
                .count_by(|n| n % 3)
                .stages(3)
                .batch(1)
                .buffer(1)
                .inspect(|(_, _, n)| *report.lock().unwrap() += n)
                .on(way)
                .run()
                .unwrap();
            assert_eq!(flow.stages()[1].late(), 0, "{way:?}, {readers} readers");
            assert_eq!(report.into_inner().unwrap(), 1000 + 1000 + 300 + 205 + 1);
        }
    }
}

#[test]
fn stages_and_small_batches() {
    let all: Vec<(i64, u8)> = (0..300)
        .map(|n| (n * 7 % 1000 - 500, (n % 3) as u8))
        .collect();
    let want = naive_by_key(&all);
    for way in WAYS {
        for stages in 1..=4 {
            let flow = Flow::from_slice(&all).stages(stages).batch(1).buffer(1);
            let sums = flow
                .window_by(session().out_of_order(1000), |e| e.0)
                .sum_by(|e| e.1, |_| 1_u64)
                .stages(stages)
                .batch(1)
                .buffer(1)
                .on(way);
            assert_eq!(sums.sorted().unwrap(), want, "{way:?}, {stages}");
        }
    }
}

/// Everything in one worker, an item a batch, so that the watermark is looked at after each.
fn singly(times: &[i64]) -> Flow<'_, impl Pipe<Item = i64>> {
    Flow::from_iter(times.iter().copied()).stages(1).batch(1)
}

#[test]
fn a_gap_apart_is_two_sessions_and_negative_times_are_times() {
    for way in WAYS {
        let got = singly(&[-31, -22, -12, -3, 7, 17])
            .window_by(session(), |at| *at)
            .reduce(|| 0, |n, _| *n += 1, |n, later| *n += later)
            .on_trigger(|n, firing| [(firing.window, *n)])
            .on(way);
        let want = [
            (pane(-31, -12), 2),
            (pane(-12, 7), 2),
            (pane(7, 17), 1),
            (pane(17, 27), 1),
        ];
        assert_eq!(got.collect_vec().unwrap(), want);
    }
}

#[test]
fn an_item_between_two_sessions_makes_them_one() {
    for way in WAYS {
        let got = singly(&[0, 18, 9, 50])
            .window_by(session().out_of_order(10), |at| *at)
            .reduce(
                Vec::new,
                |seen, at| seen.push(at),
                |seen, mut later| seen.append(&mut later),
            )
            .on_trigger(|seen, firing| [(firing.window, std::mem::take(seen))])
            .on(way);
        let want = [(pane(0, 28), vec![0, 18, 9]), (pane(50, 60), vec![50])];
        assert_eq!(got.collect_vec().unwrap(), want);
        let got = singly(&[0, 18, 9, 50])
            .window_by(session().out_of_order(10), |at| *at)
            .count_by(|_| ())
            .stages(1)
            .on(way);
        let want = [(pane(0, 28), (), 3), (pane(50, 60), (), 1)];
        assert_eq!(got.collect_vec().unwrap(), want);
    }
}

#[test]
fn what_is_late_is_counted_and_given() {
    // When 30 has come, 20 has not ended alone, 19 is in its session, and 5 would have ended.
    let times = [0, 30, 5, 21, 20, 60, 29];
    for way in WAYS {
        let flow = || singly(&times).window_by(session(), |at| *at);
        let late = Mutex::new(Vec::new());
        let got = flow()
            .reduce(|| 0, |n, _| *n += 1, |n, later| *n += later)
            .on_trigger(|n, firing| [Ok((firing.window, *n))])
            .on_late(|at| {
                late.lock().unwrap().push(at);
                Some(Err(at))
            })
            .on(way);
        let want = [
            Ok((pane(0, 10), 1)),
            Err(5),
            Err(20),
            Ok((pane(21, 40), 2)),
            Err(29),
            Ok((pane(60, 70), 1)),
        ];
        assert_eq!(got.collect_vec().unwrap(), want, "{way:?}");
        assert_eq!(late.into_inner().unwrap(), [5, 20, 29]);
        let counted = flow()
            .reduce(|| 0, |_, _| {}, |_, _| {})
            .on(way)
            .run()
            .unwrap();
        assert_eq!(counted.stages()[0].late(), 3, "{way:?}");
        let uniq = flow().uniq_by(|_| ()).on(way).run().unwrap();
        assert_eq!(uniq.stages()[0].late(), 3, "{way:?}");
    }
    let late = [0, 30, 60, 90, 5, 6, 91];
    let report = singly(&late)
        .window_by(session(), |at| *at)
        .count_by(|_| ())
        .stages(1)
        .batch(1)
        .buffer(1)
        .seeded(1)
        .run()
        .unwrap();
    assert_eq!(report.stages()[1].late(), 2);
}

#[test]
fn with_lateness_a_session_fires_stays_and_merges() {
    for way in WAYS {
        let window = session().allowed_lateness(20);
        // At 25 the first has ended; 8 makes it longer, and it fires again.
        let times = [0, 25, 8, 26, 60, 30];
        let got = singly(&times)
            .window_by(window, |at| *at)
            .reduce(|| 0, |n, _| *n += 1, |n, later| *n += later)
            .on_trigger(|n, firing| [(firing.window, firing.trigger.clone(), *n)])
            .on(way);
        let want = [
            (pane(0, 10), Trigger::Watermark, 1),
            (pane(0, 18), Trigger::Watermark, 2),
            (pane(25, 36), Trigger::Watermark, 2),
            (pane(0, 18), Trigger::Done, 2),
            (pane(25, 36), Trigger::Done, 2),
            (pane(60, 70), Trigger::Done, 1),
        ];
        let report = singly(&times)
            .window_by(window, |at| *at)
            .reduce(|| 0, |_, _| {}, |_, _| {})
            .on(way)
            .run()
            .unwrap();
        assert_eq!(got.collect_vec().unwrap(), want, "{way:?}");
        assert_eq!(report.stages()[0].late(), 1, "{way:?}");
        let counts = singly(&[0, 25, 8, 45, 16, 80])
            .window_by(window, |at| *at)
            .count_by(|_| ())
            .stages(1)
            .batch(1)
            .on(way);
        let want = [
            (pane(0, 35), (), 4),
            (pane(45, 55), (), 1),
            (pane(80, 90), (), 1),
        ];
        assert_eq!(counts.collect_vec().unwrap(), want, "once, when it is done");
    }
}

#[test]
fn a_stray_time_far_away_costs_nothing() {
    let day = 86_400_000;
    for way in WAYS {
        let times = [0, 5, 4_000_000 * day, 4_000_000 * day + 1];
        let got = singly(&times)
            .window_by(session(), |at| *at)
            .count_by(|_| ())
            .stages(1)
            .on(way);
        let want = [
            (pane(0, 15), (), 2),
            (pane(times[2], times[3] + GAP), (), 2),
        ];
        assert_eq!(got.collect_vec().unwrap(), want);
        let ends = [i64::MIN, i64::MIN + 1, i64::MAX];
        let got = singly(&ends)
            .window_by(Window::session(Duration::MAX), |at| *at)
            .reduce(|| 0, |n, _| *n += 1, |n, later| *n += later)
            .on(way);
        assert_eq!(got.collect_vec().unwrap(), [2, 1]);
    }
}

#[test]
fn sessions_are_given_out_while_the_source_goes_on() {
    for way in WAYS {
        let visits = Flow::from_iter(0_i64..)
            .map(|n| (n % 5 + n / 5 * 100, n / 5 % 3))
            .stages(2)
            .window_by(session().out_of_order(100_000), |e| e.0)
            .count_by(|e| e.1)
            .stages(2)
            .take(20)
            .on(way);
        let got = visits.collect_vec().unwrap();
        assert!(got.len() == 20 && got.iter().all(|s| s.2 == 5), "{got:?}");
    }
}

#[test]
fn sessions_come_in_the_order_of_their_ends() {
    for way in WAYS {
        let all: Vec<(i64, i64)> = (0..3000).map(|n| (n, n * n % 7 * n % 11)).collect();
        let ends = Flow::from_slice(&all)
            .stages(1)
            .batch(16)
            .window_by(session(), |e| e.0)
            .count_by(|e| e.1)
            .stages(1)
            .map(|(session, ..)| match session {
                Pane::Time { end, .. } => end,
                other => panic!("{other:?}"),
            })
            .on(way)
            .collect_vec()
            .unwrap();
        assert!(ends.len() > 10 && ends.is_sorted(), "{ends:?}");
    }
}

#[test]
fn triggers_fire_open_sessions() {
    let fired =
        |n: &mut u64, firing: &millstream::Firing| [(firing.window, firing.trigger.clone(), *n)];
    for way in WAYS {
        let got = singly(&[0, 1, 2, 40, 41])
            .window_by(session(), |at| *at)
            .trigger_every(2)
            .reduce(|| 0, |n, _| *n += 1, |n, later| *n += later)
            .on_trigger(fired)
            .on(way);
        let want = [
            (pane(0, 11), Trigger::Every(2), 2),
            (pane(0, 12), Trigger::Done, 3),
            (pane(40, 51), Trigger::Every(2), 2),
            (pane(40, 51), Trigger::Done, 2),
        ];
        assert_eq!(got.collect_vec().unwrap(), want);
        let signal = Signal::new("now");
        let hand = signal.clone();
        let got = singly(&[0, 1, 3])
            .inspect(move |at| {
                if *at == 1 {
                    hand.fire()
                }
            })
            .window_by(session(), |at| *at)
            .trigger_on(&signal)
            .reduce(|| 0, |n, _| *n += 1, |n, later| *n += later)
            .on_trigger(|n, firing| [(firing.window, *n)])
            .on(way);
        assert_eq!(got.collect_vec().unwrap().last(), Some(&(pane(0, 13), 3)));
        let got = singly(&[0, 5, 9])
            .window_by(session(), |at| *at)
            .trigger(
                || (),
                |(), items| match items.contains(&5) {
                    true => Punctuation::Fire {
                        name: "five".to_string(),
                        before: items,
                        after: Vec::new(),
                    },
                    false => Punctuation::Take(items),
                },
            )
            .reduce(|| 0, |n, _| *n += 1, |n, later| *n += later)
            .on_trigger(|n, firing| [(firing.window, *n)])
            .on(way);
        let got = got.collect_vec().unwrap();
        assert_eq!(got, [(pane(0, 15), 2), (pane(0, 19), 3)]);
    }
    let clock = ManualClock::new();
    let (hand, minute) = (clock.clone(), Duration::from_secs(60));
    let got = singly(&[0, 5, 9])
        .inspect(move |at| {
            if *at == 5 {
                hand.advance(minute)
            }
        })
        .window_by(session(), |at| *at)
        .trigger_periodically(minute)
        .reduce(|| 0, |n, _| *n += 1, |n, later| *n += later)
        .on_trigger(fired)
        .clock(&clock)
        .collect_vec();
    let want = [
        (pane(0, 15), Trigger::Periodically(minute), 2),
        (pane(0, 19), Trigger::Done, 3),
    ];
    assert_eq!(got.unwrap(), want);
}

#[test]
fn emit_and_reduce_emits_while_it_goes() {
    for way in WAYS {
        let got = singly(&[0, 18, 9, 60])
            .window_by(session().out_of_order(10), |at| *at)
            .emit_and_reduce(
                || 0,
                |sum, at| {
                    *sum += at;
                    Some(at)
                },
                |sum, later| *sum += later,
                |sum, _| Some(*sum * 100),
            )
            .on(way);
        assert_eq!(got.collect_vec().unwrap(), [0, 18, 9, 60, 2700, 6000]);
    }
}

#[test]
fn an_idle_producer_lets_sessions_end() {
    let (sender, receiver) = crossbeam_channel::unbounded();
    for at in [0_i64, 5, 40] {
        sender.send(at).unwrap();
    }
    let got = Flow::from_receiver(receiver)
        .stages(1)
        .window_by(session(), |at| *at)
        .count_by(|_| ())
        .stages(1)
        .take(1)
        .collect_vec();
    assert_eq!(got.unwrap(), [(pane(0, 15), (), 2)]);
    drop(sender);
}

#[test]
fn a_panic_in_every_closure_comes_back() {
    let times: Vec<i64> = (0..100).map(|n| n * 9 % 100 * 6).collect();
    for way in WAYS {
        let base = || {
            Flow::from_slice(&times)
                .map(|n| *n)
                .stages(2)
                .batch(1)
                .buffer(1)
                // Each worker has a half of the times, so that items do come between others.
                .partition_with(|n, of| Some(usize::from(*n >= 300) % of))
                .stages(2)
                .batch(1)
                .buffer(1)
        };
        let window = session().out_of_order(1000);
        let sessions = || base().window_by(window, |n| *n);
        let failed = [
            base()
                .window_by(window, |_| -> i64 { boom() })
                .reduce(|| 0, |_, _| {}, |_, _| {})
                .on(way)
                .run(),
            sessions()
                .reduce(|| boom(), |_: &mut i64, _| {}, |_, _| {})
                .on(way)
                .run(),
            sessions()
                .reduce(|| 0, |_, _| boom(), |_, _| {})
                .on(way)
                .run(),
            sessions()
                .reduce(|| 0, |_, _| {}, |_, _| boom())
                .on(way)
                .run(),
            sessions()
                .reduce(|| 0, |_, _| {}, |_, _| {})
                .on_trigger(|_, _| -> Option<i64> { boom() })
                .on(way)
                .run(),
            base()
                .window_by(window, |_| -> i64 { boom() })
                .count_by(|_| ())
                .on(way)
                .run(),
            sessions().count_by(|n| boom_if(*n == 300)).on(way).run(),
            sessions()
                .sum_by(|_| (), |_| -> i64 { boom() })
                .on(way)
                .run(),
            sessions().uniq_by(|_| boom()).on(way).run(),
        ];
        for error in failed.map(Result::unwrap_err) {
            assert!(error.to_string().contains(BOOM), "{error}");
        }
    }
}
