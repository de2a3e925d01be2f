//! The measuring programs: that their results are right (how fast they are is not for a test), and that the flow
//! of `bounded` keeps to the bound it printed.

use std::collections::HashMap;

use crate::{complaint_of, file, stdout_of};

/// The generator of the programs, written out again so that a fault in theirs shows.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[test]
fn word_counts_of_all_forms_agree() {
    let text: String = (0..30_000)
        .map(|i| format!("wörd{} the line {}\r\n", i * i % 4_099, i % 7))
        .collect();
    let (_folder, path) = file(&text);
    let expected = stdout_of("word_count", [&path]);
    assert!(expected.starts_with(&format!("{} distinct", distinct(&text))));
    for form in ["wc_free", "wc_free_owned", "wc_stream"] {
        assert_eq!(stdout_of(form, [&path]), expected, "{form}");
    }
}

fn distinct(text: &str) -> usize {
    let words: std::collections::HashSet<&str> = text.split_whitespace().collect();
    words.len()
}

#[test]
fn group_sum_finds_every_key_and_the_whole_sum() {
    for (rows, keys) in [(0, 5), (1, 1), (100_000, 1), (100_000, 90_000)] {
        let mut sums: HashMap<u64, u64> = HashMap::new();
        for i in 0..rows {
            *sums.entry(mix(i) % keys).or_default() += i & 1023;
        }
        let sum: u64 = sums.values().sum();
        let result = format!("{} keys, sum {sum}, ", sums.len());
        for how in ["parts", "map", "free"] {
            let printed = stdout_of("group_sum", [&rows.to_string(), &keys.to_string(), how]);
            assert!(
                printed.starts_with(&format!("{how} {result}")),
                "{printed} has not {result}"
            );
        }
    }
}

#[test]
fn join_finds_every_pair() {
    let n = 20_000;
    let mut right: HashMap<u64, Vec<u64>> = HashMap::new();
    for i in 0..n {
        right.entry(mix(i + n) % n).or_default().push(i);
    }
    let (mut pairs, mut sum) = (0, 0u64);
    for i in 0..n {
        for other in right.get(&(mix(i) % n)).into_iter().flatten() {
            pairs += 1;
            sum = sum.wrapping_add(i ^ other);
        }
    }
    for how in ["flow", "left", "right", "lookup"] {
        let printed = stdout_of("join", [how, &n.to_string()]);
        let result = format!("{how} {pairs} pairs, sum {sum}, ");
        assert!(printed.starts_with(&result), "{printed} has not {result}");
    }
}

#[test]
fn items_come_to_the_right_sum() {
    let heavy = |x: u64| (0..200).fold(x, |a, _| mix(a));
    let even = |x: &u64| x % 2 == 0;
    let sum = |items: &mut dyn Iterator<Item = u64>| items.fold(0, u64::wrapping_add);
    let n = 3_000;
    for (how, n, expected) in [
        ("fuse", n, sum(&mut (0..n).map(|x| x * 3).filter(even))),
        ("mix", n, sum(&mut (0..n).map(mix).filter(even))),
        ("serial", n, sum(&mut (0..n).map(mix))),
        ("heavy", n, sum(&mut (0..n).map(heavy))),
        ("sleep_iter", 6, 15),
        ("sleep_shuffle", 6, 15),
    ] {
        let printed = stdout_of("items", [how, &n.to_string()]);
        assert!(
            printed.starts_with(&format!("{how} {expected} ")),
            "{printed} is not {expected}"
        );
    }
    assert!(complaint_of("items", ["nonsense", "1"]).contains("`nonsense`"));
}

#[test]
fn small_flows_and_latencies_are_reported() {
    assert!(stdout_of("small", ["3"]).contains("4 threads alone"));
    assert!(stdout_of("latency", ["1", "1"]).contains("linger 1 ms: 100 items"));
}

#[test]
fn no_more_is_in_flight_than_was_printed() {
    for how in ["source", "expand"] {
        let printed = stdout_of("bounded", [how, "200"]);
        let number = |line: &str| -> u64 {
            let digits: String = line.chars().filter(char::is_ascii_digit).collect();
            digits.parse().unwrap()
        };
        let find = |start: &str| {
            printed
                .lines()
                .find(|line| line.starts_with(start))
                .unwrap()
        };
        let bound = number(find("items in flight: at most"));
        let most = number(find("in flight at the most:"));
        assert!(0 < most && most <= bound, "{printed}");
    }
}

#[test]
fn windows_count_every_event() {
    for how in ["plain", "windows", "late"] {
        let printed = stdout_of("tumbling", [how, "20000", "50"]);
        assert!(printed.contains(" rows, 20000 events, "), "{printed}");
    }
    assert!(complaint_of("tumbling", ["nonsense"]).contains("`nonsense`"));
}

#[test]
fn sorting_keeps_all_and_uniqueness_one_of_each() {
    let left: std::collections::HashSet<u64> = (0..5_000).map(|n| mix(n) % 900).collect();
    let (all, left) = ("5000".to_string(), left.len().to_string());
    for (how, expected) in [
        ("sorted", &all),
        ("by_hand", &all),
        ("distinct", &left),
        ("uniq", &left),
    ] {
        let printed = stdout_of("order", [how, "5000", "900"]);
        let result = format!("{how} {expected} numbers, ");
        assert!(printed.starts_with(&result), "{printed} has not {result}");
    }
}
