//! Rows of Elixir's Flow about what one stage does with its items, and how their states are gathered.
//!
//! Where a row depends on Erlang's hash, its invariant is asserted. `docs/conformance.md` lists all rows.

use std::collections::BTreeSet;

use millstream::Flow;

use crate::{On, WAYS};

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
