//! Loads that go on where one failed: no row is lost, and none is there twice.

use std::sync::atomic::{AtomicU64, Ordering};

use millstream::sink::Checkpoint;
use millstream::{BoxError, ErrorKind, Flow, Observer, Source, Unit};
use proptest::prelude::*;

use crate::table::Table;

/// A source of `splits` with ten numbers each, the tens; a split without a number in each hundred.
pub(crate) struct Tens {
    splits: u64,
    next: AtomicU64,
    name: &'static str,
    read: &'static AtomicU64,
}

static NOBODY: AtomicU64 = AtomicU64::new(0);

impl Tens {
    pub(crate) fn new(splits: u64) -> Self {
        Tens {
            splits,
            next: AtomicU64::new(0),
            name: "tens",
            read: &NOBODY,
        }
    }
}

impl Source for Tens {
    type Item = u64;
    type Split<'s> = Box<dyn Iterator<Item = Result<u64, BoxError>>>;

    fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
        self.split(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn input(&self) -> Result<Option<String>, BoxError> {
        Ok(Some(format!("{} of {}", self.name, self.splits)))
    }

    fn split(&self, number: u64) -> Result<Option<Self::Split<'_>>, BoxError> {
        if number >= self.splits {
            return Ok(None);
        }
        self.read.fetch_add(1, Ordering::Relaxed);
        let items = if number % 10 == 3 { 0 } else { 10 };
        Ok(Some(Box::new((0..items).map(move |n| Ok(number * 10 + n)))))
    }

    fn size(&self) -> Option<u64> {
        Some(rows_of(self.splits).len() as u64)
    }

    fn splits(&self) -> Option<u64> {
        Some(self.splits)
    }
}

/// What is in the table when all is loaded.
pub(crate) fn rows_of(splits: u64) -> Vec<u64> {
    (0..splits * 10).filter(|n| n / 10 % 10 != 3).collect()
}

#[test]
fn a_second_run_leaves_out_what_is_there() {
    static READ: AtomicU64 = AtomicU64::new(0);
    let table = Table::default();
    let load = || {
        let source = Tens {
            read: &READ,
            ..Tens::new(20)
        };
        let load = Flow::from_source(source).stages(3).into_sink(table.clone());
        load.resume(Checkpoint::in_sink("tens")).run()
    };
    load().unwrap();
    assert_eq!((table.rows(), table.marks().len()), (rows_of(20), 20));
    assert_eq!(READ.load(Ordering::Relaxed), 20);
    let report = load().unwrap();
    assert_eq!(
        (table.rows(), report.stages()[0].items_in()),
        (rows_of(20), 0)
    );
    assert_eq!(READ.load(Ordering::Relaxed), 20, "no split is read again");
}

#[test]
fn another_input_is_refused() {
    let table = Table::default();
    let load = |splits, job: &str| {
        let load = Flow::from_source(Tens::new(splits)).into_sink(table.clone());
        load.resume(Checkpoint::in_sink(job)).run()
    };
    load(2, "a").unwrap();
    let error = load(4, "a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plan);
    assert!(
        error.message().contains("another input (tens of 2)"),
        "{error}"
    );
    load(4, "b").unwrap();
}

#[test]
fn what_is_left_of_the_input_is_counted_in_splits() {
    let table = Table::default().fails_at("commit", 7);
    let load = || {
        let observer = Observer::new();
        let flow = Flow::from_source(Tens::new(20)).stages(2);
        let load = flow.observe(&observer).into_sink(table.clone());
        let run = load.resume(Checkpoint::in_sink("tens")).run();
        let size = observer.report().unwrap().input_size().unwrap();
        run.map(|_| (size.unit, size.total, size.taken))
    };
    assert!(load().is_err());
    let left = 20 - table.marks().len() as u64;
    assert!(left < 20, "something is there");
    table.mend();
    assert_eq!(load().unwrap(), (Unit::Splits, left, left));
    assert_eq!(load().unwrap(), (Unit::Splits, 0, 0));
    assert_eq!(table.rows(), rows_of(20));
}

#[test]
fn steps_with_state_begin_anew() {
    let table = Table::default();
    let load = || {
        let load = Flow::from_source(Tens::new(10))
            .uniq()
            .into_sink(table.clone());
        load.resume(Checkpoint::in_sink("uniq")).run().unwrap()
    };
    load();
    assert_eq!(table.marks()[0].split, None, "one mark of all");
    load();
    assert_eq!(table.rows(), rows_of(10));
}

#[test]
fn a_drained_load_leaves_split_rows_to_the_next_run() {
    let table = Table::default();
    for _ in 0..50 {
        let load = Flow::from_source(Tens::new(200))
            .stages(2)
            .into_sink(table.clone());
        let handle = load.resume(Checkpoint::in_sink("tens")).start().unwrap();
        handle.drain();
        handle.join().unwrap();
        let (rows, marks) = (table.rows().len(), table.marks().len());
        let empty = table
            .marks()
            .iter()
            .filter(|m| m.split.unwrap() % 10 == 3)
            .count();
        assert_eq!(rows, (marks - empty) * 10, "whole splits and nothing else");
    }
    let load = Flow::from_source(Tens::new(200)).into_sink(table.clone());
    load.resume(Checkpoint::in_sink("tens")).run().unwrap();
    assert_eq!(table.rows(), rows_of(200));
}

#[test]
fn a_flow_with_state_keeps_its_mark_where_batches_are_committed() {
    let table = Table::upserting();
    let load = || {
        let load = Flow::from_source(Tens::new(10))
            .uniq()
            .into_sink(table.clone());
        let load = load.batch(7).commit_every_batch();
        load.resume(Checkpoint::in_sink("uniq")).run().unwrap()
    };
    load();
    assert_eq!((table.rows(), table.marks().len()), (rows_of(10), 1));
    assert_eq!(load().stages().len(), 0, "nothing is left to do");
}

#[test]
fn a_drained_load_of_the_whole_is_not_there_twice() {
    let table = Table::default();
    let load = || {
        let load = Flow::from_source(Tens::new(3_000))
            .uniq()
            .into_sink(table.clone());
        load.resume(Checkpoint::in_sink("uniq"))
    };
    let handle = load().start().unwrap();
    handle.drain();
    let error = handle.join().unwrap_err();
    assert!(
        error.is_stopped() && error.message().contains("drained"),
        "{error}"
    );
    assert!(table.rows().is_empty());
    load().run().unwrap();
    assert_eq!(table.rows(), rows_of(3_000));
}

#[test]
fn a_source_with_an_input_has_splits_by_number() {
    struct Half;

    impl Source for Half {
        type Item = u64;
        type Split<'s> = std::vec::IntoIter<Result<u64, BoxError>>;

        fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
            Ok(None)
        }

        fn input(&self) -> Result<Option<String>, BoxError> {
            Ok(Some("half a source".to_owned()))
        }
    }

    let load = Flow::from_source(Half).into_sink(Table::default());
    let error = load.resume(Checkpoint::in_sink("half")).run().unwrap_err();
    assert!(
        error.message().contains("has to implement `split`"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Runs fail at any call until one does not; then the table has each row once.
    #[test]
    fn failures_anywhere_lose_and_double_nothing(
        splits in 0u64..40,
        workers in 1usize..4,
        batch in 1usize..15,
        failures in prop::collection::vec((0usize..5, 0usize..60), 0..6),
        file in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let table = if file { Table::plain(true) } else { Table::default() };
        let checkpoint = match file {
            true => Checkpoint::file(folder.path().join("c")),
            false => Checkpoint::in_sink("tens"),
        };
        let load = || {
            Flow::from_source(Tens::new(splits))
                .stages(workers)
                .map(|n| n + 1)
                .filter(|_| true)
                .into_sink(table.clone())
                .batch(batch)
                .resume(checkpoint.clone())
                .run()
        };
        for (call, after) in failures {
            let name = ["write", "commit", "mark", "prepare", "commit of all"][call];
            let at = table.calls(name) + after;
            let _ = table.clone().fails_at(name, at);
            let _ = load();
        }
        table.mend();
        load().unwrap();
        let all: Vec<u64> = rows_of(splits).into_iter().map(|n| n + 1).collect();
        prop_assert_eq!(table.rows(), all);
        prop_assert_eq!(table.open_writers(), 0);
    }
}
