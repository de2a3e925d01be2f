//! Flows of results: each step does what the method of `Result` of its name does, against that.

use std::sync::Mutex;

use millstream::{ErrorKind, Flow, Skip};
use proptest::prelude::*;

use crate::sorted;

type Item = Result<u32, u32>;

#[derive(Debug, Clone, Copy)]
enum Op {
    MapOk,
    FilterOk,
    AndThen,
    FlatMapOk,
    MapErr,
    OrElse,
}

fn and_then(n: u32) -> Item {
    if n % 3 == 0 { Err(n) } else { Ok(n + 1) }
}

fn or_else(n: u32) -> Item {
    if n % 2 == 0 { Ok(n) } else { Err(n / 2) }
}

fn model(items: Vec<Item>, op: Op) -> Vec<Item> {
    let items = items.into_iter();
    match op {
        Op::MapOk => items.map(|item| item.map(|n| n * 2)).collect(),
        Op::FilterOk => items
            .filter(|item| !matches!(item, Ok(n) if n % 2 == 1))
            .collect(),
        Op::AndThen => items.map(|item| item.and_then(and_then)).collect(),
        Op::FlatMapOk => {
            let spread = |item| match item {
                Ok(n) => vec![Ok(n); n as usize % 4],
                Err(n) => vec![Err(n)],
            };
            items.flat_map(spread).collect()
        }
        Op::MapErr => items.map(|item| item.map_err(|n| n + 7)).collect(),
        Op::OrElse => items.map(|item| item.or_else(or_else)).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn steps_do_what_their_namesakes_do(
        items in proptest::collection::vec(proptest::result::maybe_ok(0..100u32, 0..100u32), 0..100),
        ops in proptest::collection::vec(proptest::sample::select(
            vec![Op::MapOk, Op::FilterOk, Op::AndThen, Op::FlatMapOk, Op::MapErr, Op::OrElse],
        ), 0..6),
        (stages, batch) in (1..4usize, 1..9usize),
    ) {
        let mut flow = Flow::from_vec(items.clone()).stages(stages).batch(batch).ordered().boxed();
        let mut expected = items;
        for op in ops {
            flow = match op {
                Op::MapOk => flow.map_ok(|n| n * 2).boxed(),
                Op::FilterOk => flow.filter_ok(|n| n % 2 == 0).boxed(),
                Op::AndThen => flow.and_then(and_then).boxed(),
                Op::FlatMapOk => flow.flat_map_ok(|n| vec![n; n as usize % 4]).boxed(),
                Op::MapErr => flow.map_err(|n| n + 7).boxed(),
                Op::OrElse => flow.or_else(or_else).boxed(),
            };
            expected = model(expected, op);
        }
        let seen = Mutex::new(0);
        let flow = flow.inspect_err(|_| *seen.lock().unwrap() += 1);
        prop_assert_eq!(&flow.collect_vec().unwrap(), &expected);
        prop_assert_eq!(seen.into_inner().unwrap(), expected.iter().filter(|item| item.is_err()).count());
    }
}

#[test]
fn oks_and_errors_apart() {
    let items = || {
        Flow::from_vec((0..50u32).map(and_then).collect())
            .stages(2)
            .batch(3)
    };
    let oks = || (0..50).filter_map(|n| and_then(n).ok());
    let errs = || (0..50).filter_map(|n| and_then(n).err());
    assert_eq!(items().oks().sorted().unwrap(), sorted(oks()));
    assert_eq!(items().errs().sorted().unwrap(), sorted(errs()));
    let both = items().partition_results(
        |oks| oks.map(|n| (n, true)),
        |errs| errs.shuffle().map(|n| (n, false)),
    );
    let expected = oks().map(|n| (n, true)).chain(errs().map(|n| (n, false)));
    assert_eq!(both.merge().sorted().unwrap(), sorted(expected));
    let (good, bad) = items()
        .split(|item| item.is_ok())
        .end(|good| good.oks().ending().sum::<u32>())
        .end(|bad| bad.errs().ending().collect::<Vec<u32>>())
        .run()
        .unwrap();
    assert_eq!((good, sorted(bad)), (oks().sum(), sorted(errs())));
}

#[test]
fn an_iterator_of_results_is_a_source() {
    let lines = || "1\n2\nthree\n4".lines().map(str::parse::<u32>);
    let report = Flow::from_iter(lines())
        .try_items()
        .on_error(Skip)
        .run()
        .unwrap();
    assert_eq!(report.rejected()["try_items"], 1);
    let error = Flow::from_iter(lines())
        .name("read")
        .try_items()
        .count()
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::Step, Some("read"))
    );
    assert!(error.message().contains("invalid digit"));
    let passed = Flow::from_iter(lines()).try_items().on_error(Skip).sorted();
    assert_eq!(passed.unwrap(), [1, 2, 4]);
}
