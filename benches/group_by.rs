//! Sums by key over a million pairs in memory, with few and with many distinct keys: ours beside rayon's fold and reduce.

use std::hint::black_box;

use ahash::AHashMap;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use millstream::Flow;
use rayon::prelude::*;

#[path = "../examples/common/mix.rs"]
mod mix;

const ROWS: u64 = 1_000_000;

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("group_by");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    for distinct in [1_000, ROWS] {
        let rows: Vec<(u64, u64)> = (0..ROWS)
            .map(|i| (mix::mix(i) % distinct, i & 1023))
            .collect();
        group.bench_with_input(
            BenchmarkId::new("millstream", distinct),
            &rows,
            |b, rows| b.iter(|| black_box(millstream(rows))),
        );
        group.bench_with_input(BenchmarkId::new("rayon", distinct), &rows, |b, rows| {
            b.iter(|| black_box(rayon(rows)))
        });
    }
    group.finish();
}

fn millstream(rows: &[(u64, u64)]) -> Vec<Vec<(u64, u64)>> {
    Flow::from_slice(rows)
        .sum_by(|row| row.0, |row| row.1)
        .collect_partitions()
        .expect("nothing can fail")
}

fn rayon(rows: &[(u64, u64)]) -> AHashMap<u64, u64> {
    rows.par_iter()
        .fold(AHashMap::<u64, u64>::default, |mut sums, &(key, value)| {
            *sums.entry(key).or_default() += value;
            sums
        })
        .reduce(AHashMap::default, |a, b| {
            let (mut large, small) = if a.len() >= b.len() { (a, b) } else { (b, a) };
            for (key, sum) in small {
                *large.entry(key).or_default() += sum;
            }
            large
        })
}

criterion_group!(group_by, benches);
criterion_main!(group_by);
