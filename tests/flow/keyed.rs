//! Declared aggregates against a loop over a map: skewed keys, few keys, and more keys than any table holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use millstream::{BoxFlow, Flow};

use crate::{On, WAYS, Way, sorted};

/// A run on threads and one of a seed, for data that are too many for all ways.
const FEW: [Way; 2] = [Way::Threads, Way::Seeded(3)];

/// The same scattered numbers every time.
fn scattered(items: usize) -> impl Iterator<Item = u64> + Clone + Send {
    (1..=items as u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) ^ n)
}

/// Half of the keys are one of three; the others are spread over `keys`.
fn skewed(items: usize, keys: u64) -> Vec<(u64, i64)> {
    let key = |n: u64| if n % 2 == 0 { n % 6 / 2 } else { n % keys };
    scattered(items)
        .map(|n| (key(n), (n % 1000) as i64 - 500))
        .collect()
}

fn groups(rows: &[(u64, i64)]) -> BTreeMap<u64, Vec<i64>> {
    let mut groups: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
    for (key, value) in rows {
        groups.entry(*key).or_default().push(*value);
    }
    groups
}

fn rows_of(rows: &[(u64, i64)], stages: usize, way: Way) -> BoxFlow<'_, (u64, i64)> {
    Flow::from_slice(rows)
        .map(|row| *row)
        .stages(stages)
        .on(way)
        .boxed()
}

/// Compares every declared form with a loop.
fn all_forms(rows: &[(u64, i64)], stages: usize, (batch, buffer): (usize, usize), way: Way) {
    let groups = groups(rows);
    let expected = |f: &dyn Fn(&[i64]) -> i64| -> Vec<(u64, i64)> {
        groups
            .iter()
            .map(|(key, values)| (*key, f(values)))
            .collect()
    };
    let flow = || rows_of(rows, stages, way);
    macro_rules! run {
        ($keyed:expr) => {
            $keyed.stages(stages).batch(batch).buffer(buffer)
        };
    }
    let counts = run!(flow().count_by(|row| row.0)).map(|(key, n)| (key, n as i64));
    assert_eq!(counts.sorted().unwrap(), expected(&|v| v.len() as i64));
    let sums = run!(flow().sum_by(|row| row.0, |row| row.1));
    assert_eq!(sums.sorted().unwrap(), expected(&|v| v.iter().sum()));
    let least = run!(flow().min_by(|row| row.0, |row| row.1));
    assert_eq!(
        least.sorted().unwrap(),
        expected(&|v| *v.iter().min().unwrap())
    );
    let most = run!(flow().max_by(|row| row.0, |row| row.1));
    assert_eq!(
        most.sorted().unwrap(),
        expected(&|v| *v.iter().max().unwrap())
    );
    let grouped = run!(flow().group_by(|row| row.0));
    let grouped = grouped.map(|(key, rows)| (key, sorted(rows.into_iter().map(|row| row.1))));
    let lists: Vec<_> = groups
        .iter()
        .map(|(k, v)| (*k, sorted(v.clone())))
        .collect();
    assert!(grouped.sorted().unwrap() == lists, "group_by");
    let grouped = run!(flow().group_by_key()).map(|(key, values)| (key, sorted(values)));
    assert!(grouped.sorted().unwrap() == lists, "group_by_key");
    let folded = run!(flow().fold_by(
        |row| row.0,
        || 0,
        |sum, row| *sum += row.1 * row.1,
        |a, b| *a += b
    ));
    let squares = expected(&|v| v.iter().map(|n| n * n).sum());
    assert_eq!(folded.sorted().unwrap(), squares);
    let several = run!(flow().aggregate_by(
        |row| row.0,
        |a| {
            let (distinct, top) = (a.distinct(|row| row.1 % 10), a.top(2, |row| row.1));
            (a.count(), a.mean(|row| row.1), distinct, top)
        }
    ));
    let several = several
        .map(|(key, (count, mean, distinct, top))| (key, (count, mean.to_bits(), distinct, top)));
    let loops = groups.iter().map(|(key, values)| {
        let mean = values.iter().sum::<i64>() as f64 / values.len() as f64;
        let distinct = values.iter().map(|n| n % 10).collect::<BTreeSet<_>>().len();
        let top: Vec<i64> = sorted(values.clone()).into_iter().rev().take(2).collect();
        (
            *key,
            (values.len() as u64, mean.to_bits(), distinct as u64, top),
        )
    });
    assert!(
        several.sorted().unwrap() == loops.collect::<Vec<_>>(),
        "aggregate_by"
    );
    let by_ref = run!(flow().count_by_ref(|row| &row.0)).map(|(key, n)| (key, n as i64));
    assert_eq!(by_ref.sorted().unwrap(), expected(&|v| v.len() as i64));
}

#[test]
fn skewed_keys() {
    let rows = skewed(20_000, 3_000);
    for stages in 1..=8 {
        all_forms(&rows, stages, (256, 64), Way::Threads);
    }
    all_forms(&rows, 3, (256, 64), Way::Seeded(11));
}

#[test]
fn few_keys_and_the_least_room() {
    let rows = skewed(2_000, 5);
    for way in WAYS {
        for stages in [1, 2, 7] {
            all_forms(&rows, stages, (1, 1), way);
        }
    }
}

#[test]
fn distinct_keys_and_the_least_room() {
    let rows: Vec<(u64, i64)> = scattered(3_000).map(|n| (n, 1)).collect();
    for way in FEW {
        all_forms(&rows, 4, (1, 1), way);
    }
}

#[test]
fn more_keys_than_any_table_of_a_producer() {
    const KEYS: u64 = 250_000;
    for (way, stages) in [(Way::Threads, 1), (Way::Threads, 3), (Way::Seeded(5), 2)] {
        // Every key once, and then some of them again.
        let keys = (0..KEYS).chain((0..KEYS).filter(|key| key % 10 == 3));
        let flow = Flow::from_iter(keys).stages(stages).on(way);
        let counts = flow.count_by(|key| *key).stages(stages).sorted().unwrap();
        let expected = (0..KEYS).map(|key| (key, 1 + u64::from(key % 10 == 3)));
        assert!(counts.into_iter().eq(expected), "{way:?}, {stages}");
    }
}

#[test]
fn many_keys_that_come_again_and_again() {
    const KEYS: u64 = 70_000;
    for way in FEW {
        let rows = (0..4 * KEYS).map(|n| (n % KEYS, n / KEYS));
        let flow = Flow::from_iter(rows).stages(2).on(way);
        let found = flow.aggregate_by(
            |row| row.0,
            |a| {
                (
                    a.count(),
                    a.sum(|row| row.1),
                    a.first(|row| row.1),
                    a.last(|row| row.1),
                )
            },
        );
        let found = found.stages(3).sorted_by_key(|(key, _)| *key).unwrap();
        assert!(
            found
                .into_iter()
                .eq((0..KEYS).map(|key| (key, (4, 6, 0, 3))))
        );
    }
}

#[test]
fn many_owned_keys() {
    const KEYS: u64 = 60_000;
    for way in FEW {
        let names = || {
            let numbers = Flow::from_range(0..2 * KEYS).stages(2).on(way);
            numbers.map(|n| format!("key {}", n % KEYS))
        };
        let expected = sorted((0..KEYS).map(|key| (format!("key {key}"), 2)));
        let counts = names().count_by_ref(|name| name.as_str()).stages(3);
        assert!(counts.sorted().unwrap() == expected, "count_by_ref");
        let counts = names().count_by(|name| name.clone()).stages(2);
        assert!(counts.sorted().unwrap() == expected, "count_by");
    }
}

#[test]
fn words_of_owned_lines() {
    let lines: Vec<String> = scattered(3_000)
        .map(|n| format!("the {} and the {} of {}", n % 7, n % 1000, n % 5000))
        .collect();
    let mut expected: HashMap<String, u64> = HashMap::new();
    for word in lines.iter().flat_map(|line| line.split(' ')) {
        *expected.entry(word.to_string()).or_default() += 1;
    }
    for way in WAYS {
        for (stages, batch, buffer) in [(1, 256, 64), (3, 1, 1), (8, 16, 2)] {
            let flow = Flow::from_vec(lines.clone()).stages(stages).on(way);
            let counts = flow.count_each(|line, word| {
                for w in line.split(' ') {
                    word.add(w);
                }
            });
            let counts = counts.stages(stages).batch(batch).buffer(buffer);
            let counts: HashMap<String, u64> = counts.collect().unwrap();
            assert!(counts == expected, "{way:?}, {stages}");
        }
    }
}

#[test]
fn the_first_and_last_are_those_of_the_source() {
    for way in WAYS {
        for stages in [1, 2, 8] {
            let rows: Vec<(u64, usize)> = scattered(5_000)
                .enumerate()
                .map(|(i, n)| (n % 300, i))
                .collect();
            let mut expected: BTreeMap<u64, (usize, usize, Vec<usize>)> = BTreeMap::new();
            for (key, at) in &rows {
                let entry = expected.entry(*key).or_insert((*at, *at, Vec::new()));
                entry.1 = *at;
                entry.2.push(*at);
            }
            let expected: Vec<_> = expected.into_iter().collect();
            let sources = [
                Flow::from_slice(&rows).map(|row| *row).boxed(),
                Flow::from_iter(rows.clone()).boxed(),
                Flow::from_vec(rows.clone()).boxed(),
                Flow::from_iter(rows.chunks(40))
                    .flat_map(|rows| rows.to_vec())
                    .boxed(),
                // Behind a shuffle the order is that of the input where it was kept.
                Flow::from_vec(rows.clone()).ordered().take(5_000).boxed(),
            ];
            for (number, flow) in sources.into_iter().enumerate() {
                let found = flow.stages(stages).on(way).aggregate_by(
                    |row| row.0,
                    |a| {
                        (
                            a.first(|row| row.1),
                            a.last(|row| row.1),
                            a.collect(|row| row.1),
                        )
                    },
                );
                let found = found.stages(stages).sorted().unwrap();
                assert!(
                    found == expected,
                    "source {number}, {way:?}, {stages} stages"
                );
            }
        }
    }
}

#[test]
fn what_is_computed_by_key_flows_on() {
    for way in WAYS {
        let rows = skewed(3_000, 100);
        // How many keys have how many rows: counts of counts.
        let flow = rows_of(&rows, 3, way).count_by(|row| row.0).stages(2);
        let counted = flow.count_by(|(_, n)| *n).stages(3).sorted().unwrap();
        let mut expected: BTreeMap<u64, u64> = BTreeMap::new();
        for values in groups(&rows).values() {
            *expected.entry(values.len() as u64).or_default() += 1;
        }
        assert!(counted.into_iter().eq(expected));
        let sums = rows_of(&rows, 2, way).sum_by(|row| row.0, |row| row.1);
        let largest = sums.map(|(key, sum)| (sum, key)).top(3).unwrap();
        let sums = groups(&rows)
            .into_iter()
            .map(|(k, v)| (v.iter().sum::<i64>(), k));
        let expected: Vec<_> = sorted(sums).into_iter().rev().take(3).collect();
        assert_eq!(largest, expected);
    }
}

#[test]
fn floats_have_extremes_and_means() {
    for way in WAYS {
        let readings = [("a", 1.5), ("b", -0.0), ("a", -2.5), ("b", 0.0), ("a", 4.0)];
        let flow = Flow::from_iter(readings).stages(2).on(way);
        let found = flow
            .aggregate_by(
                |r| r.0,
                |a| (a.min(|r| r.1), a.mean(|r| r.1), a.max(|r| r.1)),
            )
            .sorted_by_key(|(name, _)| *name)
            .unwrap();
        assert_eq!(found, [("a", (-2.5, 1.0, 4.0)), ("b", (-0.0, 0.0, 0.0))]);
        assert!(f64::is_sign_negative(found[1].1.0), "-0.0 is below 0.0");
    }
}
