//! Joins within windows and intervals: the original's row, a naive loop over both sides, late rows, and what is let go of.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::bounded;
use millstream::{BoxFlow, ErrorKind, Flow, JoinWindow, Side, Window};
use proptest::prelude::*;

use crate::{BOOM, On, WAYS, Way, boom_if, sorted};

/// A time, and a key.
type Row = (i64, u8);
type Pair = (Option<Row>, Option<Row>);

const KINDS: [&str; 4] = ["inner", "left", "right", "full"];

fn join<'a>(
    kind: &str,
    left: BoxFlow<'a, Row>,
    right: BoxFlow<'a, Row>,
    window: impl JoinWindow,
    tune: impl Fn(BoxFlow<'a, Pair>) -> BoxFlow<'a, Pair>,
) -> BoxFlow<'a, Pair> {
    macro_rules! run {
        ($join:ident, $pair:expr) => {
            left.$join(right, |l| l.1, |r| r.1)
                .within(window, |l| l.0, |r| r.0)
                .map($pair)
                .boxed()
        };
    }
    tune(match kind {
        "inner" => run!(inner_join, |(l, r)| (Some(l), Some(r))),
        "left" => run!(left_join, |(l, r)| (Some(l), r)),
        "right" => run!(right_join, |(l, r)| (l, Some(r))),
        _ => run!(full_join, |pair| pair),
    })
}

/// Every left row with every right one of the same key that is near.
fn naive(kind: &str, left: &[Row], right: &[Row], near: impl Fn(i64, i64) -> bool) -> Vec<Pair> {
    let meet = |l: &Row, r: &Row| l.1 == r.1 && near(l.0, r.0);
    let mut pairs = Vec::new();
    for l in left {
        let met = right.iter().filter(|r| meet(l, r));
        pairs.extend(met.map(|r| (Some(*l), Some(*r))));
    }
    if matches!(kind, "left" | "full") {
        let alone = left.iter().filter(|l| !right.iter().any(|r| meet(l, r)));
        pairs.extend(alone.map(|l| (Some(*l), None)));
    }
    if matches!(kind, "right" | "full") {
        let alone = right.iter().filter(|r| !left.iter().any(|l| meet(l, r)));
        pairs.extend(alone.map(|r| (None, Some(*r))));
    }
    sorted(pairs)
}

/// A join of its own in each window.
fn in_windows(kind: &str, left: &[Row], right: &[Row], size: i64, slide: i64) -> Vec<Pair> {
    let windows = (-60..800).filter(|start| start % slide == 0);
    sorted(windows.flat_map(|start| {
        let of = |rows: &[Row]| -> Vec<Row> {
            let holds = |row: &&Row| start <= row.0 && row.0 < start + size;
            rows.iter().filter(holds).copied().collect()
        };
        naive(kind, &of(left), &of(right), |_, _| true)
    }))
}

#[test]
fn fj_05_a_join_in_windows() {
    for way in WAYS {
        for batch in [1, 1000] {
            let left = Flow::from_vec(vec![0_i64, 1, 2, 3, 9, 10, 11]).stages(1);
            let right = Flow::from_vec(vec![4_i64, 5, 6, 7, 8, 12, 13]).stages(1);
            let joined = left
                .full_join(right, |l| *l, |r| r - 3)
                .within(Window::fixed(10), |l| *l, |r| *r)
                .batch(batch)
                .on(way);
            let want = [
                (Some(0), None),
                (Some(1), Some(4)),
                (Some(2), Some(5)),
                (Some(3), Some(6)),
                (Some(9), None),
                (Some(10), Some(13)),
                (Some(11), None),
                (None, Some(7)),
                (None, Some(8)),
                (None, Some(12)),
            ];
            assert_eq!(joined.sorted().unwrap(), sorted(want), "{way:?}");
        }
    }
}

/// Times that go up, with a key each, disturbed by up to `disorder`.
fn rows(disorder: i64) -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0..4_i64, 0..5_u8, 0..=disorder), 0..150).prop_map(|steps| {
        let mut now = -40;
        let row = |(step, key, back): (i64, u8, i64)| {
            now += step;
            (now - back, key)
        };
        steps.into_iter().map(row).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 64 }))]

    #[test]
    fn every_kind_gives_what_a_loop_over_both_sides_gives(
        left in rows(6),
        right in rows(6),
        readers in 1..4_usize,
        // An order that a stage between keeps, though it is idle now and then while its source is not.
        between in any::<bool>(),
        stages in 1..5_usize,
        (batch, buffer) in prop_oneof![Just((1, 1)), Just((7, 2)), Just((512, 32))],
        (from, to) in (-20..5_i64, 5..20_i64),
        seed in prop::option::of(any::<u64>()),
    ) {
        let way = seed.map_or(Way::Threads, Way::Seeded);
        let tune = |flow: BoxFlow<'static, Pair>| {
            flow.stages(stages).batch(batch).buffer(buffer).on(way).boxed()
        };
        let input = |rows: &[Row]| {
            let flow = Flow::from_vec(rows.to_vec());
            if between {
                flow.stages(1).shuffle().stages(1).batch(3).boxed()
            } else {
                flow.stages(readers).batch(5).boxed()
            }
        };
        for kind in KINDS {
            let (l, r) = (input(&left), input(&right));
            let got = join(kind, l, r, Window::fixed(10).out_of_order(6), tune);
            prop_assert_eq!(got.sorted().unwrap(), in_windows(kind, &left, &right, 10, 10));
            let (l, r) = (input(&left), input(&right));
            let got = join(kind, l, r, Window::sliding(12, 5).allowed_lateness(6), tune);
            prop_assert_eq!(got.sorted().unwrap(), in_windows(kind, &left, &right, 12, 5));
            let (l, r) = (input(&left), input(&right));
            let got = join(kind, l, r, Window::interval(from..=to).out_of_order(6), tune);
            let near = |l: i64, r: i64| (from..=to).contains(&(r - l));
            prop_assert_eq!(got.sorted().unwrap(), naive(kind, &left, &right, near));
        }
    }

    #[test]
    fn a_row_is_given_or_counted_as_late(
        left in rows(30),
        right in rows(30),
        stages in 1..4_usize,
        interval in any::<bool>(),
        seed in prop::option::of(any::<u64>()),
    ) {
        let way = seed.map_or(Way::Threads, Way::Seeded);
        let seen = Arc::new((0..left.len() + right.len()).map(|_| AtomicUsize::new(0)).collect::<Vec<_>>());
        let numbered = |rows: &[Row], from: usize| {
            let rows: Vec<(Row, usize)> = rows.iter().copied().zip(from..).collect();
            Flow::from_vec(rows).stages(1)
        };
        let joined = numbered(&left, 0).full_join(numbered(&right, left.len()), |l| l.0.1, |r| r.0.1);
        let joined = if interval {
            joined.within(-3..=5, |l| l.0.0, |r| r.0.0).boxed()
        } else {
            joined.within(Window::fixed(10), |l| l.0.0, |r| r.0.0).boxed()
        };
        let marks = seen.clone();
        let report = joined.stages(stages).batch(1).on(way).for_each(move |(l, r)| {
            for row in [l, r].into_iter().flatten() {
                marks[row.1].store(1, Ordering::Relaxed);
            }
        }).unwrap();
        let given: usize = seen.iter().map(|seen| seen.load(Ordering::Relaxed)).sum();
        let late: u64 = report.stages().iter().map(|stage| stage.late()).sum();
        prop_assert_eq!(given + late as usize, left.len() + right.len());
    }
}

#[test]
fn a_side_without_rows() {
    for way in WAYS {
        for kind in KINDS {
            for swap in [false, true] {
                let rows: Vec<Row> = (0..100).map(|n| (n, (n % 3) as u8)).collect();
                let (l, r) = if swap { (vec![], rows) } else { (rows, vec![]) };
                let want = naive(kind, &l, &r, |_, _| false);
                let flow = |rows: &[Row]| Flow::from_vec(rows.to_vec()).stages(2).boxed();
                let tune = |flow: BoxFlow<'static, Pair>| flow.stages(2).on(way).boxed();
                let got = join(kind, flow(&l), flow(&r), Window::fixed(7), tune);
                assert_eq!(got.sorted().unwrap(), want);
                let got = join(kind, flow(&l), flow(&r), 0..=9, tune);
                assert_eq!(got.sorted().unwrap(), want);
            }
        }
    }
}

#[test]
fn pairs_come_at_once_and_rows_alone_when_both_sides_have_passed_their_window() {
    let (left, lefts) = bounded::<Row>(0);
    let (right, rights) = bounded::<Row>(0);
    let mut joined = Flow::from_receiver(lefts)
        .full_join(Flow::from_receiver(rights), |l| l.1, |r| r.1)
        .within(Window::fixed(10), |l| l.0, |r| r.0)
        .stages(1)
        .batch(1)
        .into_iter();
    let mut next = || joined.next().unwrap().unwrap();
    // Neither input ends before these have come.
    left.send((1, 1)).unwrap();
    right.send((2, 1)).unwrap();
    assert_eq!(next(), (Some((1, 1)), Some((2, 1))));
    left.send((3, 2)).unwrap();
    left.send((15, 3)).unwrap();
    right.send((15, 4)).unwrap();
    assert_eq!(next(), (Some((3, 2)), None));
    drop((left, right));
    let rest = sorted([next(), next()]);
    assert_eq!(rest, [(None, Some((15, 4))), (Some((15, 3)), None)]);
    assert!(joined.next().is_none());
}

#[test]
fn what_comes_after_its_window_is_late() {
    let late = |window: bool| {
        let (left, lefts) = bounded::<Row>(0);
        let (passed, pass) = bounded::<()>(1);
        // The last row waits until the first has come out alone.
        let sender = thread::spawn(move || {
            left.send((0, 0)).unwrap();
            left.send((100, 0)).unwrap();
            pass.recv().unwrap();
            left.send((5, 0)).unwrap();
        });
        let left = Flow::from_receiver(lefts);
        // Not ahead of the left side, which may still be idle when it comes.
        let right = Flow::from_vec(vec![(0, 1)]).stages(1);
        let joined = left.left_join(right, |l: &Row| l.1, |r: &Row| r.1);
        let joined = if window {
            joined.within(Window::fixed(10), |l| l.0, |r| r.0).boxed()
        } else {
            joined.within(0..=10, |l| l.0, |r| r.0).boxed()
        };
        let report = joined
            .stages(1)
            .batch(1)
            .for_each(move |(l, r)| {
                assert!(r.is_none());
                if l.0 == 0 {
                    passed.send(()).unwrap();
                }
            })
            .unwrap();
        sender.join().unwrap();
        report.stages().iter().map(|s| s.late()).sum::<u64>()
    };
    assert_eq!((late(true), late(false)), (1, 1));
}

#[test]
fn an_idle_side_holds_nothing_back() {
    for between in [false, true] {
        let (_open, silent) = bounded::<Row>(0);
        let left = Flow::from_receiver(silent);
        let left = if between {
            left.shuffle().stages(2).boxed()
        } else {
            left.boxed()
        };
        let right = Flow::from_iter((0_i64..).map(|n| (n, 0_u8)));
        let joined = left.right_join(right, |l| l.1, |r| r.1);
        let first = joined.within(Window::fixed(10), |l| l.0, |r| r.0);
        assert_eq!(first.take(50).count().unwrap(), 50);
    }
}

#[test]
fn a_stage_that_waits_for_one_that_works_is_not_idle() {
    // All right rows are in, and the stage behind the left source has nothing to do, while that still works.
    let (tell, done) = bounded::<()>(1);
    let left = (0..100_i64).map(move |n| {
        if n == 10 {
            done.recv().unwrap();
        }
        (n, 0_u8)
    });
    let left = Flow::from_iter(left).stages(1).shuffle().stages(1);
    let right = Flow::from_iter((0..100_i64).map(|n| (n, 0_u8))).stages(1);
    let pairs = left
        .inner_join(right, |l| l.1, |r| r.1)
        .within(
            0..=0,
            |l| l.0,
            move |r| {
                if r.0 == 99 {
                    tell.send(()).unwrap();
                }
                r.0
            },
        )
        .stages(1)
        .batch(1);
    assert_eq!(pairs.count().unwrap(), 100);
}

/// A row that counts itself and its copies.
#[derive(Debug)]
struct Counted(i64, Arc<AtomicUsize>);

impl Counted {
    fn new(time: i64, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Counted(time, alive.clone())
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Counted::new(self.0, &self.1)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn rows_are_let_go_of_while_the_inputs_run() {
    const ROWS: i64 = 4000;
    for seed in 0..4 {
        for interval in [false, true] {
            let alive = Arc::new(AtomicUsize::new(0));
            let most = Arc::new(AtomicUsize::new(0));
            let input = || {
                let alive = alive.clone();
                let rows = (0..ROWS).map(move |n| Counted::new(n, &alive));
                Flow::from_iter(rows).stages(1).batch(4)
            };
            let joined = input().full_join(input(), |l| l.0 % 7, |r| r.0 % 7);
            let joined = if interval {
                joined.within(-7..=0, |l| l.0, |r| r.0).boxed()
            } else {
                joined.within(Window::fixed(10), |l| l.0, |r| r.0).boxed()
            };
            let (now, top) = (alive.clone(), most.clone());
            let look = move |_| {
                top.fetch_max(now.load(Ordering::Relaxed), Ordering::Relaxed);
            };
            joined
                .stages(2)
                .batch(4)
                .buffer(1)
                .seeded(seed)
                .for_each(look)
                .unwrap();
            let most = most.load(Ordering::Relaxed);
            assert!(most < ROWS as usize / 4, "{most} of {ROWS} at once");
            assert_eq!(alive.load(Ordering::Relaxed), 0);
        }
    }
}

#[test]
fn take_ends_a_join_of_endless_inputs() {
    for way in WAYS {
        for window in [false, true] {
            let alive = Arc::new(());
            let held = alive.clone();
            let left = Flow::from_iter((0_i64..).map(|n| (n, 0_u8)));
            let right = Flow::from_iter((0_i64..).map(|n| (n, 0_u8))).inspect(move |_| {
                let _held = &held;
            });
            let joined = left.inner_join(right, |l| l.1, |r| r.1);
            let joined = if window {
                joined.within(Window::fixed(50), |l| l.0, |r| r.0).boxed()
            } else {
                joined.within(0..=3, |l| l.0, |r| r.0).boxed()
            };
            let taken = joined.stages(2).on(way).take(500).count().unwrap();
            assert_eq!(taken, 500);
            assert_eq!(Arc::strong_count(&alive), 1);
        }
    }
}

#[test]
fn a_cross_product_is_made_as_it_is_taken() {
    for way in WAYS {
        let rows = || Flow::from_range(0..20_000_i64);
        let joined = rows().full_join(rows(), |_| 0, |_| 0);
        let joined = joined.within(Window::fixed(100_000), |l| *l, |r| *r);
        assert_eq!(joined.on(way).shuffle().take(10).count().unwrap(), 10);
        let joined = rows().full_join(rows(), |_| 0, |_| 0);
        let joined = joined.within(-50_000..=50_000, |l| *l, |r| *r);
        assert_eq!(joined.on(way).shuffle().take(10).count().unwrap(), 10);
    }
}

/// A row that panics where it is told to.
#[derive(Debug)]
struct Touchy(i64, bool);

impl Clone for Touchy {
    fn clone(&self) -> Self {
        boom_if(self.1 && self.0 == 700);
        Touchy(self.0, self.1)
    }
}

#[test]
fn panics_come_back() {
    for way in WAYS {
        for (what, stage) in [
            ("left key", "left"),
            ("right key", "right"),
            ("left time", "joined"),
            ("right time", "joined"),
            ("clone", "joined"),
        ] {
            let alive = Arc::new(());
            let held = alive.clone();
            let boom = move |here: &str, row: &Touchy| boom_if(here == what && row.0 == 700);
            let row = move |n| Touchy(n, what == "clone");
            let left = Flow::from_range(0..3000_i64).name("left").map(row);
            let right = Flow::from_range(0..3000_i64).name("right").map(row);
            let joined = left.left_join(
                right,
                move |l| {
                    let _held = &held;
                    boom("left key", l);
                    l.0
                },
                move |r| {
                    boom("right key", r);
                    r.0
                },
            );
            let joined = joined.within(
                Window::fixed(100),
                move |l| {
                    boom("left time", l);
                    l.0
                },
                move |r| {
                    boom("right time", r);
                    r.0
                },
            );
            let joined = joined.name("joined").stages(3).on(way);
            let error = joined.shuffle().count().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panic, "{what}: {error}");
            assert!(error.message().contains(BOOM), "{what}: {error}");
            assert_eq!(error.stage(), Some(stage), "{what}");
            assert_eq!(Arc::strong_count(&alive), 1, "{what}: something lives on");
        }
    }
}

#[test]
fn a_failure_in_either_input_gives_no_rows_alone() {
    for way in WAYS {
        let left = Flow::from_range(0..3000_i64)
            .try_map(|n| if n == 2000 { Err("no such row") } else { Ok(n) });
        let right = Flow::from_range(5000..5001_i64);
        let joined =
            left.left_join(right, |l| *l, |r| *r)
                .within(Window::fixed(100_000), |l| *l, |r| *r);
        let error = joined
            .on(way)
            .for_each(|row| panic!("{row:?}"))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Step);
    }
}

#[test]
fn the_plan_says_what_is_kept() {
    let joined = || {
        let rows = || Flow::from_range(0..10_i64);
        rows().inner_join(rows(), |l| *l, |r| *r)
    };
    let time = |n: &i64| *n;
    let text = joined().within(Window::fixed(10), time, time).explain();
    let keeps = "keeps   the rows of both sides of windows that are open";
    assert!(text.contains(keeps), "{text}");
    assert!(!text.contains("256 parts"), "{text}");
    let text = joined().within(0..=3, time, time).explain();
    let keeps = "keeps   the rows of both sides, until the watermark says";
    assert!(text.contains(keeps), "{text}");
}

#[test]
fn what_cannot_be_is_refused() {
    let joined = || {
        let rows = || Flow::from_range(0..10_i64);
        rows().inner_join(rows(), |l| *l, |r| *r)
    };
    let time = |n: &i64| *n;
    let built = joined().build(Side::Left);
    let error = built.within(Window::fixed(10), time, time).count();
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
    assert!(error.message().contains("leave one of them out"), "{error}");
    let (from, to) = (3, 2);
    let error = joined().within(from..=to, time, time).count().unwrap_err();
    assert!(
        error.message().contains("write the lesser end first"),
        "{error}"
    );
}
