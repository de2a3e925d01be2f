//! Windows and triggers: the rows FG, FK, FX, FQ and those of FP and FW with windows, and what ours adds.
//!
//! "Large demand" of the originals is one batch, "max 5, min 0" is batches of five. Rows that depend on it run under
//! the seeded scheduler, where nothing but a full batch and the end of the input sends one.

use std::sync::Mutex;
use std::time::Duration;

use millstream::{Fixed, Flow, ManualClock, Pane, Pipe, Punctuation, Signal, Trigger, Window};

use super::{On, WAYS, Way};

const HUNDRED_MS: Duration = Duration::from_millis(100);

/// The two demands of the originals: one batch for everything, and batches of five.
const LARGE: usize = 1000;
const SMALL: usize = 5;

/// A sum with the window it is of and why it was given.
type Fired = (i64, i64, String);

fn name(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Done => "done".to_string(),
        Trigger::Watermark => "watermark".to_string(),
        Trigger::Every(n) => format!("every {n}"),
        Trigger::Periodically(time) => format!("periodically {}", time.as_millis()),
        Trigger::Named(name) => name.to_string(),
        other => panic!("{other:?}"),
    }
}

fn fired(all: &[(i64, i64, &str)]) -> Vec<Fired> {
    all.iter()
        .map(|(sum, id, why)| (*sum, *id, why.to_string()))
        .collect()
}

/// 1..=100 into one partition.
fn hundred(batch: usize) -> Flow<'static, impl Pipe<Item = i64>> {
    Flow::from_iter(1..=100_i64)
        .stages(1)
        .partition()
        .stages(1)
        .batch(batch)
        .buffer(1)
}

/// 1..=10, and then nothing for ever.
fn stalls() -> (
    Flow<'static, impl Pipe<Item = i64>>,
    crossbeam_channel::Sender<i64>,
) {
    let (sender, receiver) = crossbeam_channel::unbounded();
    (1..=10).for_each(|n| sender.send(n).unwrap());
    (Flow::from_receiver(receiver).stages(1), sender)
}

macro_rules! sums {
    ($windows:expr) => {
        $windows
            .reduce(|| 0_i64, |sum, n| *sum += n)
            .on_trigger(|sum, firing| [(*sum, firing.window.id(), name(&firing.trigger))])
    };
}

const EVERY_TEN: [i64; 11] = [55, 210, 465, 820, 1275, 1830, 2485, 3240, 4095, 5050, 5050];

#[test]
fn fg_01_every_ten_keeps_the_state() {
    for way in WAYS {
        for batch in [LARGE, SMALL] {
            let sums = hundred(batch)
                .window(Window::global())
                .trigger_every(10)
                .reduce(|| 0, |sum, n| *sum += n)
                .on(way);
            assert_eq!(sums.collect_vec().unwrap(), EVERY_TEN, "{way:?}");
        }
    }
}

#[test]
fn fg_02_every_ten_with_a_reset() {
    for way in WAYS {
        for batch in [LARGE, SMALL] {
            let sums = hundred(batch)
                .window(Window::global())
                .trigger_every(10)
                .reduce(|| 0, |sum, n| *sum += n)
                .on_trigger(|sum, _| [std::mem::take(sum)])
                .on(way);
            let want = [55, 155, 255, 355, 455, 555, 655, 755, 855, 955, 0];
            assert_eq!(sums.collect_vec().unwrap(), want, "{way:?}");
        }
    }
}

#[test]
fn fg_03_triggers_have_names() {
    let got = sums!(hundred(LARGE).window(Window::global()).trigger_every(10));
    let got = got.collect_vec().unwrap();
    assert!(got[..10].iter().all(|f| f.2 == "every 10"));
    assert_eq!(got[10], (5050, 0, "done".to_string()));
}

#[test]
fn fg_04_a_custom_trigger_sees_the_items_before_the_reduction_changes_them() {
    for way in WAYS {
        let seen = Mutex::new(Vec::new());
        let got = Flow::from_range(1..11_i64)
            .stages(1)
            .window(Window::global())
            .trigger(
                || (),
                |_, items| {
                    seen.lock().unwrap().extend(items.iter().copied());
                    Punctuation::Take(items)
                },
            )
            .reduce(|| 0, |sum, n| *sum += (n + 1) * 2)
            .on(way)
            .collect_vec();
        assert_eq!(got.unwrap(), [130]);
        assert_eq!(seen.into_inner().unwrap(), (1..11).collect::<Vec<_>>());
    }
}

#[test]
fn fg_05_a_periodic_trigger_fires_though_the_source_stalls() {
    for way in WAYS {
        let (flow, _open) = stalls();
        let got = flow
            .partition()
            .stages(1)
            .window(Window::global())
            .trigger_periodically(HUNDRED_MS)
            .reduce(|| 0, |sum, n| *sum += n)
            .map(|sum| sum * 2)
            .filter(|sum| *sum == 110)
            .take(1)
            .on(way)
            .collect_vec();
        assert_eq!(got.unwrap(), [110], "{way:?}");
    }
}

#[test]
fn fg_06_a_signal_fires_with_its_name() {
    for way in WAYS {
        let signal = Signal::new("sample");
        let (flow, _open) = stalls();
        let hand = signal.clone();
        let got = flow
            .partition()
            .stages(1)
            .window(Window::global())
            .trigger_on(&signal)
            .reduce(
                || 0,
                move |sum, n| {
                    *sum += n;
                    if n == 10 {
                        hand.fire();
                    }
                },
            )
            .on_trigger(|sum, f| {
                [(
                    *sum * 2,
                    f.partition,
                    f.partitions,
                    f.window,
                    name(&f.trigger),
                )]
            })
            .take(1)
            .on(way)
            .collect_vec();
        let want = (110, 0, 1, Pane::Global, "sample".to_string());
        assert_eq!(got.unwrap(), [want], "{way:?}");
    }
}

#[test]
fn fg_07_periods_are_durations() {
    for (n, seconds) in [(10, 10), (10, 600), (10, 36_000)] {
        let clock = ManualClock::new();
        let hand = clock.clone();
        let got = sums!(
            Flow::from_iter(0..n)
                .stages(1)
                .batch(1)
                .inspect(move |at| if *at == 4 {
                    hand.advance(Duration::from_secs(seconds))
                })
                .window(Window::global())
                .trigger_periodically(Duration::from_secs(seconds))
        );
        let got = got.clock(&clock).collect_vec().unwrap();
        let why = format!("periodically {}", seconds * 1000);
        assert_eq!(got, [(10, 0, why), (45, 0, "done".to_string())]);
    }
}

#[test]
fn fk_01_a_count_window_that_never_fills_is_as_the_global_one() {
    for batch in [LARGE, SMALL] {
        let got = sums!(hundred(batch).window(Window::count(1000)).trigger_every(10));
        let sums: Vec<i64> = got
            .collect_vec()
            .unwrap()
            .into_iter()
            .map(|f| f.0)
            .collect();
        assert_eq!(sums, EVERY_TEN);
    }
    for way in WAYS {
        let total = Flow::from_range(1..101_i64)
            .stages(4)
            .partition()
            .stages(4)
            .window(Window::count(1000))
            .reduce(|| 0, |sum, n| *sum += n)
            .on(way);
        assert_eq!(total.sum::<i64>().unwrap(), 5050);
    }
}

#[test]
fn fk_02_count_windows_and_the_last_empty_one() {
    for way in WAYS {
        for batch in [LARGE, SMALL] {
            let got = sums!(hundred(batch).window(Window::count(50))).on(way);
            let want = [(1275, 0, "done"), (3775, 1, "done"), (0, 2, "done")];
            assert_eq!(got.collect_vec().unwrap(), fired(&want));
        }
    }
}

#[test]
fn fk_03_count_windows_with_every_twelve() {
    let want = [
        (78, 0, "every 12"),
        (300, 0, "every 12"),
        (666, 0, "every 12"),
        (1176, 0, "every 12"),
        (1275, 0, "done"),
        (678, 1, "every 12"),
        (1500, 1, "every 12"),
        (2466, 1, "every 12"),
        (3576, 1, "every 12"),
        (3775, 1, "done"),
        (0, 2, "done"),
    ];
    for way in WAYS {
        for batch in [LARGE, SMALL] {
            let got = sums!(hundred(batch).window(Window::count(50)).trigger_every(12)).on(way);
            assert_eq!(got.collect_vec().unwrap(), fired(&want));
        }
    }
}

fn seconds() -> Fixed {
    Window::fixed(Duration::from_secs(1))
}

#[test]
fn fx_01_one_window_of_event_time_is_as_the_global_one() {
    for way in WAYS {
        for batch in [LARGE, SMALL] {
            let got = sums!(hundred(batch).window_by(seconds(), |_| 0).trigger_every(10)).on(way);
            let got = got.collect_vec().unwrap();
            assert_eq!(got.iter().map(|f| f.0).collect::<Vec<_>>(), EVERY_TEN);
            assert!(got.iter().all(|f| f.1 == 0));
        }
        let total = Flow::from_range(1..101_i64)
            .stages(4)
            .partition()
            .stages(4)
            .window_by(seconds(), |_| 0)
            .reduce(|| 0, |sum, n| *sum += n)
            .on(way);
        assert_eq!(total.sum::<i64>().unwrap(), 5050);
    }
}

fn ordered(n: &i64) -> i64 {
    if *n <= 50 { *n } else { 1000 + n }
}

#[test]
fn fx_02_in_order() {
    for way in WAYS {
        for batch in [LARGE, SMALL] {
            let got = hundred(batch)
                .window_by(seconds(), ordered)
                .reduce(|| 0, |sum, n| *sum += n)
                .on(way);
            assert_eq!(got.collect_vec().unwrap(), [1275, 3775]);
        }
    }
}

#[test]
fn fx_03_fx_04_a_window_ends_when_the_batch_does() {
    let every = |batch| {
        sums!(
            hundred(batch)
                .window_by(seconds(), ordered)
                .trigger_every(12)
        )
        .seeded(1)
        .collect_vec()
        .unwrap()
    };
    let first = [
        (78, 0, "every 12"),
        (300, 0, "every 12"),
        (666, 0, "every 12"),
        (1176, 0, "every 12"),
    ];
    let second = [
        (678, 1000, "every 12"),
        (1500, 1000, "every 12"),
        (2466, 1000, "every 12"),
        (3576, 1000, "every 12"),
    ];
    let (done, last) = ((1275, 0, "done"), (3775, 1000, "done"));
    let large: Vec<_> = first
        .into_iter()
        .chain(second)
        .chain([done, last])
        .collect();
    assert_eq!(every(LARGE), fired(&large), "fx_03");
    let got = every(SMALL);
    let place = |f: (i64, i64, &str)| got.iter().position(|g| *g == fired(&[f])[0]).unwrap();
    assert!(place(done) < place(second[0]), "fx_04: {got:?}");
    assert_eq!(got.len(), large.len());
}

#[test]
fn fx_05_a_periodic_trigger_fires_what_is_open() {
    let (sender, receiver) = crossbeam_channel::unbounded();
    (1..=100_i64).for_each(|n| sender.send(n).unwrap());
    let got = sums!(
        Flow::from_receiver(receiver)
            .stages(1)
            .partition()
            .stages(1)
            .batch(SMALL)
            .buffer(1)
            .window_by(seconds(), ordered)
            .trigger_periodically(HUNDRED_MS)
    );
    let got = got.take(2).seeded(3).collect_vec().unwrap();
    assert_eq!(
        got,
        fired(&[(1275, 0, "done"), (3775, 1000, "periodically 100")])
    );
    drop(sender);
}

fn unordered(n: &i64) -> i64 {
    if (41..=80).contains(n) { 2000 } else { 0 }
}

#[test]
fn fx_06_late_items_count_within_a_batch_and_are_late_behind_it() {
    let windows = |batch| {
        hundred(batch)
            .window_by(seconds().gaps(10), unordered)
            .reduce(|| 0, |sum, n| *sum += n)
            .seeded(1)
    };
    assert_eq!(windows(LARGE).collect_vec().unwrap(), [2630, 0, 2420]);
    assert_eq!(windows(SMALL).collect_vec().unwrap(), [820, 0, 2420]);
    let report = windows(SMALL).run().unwrap();
    assert_eq!(report.stages()[1].late(), 20, "and they are counted");
    let quiet = hundred(SMALL)
        .window_by(seconds(), unordered)
        .reduce(|| 0, |sum, n| *sum += n)
        .seeded(1);
    assert_eq!(
        quiet.collect_vec().unwrap(),
        [820, 2420],
        "gaps only on request"
    );
}

#[test]
fn fx_07_fx_08_unordered_with_every_twelve() {
    let every = |batch| {
        sums!(
            hundred(batch)
                .window_by(seconds().gaps(10), unordered)
                .trigger_every(12)
        )
        .seeded(1)
        .collect_vec()
        .unwrap()
    };
    let large = [
        (78, 0, "every 12"),
        (300, 0, "every 12"),
        (666, 0, "every 12"),
        (558, 2000, "every 12"),
        (1260, 2000, "every 12"),
        (2106, 2000, "every 12"),
        (1496, 0, "every 12"),
        (2630, 0, "every 12"),
        (2630, 0, "done"),
        (0, 1000, "done"),
        (2420, 2000, "done"),
    ];
    assert_eq!(every(LARGE), fired(&large), "fx_07");
    let small = [
        (78, 0, "every 12"),
        (300, 0, "every 12"),
        (666, 0, "every 12"),
        (820, 0, "done"),
        (0, 1000, "done"),
        (558, 2000, "every 12"),
        (1260, 2000, "every 12"),
        (2106, 2000, "every 12"),
        (2420, 2000, "done"),
    ];
    assert_eq!(every(SMALL), fired(&small), "fx_08");
}

#[test]
fn fx_09_unordered_with_a_periodic_trigger() {
    let (sender, receiver) = crossbeam_channel::unbounded();
    (1..=100_i64).for_each(|n| sender.send(n).unwrap());
    let got = sums!(
        Flow::from_receiver(receiver)
            .stages(1)
            .partition()
            .stages(1)
            .batch(SMALL)
            .buffer(1)
            .window_by(seconds().gaps(10), unordered)
            .trigger_periodically(HUNDRED_MS)
    );
    let got = got.take(3).seeded(3).collect_vec().unwrap();
    let want = [
        (820, 0, "done"),
        (0, 1000, "done"),
        (2420, 2000, "periodically 100"),
    ];
    assert_eq!(got, fired(&want));
    drop(sender);
}

#[test]
fn fx_10_two_producers_hold_the_watermark_back() {
    for way in WAYS {
        let got = Flow::from_iter(1..=100_i64)
            .stages(2)
            .map(|n| n)
            .partition()
            .stages(1)
            .batch(SMALL)
            .buffer(1)
            .window_by(seconds().gaps(10), unordered)
            .reduce(|| 0, |sum, n| *sum += n)
            .on(way)
            .collect_vec()
            .unwrap();
        assert_eq!((got.len(), got[1], got[2]), (3, 0, 2420), "{way:?}");
        assert!((820..=2630).contains(&got[0]), "{way:?}: {got:?}");
    }
}

#[test]
fn fx_11_fx_12_fx_13_lateness() {
    let hour = seconds()
        .gaps(10)
        .allowed_lateness(Duration::from_secs(3600));
    let plain = |batch| {
        sums!(hundred(batch).window_by(hour, unordered))
            .seeded(1)
            .collect_vec()
            .unwrap()
    };
    let tail = [(2630, 0, "done"), (0, 1000, "done"), (2420, 2000, "done")];
    let passed = [(2630, 0, "watermark"), (0, 1000, "watermark")];
    let want: Vec<_> = passed.into_iter().chain(tail).collect();
    assert_eq!(plain(LARGE), fired(&want), "fx_11");
    let every = |batch| {
        sums!(hundred(batch).window_by(hour, unordered).trigger_every(12))
            .seeded(1)
            .collect_vec()
            .unwrap()
    };
    let twelve = [
        (78, 0, "every 12"),
        (300, 0, "every 12"),
        (666, 0, "every 12"),
        (558, 2000, "every 12"),
        (1260, 2000, "every 12"),
        (2106, 2000, "every 12"),
        (1496, 0, "every 12"),
        (2630, 0, "every 12"),
    ];
    let want: Vec<_> = twelve.into_iter().chain(passed).chain(tail).collect();
    assert_eq!(every(LARGE), fired(&want), "fx_12");
    let passed = [(820, 0, "watermark"), (0, 1000, "watermark")];
    let want: Vec<_> = passed.into_iter().chain(tail).collect();
    assert_eq!(plain(SMALL), fired(&want), "fx_13");
    let want: Vec<_> = twelve[..3]
        .iter()
        .chain(&passed)
        .chain(&twelve[3..])
        .chain(&tail)
        .copied()
        .collect();
    assert_eq!(every(SMALL), fired(&want), "fx_13 with every twelve");
}

#[test]
fn fq_01_fq_02_periodic_windows() {
    for way in WAYS {
        let (flow, open) = stalls();
        let got = sums!(
            flow.partition()
                .stages(1)
                .window(Window::periodic(HUNDRED_MS))
        );
        let got = got.take(2).on(way).collect_vec().unwrap();
        assert_eq!(got[1], (0, 1, "done".to_string()), "{way:?}");
        assert_eq!(got[0].1, 0);
        if way != Way::Threads {
            assert_eq!(got[0].0, 55, "time moves when nothing else can");
        }
        drop(open);
    }
    let (flow, _open) = stalls();
    let windows = flow
        .partition()
        .stages(1)
        .window(Window::periodic(HUNDRED_MS))
        .trigger_every(5);
    let got = sums!(windows).take(3).seeded(2).collect_vec().unwrap();
    assert_eq!(
        got,
        fired(&[(15, 0, "every 5"), (55, 0, "every 5"), (55, 0, "done")])
    );
}

#[test]
fn fw_12_fw_13_moving_pairs() {
    for way in WAYS {
        let got = Flow::from_iter(["a", "b", "c", "d"])
            .stages(1)
            .window(Window::global())
            .trigger(Vec::new, |waiting: &mut Vec<&str>, items| {
                waiting.extend(items);
                if waiting.len() < 2 {
                    return Punctuation::Take(Vec::new());
                }
                let after = waiting.split_off(1);
                let before = vec![waiting[0], after[0]];
                waiting.clear();
                Punctuation::Fire {
                    name: "pair".to_string(),
                    before,
                    after,
                }
            })
            .reduce(Vec::new, |pair, item| pair.push(item))
            .on_trigger(|pair, firing| {
                let pair = std::mem::take(pair);
                (!firing.trigger.is_last()).then_some(pair)
            })
            .on(way)
            .collect_vec()
            .unwrap();
        assert_eq!(got, [["a", "b"], ["b", "c"], ["c", "d"]]);
    }
}

#[test]
fn fp_03_windows_over_partitions_and_on_the_source() {
    let time = |n: &i64| if *n <= 50 { 0 } else { 1000 };
    for way in WAYS {
        let flow = Flow::from_iter(1..=100_i64).partition().stages(4);
        let got = sums!(flow.window_by(seconds(), time))
            .on(way)
            .collect_vec()
            .unwrap();
        let total = |id| got.iter().filter(|f| f.1 == id).map(|f| f.0).sum::<i64>();
        assert_eq!((total(0), total(1000)), (1275, 3775), "{way:?}: {got:?}");
        let flow = Flow::from_iter(1..=100_i64).stages(4).batch(5);
        let sum = flow
            .window_by(seconds(), time)
            .reduce(|| 0, |sum, n| *sum += n)
            .on(way);
        assert_eq!(sum.sum::<i64>().unwrap(), 5050);
    }
}

#[test]
fn fp_04_fp_05_windows_over_merged_flows() {
    let time = |n: &i64| if *n <= 100 { 0 } else { 1000 };
    for way in WAYS {
        let odds = Flow::from_iter((1..=100_i64).filter(|n| n % 2 == 1)).map(|n| n * 2);
        let evens = Flow::from_iter((1..=100_i64).filter(|n| n % 2 == 0)).map(|n| n * 2);
        let flow = odds.merge(evens).stages(1).batch(5);
        let got = flow
            .window_by(seconds(), time)
            .reduce(|| 0, |sum, n| *sum += n)
            .on(way);
        assert_eq!(got.collect_vec().unwrap(), [2550, 7550], "{way:?}");
    }
}

#[test]
fn two_logs_read_one_after_the_other_lose_nothing() {
    for way in WAYS {
        for stages in 1..4 {
            let logs = [0..1000_i64, 0..1000, 500..800];
            let flow = Flow::from_iters(logs)
                .stages(stages)
                .partition_by(|n| n % 7)
                .stages(2)
                .batch(3);
            let report = flow
                .window_by(Window::fixed(100), |n| *n)
                .reduce(|| 0, |count, _| *count += 1)
                .on(way)
                .run()
                .unwrap();
            assert_eq!(report.stages()[1].late(), 0, "{way:?}, {stages} readers");
        }
    }
}

#[test]
fn input_in_the_order_of_time_loses_nothing_however_many_read_it() {
    for way in WAYS {
        for stages in 1..5 {
            let flow = Flow::from_iter(0..20_000_i64).stages(stages).batch(7);
            let windows = flow
                .partition_by(|n| n % 5)
                .stages(3)
                .batch(16)
                .window_by(Window::fixed(10), |n| *n);
            let report = windows
                .reduce(|| 0, |count, _| *count += 1)
                .on(way)
                .run()
                .unwrap();
            assert_eq!(report.stages()[1].late(), 0, "{way:?}, {stages} readers");
        }
    }
}

#[test]
fn windows_close_while_the_source_goes_on() {
    for way in WAYS {
        let first = Flow::from_iter(0_i64..)
            .partition_by(|n| n % 3)
            .stages(2)
            .window_by(Window::fixed(10), |n| *n)
            .reduce(|| 0, |count, _| *count += 1)
            .take(20)
            .on(way);
        assert_eq!(first.collect_vec().unwrap().len(), 20);
    }
}

#[test]
fn a_panic_in_every_closure_comes_back() {
    use super::{BOOM, boom};
    for way in WAYS {
        let base = || {
            Flow::from_iter(0..100_i64)
                .partition_by(|n| n % 3)
                .stages(2)
        };
        let failed = [
            base()
                .window_by(Window::fixed(9), |_| -> i64 { boom() })
                .reduce(|| 0, |_, _| {})
                .on(way)
                .run(),
            base()
                .window_by(Window::fixed(9), |n| *n)
                .reduce(|| boom(), |_: &mut i64, _| {})
                .on(way)
                .run(),
            base()
                .window_by(Window::fixed(9), |n| *n)
                .reduce(|| 0, |_, _| boom())
                .on(way)
                .run(),
            base()
                .window_by(Window::fixed(9), |n| *n)
                .reduce(|| 0, |_, _| {})
                .on_trigger(|_, _| -> Option<i64> { boom() })
                .on(way)
                .run(),
            base()
                .window(Window::count(9))
                .trigger(|| (), |_, _| boom())
                .reduce(|| 0, |_, _| {})
                .on(way)
                .run(),
        ];
        for error in failed.map(Result::unwrap_err) {
            assert!(error.to_string().contains(BOOM), "{error}");
        }
    }
}

#[test]
fn fd_02_fd_03_windows_of_all_partitions_come_together() {
    use std::collections::BTreeMap;
    for way in WAYS {
        let got = Flow::from_iter(0..=10_i64)
            .stages(1)
            .partition_with(|n, _| Some(usize::from(*n != 0)))
            .stages(2)
            .window(Window::count(3))
            .reduce(|| 0, |sum, n| *sum += n)
            .on_trigger(|sum, firing| [(firing.window.id(), *sum)])
            .departition(
                BTreeMap::<i64, Vec<i64>>::new,
                |windows, (id, sum)| windows.entry(id).or_default().push(sum),
                |windows| {
                    let sorted = windows.into_values().map(|mut sums| {
                        sums.sort_unstable();
                        sums
                    });
                    sorted.collect::<Vec<_>>()
                },
            )
            .on(way)
            .collect_vec()
            .unwrap();
        assert_eq!(got, [[vec![0, 6], vec![15], vec![24], vec![10]]], "{way:?}");
    }
}

#[test]
fn fd_04_kept_states_are_gathered_at_every_trigger() {
    for way in WAYS {
        let states = Flow::from_range(1..11_i64)
            .partition()
            .stages(4)
            .window(Window::global())
            .trigger_every(2)
            .reduce(Vec::new, |seen, n| seen.push(n))
            .departition(Vec::new, |all, seen| all.push(seen), |all| all)
            .on(way)
            .collect_vec()
            .unwrap();
        let whole = states[0]
            .iter()
            .filter(|s| !s.is_empty())
            .map(Vec::len)
            .max();
        let twice: usize = states[0].iter().map(Vec::len).sum();
        assert!(
            states.len() == 1 && twice > 10 && whole <= Some(10),
            "{states:?}"
        );
    }
}

#[test]
fn fw_07_words_by_the_hour() {
    const HOUR: i64 = 3_600_000;
    let words = [
        ("elixir", 0),
        ("elixir", 1_000),
        ("erlang", 60_000),
        ("concurrency", 3_200_000),
        ("elixir", 4_000_000),
        ("erlang", 5_000_000),
        ("erlang", 5_600_000),
    ];
    for way in WAYS {
        let counts = |words: Vec<(&'static str, i64)>, window: Fixed| {
            Flow::from_vec(words)
                .stages(1)
                .batch(1)
                .window_by(window, |w| w.1)
                .count_by(|w| w.0)
                .stages(1)
                .batch(1)
                .map(|(window, word, n)| (window.id(), word, n))
                .on(way)
                .sorted()
                .unwrap()
        };
        let want = [
            (0, "concurrency", 1),
            (0, "elixir", 2),
            (0, "erlang", 1),
            (HOUR, "elixir", 1),
            (HOUR, "erlang", 2),
        ];
        assert_eq!(counts(words.to_vec(), Window::fixed(HOUR)), want);
        let mut late = words.to_vec();
        late.swap(1, 4);
        let lateness = Window::fixed(HOUR).allowed_lateness(HOUR);
        assert_eq!(counts(late, lateness), want, "late, and allowed to be");
    }
}

#[test]
fn fw_08_sessions_in_the_accumulator() {
    let visits = [
        ("elixir", 2_000_000_i64),
        ("erlang", 3_100_000),
        ("erlang", 3_200_000),
        ("elixir", 4_000_000),
        ("elixir", 4_100_000),
        ("erlang", 4_150_000),
    ];
    for way in WAYS {
        let sessions = Flow::from_iter(visits)
            .stages(1)
            .emit_and_reduce(
                std::collections::BTreeMap::<&str, (u32, i64)>::new,
                |open, (word, at)| match open.get_mut(word) {
                    Some((count, last)) if at - *last <= 1_000_000 => {
                        *count += 1;
                        *last = at;
                        None
                    }
                    _ => open.insert(word, (1, at)).map(|session| (word, session)),
                },
                |open| open.into_iter().collect::<Vec<_>>(),
            )
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

/// What declared aggregates and unique items over windows give, beside a plain computation.
mod declared {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Times that go up, with a key each, disturbed by up to `disorder`.
    fn events(disorder: i64) -> impl Strategy<Value = Vec<(i64, u8)>> {
        prop::collection::vec((0..4_i64, 0..5_u8, 0..=disorder), 0..300).prop_map(|steps| {
            let mut now = -50;
            let event = |(step, key, back): (i64, u8, i64)| {
                now += step;
                (now - back, key)
            };
            steps.into_iter().map(event).collect()
        })
    }

    type Counts = BTreeMap<(i64, u8), u64>;

    fn naive(events: &[(i64, u8)], size: i64, slide: i64) -> Counts {
        let mut counts = Counts::new();
        for (time, key) in events {
            let mut start = time.div_euclid(slide) * slide;
            while start + size > *time {
                *counts.entry((start, *key)).or_default() += 1;
                start -= slide;
            }
        }
        counts
    }

    fn collect<P>(flow: Flow<'_, P>) -> Counts
    where
        P: Pipe<Item = (Pane, u8, u64)>,
    {
        let all = flow.collect_vec().unwrap();
        let len = all.len();
        let counts: Counts = all
            .into_iter()
            .map(|(pane, key, n)| ((pane.id(), key), n))
            .collect();
        assert_eq!(counts.len(), len, "each window and key once");
        counts
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn counts_by_window_and_key_are_those_of_a_loop(
            events in events(6),
            readers in 1..4_usize,
            owners in 1..4_usize,
            batch in 1..40_usize,
            seed in any::<u64>(),
            on_threads in any::<bool>(),
        ) {
            let way = if on_threads { Way::Threads } else { Way::Seeded(seed) };
            let flow = || Flow::from_slice(&events).stages(readers).batch(batch);
            let fixed = Window::fixed(10).out_of_order(6);
            let got = flow().window_by(fixed, |e| e.0).count_by(|e| e.1);
            prop_assert_eq!(collect(got.stages(owners).batch(batch).on(way)), naive(&events, 10, 10));
            let sliding = Window::sliding(12, 5).out_of_order(6);
            let got = flow().window_by(sliding, |e| e.0).count_by(|e| e.1);
            prop_assert_eq!(collect(got.stages(owners).on(way)), naive(&events, 12, 5));
        }

        #[test]
        fn unique_items_of_a_window_are_those_of_a_set(
            events in events(0),
            readers in 1..4_usize,
            owners in 1..4_usize,
            seed in any::<u64>(),
        ) {
            let got = Flow::from_slice(&events)
                .stages(readers)
                .partition_by(|e| e.1)
                .stages(owners)
                .window_by(Window::fixed(10), |e| e.0)
                .uniq_by(|e| e.1)
                .map(|e| (e.0.div_euclid(10) * 10, e.1))
                .seeded(seed)
                .sorted()
                .unwrap();
            let want: Vec<(i64, u8)> = naive(&events, 10, 10).into_keys().collect();
            prop_assert_eq!(got, want);
        }
    }

    #[test]
    fn several_splits_and_late_items() {
        for way in WAYS {
            let logs = [0..300_i64, 100..400, 0..50];
            let report = Flow::from_iters(logs.clone())
                .stages(2)
                .window_by(Window::fixed(100), |n| *n)
                .count_by(|n| n % 3)
                .on(way)
                .run()
                .unwrap();
            assert_eq!(report.stages()[1].late(), 0, "{way:?}");
        }
        let late = [5, 15, 25, 35, 45, 6, 7, 46];
        let report = Flow::from_iter(late)
            .stages(1)
            .window_by(Window::fixed(10), |n| *n)
            .count_by(|_| ())
            .stages(1)
            .batch(1)
            .buffer(1)
            .seeded(1)
            .run()
            .unwrap();
        assert_eq!(report.stages()[1].late(), 2);
    }
}

#[test]
fn input_in_its_order_loses_nothing_behind_stages_that_mix() {
    for workers in [1, 2, 3] {
        let counts = Flow::from_range(0..20_000i64)
            .stages(workers)
            .ordered()
            .batch(10)
            .shuffle()
            .stages(workers)
            .window_by(Window::fixed(500), |at| *at)
            .count_by(|at| at % 3)
            .map(|(window, _, count)| (window.id(), count))
            .fold(|| 0, |sum, (_, count)| sum + count, |a, b| a + b)
            .unwrap();
        assert_eq!(counts, 20_000, "{workers} workers");
    }
}
