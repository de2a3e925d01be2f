//! Random flows over random data against a sequential model, on threads and under the seeded scheduler.
//!
//! A chain of operations is applied to a flow and to a vector at once. The vector's order is compared where the
//! flow promises one, and the items as a multiset where it does not.

mod chain;
mod graph;
mod keyed;
mod oracle;

use std::sync::Mutex;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::{On, Way, sorted};

/// Options of a stage.
#[derive(Debug, Clone, Copy)]
struct Tuning {
    stages: usize,
    batch: usize,
    buffer: usize,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Iter,
    Iters(usize),
    Slice,
    Vec,
    Range,
    Lines,
    Receiver,
}

#[derive(Debug, Clone)]
struct Input {
    kind: Kind,
    items: Vec<i64>,
    tuning: Tuning,
}

#[derive(Debug, Clone)]
enum Op {
    Map(i64),
    Filter(i64),
    Reject(i64),
    FilterMap(i64),
    FlatMap(i64),
    MapValues(i64),
    Inspect,
    MapBatch(i64),
    MapWith(i64),
    TryMap(i64),
    TryFlatMap(i64),
    Take(usize),
    Ordered,
    Boxed,
    Shuffle(Tuning),
    Partition(Tuning),
    PartitionBy(i64, Tuning),
    PartitionWith(i64, Tuning),
    Merge(Input, Tuning),
    Reduce,
    PartitionSums(Tuning),
    EmitAndReduce,
    CountBy(i64, Tuning),
    SumBy(i64, Tuning),
    MinMaxBy(i64, Tuning),
    GroupBy(i64, Tuning),
    FoldBy(i64, Tuning),
    AggregateBy(i64, Tuning),
    FirstLastBy(i64, Tuning),
    CountEach(i64, Tuning),
    CountByRef(Tuning),
    Join(Outer, Input, i64, Tuning),
    Concat(Input, Tuning),
    Broadcast(i64, Tuning),
    Split(i64, Tuning),
    Distinct(Tuning),
    PartitionUniq(Tuning),
    Departition(Tuning),
    TakeTop(usize, Tuning),
    MapConcurrent(usize),
    WindowCounts(i64, i64, Tuning),
    WindowSums(i64, i64, Tuning),
}

/// The sides of a join whose rows without a partner come out.
#[derive(Debug, Clone, Copy)]
enum Outer {
    Neither,
    Left,
    Right,
    Full,
}

#[derive(Debug, Clone, Copy)]
enum End {
    CollectVec,
    Collect,
    Scope,
    Partitions,
    ForEach,
    Fold,
    Sorted,
}

fn tuning() -> impl Strategy<Value = Tuning> {
    let batch = prop_oneof![1..4usize, 4..2000usize];
    (1..=8usize, batch, 1..4usize).prop_map(|(stages, batch, buffer)| Tuning {
        stages,
        batch,
        buffer,
    })
}

fn input() -> impl Strategy<Value = Input> {
    let kind = prop_oneof![
        2 => Just(Kind::Iter),
        1 => (1..50usize).prop_map(Kind::Iters),
        1 => Just(Kind::Slice),
        1 => Just(Kind::Vec),
        1 => Just(Kind::Range),
        1 => Just(Kind::Lines),
        1 => Just(Kind::Receiver),
    ];
    let items = prop_oneof![
        1 => vec(0..1_000i64, 0..3),
        4 => vec(0..1_000i64, 0..300),
        2 => vec(0..5i64, 0..300),
        1 => vec(0..1_000_000i64, 300..1500),
    ];
    (kind, items, tuning()).prop_map(|(kind, items, tuning)| Input {
        kind,
        items,
        tuning,
    })
}

fn op() -> impl Strategy<Value = Op> {
    let m = || 2..9i64;
    let keys = || prop_oneof![1..4i64, 4..200i64, Just(oracle::LIMIT)];
    let step = prop_oneof![
        (0..100i64).prop_map(Op::Map),
        m().prop_map(Op::Filter),
        m().prop_map(Op::Reject),
        m().prop_map(Op::FilterMap),
        (1..4i64).prop_map(Op::FlatMap),
        (0..100i64).prop_map(Op::MapValues),
        Just(Op::Inspect),
        m().prop_map(Op::MapBatch),
        (0..100i64).prop_map(Op::MapWith),
        (0..100i64).prop_map(Op::TryMap),
        (1..4i64).prop_map(Op::TryFlatMap),
        Just(Op::Boxed),
    ];
    let order = prop_oneof![
        2 => Just(Op::Ordered),
        2 => prop_oneof![0..5usize, 5..400usize].prop_map(Op::Take),
        1 => tuning().prop_map(Op::Shuffle),
    ];
    let boundary = prop_oneof![
        tuning().prop_map(Op::Shuffle),
        tuning().prop_map(Op::Partition),
        (m(), tuning()).prop_map(|(m, t)| Op::PartitionBy(m, t)),
        (m(), tuning()).prop_map(|(m, t)| Op::PartitionWith(m, t)),
        (input(), tuning()).prop_map(|(other, t)| Op::Merge(other, t)),
    ];
    let reduction = prop_oneof![
        Just(Op::Reduce),
        Just(Op::EmitAndReduce),
        tuning().prop_map(Op::PartitionSums),
    ];
    let keyed = prop_oneof![
        (keys(), tuning()).prop_map(|(m, t)| Op::CountBy(m, t)),
        (keys(), tuning()).prop_map(|(m, t)| Op::SumBy(m, t)),
        (keys(), tuning()).prop_map(|(m, t)| Op::MinMaxBy(m, t)),
        (keys(), tuning()).prop_map(|(m, t)| Op::GroupBy(m, t)),
        (keys(), tuning()).prop_map(|(m, t)| Op::FoldBy(m, t)),
        (keys(), tuning()).prop_map(|(m, t)| Op::AggregateBy(m, t)),
        (keys(), tuning()).prop_map(|(m, t)| Op::FirstLastBy(m, t)),
        (keys(), tuning()).prop_map(|(m, t)| Op::CountEach(m, t)),
        tuning().prop_map(Op::CountByRef),
    ];
    let outer = prop_oneof![
        Just(Outer::Neither),
        Just(Outer::Left),
        Just(Outer::Right),
        Just(Outer::Full),
    ];
    let graph = prop_oneof![
        2 => (outer, input(), keys(), tuning()).prop_map(|(o, i, m, t)| Op::Join(o, i, m, t)),
        2 => (input(), tuning()).prop_map(|(other, t)| Op::Concat(other, t)),
        1 => (0..100i64, tuning()).prop_map(|(a, t)| Op::Broadcast(a, t)),
        1 => (m(), tuning()).prop_map(|(m, t)| Op::Split(m, t)),
        1 => tuning().prop_map(Op::Distinct),
        1 => tuning().prop_map(Op::PartitionUniq),
        1 => tuning().prop_map(Op::Departition),
        1 => (0..20usize, tuning()).prop_map(|(n, t)| Op::TakeTop(n, t)),
        1 => (1..4usize).prop_map(Op::MapConcurrent),
    ];
    let windows = prop_oneof![
        (1..2_000i64, keys(), tuning()).prop_map(|(size, m, t)| Op::WindowCounts(size, m, t)),
        (100..2_000i64, 100..2_000i64, tuning())
            .prop_map(|(a, b, t)| { Op::WindowSums(a.max(b), a.min(b), t) }),
    ];
    prop_oneof![
        4 => step,
        3 => order,
        3 => boundary,
        1 => reduction,
        2 => keyed,
        2 => graph,
        1 => windows,
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        Just(End::CollectVec),
        Just(End::Collect),
        Just(End::Scope),
        Just(End::Partitions),
        Just(End::ForEach),
        Just(End::Fold),
        Just(End::Sorted),
    ]
}

/// Builds the flow with its model, runs it, and compares.
fn check(input: &Input, ops: &[Op], end: End, way: Way) -> Result<(), TestCaseError> {
    let text = chain::text_of(&input.items);
    // What is merged in reads a text of its own.
    let others: Vec<_> = ops
        .iter()
        .map(|op| match op {
            Op::Merge(other, _) | Op::Concat(other, _) | Op::Join(_, other, _, _) => {
                chain::text_of(&other.items)
            }
            _ => chain::text_of(&[]),
        })
        .collect();
    let (mut flow, mut model) = chain::source(input, &text);
    for (op, text) in ops.iter().zip(&others) {
        flow = chain::apply(flow, &mut model, op, text);
    }
    let flow = flow.on(way);
    let explained = flow.explain();
    let (got, in_order) = match end {
        End::CollectVec => (flow.collect_vec(), true),
        End::Collect => (flow.collect::<Vec<_>>(), true),
        End::Scope => (flow.scope(|items| items.collect()), true),
        End::Partitions => (flow.collect_partitions().map(|parts| parts.concat()), false),
        End::ForEach => {
            let seen = Mutex::new(Vec::new());
            let ran = flow.for_each(|n| seen.lock().unwrap().push(n));
            (ran.map(|_| seen.into_inner().unwrap()), false)
        }
        End::Fold => {
            let push = |mut all: Vec<i64>, n| {
                all.push(n);
                all
            };
            (flow.fold(Vec::new, push, |a, b| [a, b].concat()), false)
        }
        End::Sorted => (flow.sorted(), false),
    };
    let got = got.map_err(|error| TestCaseError::fail(format!("{error}\n{explained}")))?;
    if in_order && model.ordered && model.known {
        prop_assert_eq!(&got, &model.items, "in order, {:?}\n{}", way, explained);
    } else {
        prop_assert_eq!(sorted(got), sorted(model.items), "{:?}\n{}", way, explained);
    }
    Ok(())
}

/// As many cases as run in a few seconds; `PROPTEST_CASES` asks for others.
fn cases(default: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|n| n.parse().ok()).unwrap_or(default),
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_flow_gives_what_a_loop_gives(
        input in input(),
        ops in vec(op(), 0..10),
        end in end(),
        seed in any::<u64>(),
    ) {
        check(&input, &ops, end, Way::Threads)?;
        check(&input, &ops, end, Way::Seeded(seed))?;
    }
}
