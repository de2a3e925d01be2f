//! Sources, steps and boundaries, applied to a flow and to the model at once.

use millstream::{BoxFlow, Flow, Text};

use super::graph;
use super::keyed;
use super::oracle::{Model, squeeze};
use super::{Input, Kind, Op, Tuning};

/// No chain makes more items than about this.
pub(super) const MANY: usize = 3_000;

pub(super) fn tuned<'a, T: Send + 'a>(flow: BoxFlow<'a, T>, t: Tuning) -> BoxFlow<'a, T> {
    flow.stages(t.stages).batch(t.batch).buffer(t.buffer)
}

pub(super) fn text_of(items: &[i64]) -> Text {
    let lines: Vec<String> = items.iter().map(i64::to_string).collect();
    Text::from(lines.join("\r\n"))
}

pub(super) fn source<'a>(input: &'a Input, text: &'a Text) -> (BoxFlow<'a, i64>, Model) {
    let mut items = input.items.clone();
    let flow = match input.kind {
        Kind::Iter => Flow::from_iter(items.clone()).boxed(),
        Kind::Iters(n) => {
            let lists: Vec<Vec<i64>> = items.chunks(n).map(<[i64]>::to_vec).collect();
            Flow::from_iters(lists).boxed()
        }
        Kind::Slice => Flow::from_slice(&input.items).map(|n| *n).boxed(),
        Kind::Vec => Flow::from_vec(items.clone()).boxed(),
        Kind::Range => {
            items = (0..items.len() as i64).collect();
            Flow::from_range(0..items.len() as i64).boxed()
        }
        Kind::Lines => Flow::from_lines(text)
            .try_map(|line| line.parse::<i64>())
            .boxed(),
        Kind::Receiver => {
            let (sender, receiver) = crossbeam_channel::unbounded();
            items.iter().for_each(|n| sender.send(*n).unwrap());
            Flow::from_receiver(receiver).boxed()
        }
    };
    let known = !matches!(input.kind, Kind::Iters(_));
    let model = Model {
        items,
        ordered: false,
        used: false,
        known,
        placed: known,
        reduced: false,
    };
    (tuned(flow, input.tuning), model)
}

pub(super) fn apply<'a>(
    flow: BoxFlow<'a, i64>,
    model: &mut Model,
    op: &'a Op,
    text: &'a Text,
) -> BoxFlow<'a, i64> {
    match *op {
        Op::Map(a) => {
            model.each(|n| squeeze(n * 3 + a));
            flow.map(move |n| squeeze(n * 3 + a)).boxed()
        }
        Op::Filter(m) => {
            model.items.retain(|n| n % m != 0);
            flow.filter(move |n| n % m != 0).boxed()
        }
        Op::Reject(m) => {
            model.items.retain(|n| n % m != 0);
            flow.reject(move |n| n % m == 0).boxed()
        }
        Op::FilterMap(m) => {
            model.items.retain(|n| n % m != 1);
            model.each(|n| n / 2);
            flow.filter_map(move |n| (n % m != 1).then_some(n / 2))
                .boxed()
        }
        Op::FlatMap(m) | Op::TryFlatMap(m) => {
            if model.items.len() * m as usize > MANY {
                return flow;
            }
            let spread = move |n: i64| (0..n.rem_euclid(m + 1)).map(move |i| squeeze(n + i));
            model.items = model.items.iter().flat_map(|n| spread(*n)).collect();
            match op {
                Op::FlatMap(_) => flow.flat_map(spread).boxed(),
                _ => flow
                    .try_flat_map(move |n| Ok::<_, String>(spread(n)))
                    .boxed(),
            }
        }
        Op::MapValues(a) => {
            model.each(|n| squeeze(2 * n + a));
            let pairs = flow.map(|n| (n, n)).map_values(move |v| v + a);
            pairs.map(|(k, v)| squeeze(k + v)).boxed()
        }
        Op::Inspect => flow.inspect(|n| assert!(*n >= 0)).boxed(),
        Op::MapBatch(m) => {
            // The batch decides nothing but what is worked on together: odd items are dropped, the others doubled.
            let work = move |n: i64| (n % m != 0).then_some(squeeze(n * 2));
            model.items = model.items.iter().filter_map(|n| work(*n)).collect();
            model.placed &= model.ordered;
            flow.map_batch(move |batch| {
                assert!(!batch.is_empty());
                batch.into_iter().filter_map(work).collect::<Vec<_>>()
            })
            .boxed()
        }
        Op::MapWith(a) => {
            model.each(|n| squeeze(n + a));
            flow.map_with(
                move |index, of| {
                    assert!(index < of);
                    a
                },
                |state, n| squeeze(n + *state),
            )
            .boxed()
        }
        Op::TryMap(a) => {
            model.each(|n| squeeze(n ^ a));
            flow.try_map(move |n| Ok::<_, String>(squeeze(n ^ a)))
                .boxed()
        }
        Op::Take(n) if model.ordered && model.known => {
            model.items.truncate(n);
            model.used = true;
            flow.take(n).boxed()
        }
        Op::Take(_) => flow,
        Op::Ordered => {
            model.ordered |= !model.reduced;
            flow.ordered()
        }
        Op::Boxed => flow.boxed().boxed(),
        Op::Shuffle(t) => {
            model.shuffled();
            tuned(flow.shuffle().boxed(), t)
        }
        Op::Partition(t) if model.may_hash() => {
            model.hashed();
            tuned(flow.partition().boxed(), t)
        }
        Op::PartitionBy(m, t) if model.may_hash() => {
            model.hashed();
            tuned(flow.partition_by(move |n| n % m).boxed(), t)
        }
        Op::PartitionWith(m, t) if model.may_hash() => {
            model.hashed();
            model.items.retain(|n| n % m != 0);
            let choose = move |n: &i64, of: usize| (n % m != 0).then_some(*n as usize % of);
            tuned(flow.partition_with(choose).boxed(), t)
        }
        Op::Merge(ref other, t) => {
            let (theirs, more) = source(other, text);
            let theirs = match model.items.len() % 2 {
                0 => theirs,
                _ => theirs.ordered().shuffle().boxed(),
            };
            model.items.extend(more.items);
            model.hashed();
            tuned(flow.merge(theirs).boxed(), t)
        }
        Op::Reduce => {
            model.reduce();
            flow.reduce(Vec::new, |all, n| all.push(n)).events().boxed()
        }
        Op::PartitionSums(t) if model.may_hash() => {
            model.hashed();
            model.reduce();
            let of = t.stages as i64;
            model.items = (0..of)
                .map(|p| squeeze(model.items.iter().filter(|n| *n % of == p).sum()))
                .collect();
            tuned(
                flow.partition_with(|n, of| Some(*n as usize % of)).boxed(),
                t,
            )
            .reduce(|| 0, |sum, n| *sum += n)
            .map(squeeze)
            .boxed()
        }
        Op::EmitAndReduce if model.items.len() < MANY => {
            model.reduce();
            model.items.extend(model.items.clone());
            flow.emit_and_reduce(
                Vec::new,
                |all, n| {
                    all.push(n);
                    Some(n)
                },
                |all| all,
            )
            .boxed()
        }
        Op::Join(..)
        | Op::Concat(..)
        | Op::Broadcast(..)
        | Op::Split(..)
        | Op::Distinct(_)
        | Op::PartitionUniq(_)
        | Op::Departition(_)
        | Op::TakeTop(..)
        | Op::MapConcurrent(_)
        | Op::WindowCounts(..)
        | Op::WindowSums(..) => graph::apply(flow, model, op, text),
        _ if model.may_hash() => keyed::apply(flow, model, op),
        _ => flow,
    }
}
