//! Words of a text: ours, rayon's idiomatic form, and one thread. `MILLSTREAM_TEXT=FILE` measures another text.
//!
//! Every form starts from the file, since reading and checking it is a part of the work.

use std::hint::black_box;

use ahash::AHashMap;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millstream::{Flow, Text};
use rayon::prelude::*;

const NOVEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/noli.txt");

fn benches(c: &mut Criterion) {
    let path = std::env::var("MILLSTREAM_TEXT").unwrap_or_else(|_| NOVEL.to_owned());
    let size = std::fs::metadata(&path).expect("the text exists").len();
    let mut group = c.benchmark_group("word_count");
    group.throughput(Throughput::Bytes(size)).sample_size(10);
    group.bench_function("millstream", |b| b.iter(|| black_box(millstream(&path))));
    group.bench_function("rayon", |b| b.iter(|| black_box(rayon(&path))));
    group.bench_function("one_thread", |b| b.iter(|| black_box(one_thread(&path))));
    group.finish();
}

fn millstream(path: &str) -> usize {
    let text = Text::open(path).expect("the text opens");
    let counts = Flow::from_lines(&text)
        .flat_map(|line| line.split_whitespace())
        .count_by(|word| *word)
        .collect_vec()
        .expect("the text is UTF-8");
    counts.len()
}

fn rayon(path: &str) -> usize {
    let text = std::fs::read_to_string(path).expect("the text is UTF-8");
    let counts = text
        .par_lines()
        .fold(AHashMap::<&str, u64>::default, |mut counts, line| {
            for word in line.split_whitespace() {
                *counts.entry(word).or_default() += 1;
            }
            counts
        })
        .reduce(AHashMap::default, |a, b| {
            let (mut large, small) = if a.len() >= b.len() { (a, b) } else { (b, a) };
            for (word, count) in small {
                *large.entry(word).or_default() += count;
            }
            large
        });
    counts.len()
}

fn one_thread(path: &str) -> usize {
    let text = std::fs::read_to_string(path).expect("the text is UTF-8");
    let mut counts = AHashMap::<&str, u64>::default();
    for word in text.split_whitespace() {
        *counts.entry(word).or_default() += 1;
    }
    counts.len()
}

criterion_group!(word_count, benches);
criterion_main!(word_count);
