//! Rows that a sink refuses: found among the good ones, skipped, tried again, or written elsewhere.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use millstream::sink::Checkpoint;
use millstream::{ErrorKind, Flow, Rejected, Retry, Skip};
use proptest::prelude::*;

use crate::table::Table;

const ALWAYS: usize = usize::MAX;

fn but(n: u64, refused: &[u64]) -> Vec<u64> {
    (0..n).filter(|row| !refused.contains(row)).collect()
}

#[test]
fn the_first_ends_the_run_by_default() {
    let table = Table::default().refuses(77, 1);
    let load = Flow::from_range(0..100u64)
        .stages(1)
        .into_sink(table.clone());
    let error = load.batch(10).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    assert!(error.message().contains("77 is not wanted"), "{error}");
    assert_eq!((table.rows(), table.calls("write")), (vec![], 8));
}

#[test]
fn bad_rows_are_skipped_and_counted() {
    let table = Table::default()
        .refuses(3, ALWAYS)
        .refuses(4, ALWAYS)
        .refuses(99, ALWAYS);
    let load = Flow::from_range(0..100u64)
        .stages(2)
        .into_sink(table.clone());
    let report = load.batch(16).on_error(Skip).run().unwrap();
    assert_eq!(table.rows(), but(100, &[3, 4, 99]));
    assert_eq!(report.rejected()["into_sink"], 3);
    assert_eq!(report.stages()[0].items_out(), 97);
}

#[test]
fn a_closure_gets_the_row_and_no_false_position() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers");
    let text: String = (0..50).map(|n| format!("{n}\n")).collect();
    std::fs::write(&path, text).unwrap();
    let table = Table::default().refuses(7, ALWAYS);
    let seen = Mutex::new(Vec::new());
    Flow::read_lines([&path])
        .stages(1)
        .try_map(|line| line.parse::<u64>())
        .into_sink(table.clone())
        .batch(20)
        .on_error(|rejected: Rejected<u64>| {
            assert!(rejected.position().is_none());
            seen.lock()
                .unwrap()
                .push((*rejected.item(), rejected.to_string()));
            Ok::<(), std::io::Error>(())
        })
        .run()
        .unwrap();
    let why = "the sink could not take a row: 7 is not wanted (rejected by into_sink)";
    assert_eq!(seen.into_inner().unwrap(), [(7, why.to_owned())]);
    assert_eq!(table.rows(), but(50, &[7]));
}

#[test]
fn a_row_is_tried_again_in_the_time_of_the_run() {
    for seed in 0..10 {
        let table = Table::default().refuses(5, 6).refuses(30, ALWAYS);
        let hour = Duration::from_secs(3600);
        let load = Flow::from_range(0..40u64)
            .stages(2)
            .seeded(seed)
            .into_sink(table.clone());
        let retry = Retry::times(4).backoff(hour, 2.0, 10 * hour);
        let report = load.batch(8).on_error(retry.or(Skip)).run().unwrap();
        assert_eq!(table.rows(), but(40, &[30]), "seed {seed}");
        assert_eq!(report.rejected()["into_sink"], 1);
        // What halving did not use up of the refusals of 5, and four for 30.
        assert!((5..=8).contains(&report.retried()), "{}", report.retried());
    }
}

#[test]
fn a_stop_ends_a_wait() {
    let table = Table::default().refuses(5, ALWAYS);
    let day = Duration::from_secs(86_400);
    let load = Flow::from_range(0..40u64).into_sink(table.clone());
    let handle = load
        .on_error(Retry::times(9).backoff(day, 1.0, day))
        .start()
        .unwrap();
    while handle.report().retried() == 0 {
        std::thread::yield_now();
    }
    handle.stop();
    assert!(handle.join().unwrap_err().is_stopped());
    assert!(table.rows().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever is refused, the others are written once, in each way to commit.
    #[test]
    fn the_others_are_written_once(
        rows in 0u64..200,
        bad in prop::collection::btree_set(0u64..200, 0..20),
        workers in 1usize..4,
        batch in 1usize..40,
        every_batch in any::<bool>(),
        seed in prop::option::of(0u64..1000),
    ) {
        let mut table = Table::default();
        for row in &bad {
            table = table.refuses(*row, ALWAYS);
        }
        let mut flow = Flow::from_range(0..rows).stages(workers);
        if let Some(seed) = seed {
            flow = flow.seeded(seed);
        }
        let mut load = flow.into_sink(table.clone()).batch(batch);
        if every_batch {
            load = load.commit_every_batch();
        }
        let report = load.on_error(Skip).run().unwrap();
        let bad: BTreeSet<u64> = bad.into_iter().filter(|row| *row < rows).collect();
        let good: Vec<u64> = (0..rows).filter(|row| !bad.contains(row)).collect();
        prop_assert_eq!(table.rows(), good);
        let counted = report.rejected().get("into_sink").copied().unwrap_or(0);
        prop_assert_eq!(counted, bad.len() as u64);
    }

    /// Splits keep their marks, with what was refused of them left out for good.
    #[test]
    fn splits_are_done_without_their_bad_rows(bad in prop::collection::btree_set(0u64..300, 0..20)) {
        let mut table = Table::default();
        for row in &bad {
            table = table.refuses(*row, ALWAYS);
        }
        let load = || {
            let load = Flow::from_source(crate::resume::Tens::new(30)).stages(2).into_sink(table.clone());
            load.batch(3).on_error(Skip).resume(Checkpoint::in_sink("tens")).run().unwrap()
        };
        load();
        let expected: Vec<u64> = crate::resume::rows_of(30).into_iter().filter(|row| !bad.contains(row)).collect();
        prop_assert_eq!(table.rows(), expected.clone());
        prop_assert_eq!(load().rejected().len(), 0);
        prop_assert_eq!(table.rows(), expected);
    }
}
