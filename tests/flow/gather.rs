//! What brings the states of many workers back to one: `departition`, `take_sort` and `take_top`.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use millstream::{ErrorKind, Flow};

use crate::{On, WAYS, boom_if, sorted};

fn numbers(items: u64) -> Vec<u64> {
    let scatter = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44;
    (0..items).map(scatter).collect()
}

#[test]
fn every_state_is_merged_once() {
    for way in WAYS {
        for stages in 1..=4 {
            for items in [0, 1, 1_000] {
                let items = numbers(items);
                let flow = Flow::from_slice(&items).map(|n| *n).stages(stages).on(way);
                let states = flow.partition().stages(stages).batch(1).buffer(1);
                let states = states.reduce(
                    || (0, 0),
                    |(count, sum), n| (*count, *sum) = (*count + 1, *sum + n),
                );
                let all = states.departition(Vec::new, Vec::push, |all: Vec<(u64, u64)>| all);
                let all = all.batch(1).buffer(1).collect_vec().unwrap();
                assert_eq!((all.len(), all[0].len()), (1, stages));
                let (counts, sums): (Vec<u64>, Vec<u64>) = all.into_iter().flatten().unzip();
                assert_eq!(counts.iter().sum::<u64>(), items.len() as u64);
                assert_eq!(sums.iter().sum::<u64>(), items.iter().sum::<u64>());
            }
        }
    }
}

#[test]
fn states_that_are_emitted_meanwhile_are_merged_too() {
    for way in WAYS {
        // Every second item lets go of the sum so far; the rest comes at the end.
        let sums = Flow::from_range(1..=10).stages(3).on(way).emit_and_reduce(
            Vec::new,
            |held, n| {
                held.push(n);
                (held.len() == 2).then(|| held.drain(..).sum::<i32>())
            },
            |held| Some(held.into_iter().sum()),
        );
        let total = sums.departition(|| 0, |total, sum| *total += sum, |total| total);
        assert_eq!(total.collect_vec().unwrap(), [55]);
    }
}

#[test]
fn the_stage_behind_goes_on_as_any_other() {
    for way in WAYS {
        let total = || {
            let sums = Flow::from_range(0..100u32)
                .stages(2)
                .on(way)
                .reduce(|| 0, |sum, n| *sum += n);
            sums.departition(|| 0, |total, sum| *total += sum, |total| total)
        };
        assert_eq!(
            total().ordered().map(|n| n + 1).collect_vec().unwrap(),
            [4_951]
        );
        assert_eq!(total().ordered().shuffle().collect_vec().unwrap(), [4_950]);
        let spread = total().flat_map(|n| [n; 3]).partition().stages(2);
        assert_eq!(spread.count().unwrap(), 3);
        let counted = total()
            .flat_map(|n| 0..n)
            .reduce(|| 0, |count, _| *count += 1);
        assert_eq!(counted.collect_vec().unwrap(), [4_950]);
    }
}

#[test]
fn what_is_in_an_accumulator_may_be_reduced() {
    for way in WAYS {
        let lists = Flow::from_range(0..100u64).stages(2).on(way);
        let lists = lists
            .reduce(Vec::new, Vec::push)
            .filter(|list| !list.is_empty());
        let sums = lists.events().reduce(|| 0, |sum, n| *sum += n);
        assert_eq!(sums.sum::<u64>().unwrap(), 4_950);
        let first = Flow::from_range(0..100u64).stages(2).on(way).take_sort(3);
        let sums = first.reduce(|| 0, |sum, list| *sum += list.iter().sum::<u64>());
        assert_eq!(sums.collect_vec().unwrap(), [3]);
    }
}

#[test]
fn ordered_states_arrive_in_order() {
    for way in WAYS {
        let flow = Flow::from_range(0..2_000u32)
            .stages(3)
            .batch(8)
            .on(way)
            .ordered();
        let all = flow.departition(Vec::new, Vec::push, |all: Vec<u32>| all);
        assert!(all.collect_vec().unwrap().concat().into_iter().eq(0..2_000));
    }
}

#[test]
fn it_has_one_worker() {
    let flow = Flow::from_range(0..9).departition(|| 0, |sum, n| *sum += n, |sum| sum);
    assert!(flow.explain().contains("what has been merged"));
    let refused = flow.stages(3).count().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Option);
    assert!(
        refused
            .message()
            .contains("`departition` brings everything to one worker")
    );
    let refused = Flow::from_range(0..9)
        .take_sort(2)
        .stages(2)
        .count()
        .unwrap_err();
    assert!(
        refused
            .message()
            .contains("`take_sort` brings everything to one worker")
    );
}

#[test]
fn a_failed_run_has_no_result() {
    for way in WAYS {
        let finished = Arc::new(AtomicUsize::new(0));
        let count = |finished: &Arc<AtomicUsize>| {
            let finished = finished.clone();
            move |n: u32| {
                finished.fetch_add(1, SeqCst);
                n
            }
        };
        let flow = || Flow::from_iter(0..2_000u32).stages(3).batch(16).on(way);
        let failing = flow().inspect(|n| boom_if(*n == 700));
        let failing = failing.departition(|| 0, |sum, n| *sum += n, count(&finished));
        assert_eq!(failing.count().unwrap_err().kind(), ErrorKind::Panic);
        assert_eq!(finished.load(SeqCst), 0, "finish saw a part of the input");
        let merge = |sum: &mut u32, n: u32| {
            boom_if(n == 700);
            *sum += n;
        };
        let failing = flow().departition(|| 0, merge, count(&finished)).count();
        assert_eq!(failing.unwrap_err().kind(), ErrorKind::Panic);
        let failing = flow().departition(|| 0, |sum, n| *sum += n, |n| boom_if(n > 0));
        assert_eq!(failing.count().unwrap_err().kind(), ErrorKind::Panic);
        let key = |n: &u32| {
            boom_if(*n == 700);
            *n
        };
        let failing = flow().take_sort_by_key(3, key).count().unwrap_err();
        assert_eq!(failing.kind(), ErrorKind::Panic);
    }
}

#[test]
fn the_first_few_are_those_of_a_sort() {
    for way in WAYS {
        for stages in 1..=4 {
            for (items, n) in [
                (0, 3),
                (2, 3),
                (3, 3),
                (500, 0),
                (500, 1),
                (500, 20),
                (500, 900),
            ] {
                let items = numbers(items);
                let mut up = sorted(items.iter().copied());
                let mut down: Vec<u64> = up.iter().rev().copied().collect();
                up.truncate(n);
                down.truncate(n);
                let flow = || {
                    let flow = Flow::from_slice(&items).map(|n| *n).stages(stages).on(way);
                    flow.shuffle().stages(stages).batch(1).buffer(1)
                };
                assert_eq!(flow().take_sort(n).collect_vec().unwrap(), [up.clone()]);
                assert_eq!(flow().take_top(n).collect_vec().unwrap(), [down.clone()]);
                let by_key = flow().take_sort_by_key(n, |n| Reverse(*n));
                assert_eq!(by_key.collect_vec().unwrap(), [down]);
                let by_key = flow().take_top_by_key(n, |n| Reverse(*n));
                assert_eq!(by_key.collect_vec().unwrap(), [up]);
            }
        }
    }
}
