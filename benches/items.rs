//! What an item costs: a range with cheap steps, and a plain iterator with cheap and with heavy work, beside rayon and
//! beside a loop.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use millstream::Flow;
use rayon::prelude::*;

#[path = "../examples/common/mix.rs"]
mod mix;
use mix::mix;

fn heavy(x: u64) -> u64 {
    (0..200).fold(x, |a, _| mix(a))
}

fn plain(items: u64) -> impl Iterator<Item = u64> + Send {
    (0..items).map(black_box)
}

fn add(a: u64, b: u64) -> u64 {
    a.wrapping_add(b)
}

fn benches(c: &mut Criterion) {
    group(c, "items/range", 20_000_000, |group, n| {
        group.bench_function("millstream", |b| {
            b.iter(|| {
                let flow = Flow::from_range(0..n).map(mix).filter(|x| x % 2 == 0);
                flow.fold(|| 0, add, add).expect("nothing can fail")
            })
        });
        group.bench_function("rayon", |b| {
            b.iter(|| {
                let items = (0..n).into_par_iter().map(mix).filter(|x| x % 2 == 0);
                items.reduce(|| 0, add)
            })
        });
        group.bench_function("loop", |b| {
            b.iter(|| (0..n).map(mix).filter(|x| x % 2 == 0).fold(0, add))
        });
    });
    iterator(c, "items/plain_cheap", 1_000_000, mix);
    iterator(c, "items/plain_heavy", 20_000, heavy);
}

/// A plain iterator with some work an item.
fn iterator(
    c: &mut Criterion,
    name: &str,
    items: u64,
    work: impl Fn(u64) -> u64 + Copy + Send + Sync,
) {
    group(c, name, items, |group, n| {
        group.bench_function("millstream", |b| {
            b.iter(|| {
                let flow = Flow::from_iter(plain(n)).map(work);
                flow.fold(|| 0, add, add).expect("nothing can fail")
            })
        });
        group.bench_function("rayon", |b| {
            b.iter(|| plain(n).par_bridge().map(work).reduce(|| 0, add))
        });
        group.bench_function("loop", |b| b.iter(|| plain(n).map(work).fold(0, add)));
    });
}

fn group(
    c: &mut Criterion,
    name: &str,
    items: u64,
    fill: impl FnOnce(&mut BenchmarkGroup<'_, WallTime>, u64),
) {
    let mut group = c.benchmark_group(name);
    group
        .throughput(Throughput::Elements(items))
        .sample_size(10);
    fill(&mut group, items);
    group.finish();
}

criterion_group!(items, benches);
criterion_main!(items);
