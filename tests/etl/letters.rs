//! Dead letters: all of them are in their sink afterwards, whatever becomes of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use millstream::sink::{Checkpoint, Sink, Writer};
use millstream::{
    BoxError, DeadLetters, ErrorKind, Flow, Rejected, Retry, Skip, Source, StopToken, Validation,
};
use proptest::prelude::*;

use crate::table::Table;
use crate::{WAYS, boom_if, on, sorted};

/// Letters as text; what was not committed does not show.
#[derive(Clone)]
struct Letters(Arc<Inner>);

struct Inner {
    committed: Mutex<Vec<(u64, String)>>,
    calls: Mutex<BTreeMap<&'static str, usize>>,
    /// The first call with this name fails, or panics.
    failing: Option<(&'static str, bool)>,
    batches: bool,
}

impl Letters {
    fn new(batches: bool) -> Self {
        Letters::failing(batches, None)
    }

    fn failing(batches: bool, failing: Option<(&'static str, bool)>) -> Self {
        Letters(Arc::new(Inner {
            committed: Mutex::default(),
            calls: Mutex::default(),
            failing,
            batches,
        }))
    }

    fn numbers(&self) -> Vec<u64> {
        let committed = self.0.committed.lock().unwrap();
        sorted(committed.iter().map(|(n, _)| *n))
    }

    fn calls(&self, name: &str) -> usize {
        self.0.calls.lock().unwrap().get(name).copied().unwrap_or(0)
    }

    fn call(&self, name: &'static str) -> Result<(), BoxError> {
        let mut calls = self.0.calls.lock().unwrap();
        let count = calls.entry(name).or_default();
        *count += 1;
        let first = *count == 1;
        drop(calls);
        match self.0.failing {
            Some((failing, panics)) if failing == name && first => {
                boom_if(panics);
                Err(format!("no {name} today").into())
            }
            _ => Ok(()),
        }
    }
}

struct Part {
    of: Letters,
    written: Vec<(u64, String)>,
}

impl Sink<Rejected<u64>> for Letters {
    type Writer = Part;

    fn open(&self, _partition: usize) -> Result<Part, BoxError> {
        self.call("open")?;
        Ok(Part {
            of: self.clone(),
            written: Vec::new(),
        })
    }

    fn commit(&self) -> Result<(), BoxError> {
        self.call("commit of all")
    }

    fn commits_batches(&self) -> bool {
        self.0.batches
    }
}

impl Writer<Rejected<u64>> for Part {
    fn write(&mut self, rows: &[Rejected<u64>]) -> Result<(), BoxError> {
        self.of.call("write")?;
        assert!(!rows.is_empty() && rows.len() <= 256);
        let rows = rows.iter().map(|row| (*row.item(), row.to_string()));
        self.written.extend(rows);
        Ok(())
    }

    fn prepare(&mut self) -> Result<(), BoxError> {
        self.of.call("prepare")
    }

    fn commit(&mut self) -> Result<(), BoxError> {
        self.of.call("commit")?;
        self.of
            .0
            .committed
            .lock()
            .unwrap()
            .append(&mut self.written);
        Ok(())
    }

    fn abort(&mut self) {
        let _ = self.of.call("abort");
        self.written.clear();
    }
}

fn third(n: u64) -> Result<u64, String> {
    if n % 3 == 0 {
        Err(format!("{n} is bad"))
    } else {
        Ok(n)
    }
}

fn bad(n: u64) -> Vec<u64> {
    (0..n).filter(|n| n % 3 == 0).collect()
}

#[test]
fn all_letters_arrive() {
    for way in WAYS {
        for batches in [false, true] {
            for n in [0, 1, 100, 3_000] {
                let letters = Letters::new(batches);
                let flow = on(way, Flow::from_range(0..n).stages(3).batch(16).boxed());
                let flow = flow
                    .try_map(third)
                    .on_error(DeadLetters::into(letters.clone()));
                let report = flow.run().unwrap();
                assert_eq!(letters.numbers(), bad(n));
                let counted = report.rejected().get("try_map").copied().unwrap_or(0);
                assert_eq!(counted as usize, bad(n).len());
                assert_eq!(
                    (letters.calls("open"), letters.calls("commit of all")),
                    (3, 1)
                );
                assert_eq!(letters.calls("prepare"), if batches { 0 } else { 3 });
                let text = &letters.0.committed.lock().unwrap();
                let all = text
                    .iter()
                    .all(|(n, text)| *text == format!("{n} is bad (rejected by try_map)"));
                assert!(all);
            }
        }
    }
}

#[test]
fn they_are_there_when_the_run_fails_too() {
    for way in WAYS {
        for batches in [false, true] {
            for panics in [false, true] {
                let letters = Letters::new(batches);
                let flow = on(way, Flow::from_range(0..1_000u64).stages(1).boxed());
                let flow = flow
                    .try_map(third)
                    .on_error(DeadLetters::into(letters.clone()));
                let failed = flow.try_map(|n| {
                    boom_if(panics && n == 500);
                    if n == 500 { Err("enough") } else { Ok(n) }
                });
                let error = failed.count().unwrap_err();
                let kind = if panics {
                    ErrorKind::Panic
                } else {
                    ErrorKind::Step
                };
                assert_eq!(error.kind(), kind);
                assert_eq!(letters.numbers(), bad(500));
            }
        }
    }
}

#[test]
fn they_are_there_when_the_run_is_stopped_or_ends_early() {
    for batches in [false, true] {
        let letters = Letters::new(batches);
        let token = StopToken::new();
        let stop = token.clone();
        let flow = Flow::from_iter(0..).stages(1).batch(1).stop_token(&token);
        let flow = flow.inspect(move |n| {
            if *n == 100 {
                stop.stop()
            }
        });
        let flow = flow
            .try_map(third)
            .on_error(DeadLetters::into(letters.clone()));
        assert!(flow.count().unwrap_err().is_stopped());
        let there = letters.numbers();
        assert!(
            there.len() >= 33 && there.iter().all(|n| n % 3 == 0),
            "{there:?}"
        );
        let letters = Letters::new(batches);
        let flow = Flow::from_iter(0..).stages(1).try_map(third);
        let flow = flow.on_error(DeadLetters::into(letters.clone()));
        assert_eq!(flow.take(4).count().unwrap(), 4);
        let there = letters.numbers();
        assert!(there.starts_with(&[0, 3]), "{there:?}");
        // A handle that is dropped.
        let letters = Letters::new(batches);
        let flow = Flow::from_iter(0..).stages(1).try_map(third);
        let flow = flow.on_error(DeadLetters::into(letters.clone()));
        let mut items = flow.into_iter();
        assert!(items.next().unwrap().is_ok());
        drop(items);
        assert!(letters.numbers().starts_with(&[0]));
    }
}

#[test]
fn a_letter_that_cannot_be_written_ends_the_run() {
    for way in WAYS {
        for batches in [false, true] {
            for panics in [false, true] {
                for call in ["open", "write", "prepare", "commit", "commit of all"] {
                    if call == "prepare" && batches {
                        continue;
                    }
                    let letters = Letters::failing(batches, Some((call, panics)));
                    let flow = on(
                        way,
                        Flow::from_range(0..2_000u64).stages(2).name("rows").boxed(),
                    );
                    let flow = flow
                        .try_map(third)
                        .on_error(DeadLetters::into(letters.clone()));
                    let error = flow.count().unwrap_err();
                    let kind = if panics {
                        ErrorKind::Panic
                    } else {
                        ErrorKind::Sink
                    };
                    assert_eq!(error.kind(), kind, "{call}: {error}");
                    if !panics {
                        assert!(
                            error.message().contains(&format!("no {call} today")),
                            "{error}"
                        );
                        assert!(error.message().contains("dead letters"), "{error}");
                    }
                }
            }
        }
    }
}

#[test]
fn one_writer_that_cannot_commit_does_not_take_the_others_along() {
    let letters = Letters::failing(false, Some(("commit", false)));
    let flow = Flow::from_range(0..3_000u64)
        .stages(4)
        .batch(1)
        .try_map(third);
    let error = flow
        .on_error(DeadLetters::into(letters.clone()))
        .count()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    assert_eq!(
        (letters.calls("commit"), letters.calls("commit of all")),
        (4, 0)
    );
}

#[test]
fn rows_of_ones_own() {
    #[derive(Clone, Default)]
    struct Rows(Arc<Mutex<Vec<(String, u64)>>>);
    impl Sink<(String, u64)> for Rows {
        type Writer = Rows;
        fn open(&self, _: usize) -> Result<Rows, BoxError> {
            Ok(self.clone())
        }
    }
    impl Writer<(String, u64)> for Rows {
        fn write(&mut self, rows: &[(String, u64)]) -> Result<(), BoxError> {
            self.0.lock().unwrap().extend_from_slice(rows);
            Ok(())
        }
        fn commit(&mut self) -> Result<(), BoxError> {
            Ok(())
        }
    }
    let rows = Rows::default();
    let letters = DeadLetters::into(rows.clone())
        .map(|rejected: Rejected<u64>| (rejected.rule().to_owned(), rejected.into_item()));
    let rules = Validation::new()
        .rule("below 3", |n: &u64| *n < 3)
        .rule("not 1", |n| *n != 1);
    let flow = Flow::from_range(0..5u64).validate(rules).on_error(letters);
    assert_eq!(flow.sorted().unwrap(), [0, 2]);
    let expected = [("below 3", 3), ("below 3", 4), ("not 1", 1)];
    let there = sorted(rows.0.lock().unwrap().clone());
    assert_eq!(there, expected.map(|(rule, n)| (rule.to_owned(), n)));
}

#[test]
fn tried_again_and_then_a_letter() {
    let letters = Letters::new(true);
    let none = std::time::Duration::ZERO;
    let retry = Retry::times(2).backoff(none, 1.0, none);
    let flow = Flow::from_range(0..30u64).try_map(third);
    let flow = flow.on_error(retry.or(DeadLetters::into(letters.clone())));
    let report = flow.run().unwrap();
    assert_eq!(letters.numbers(), bad(30));
    assert_eq!((report.retried(), report.rejected()["try_map"]), (20, 10));
}

#[test]
fn in_a_branch_and_before_a_load() {
    let (letters, table) = (Letters::new(false), Table::default());
    let flow = Flow::from_range(0..100u64).try_map(third);
    let load = flow
        .on_error(DeadLetters::into(letters.clone()))
        .into_sink(table.clone());
    load.run().unwrap();
    assert_eq!(letters.numbers(), bad(100));
    assert_eq!(table.rows().len(), 66);
    // The load fails: the rows are taken back, the letters stay.
    let (letters, table) = (
        Letters::new(false),
        Table::default().fails_at("commit of all", 0),
    );
    let flow = Flow::from_range(0..100u64).try_map(third);
    let load = flow
        .on_error(DeadLetters::into(letters.clone()))
        .into_sink(table.clone());
    assert!(load.run().is_err());
    assert_eq!(letters.numbers(), bad(100));
    let letters = Letters::new(false);
    let branches = Flow::from_range(0..100u64)
        .broadcast()
        .to(|all| {
            all.try_map(third)
                .on_error(DeadLetters::into(letters.clone()))
        })
        .to(|all| all.try_map(third).on_error(Skip));
    assert_eq!(branches.merge().count().unwrap(), 132);
    assert_eq!(letters.numbers(), bad(100));
}

/// Tens, a split each.
struct Tens {
    splits: u64,
    next: AtomicU64,
}

impl Source for Tens {
    type Item = u64;
    type Split<'s> = Box<dyn Iterator<Item = Result<u64, BoxError>>>;

    fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
        self.split(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn input(&self) -> Result<Option<String>, BoxError> {
        Ok(Some(format!("{} tens", self.splits)))
    }

    fn split(&self, number: u64) -> Result<Option<Self::Split<'_>>, BoxError> {
        let items = (0..10).map(move |n| Ok(number * 10 + n));
        Ok((number < self.splits).then(|| Box::new(items) as Self::Split<'_>))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_letter_of_a_split_that_is_done_is_missing(
        splits in 1..20u64,
        stages in 1..4usize,
        fails in 0..40usize,
    ) {
        let (letters, table) = (Letters::new(true), Table::default());
        let load = |table: &Table| {
            let tens = Tens { splits, next: AtomicU64::new(0) };
            let flow = Flow::from_source(tens).stages(stages).try_map(third);
            let flow = flow.on_error(DeadLetters::into(letters.clone()));
            flow.into_sink(table.clone()).resume(Checkpoint::in_sink("tens")).run()
        };
        let table = table.fails_at("commit", fails);
        let first = load(&table);
        let there: BTreeSet<u64> = letters.numbers().into_iter().collect();
        for mark in table.marks() {
            let split = mark.split.unwrap_or(0);
            let of_split = (split * 10..split * 10 + 10).filter(|n| n % 3 == 0);
            prop_assert!(of_split.into_iter().all(|n| there.contains(&n)));
        }
        table.mend();
        if first.is_err() {
            load(&table).unwrap();
        }
        let there: BTreeSet<u64> = letters.numbers().into_iter().collect();
        prop_assert!(there.into_iter().eq(bad(splits * 10)));
        prop_assert_eq!(table.rows().len() as u64, splits * 10 - bad(splits * 10).len() as u64);
    }
}

#[test]
fn letters_that_are_committed_at_the_end_let_no_split_be_left_out() {
    let (letters, table) = (Letters::new(false), Table::default());
    let tens = Tens {
        splits: 5,
        next: AtomicU64::new(0),
    };
    let flow = Flow::from_source(tens).try_map(third);
    let flow = flow.on_error(DeadLetters::into(letters.clone()));
    let load = flow
        .into_sink(table.clone())
        .resume(Checkpoint::in_sink("tens"));
    load.run().unwrap();
    assert_eq!(table.marks().len(), 1, "only one of the whole");
    assert_eq!(letters.numbers(), bad(50));
}
