//! `uniq` and `distinct` against a set: within a worker and over the whole flow, at once and at the end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use millstream::{ErrorKind, Flow};

use crate::{On, WAYS, Way, boom_if, sorted};

/// The same numbers every time, each several times.
fn numbers(items: u64, of: u64) -> Vec<u64> {
    let scatter = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    (0..items).map(|n| scatter(n) % of).collect()
}

#[test]
fn behind_a_partition_each_item_comes_once_in_the_flow() {
    for way in WAYS {
        for stages in 1..=4 {
            for of in [1, 7, 500] {
                let items = numbers(2_000, of);
                let expected: Vec<u64> = BTreeSet::from_iter(items.iter().copied())
                    .into_iter()
                    .collect();
                let flow = || Flow::from_slice(&items).map(|n| *n).stages(stages).on(way);
                let parted = flow().partition().stages(stages).batch(1).buffer(1);
                assert_eq!(parted.uniq().sorted().unwrap(), expected);
                let parted = flow().partition_by(|n| n / 3).stages(stages);
                let thirds = parted.uniq_by(|n| n / 3).map(|n| n / 3);
                let expected_thirds = BTreeSet::from_iter(expected.iter().map(|n| n / 3));
                assert_eq!(thirds.sorted().unwrap(), sorted(expected_thirds));
                assert_eq!(flow().distinct().sorted().unwrap(), expected);
            }
        }
    }
}

#[test]
fn each_worker_has_a_set_of_its_own() {
    for way in WAYS {
        let items = numbers(500, 20);
        let parts = Flow::from_slice(&items)
            .partition_with(|n, of| Some(**n as usize / 7 % of))
            .stages(3)
            .on(way);
        // Cut across the keys: each of the workers lets a remainder pass once.
        let parts = parts.uniq_by(|n| **n % 2).collect_partitions().unwrap();
        assert!(parts.iter().all(|part| part.len() == 2), "{parts:?}");
    }
}

#[test]
fn the_first_passes_in_its_place() {
    for way in WAYS {
        let items = numbers(1_000, 90);
        let mut seen = BTreeSet::new();
        let expected: Vec<u64> = items.iter().copied().filter(|n| seen.insert(*n)).collect();
        let flow = || Flow::from_slice(&items).map(|n| *n).stages(1).on(way);
        assert_eq!(flow().uniq().ordered().collect_vec().unwrap(), expected);
        assert_eq!(flow().ordered().uniq().collect_vec().unwrap(), expected);
    }
}

#[test]
fn it_emits_at_once() {
    // An endless input: what was new has left before the end, which never comes.
    for way in WAYS {
        let flow = Flow::from_iter((0..).map(|n: u64| n % 10)).on(way);
        let ten = flow.partition().stages(2).uniq().take(10);
        assert_eq!(sorted(ten.collect_vec().unwrap()), sorted(0..10));
    }
}

#[test]
fn of_each_key_the_first_of_the_input() {
    for way in [Way::Threads, Way::Seeded(5)] {
        for keys in [3, 40_000] {
            let items: Vec<(u64, usize)> =
                numbers(60_000, keys).into_iter().zip(0..60_000).collect();
            let mut first = BTreeMap::new();
            for (key, at) in &items {
                first.entry(*key).or_insert(*at);
            }
            let expected: Vec<(u64, usize)> = first.into_iter().collect();
            let flow = Flow::from_slice(&items).map(|item| *item).stages(3).on(way);
            let found = flow.distinct_by(|item| item.0).stages(2);
            assert!(found.sorted().unwrap() == expected, "{way:?} {keys}");
        }
    }
}

#[test]
fn a_partial_chunk_goes_on_with_the_same_set() {
    for way in WAYS {
        let flow = Flow::from_iter(0..200u32).stages(1).batch(16).on(way);
        let many = flow.flat_map(|n| [n, n, n / 2]).uniq();
        let narrow = many.shuffle().stages(2).batch(1).buffer(1);
        assert_eq!(narrow.sorted().unwrap(), sorted(0..200));
    }
}

#[test]
fn a_panic_in_a_key_is_an_error() {
    for way in WAYS {
        let key = |n: &u32| {
            boom_if(*n == 700);
            n % 3
        };
        let flow = || Flow::from_iter(0..2_000u32).stages(3).on(way);
        let failed = flow().uniq_by(key).count().unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Panic);
        let failed = flow().partition().uniq_by(key).count().unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Panic);
        let failed = flow().distinct_by(key).count().unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Panic);
    }
}

#[test]
fn keys_need_not_cross_threads() {
    // What was seen stays with its worker.
    thread_local! {
        static KEYS: RefCell<Vec<Rc<u32>>> = (0..4).map(Rc::new).collect::<Vec<_>>().into();
    }
    let key = |n: &u32| KEYS.with_borrow(|keys| keys[*n as usize % 4].clone());
    let flow = Flow::from_range(0..100u32).stages(1).uniq_by(key);
    assert_eq!(flow.count().unwrap(), 4);
}

#[test]
fn explain_names_what_is_kept() {
    let text = Flow::from_range(0..9).partition().uniq().explain();
    assert!(
        text.contains("the distinct keys that `uniq` has seen"),
        "{text}"
    );
    let text = Flow::from_range(0..9).distinct().explain();
    assert!(text.contains("its distinct keys"), "{text}");
}
