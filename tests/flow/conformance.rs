//! What Elixir's Flow does with the same programs, by the numbers of its rows.
//!
//! Its lists are sources of their own here as there, with two and with four stages; partitioned, 7 to 10 come as
//! well, through four stages into four partitions. Where a row depends on Erlang's hash, its invariant is asserted.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use millstream::{BoxFlow, ErrorKind, Flow};

use crate::{On, WAYS, Way, boom, sorted};

type Lists = BoxFlow<'static, i64>;

/// The two lists, with two and with four stages, every way.
fn plain(check: impl Fn(Lists)) {
    for way in WAYS {
        for stages in [2, 4] {
            let flow = Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6]]);
            check(flow.stages(stages).on(way).boxed());
        }
    }
}

/// The three lists in four partitions, every way.
fn partitioned(check: impl Fn(Lists)) {
    for way in WAYS {
        let flow = Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6], (7..=10).collect()]);
        let flow = flow.stages(4).partition().stages(4).on(way);
        check(flow.boxed());
    }
}

#[test]
fn fo_01_no_operators() {
    plain(|flow| assert_eq!(flow.sorted().unwrap(), [1, 2, 3, 4, 5, 6]));
    partitioned(|flow| assert!(flow.sorted().unwrap().into_iter().eq(1..=10)));
}

#[test]
fn fo_02_filter() {
    plain(|flow| assert_eq!(flow.filter(|n| n % 2 == 0).sorted().unwrap(), [2, 4, 6]));
    partitioned(|flow| {
        let even = flow.filter(|n| n % 2 == 0).sorted().unwrap();
        assert_eq!(even, [2, 4, 6, 8, 10]);
    });
}

#[test]
fn fo_03_reject() {
    plain(|flow| assert_eq!(flow.reject(|n| n % 2 == 0).sorted().unwrap(), [1, 3, 5]));
    partitioned(|flow| {
        let odd = flow.reject(|n| n % 2 == 0).sorted().unwrap();
        assert_eq!(odd, [1, 3, 5, 7, 9]);
    });
}

#[test]
fn fo_04_flat_map() {
    let twice = |to: i64| (1..=to).flat_map(|n| [n, n]);
    plain(|flow| {
        assert!(
            flow.flat_map(|n| [n, n])
                .sorted()
                .unwrap()
                .into_iter()
                .eq(twice(6))
        )
    });
    partitioned(|flow| {
        let got = flow.flat_map(|n| [n, n]).sorted().unwrap();
        assert!(got.into_iter().eq(twice(10)));
    });
}

#[test]
fn fo_05_map() {
    plain(|flow| assert_eq!(flow.map(|n| n * 2).sorted().unwrap(), [2, 4, 6, 8, 10, 12]));
    partitioned(|flow| {
        let doubled = flow.map(|n| n * 2).sorted().unwrap();
        assert!(doubled.into_iter().eq((1..=10).map(|n| n * 2)));
    });
}

#[test]
fn fo_06_map_batch() {
    let sum = |batch: Vec<i64>| [batch.into_iter().sum::<i64>()];
    plain(|flow| assert_eq!(flow.map_batch(sum).sorted().unwrap(), [6, 15]));
    plain(|flow| {
        let doubled = flow.map_batch(sum).map(|n| n * 2);
        assert_eq!(doubled.sorted().unwrap(), [12, 30]);
    });
    // How the items of a partition are batched depends on what has arrived; each is in one batch.
    partitioned(|flow| {
        let sums = flow.map_batch(sum).collect_vec().unwrap();
        assert_eq!(sums.iter().sum::<i64>(), 55);
        assert!((1..=10).contains(&sums.len()));
    });
}

#[test]
fn fo_08_a_chain() {
    let chain = |flow: Lists| flow.filter(|n| n % 2 == 0).map(|n| n + 1).map(|n| n * 2);
    plain(|flow| assert_eq!(chain(flow).sorted().unwrap(), [6, 10, 14]));
    partitioned(|flow| assert_eq!(chain(flow).sorted().unwrap(), [6, 10, 14, 18, 22]));
}

#[test]
fn fo_09_reduce() {
    plain(|flow| {
        let total = flow.reduce(|| 0, |sum, n| *sum += n).sum::<i64>();
        assert_eq!(total.unwrap(), 21);
    });
    partitioned(|flow| {
        let sums = flow.reduce(|| 0, |sum, n| *sum += n).collect_vec().unwrap();
        assert_eq!((sums.len(), sums.iter().sum::<i64>()), (4, 55));
    });
    partitioned(|flow| {
        let odd = flow.filter(|n| n % 2 == 1).reduce(|| 0, |sum, n| *sum += n);
        let sums = odd.collect_vec().unwrap();
        assert_eq!((sums.len(), sums.iter().sum::<i64>()), (4, 25));
    });
    // A partition that nothing came to emits its first state.
    for way in WAYS {
        let flow = Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6]]).on(way);
        let one = flow.partition_with(|_, of| Some(of - 1)).stages(4);
        let sums = one.reduce(|| 0, |sum, n| *sum += n).collect_partitions();
        assert_eq!(sums.unwrap(), [[0], [0], [0], [21]]);
    }
}

#[test]
fn fo_10_lists_of_partitions() {
    partitioned(|flow| {
        let lists = flow.reduce(Vec::new, |list, n| list.push(n));
        let lists = lists.collect_partitions().unwrap();
        assert_eq!(lists.len(), 4);
        assert!(
            lists.iter().all(|lists| lists.len() == 1),
            "a list a partition"
        );
        let all = sorted(lists.into_iter().flatten().flatten());
        assert!(all.into_iter().eq(1..=10), "each item in one of them");
    });
}

#[test]
fn fo_11_emit_and_reduce() {
    let sum_and_emit = |flow: Lists| {
        flow.emit_and_reduce(
            || 0,
            |sum, n| {
                *sum += n;
                Some(n)
            },
            Some,
        )
    };
    plain(|flow| assert_eq!(sum_and_emit(flow).sum::<i64>().unwrap(), 42));
    plain(|flow| {
        let doubled = sum_and_emit(flow.flat_map(|n| [n, n]).boxed());
        assert_eq!(doubled.sum::<i64>().unwrap(), 84);
    });
    plain(|flow| {
        let doubled = sum_and_emit(flow).flat_map(|n| [n, n]);
        assert_eq!(doubled.sum::<i64>().unwrap(), 84);
    });
    partitioned(|flow| assert_eq!(sum_and_emit(flow).sum::<i64>().unwrap(), 110));
}

#[test]
fn fp_01_a_function_chooses_the_partition() {
    for way in WAYS {
        for chosen in 0..4 {
            let flow = Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6], (7..=10).collect()]);
            let flow = flow
                .stages(4)
                .on(way)
                .partition_with(move |_, _| Some(chosen));
            let parts = flow.stages(4).collect_partitions().unwrap();
            for (number, part) in parts.into_iter().enumerate() {
                let expected: Vec<i64> = match number == chosen {
                    true => (1..=10).collect(),
                    false => Vec::new(),
                };
                assert_eq!(sorted(part), expected, "{way:?}");
            }
        }
    }
}

/// Items with equal keys lie in one partition, and all of them are there.
fn keeps_keys_together<T, K: Ord + Copy>(parts: Vec<Vec<T>>, key: impl Fn(&T) -> K, items: usize) {
    assert_eq!(parts.len(), 2);
    assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), items);
    let keys = |part: &Vec<T>| part.iter().map(&key).collect::<BTreeSet<K>>();
    assert!(keys(&parts[0]).is_disjoint(&keys(&parts[1])));
}

#[test]
fn fp_02_equal_keys_meet() {
    for way in WAYS {
        let pairs = || {
            let rows = [1, 2, 3, 4, 5, 6].map(|n| (n % 3, n));
            Flow::from_iters([rows[..3].to_vec(), rows[3..].to_vec()]).on(way)
        };
        let by_element = pairs().partition_by(|row| row.0).stages(2);
        keeps_keys_together(by_element.collect_partitions().unwrap(), |row| row.0, 6);
        let by_function = pairs().partition_by(|row| row.1 * 7 % 3).stages(2);
        keeps_keys_together(by_function.collect_partitions().unwrap(), |row| row.0, 6);
        let by_item = pairs().map(|row| row.0).partition().stages(2);
        keeps_keys_together(by_item.collect_partitions().unwrap(), |key| *key, 6);
        let shuffled = pairs()
            .shuffle()
            .stages(3)
            .partition_by(|row| row.0)
            .stages(2);
        keeps_keys_together(shuffled.collect_partitions().unwrap(), |row| row.0, 6);
    }
}

#[test]
fn fe_09_taking_of_an_endless_source_ends_the_flow() {
    for way in WAYS {
        let alive = Arc::new(());
        let endless = || {
            let held = alive.clone();
            let ones = std::iter::repeat_with(move || Arc::strong_count(&held));
            Flow::from_iter(ones).stages(2).on(way)
        };
        assert_eq!(endless().take(10).count().unwrap(), 10);
        let behind = endless().map(|n| n + 1).partition().stages(4);
        assert_eq!(behind.map(|n| n * 2).take(10).count().unwrap(), 10);
        let taken: Result<Vec<_>, _> = endless().map(|n| n * 2).into_iter().take(10).collect();
        assert_eq!(taken.unwrap().len(), 10);
        assert_eq!(Arc::strong_count(&alive), 1, "{way:?}");
    }
}

#[test]
fn fe_10_a_panic_in_map_ends_the_flow() {
    let fails = |flow: Lists| {
        let error = flow.map(|_| -> i64 { boom() }).collect_vec().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic);
    };
    plain(fails);
    partitioned(fails);
    for way in WAYS {
        let sources = Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6]]).on(way);
        let mut items = sources.map(|_| -> i64 { boom() }).into_iter();
        let error = items.find_map(Result::err).expect("the iteration fails");
        assert_eq!(error.kind(), ErrorKind::Panic);
    }
}

#[test]
fn fo_14_a_started_flow_does_what_it_does_and_ends() {
    let evens = |flow: Lists| {
        let (seen, inside) = {
            let seen = Arc::new(Mutex::new(Vec::new()));
            (seen.clone(), seen)
        };
        let even = flow.filter(|n| n % 2 == 0 && *n <= 6);
        let handle = even
            .inspect(move |n| inside.lock().unwrap().push(*n))
            .start();
        handle.unwrap().join().expect("it ends normally");
        assert_eq!(
            sorted(std::mem::take(&mut *seen.lock().unwrap())),
            [2, 4, 6]
        );
    };
    plain(evens);
    partitioned(evens);
    for way in WAYS {
        let first = Flow::from_iter([1, 2, 3]).stages(2).on(way);
        evens(first.merge(Flow::from_iter([4, 5, 6])).stages(2).boxed());
    }
}

/// The examples of Flow's own documentation: double, keep the multiples of three, add up.
fn documented(way: Way, partition: bool) -> i64 {
    let flow = Flow::from_iter(1..=100i64).stages(4).on(way).map(|n| n * 2);
    let flow = match partition {
        true => flow.partition().stages(4).boxed(),
        false => flow.boxed(),
    };
    let kept = flow.filter(|n| n % 3 == 0);
    kept.reduce(|| 0, |sum, n| *sum += n).sum().unwrap()
}

#[test]
fn the_documented_example_with_and_without_a_partition() {
    let expected: i64 = (1..=100).map(|n| n * 2).filter(|n| n % 3 == 0).sum();
    for way in WAYS {
        assert_eq!(documented(way, false), expected);
        assert_eq!(documented(way, true), expected);
    }
}

#[test]
fn the_documented_examples_of_single_operators() {
    for way in WAYS {
        let list = || Flow::from_iter([1, 2, 3]).on(way);
        assert_eq!(list().filter(|n| n % 2 == 0).sorted().unwrap(), [2]);
        assert_eq!(list().reject(|n| n % 2 == 0).sorted().unwrap(), [1, 3]);
        assert_eq!(list().map(|n| n * 2).sorted().unwrap(), [2, 4, 6]);
        let spread = list().flat_map(|n| [n, n * 2]).sorted().unwrap();
        assert_eq!(spread, [1, 2, 2, 3, 4, 6]);
        let two = Flow::from_iters([[1, 2, 3], [1, 2, 3]])
            .on(way)
            .map(|n| n * 2);
        assert_eq!(two.sorted().unwrap(), [2, 2, 4, 4, 6, 6]);
        let words = Flow::from_iter(["the", "quick", "brown", "fox"])
            .stages(1)
            .on(way);
        let mut groups = words
            .group_by(|word| word.len())
            .stages(1)
            .sorted()
            .unwrap();
        groups.iter_mut().for_each(|(_, words)| words.sort());
        assert_eq!(
            groups,
            [(3, vec!["fox", "the"]), (5, vec!["brown", "quick"])]
        );
    }
}
