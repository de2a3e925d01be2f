//! Declared aggregates, applied to a flow and to the model at once.

use std::collections::{BTreeMap, BTreeSet};

use millstream::BoxFlow;

use super::Op;
use super::chain::tuned;
use super::oracle::{LIMIT, Model, mix, squeeze};
use crate::sorted;

pub(super) fn apply<'a>(flow: BoxFlow<'a, i64>, model: &mut Model, op: &'a Op) -> BoxFlow<'a, i64> {
    match *op {
        Op::CountBy(m, t) => {
            model.by_key(m, |k, v| mix(&[k, v.len() as i64]));
            let counted = tuned(flow.count_by(move |n| n % m).boxed(), t);
            counted.map(|(k, n)| mix(&[k, n as i64])).boxed()
        }
        Op::SumBy(m, t) => {
            model.by_key(m, |k, v| mix(&[k, v.iter().sum()]));
            let summed = tuned(flow.sum_by(move |n| n % m, |n| *n).boxed(), t);
            summed.map(|(k, n)| mix(&[k, n])).boxed()
        }
        Op::MinMaxBy(m, t) => {
            let least = m % 2 == 0;
            model.by_key(m, |k, v| {
                let end = if least {
                    v.iter().min()
                } else {
                    v.iter().max()
                };
                mix(&[k, *end.unwrap()])
            });
            let found = match least {
                true => flow.min_by(move |n| n % m, |n| *n).boxed(),
                false => flow.max_by(move |n| n % m, |n| *n).boxed(),
            };
            tuned(found, t).map(|(k, n)| mix(&[k, n])).boxed()
        }
        Op::GroupBy(m, t) => {
            model.by_key(m, |k, v| mix(&[k, mix(&sorted(v))]));
            let grouped = tuned(flow.group_by(move |n| n % m).boxed(), t);
            grouped.map(|(k, v)| mix(&[k, mix(&sorted(v))])).boxed()
        }
        Op::FoldBy(m, t) => {
            let square = |sum: i64, n: i64| squeeze(sum + n * n);
            model.by_key(m, |k, v| mix(&[k, v.into_iter().fold(0, square)]));
            let folded = flow.fold_by(
                move |n| n % m,
                || 0,
                move |sum, n| *sum = square(*sum, n),
                |a, b| *a = squeeze(*a + b),
            );
            tuned(folded.boxed(), t).map(|(k, n)| mix(&[k, n])).boxed()
        }
        Op::AggregateBy(m, t) => {
            model.by_key(m, |k, v| {
                let (count, sum) = (v.len() as i64, v.iter().sum::<i64>());
                let distinct = v.iter().map(|n| n / 3).collect::<BTreeSet<_>>().len();
                let mut v = sorted(v);
                v.reverse();
                let mean = (sum as f64 / count as f64) as i64;
                let (min, max) = (v[v.len() - 1], v[0]);
                v.truncate(3);
                mix(&[k, count, sum, min, max, mean, distinct as i64, mix(&v)])
            });
            let found = flow.aggregate_by(
                move |n| n % m,
                |a| {
                    let (min, max) = (a.min(|n| *n), a.max(|n| *n as f64));
                    let (mean, distinct) = (a.mean(|n| *n), a.distinct(|n| n / 3));
                    let top = a.top(3, |n| *n);
                    (a.count(), a.sum(|n| *n), min, max, mean, distinct, top)
                },
            );
            tuned(found.boxed(), t)
                .map(|(k, (count, sum, min, max, mean, distinct, top))| {
                    let (count, distinct) = (count as i64, distinct as i64);
                    let (max, mean) = (max as i64, mean as i64);
                    mix(&[k, count, sum, min, max, mean, distinct, mix(&top)])
                })
                .boxed()
        }
        Op::FirstLastBy(m, t) if model.known && model.placed => {
            model.by_key(m, |k, v| mix(&[k, v[0], v[v.len() - 1], mix(&v)]));
            let found = flow.aggregate_by(
                move |n| n % m,
                |a| (a.first(|n| *n), a.last(|n| *n), a.collect(|n| *n)),
            );
            tuned(found.boxed(), t)
                .map(|(k, (first, last, all))| mix(&[k, first, last, mix(&all)]))
                .boxed()
        }
        Op::CountEach(m, t) => {
            let mut counts: BTreeMap<String, i64> = BTreeMap::new();
            for n in &model.items {
                *counts.entry((n % m).to_string()).or_default() += 1;
                *counts.entry((n % 5).to_string()).or_default() += 1;
            }
            model.hashed();
            model.items = counts
                .iter()
                .map(|(k, n)| mix(&[k.len() as i64, *n]))
                .collect();
            let counted = flow.count_each(move |n, word| {
                word.add((n % m).to_string().as_str());
                word.add((n % 5).to_string().as_str());
            });
            tuned(counted.boxed(), t)
                .map(|(k, n): (String, u64)| mix(&[k.len() as i64, n as i64]))
                .boxed()
        }
        Op::CountByRef(t) => {
            let key = |n: i64| n / 4;
            model.each(key);
            model.by_key(LIMIT, |k, v| mix(&[k, v.len() as i64]));
            let counted = flow.map(move |n| (key(n), n)).count_by_ref(|pair| &pair.0);
            tuned(counted.boxed(), t)
                .map(|(k, n)| mix(&[k, n as i64]))
                .boxed()
        }
        _ => flow,
    }
}
