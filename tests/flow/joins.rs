//! Joins: the original's rows, a naive loop over both sides, panics, early ends, and pairs that come while inputs run.

use std::hash::{Hash, Hasher};
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use millstream::{BoxFlow, ErrorKind, Flow, Side, StopToken};
use proptest::prelude::*;

use crate::{BOOM, On, WAYS, Way, boom_if, sorted};

type Pair = (Option<i64>, Option<i64>);

/// The four kinds, each as pairs of options.
const KINDS: [&str; 4] = ["inner", "left", "right", "full"];

fn join(
    kind: &str,
    left: BoxFlow<'static, i64>,
    right: BoxFlow<'static, i64>,
    (left_key, right_key): (fn(&i64) -> i64, fn(&i64) -> i64),
    build: Option<Side>,
    tune: impl Fn(BoxFlow<'static, Pair>) -> BoxFlow<'static, Pair>,
) -> BoxFlow<'static, Pair> {
    macro_rules! run {
        ($joined:expr, $pair:expr) => {{
            let joined = $joined;
            let joined = match build {
                Some(side) => joined.build(side),
                None => joined,
            };
            tune(joined.map($pair).boxed())
        }};
    }
    match kind {
        "inner" => run!(left.inner_join(right, left_key, right_key), |(l, r)| (
            Some(l),
            Some(r)
        )),
        "left" => run!(left.left_join(right, left_key, right_key), |(l, r)| (
            Some(l),
            r
        )),
        "right" => run!(left.right_join(right, left_key, right_key), |(l, r)| (
            l,
            Some(r)
        )),
        _ => run!(left.full_join(right, left_key, right_key), |pair| pair),
    }
}

/// Every left row with every right one.
fn naive(
    kind: &str,
    left: &[i64],
    right: &[i64],
    (left_key, right_key): (fn(&i64) -> i64, fn(&i64) -> i64),
) -> Vec<Pair> {
    let same = |l: &i64, r: &i64| left_key(l) == right_key(r);
    let mut pairs = Vec::new();
    for l in left {
        pairs.extend(
            right
                .iter()
                .filter(|r| same(l, r))
                .map(|r| (Some(*l), Some(*r))),
        );
        if matches!(kind, "left" | "full") && !right.iter().any(|r| same(l, r)) {
            pairs.push((Some(*l), None));
        }
    }
    if matches!(kind, "right" | "full") {
        let alone = right.iter().filter(|r| !left.iter().any(|l| same(l, r)));
        pairs.extend(alone.map(|r| (None, Some(*r))));
    }
    sorted(pairs)
}

fn list(items: &[i64], stages: usize) -> BoxFlow<'static, i64> {
    Flow::from_vec(items.to_vec()).stages(stages).boxed()
}

/// The original's lists with given keys, every way, with one and with two consumers.
fn rows(keys: (fn(&i64) -> i64, fn(&i64) -> i64), expected: [&[Pair]; 4]) {
    for way in WAYS {
        for (kind, expected) in KINDS.into_iter().zip(expected) {
            for (stages, build) in [(1, None), (2, Some(Side::Left)), (2, Some(Side::Right))] {
                let (left, right) = (list(&[0, 1, 2, 3], 1), list(&[4, 5, 6, 7, 8], 2));
                let joined = join(kind, left, right, keys, build, |flow| {
                    flow.stages(stages).on(way).boxed()
                });
                assert_eq!(joined.sorted().unwrap(), sorted(expected.to_vec()));
            }
        }
    }
}

#[test]
fn fj_01_the_four_kinds() {
    let pairs = [1, 2, 3].map(|n| (Some(n), Some(n + 3)));
    let left = [(Some(0), None)];
    let right = [(None, Some(7)), (None, Some(8))];
    rows(
        (|l| *l, |r| r - 3),
        [
            &pairs,
            &[&pairs[..], &left].concat(),
            &[&pairs[..], &right].concat(),
            &[&pairs[..], &left, &right].concat(),
        ],
    );
}

#[test]
fn fj_02_no_key_matches() {
    let left: Vec<Pair> = (0..4).map(|n| (Some(n), None)).collect();
    let right: Vec<Pair> = (4..9).map(|n| (None, Some(n))).collect();
    let both = [&left[..], &right].concat();
    rows((|l| *l, |r| *r), [&[], &left, &right, &both]);
}

#[test]
fn fj_03_steps_behind_a_join() {
    for way in WAYS {
        let joined = || {
            let (left, right) = (list(&[0, 1, 2, 3], 1), list(&[4, 5, 6, 7, 8], 1));
            left.inner_join(right, |l| *l, |r| r - 3).on(way)
        };
        let sums = joined().map(|(l, r)| l + r).sorted().unwrap();
        assert_eq!(sums, [5, 7, 9]);
        let reduced = joined()
            .stages(2)
            .reduce(|| 0, |sum, (l, r)| *sum += l + r)
            .collect_vec()
            .unwrap();
        assert_eq!(reduced.len(), 2);
        assert_eq!(reduced.iter().sum::<i64>(), 21);
    }
}

#[test]
fn fj_04_a_join_of_a_partitioned_flow_and_a_mapped_one() {
    for way in WAYS {
        let left = Flow::from_range(0..10i64).partition().stages(3);
        let right = Flow::from_range(0..10i64).map(|n| n + 10);
        let joined = left.inner_join(right, |l| *l, |r| r - 10).stages(2).on(way);
        let reduced = joined
            .reduce(|| 0, |sum, (l, r)| *sum += l + r)
            .collect_vec()
            .unwrap();
        assert_eq!(reduced.len(), 2);
        assert_eq!(reduced.iter().sum::<i64>(), 190);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 96 }))]

    #[test]
    fn every_kind_gives_what_a_loop_over_both_sides_gives(
        left in prop::collection::vec(0..60i64, 0..400),
        right in prop::collection::vec(0..90i64, 0..400),
        keys in 0..3usize,
        (sources, stages) in (1..4usize, 1..5usize),
        (batch, buffer) in prop_oneof![Just((1, 1)), Just((3, 2)), Just((256, 64))],
        linger in prop_oneof![Just(Duration::ZERO), Just(Duration::from_millis(1))],
        build in prop_oneof![Just(None), Just(Some(Side::Left)), Just(Some(Side::Right))],
        seed in prop::option::of(any::<u64>()),
    ) {
        let keys: (fn(&i64) -> i64, fn(&i64) -> i64) = match keys {
            // All rows have one key; few keys; nearly as many as rows.
            0 => (|_| 0, |r| r / 30),
            1 => (|l| l % 7, |r| r % 5),
            _ => (|l| *l, |r| r - 20),
        };
        let way = seed.map_or(Way::Threads, Way::Seeded);
        for kind in KINDS {
            let flow = join(kind, list(&left, sources), list(&right, sources), keys, build, |flow| {
                flow.stages(stages).batch(batch).buffer(buffer).linger(linger).on(way).boxed()
            });
            prop_assert!(flow.sorted().unwrap() == naive(kind, &left, &right, keys), "{kind}");
        }
    }
}

#[test]
fn many_rows_with_keys_of_any_size() {
    let (left, right) = (20_000u64, 30_000u64);
    for way in [Way::Threads, Way::Seeded(5)] {
        for build in [None, Some(Side::Left), Some(Side::Right)] {
            let rows = Flow::from_range(0..left).map(|n| (format!("key {}", n % 9_000), n));
            let others = Flow::from_range(0..right).map(|n| (format!("key {}", n % 12_000), n));
            let joined = rows.full_join(others, |l| l.0.clone(), |r| r.0.clone());
            let joined = match build {
                Some(side) => joined.build(side),
                None => joined,
            };
            let (mut pairs, mut alone) = (0, 0);
            for (l, r) in joined.stages(3).on(way).collect_vec().unwrap() {
                match (l, r) {
                    (Some(l), Some(r)) => {
                        assert_eq!(l.0, r.0);
                        pairs += 1;
                    }
                    (l, r) => {
                        assert!(l.is_none() && r.unwrap().1 % 12_000 >= 9_000);
                        alone += 1;
                    }
                }
            }
            let times = |n: u64, keys: u64, all: u64| (all / keys) + u64::from(n < all % keys);
            let expected: u64 = (0..9_000)
                .map(|n| times(n, 9_000, left) * times(n, 12_000, right))
                .sum();
            let lonely: u64 = (9_000..12_000).map(|n| times(n, 12_000, right)).sum();
            assert_eq!((pairs, alone), (expected, lonely));
        }
    }
}

#[test]
fn a_join_of_joins() {
    for way in WAYS {
        let a = Flow::from_range(0..100i64);
        let b = Flow::from_range(50..150i64);
        let c = Flow::from_range(75..80i64).shuffle().map(|n| n * 2);
        let joined = a
            .inner_join(b, |n| *n, |n| *n)
            .map(|(n, _)| n)
            .left_join(c, |n| n * 2, |n| *n)
            .on(way);
        let found = joined.sorted().unwrap();
        let expected = (50..100).map(|n| (n, (75..80).contains(&n).then_some(n * 2)));
        assert!(found.into_iter().eq(expected));
    }
}

#[test]
fn pairs_come_while_both_inputs_are_open() {
    let (left, lefts) = crossbeam_channel::unbounded();
    let (right, rights) = crossbeam_channel::unbounded();
    let mut pairs = Flow::from_receiver(lefts)
        .inner_join(Flow::from_receiver(rights), |l: &u32| *l, |r: &u32| *r)
        .stages(2)
        .into_iter();
    for n in 0..200 {
        left.send(n).unwrap();
        right.send(n).unwrap();
        // Neither input ends before the pair has come.
        assert_eq!(pairs.next().unwrap().unwrap(), (n, n));
    }
    drop((left, right));
    assert!(pairs.next().is_none());
}

#[test]
fn rows_alone_come_when_the_build_side_is_complete() {
    let (left, lefts) = crossbeam_channel::unbounded();
    let mut rows = Flow::from_receiver(lefts)
        .left_join(Flow::from_range(0..10u32), |l: &u32| *l, |r| *r)
        .build(Side::Right)
        .into_iter();
    for n in 5..15 {
        left.send(n).unwrap();
        let row = rows.next().unwrap().unwrap();
        assert_eq!(row, (n, (n < 10).then_some(n)));
    }
    drop(left);
    assert!(rows.next().is_none());
}

#[test]
fn take_ends_a_join_of_endless_inputs() {
    for way in WAYS {
        for build in [None, Some(Side::Left)] {
            let alive = Arc::new(());
            let held = alive.clone();
            let end = build.map_or(u64::MAX, |_| 1000);
            let left = Flow::from_iter((0..).take_while(move |n| *n < end));
            let right = Flow::from_iter(iter::repeat(7u64)).inspect(move |_| {
                let _held = &held;
            });
            let joined = left.inner_join(right, |l| *l, |r| *r);
            let joined = match build {
                Some(side) => joined.build(side),
                None => joined,
            };
            let taken = joined.stages(2).on(way).take(5).collect_vec().unwrap();
            assert_eq!(taken, [(7, 7); 5]);
            assert_eq!(Arc::strong_count(&alive), 1);
        }
    }
}

#[test]
fn a_cross_product_is_made_as_it_is_taken() {
    // A hundred million pairs of one key: neither made at once nor waited for.
    for way in WAYS {
        let rows = || Flow::from_range(0..10_000u64);
        let joined = rows().full_join(rows(), |_| 0, |_| 0).on(way);
        assert_eq!(joined.shuffle().take(10).count().unwrap(), 10);
        let token = StopToken::new();
        let stop = token.clone();
        let joined = rows().inner_join(rows(), |_| 0, |_| 0).on(way);
        let error = joined
            .stop_token(&token)
            .for_each(|_| stop.stop())
            .unwrap_err();
        assert!(error.is_stopped());
    }
}

#[test]
fn a_failure_in_either_input_is_that_of_the_join() {
    for way in WAYS {
        for fails_left in [true, false] {
            let input = |fails: bool| {
                Flow::from_range(0..5000u64)
                    .try_map(move |n| {
                        if fails && n == 3000 {
                            Err("no such row")
                        } else {
                            Ok(n)
                        }
                    })
                    .name(if fails { "bad" } else { "good" })
            };
            let joined = input(fails_left).full_join(input(!fails_left), |n| *n, |n| *n);
            let error = joined.on(way).collect_vec().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Step);
            assert_eq!(error.stage(), Some("bad"));
        }
    }
}

/// A row that panics where it is told to: in `clone`, `eq` or `hash`.
#[derive(Debug)]
struct Touchy(u64, &'static str);

impl Clone for Touchy {
    fn clone(&self) -> Self {
        boom_if(self.1 == "clone");
        Touchy(self.0, self.1)
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        boom_if(self.1 == "eq");
        self.0 == other.0
    }
}

impl Eq for Touchy {}

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        boom_if(self.1 == "hash" && self.0 == 700);
        self.0.hash(state);
    }
}

#[test]
fn panics_in_keys_and_rows_come_back() {
    let key = |n: &u64, what: &'static str| Touchy(*n, if *n == 700 { what } else { "" });
    for way in WAYS {
        for (what, stages) in [
            ("left key", ["left"; 2]),
            ("right key", ["right"; 2]),
            ("hash", ["left", "right"]),
            ("eq", ["joined"; 2]),
            ("clone", ["joined"; 2]),
            ("step", ["joined"; 2]),
        ] {
            let alive = Arc::new(());
            let held = alive.clone();
            let row = move |n: u64| Touchy(n, if what == "clone" { what } else { "" });
            let left = Flow::from_range(0..3000u64).name("left").map(row);
            let right = Flow::from_range(0..3000u64).name("right").map(row);
            let joined = left
                .left_join(
                    right,
                    move |l| {
                        let _held = &held;
                        boom_if(what == "left key" && l.0 == 700);
                        key(&l.0, what)
                    },
                    move |r| {
                        boom_if(what == "right key" && r.0 == 700);
                        key(&r.0, what)
                    },
                )
                .name("joined")
                .stages(3)
                .inspect(move |_| boom_if(what == "step"))
                .on(way);
            let error = joined.shuffle().count().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panic, "{what}: {error}");
            assert!(error.message().contains(BOOM), "{what}: {error}");
            let stage = error.stage().unwrap().to_owned();
            assert!(stages.contains(&&*stage), "{what}: in {stage}");
            assert_eq!(Arc::strong_count(&alive), 1, "{what}: something lives on");
        }
    }
}

#[test]
fn the_plan_shows_both_edges_and_what_is_kept() {
    let joined = Flow::from_range(0..10u64)
        .name("orders")
        .inner_join(Flow::from_range(0..10u64).name("customers"), |n| *n, |n| *n)
        .stages(2);
    let text = joined.explain();
    assert!(
        text.contains("edge from `orders` to `inner_join`: by hash"),
        "{text}"
    );
    assert!(
        text.contains("edge from `customers` to `inner_join`: by hash"),
        "{text}"
    );
    assert!(text.contains("keeps   the rows of both sides"), "{text}");
    let drawn = joined.plan().to_mermaid();
    assert!(
        drawn.contains("s0 -->|\"hash") && drawn.contains("s1 -->|\"hash"),
        "{drawn}"
    );
    let json = joined.plan().to_json();
    assert!(
        json.contains(r#""from":[0],"to":2"#) && json.contains(r#""from":[1],"to":2"#),
        "{json}"
    );
    let built = joined.build(Side::Right).explain();
    assert!(
        built.contains("keeps   the rows of the right side"),
        "{built}"
    );
}

#[test]
fn order_ends_at_a_join_and_options_of_either_input_hold() {
    let rows = || Flow::from_range(0..10u64);
    let error = rows()
        .inner_join(rows().ordered(), |n| *n, |n| *n)
        .count()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plan);
    let joined = rows().inner_join(rows(), |n| *n, |n| *n).ordered();
    assert_eq!(joined.take(3).count().unwrap(), 3);
    let token = StopToken::new();
    token.stop();
    let joined = rows().inner_join(rows().stop_token(&token), |n| *n, |n| *n);
    assert!(joined.count().unwrap_err().is_stopped());
}
