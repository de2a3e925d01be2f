//! Joins, branches, second inputs, windows and gatherings, applied to a flow and to the model at once.

use std::collections::{BTreeMap, BTreeSet};

use millstream::{BoxFlow, Text, Window};

use super::chain::{MANY, source, tuned};
use super::oracle::{LIMIT, Model, mix, squeeze};
use super::{Op, Outer};

pub(super) fn apply<'a>(
    flow: BoxFlow<'a, i64>,
    model: &mut Model,
    op: &'a Op,
    text: &'a Text,
) -> BoxFlow<'a, i64> {
    match *op {
        Op::Join(outer, ref other, m, t) if model.may_hash() => {
            let (theirs, right) = source(other, text);
            let (left, right) = (model.groups(m), right.groups(m));
            let pairs: usize = left
                .iter()
                .map(|(key, l)| l.len() * right.get(key).map_or(0, Vec::len))
                .sum();
            if pairs > 4 * MANY {
                return flow;
            }
            model.items = joined(outer, &left, &right);
            model.hashed();
            let key = move |n: &i64| n.rem_euclid(m);
            let joined = match outer {
                Outer::Neither => flow
                    .inner_join(theirs, key, key)
                    .map(|(l, r)| mix(&[l, r]))
                    .boxed(),
                Outer::Left => flow
                    .left_join(theirs, key, key)
                    .map(|(l, r)| mix(&[l, r.unwrap_or(NONE)]))
                    .boxed(),
                Outer::Right => flow
                    .right_join(theirs, key, key)
                    .map(|(l, r)| mix(&[l.unwrap_or(NONE), r]))
                    .boxed(),
                Outer::Full => flow
                    .full_join(theirs, key, key)
                    .map(|(l, r)| mix(&[l.unwrap_or(NONE), r.unwrap_or(NONE)]))
                    .boxed(),
            };
            tuned(joined, t)
        }
        Op::Concat(ref other, t) => {
            let (theirs, more) = source(other, text);
            let theirs = match model.ordered {
                true => theirs.ordered().boxed(),
                false => theirs,
            };
            model.items.extend(more.items);
            model.shuffled();
            model.known &= more.known;
            tuned(flow.concat(theirs).boxed(), t)
        }
        Op::Broadcast(a, t) if model.items.len() < MANY && model.may_hash() => {
            let more: Vec<i64> = model.items.iter().map(|n| squeeze(n + a)).collect();
            model.items.extend(more);
            model.hashed();
            let both = flow.broadcast();
            let both = both.to(move |n| tuned(n.boxed(), t));
            let both = both.to(move |n| tuned(n.map(move |n| squeeze(n + a)).boxed(), t));
            tuned(both.merge().boxed(), t)
        }
        Op::Split(m, t) if model.may_hash() => {
            model.each(|n| match n % m {
                0 => squeeze(n * 5),
                _ => n,
            });
            model.hashed();
            let split = flow.split(move |n| n % m == 0);
            let split = split.to(move |n| tuned(n.map(|n| squeeze(n * 5)).boxed(), t));
            tuned(split.to(|n| n).merge().boxed(), t)
        }
        Op::Distinct(t) if model.may_hash() => {
            model.items = distinct(&model.items);
            model.hashed();
            tuned(flow.distinct().boxed(), t)
        }
        Op::PartitionUniq(t) if model.may_hash() => {
            model.items = distinct(&model.items);
            model.hashed();
            tuned(flow.partition().boxed(), t).uniq().boxed()
        }
        Op::Departition(t) if model.may_hash() => {
            model.hashed();
            let parts = tuned(flow.partition().boxed(), t).reduce(Vec::new, |all, n| all.push(n));
            let merge = |all: &mut Vec<i64>, part: Vec<i64>| all.extend(part);
            parts
                .departition(Vec::new, merge, |all| all)
                .events()
                .boxed()
        }
        Op::TakeTop(n, t) if model.may_hash() => {
            model.items.sort_by(|a, b| b.cmp(a));
            model.items.truncate(n);
            model.hashed();
            tuned(flow.shuffle().boxed(), t)
                .take_top(n)
                .events()
                .boxed()
        }
        Op::MapConcurrent(k) => {
            model.each(|n| squeeze(n * 11));
            model.shuffled();
            flow.map_concurrent(k, |n| squeeze(n * 11)).boxed()
        }
        Op::WindowCounts(size, m, t) if model.may_hash() => {
            let mut windows: BTreeMap<(i64, i64), i64> = BTreeMap::new();
            for n in &model.items {
                *windows.entry((n / size * size, n % m)).or_default() += 1;
            }
            model.items = windows
                .iter()
                .map(|((at, key), n)| mix(&[*at, *key, *n]))
                .collect();
            model.hashed();
            // Items come in any order, so that none is late only if they may be as far behind as they can be.
            let window = Window::fixed(size).out_of_order(LIMIT);
            let counts = flow.window_by(window, |n| *n).count_by(move |n| n % m);
            let counts = counts.map(|(pane, key, n)| mix(&[pane.id(), key, n as i64]));
            tuned(counts.boxed(), t)
        }
        Op::WindowSums(size, slide, t) if model.may_hash() => {
            let mut windows: BTreeMap<i64, i64> = BTreeMap::new();
            for n in &model.items {
                let mut at = n.div_euclid(slide) * slide;
                while at > n - size {
                    *windows.entry(at).or_default() += n;
                    at -= slide;
                }
            }
            model.items = windows.iter().map(|(at, n)| mix(&[*at, *n])).collect();
            model.hashed();
            let window = Window::sliding(size, slide).out_of_order(LIMIT);
            // All items of a window in one worker, or there would be a sum of each.
            let one = tuned(flow.partition().boxed(), t).stages(1);
            one.window_by(window, |n| *n)
                .reduce(|| 0, |sum, n| *sum += n)
                .on_trigger(|sum, firing| [mix(&[firing.window.id(), *sum])])
                .boxed()
        }
        _ => flow,
    }
}

/// What stands for a missing side.
const NONE: i64 = -7;

fn joined(
    outer: Outer,
    left: &BTreeMap<i64, Vec<i64>>,
    right: &BTreeMap<i64, Vec<i64>>,
) -> Vec<i64> {
    let mut pairs = Vec::new();
    let none = Vec::new();
    for key in left.keys().chain(right.keys()).collect::<BTreeSet<_>>() {
        let ours = left.get(key).unwrap_or(&none);
        let theirs = right.get(key).unwrap_or(&none);
        for l in ours {
            pairs.extend(theirs.iter().map(|r| mix(&[*l, *r])));
        }
        if theirs.is_empty() && matches!(outer, Outer::Left | Outer::Full) {
            pairs.extend(ours.iter().map(|l| mix(&[*l, NONE])));
        }
        if ours.is_empty() && matches!(outer, Outer::Right | Outer::Full) {
            pairs.extend(theirs.iter().map(|r| mix(&[NONE, *r])));
        }
    }
    pairs
}

fn distinct(items: &[i64]) -> Vec<i64> {
    let items: BTreeSet<i64> = items.iter().copied().collect();
    items.into_iter().collect()
}
