//! Rows of Elixir's Flow about what one stage does with its items, and how their states are gathered.
//!
//! Where a row depends on Erlang's hash, its invariant is asserted. `docs/conformance.md` lists all rows.

use std::collections::BTreeSet;
use std::sync::Mutex;

use millstream::{BoxFlow, Flow};

use crate::{On, WAYS, Way, sorted};

#[test]
fn fe_11_a_closure_at_the_start_of_each_worker() {
    for way in WAYS {
        let calls = Mutex::new(Vec::new());
        let start = |index, of| calls.lock().unwrap().push((index, of));
        let flow = Flow::from_range(0..100).stages(2).on(way);
        flow.map_with(start, |(), n| n).run().unwrap();
        assert_eq!(sorted(calls.into_inner().unwrap()), [(0, 2), (1, 2)]);
    }
}

#[test]
fn fo_07_uniq_by() {
    for way in WAYS {
        // The original gives 2: its dispatcher happens to send both short lists to one stage. Ours promises one of each
        // parity a worker that got any.
        for stages in [2, 4] {
            let lists = Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6]]);
            let unique = lists.stages(stages).on(way).uniq_by(|n| n % 2);
            let parts = unique.collect_partitions().unwrap();
            for part in &parts {
                let parities: BTreeSet<i32> = part.iter().map(|n| n % 2).collect();
                assert_eq!(parities.len(), part.len(), "each parity once in {part:?}");
            }
            let all: BTreeSet<i32> = parts.iter().flatten().map(|n| n % 2).collect();
            assert_eq!(all.len(), 2);
        }
        let lists = Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6], (7..=10).collect()]);
        let parted = lists.stages(4).partition().stages(4).on(way);
        let parts = parted.uniq_by(|n| n % 2).collect_partitions().unwrap();
        assert_eq!(parts.len(), 4);
        let all: usize = parts.iter().map(Vec::len).sum();
        assert!((2..=8).contains(&all), "up to one of each parity a worker");
    }
}

/// The sums of 1 to 10 in four partitions.
fn sums(way: Way) -> BoxFlow<'static, i32> {
    let numbers = Flow::from_range(1..=10).stages(2).on(way);
    let sums = numbers.partition().stages(4);
    sums.reduce(|| 0, |sum, n| *sum += n).boxed()
}

/// All states in ascending order, as one item.
fn sorted_states(states: BoxFlow<'static, i32>) -> BoxFlow<'static, Vec<i32>> {
    let all = states.departition(Vec::new, Vec::push, |mut all: Vec<i32>| {
        all.sort();
        all
    });
    all.boxed()
}

#[test]
fn fd_01_states_of_all_partitions() {
    for way in WAYS {
        let all = sorted_states(sums(way)).collect_vec().unwrap();
        assert_eq!(all.len(), 1, "one event");
        assert_eq!((all[0].len(), all[0].iter().sum::<i32>()), (4, 55));
        assert!(all[0].is_sorted());
    }
}

#[test]
fn fd_05_map_after_departition() {
    for way in WAYS {
        let totals = sorted_states(sums(way)).map(|all| all.into_iter().sum::<i32>());
        assert_eq!(totals.collect_vec().unwrap(), [55]);
    }
}

#[test]
fn fd_06_reset_states_and_a_reduce_behind() {
    for way in WAYS {
        let numbers = Flow::from_range(1..=10)
            .stages(2)
            .on(way)
            .partition()
            .stages(4);
        // Every second item emits the sum and begins anew, as a trigger that resets.
        let resetting = numbers.emit_and_reduce(
            || (0, 0),
            |(sum, count), n| {
                (*sum, *count) = (*sum + n, *count + 1);
                (*count % 2 == 0).then(|| std::mem::take(sum))
            },
            |(sum, _)| Some(sum),
        );
        let spread = resetting.departition(Vec::new, Vec::push, |all: Vec<i32>| all);
        let total = spread.events().reduce(|| 0, |total, sum| *total += sum);
        assert_eq!(total.collect_vec().unwrap(), [55]);
    }
}

#[test]
fn fd_07_a_started_flow_finishes() {
    for way in WAYS {
        let (sender, receiver) = crossbeam_channel::unbounded();
        let finish = move |all: Vec<i32>| sender.send(all.into_iter().sum::<i32>());
        let sent = sums(way).departition(Vec::new, Vec::push, finish);
        sent.start().unwrap().join().unwrap();
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [55]);
    }
}

#[test]
fn fp_06_take_sort() {
    let scatter = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 30;
    let lists: Vec<Vec<u64>> = (0..4)
        .map(|list| (0..1_000).map(|n| scatter(list * 1_000 + n)).collect())
        .collect();
    let all = sorted(lists.concat());
    for way in WAYS {
        let flow = || {
            Flow::from_iters(lists.clone())
                .stages(4)
                .on(way)
                .partition()
                .stages(4)
        };
        let least = flow().take_sort(100).collect_vec().unwrap();
        assert_eq!(least, [&all[..100]]);
        let most = flow().take_top(100).collect_vec().unwrap();
        let expected: Vec<u64> = all.iter().rev().take(100).copied().collect();
        assert_eq!(most, [expected]);
    }
}

#[test]
fn fw_02_the_last_three_of_each() {
    for way in WAYS {
        let lists = Flow::from_range(1..=5).stages(1).on(way).emit_and_reduce(
            Vec::new,
            |last, n| {
                last.push(n);
                if last.len() > 3 {
                    last.remove(0);
                }
                Some(last.clone())
            },
            |_| None,
        );
        let expected = [
            vec![1],
            vec![1, 2],
            vec![1, 2, 3],
            vec![2, 3, 4],
            vec![3, 4, 5],
        ];
        assert_eq!(lists.collect_vec().unwrap(), expected);
    }
}

#[test]
fn fw_03_the_most_visited() {
    let urls = [
        "www.foo.com",
        "www.bar.com",
        "www.foo.com",
        "www.foo.com",
        "www.baz.com",
    ];
    for way in WAYS {
        let counts = Flow::from_iter(urls)
            .stages(2)
            .on(way)
            .count_by(|url| *url)
            .stages(2);
        let first = counts.take_top_by_key(1, |(_, count)| *count).collect_vec();
        assert_eq!(first.unwrap(), [[("www.foo.com", 3)]]);
    }
}

#[test]
fn fw_04_group_by_key() {
    for way in WAYS {
        let words = Flow::from_iter(["the", "quick", "brown", "fox"])
            .stages(1)
            .on(way);
        let groups = words.group_by(|word| word.len()).stages(1).sorted();
        // In the order of arrival, where the original has the reverse.
        assert_eq!(
            groups.unwrap(),
            [(3, vec!["the", "fox"]), (5, vec!["quick", "brown"])]
        );
        let pairs = [("foo", 1), ("foo", 2), ("bar", 3), ("foo", 4), ("bar", 5)];
        let groups = Flow::from_iter(pairs)
            .stages(1)
            .on(way)
            .group_by_key()
            .stages(1);
        assert_eq!(
            groups.sorted().unwrap(),
            [("bar", vec![3, 5]), ("foo", vec![1, 2, 4])]
        );
    }
}

#[test]
fn fw_05_uniq_by_parity() {
    for way in WAYS {
        let numbers = || Flow::from_range(1..101).stages(1).on(way);
        // The original collects them in reverse; ours pass as they come.
        let one = numbers().uniq_by(|n| n % 2);
        assert_eq!(one.collect_vec().unwrap(), [1, 2]);
        let four = numbers().partition().stages(4).uniq_by(|n| n % 2);
        let parts = four.collect_partitions().unwrap();
        assert!(parts.iter().all(|part| part.len() == 2), "{parts:?}");
        let parity = numbers().partition_by(|n| n % 2).stages(2);
        assert_eq!(parity.uniq_by(|n| n % 2).sorted().unwrap(), [1, 2]);
    }
}

#[test]
fn fw_06_unique_letters_of_partitions() {
    for way in WAYS {
        // The space is one of the sixteen.
        let text = "the quick brown fox".chars();
        let letters = Flow::from_iter(text)
            .stages(2)
            .on(way)
            .partition()
            .stages(4);
        let counts = letters.uniq().reduce(|| 0, |count, _| *count += 1);
        assert_eq!(counts.sum::<u64>().unwrap(), 16);
    }
}
