//! The protocol of a load: what is opened, written, committed and taken back, and when.

use std::sync::{Condvar, Mutex};

use millstream::sink::{Checkpoint, Sink, Writer};
use millstream::{BoxError, ErrorKind, Flow, StopToken};

use crate::table::Table;

fn numbers(n: u64) -> Vec<u64> {
    (0..n).collect()
}

#[test]
fn all_is_committed_once_at_the_end() {
    for (workers, batch) in [(1, 1), (2, 7), (5, 1000)] {
        let table = Table::default();
        let report = Flow::from_range(0..500u64)
            .stages(workers)
            .into_sink(table.clone())
            .batch(batch)
            .run()
            .unwrap();
        assert_eq!(table.rows(), numbers(500));
        assert_eq!(report.stages()[0].items_out(), 500);
        for call in ["open", "prepare", "commit"] {
            assert_eq!(table.calls(call), workers, "{call}");
        }
        assert_eq!((table.calls("commit of all"), table.calls("abort")), (1, 0));
        assert!(table.calls("write") >= 500 / batch);
        assert_eq!(table.open_writers(), 0);
    }
}

#[test]
fn every_batch_may_be_committed() {
    let table = Table::default();
    let load = Flow::from_range(0..100u64)
        .stages(2)
        .into_sink(table.clone());
    load.batch(10).commit_every_batch().run().unwrap();
    assert_eq!(table.rows(), numbers(100));
    assert_eq!(table.calls("commit"), table.calls("write"));
}

#[test]
fn a_failure_anywhere_commits_nothing() {
    for call in ["open", "write", "prepare", "commit of all"] {
        for n in 0..2 {
            if call == "commit of all" && n == 1 {
                continue;
            }
            for panics in [false, true] {
                let table = match panics {
                    false => Table::default().fails_at(call, n),
                    true => Table::default().panics_at(call, n),
                };
                let load = Flow::from_range(0..100u64).stages(2).name("rows");
                let error = load.into_sink(table.clone()).batch(10).run().unwrap_err();
                let kind = if panics {
                    ErrorKind::Panic
                } else {
                    ErrorKind::Sink
                };
                assert_eq!(error.kind(), kind, "{call} {n}: {error}");
                if !panics {
                    assert!(
                        error.message().contains(&format!("no {call} today")),
                        "{error}"
                    );
                    assert_eq!(error.stage(), Some("rows"));
                }
                if call != "commit of all" {
                    assert!(table.rows().is_empty(), "{call}");
                    assert_eq!(table.calls("abort of all"), 1);
                }
                assert_eq!(table.open_writers(), 0, "{call} {n} {panics}");
            }
        }
    }
}

#[test]
fn a_failing_step_a_stop_and_a_dropped_handle_take_all_back() {
    let table = Table::default();
    let error = Flow::from_range(0..1000u64)
        .try_map(|n| if n == 700 { Err("bad") } else { Ok(n) })
        .into_sink(table.clone())
        .batch(10)
        .run()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Step);
    let token = StopToken::new();
    let stopper = token.clone();
    let stopped = Flow::from_iter(0..)
        .inspect(move |n| {
            if *n == 1000 {
                stopper.stop()
            }
        })
        .stop_token(&token)
        .into_sink(table.clone())
        .run();
    assert!(stopped.unwrap_err().is_stopped());
    drop(
        Flow::from_iter(0..)
            .into_sink(table.clone())
            .start()
            .unwrap(),
    );
    assert!(table.rows().is_empty());
    assert_eq!(
        (table.calls("commit"), table.calls("commit of all")),
        (0, 0)
    );
    assert_eq!((table.calls("abort of all"), table.open_writers()), (3, 0));
}

#[test]
fn a_drained_load_commits_what_it_has() {
    let table = Table::default();
    let handle = Flow::from_iter(0..)
        .into_sink(table.clone())
        .batch(3)
        .start()
        .unwrap();
    handle.drain();
    let report = handle.join().unwrap();
    let rows = table.rows();
    assert_eq!(rows, numbers(rows.len() as u64));
    assert_eq!(report.stages()[0].items_out(), rows.len() as u64);
}

#[test]
fn a_failed_batch_leaves_the_batches_before_it() {
    let table = Table::default().fails_at("write", 5);
    let load = Flow::from_range(0..100u64)
        .stages(1)
        .into_sink(table.clone());
    let error = load.batch(10).commit_every_batch().run().unwrap_err();
    assert_eq!(
        (error.kind(), error.partition()),
        (ErrorKind::Sink, Some(0))
    );
    assert_eq!(table.rows(), numbers(50));
}

#[test]
fn branches_load_into_sinks_of_their_own() {
    let (even, odd) = (Table::default(), Table::default());
    Flow::from_range(0..100u64)
        .split(|n| n % 2 == 0)
        .end(|branch| branch.into_sink(even.clone()).ending())
        .end(|branch| branch.into_sink(odd.clone()).ending())
        .run()
        .unwrap();
    assert_eq!(even.rows(), (0..100).step_by(2).collect::<Vec<_>>());
    assert_eq!(odd.rows(), (1..100).step_by(2).collect::<Vec<_>>());
}

#[test]
fn if_one_branch_fails_none_commits() {
    let (even, odd) = (Table::default(), Table::default().fails_at("prepare", 0));
    let run = Flow::from_range(0..100u64)
        .split(|n| n % 2 == 0)
        .end(|branch| branch.into_sink(even.clone()).ending())
        .end(|branch| branch.into_sink(odd.clone()).ending())
        .run();
    assert_eq!(run.unwrap_err().kind(), ErrorKind::Sink);
    assert_eq!((even.rows(), odd.rows()), (vec![], vec![]));
}

#[test]
fn a_seeded_load_is_a_load() {
    for seed in 0..20 {
        let table = Table::default();
        let flow = Flow::from_range(0..100u64).stages(3).shuffle().stages(2);
        let load = flow.seeded(seed).into_sink(table.clone()).batch(7);
        load.run().unwrap();
        assert_eq!(table.rows(), numbers(100));
    }
}

#[test]
fn options_that_cannot_work_are_errors() {
    let error = Flow::from_range(0..1u64)
        .into_sink(Table::default())
        .batch(0)
        .run();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Option);
    let load = Flow::from_range(0..1u64).into_sink(Table::default());
    assert!(load.batch(77).explain().contains("stage"));
}

#[test]
fn what_could_double_rows_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = Checkpoint::file(folder.path().join("c"));
    let flow = || Flow::from_range(0..10u64);
    let refused = |run: Result<millstream::Report, millstream::Error>| {
        let error = run.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plan, "{error}");
        error.message().to_owned()
    };
    let why = refused(
        flow()
            .into_sink(Table::default())
            .resume(file.clone())
            .run(),
    );
    assert!(why.contains("upserts"), "{why}");
    let why = refused(
        flow()
            .into_sink(Table::plain(true))
            .resume(Checkpoint::in_sink("j"))
            .run(),
    );
    assert!(why.contains("keeps no marks"), "{why}");
    let load = flow().into_sink(Table::default()).commit_every_batch();
    let why = refused(load.resume(Checkpoint::in_sink("j")).run());
    assert!(why.contains("begins anew"), "{why}");
    assert!(!folder.path().join("c").exists());
}

#[test]
fn a_flow_with_state_runs_until_it_ended_well_once() {
    for call in ["write", "commit", "prepare"] {
        let table = Table::default().fails_at(call, 0);
        let load = || {
            let sums = Flow::from_range(0..100u64)
                .stages(2)
                .map(|n| n % 10)
                .distinct();
            sums.into_sink(table.clone())
                .resume(Checkpoint::in_sink("sums"))
                .run()
        };
        assert!(load().is_err());
        assert_eq!((table.rows(), table.marks().len()), (vec![], 0));
        table.mend();
        load().unwrap();
        assert_eq!((table.rows(), table.marks().len()), (numbers(10), 1));
        let report = load().unwrap();
        assert_eq!((table.rows(), report.stages().len()), (numbers(10), 0));
    }
}

/// A sink that one worker at a time may write to, from its write to its commit or abort.
#[derive(Default)]
struct OneAtATime {
    taken: Mutex<bool>,
    freed: Condvar,
}

struct Turn<'s> {
    of: &'s OneAtATime,
    held: bool,
}

impl<'s> Sink<u64> for &'s OneAtATime {
    type Writer = Turn<'s>;

    fn open(&self, _partition: usize) -> Result<Turn<'s>, BoxError> {
        let of = *self;
        Ok(Turn { of, held: false })
    }
}

impl Turn<'_> {
    fn give_back(&mut self) {
        if std::mem::take(&mut self.held) {
            *self.of.taken.lock().unwrap() = false;
            self.of.freed.notify_one();
        }
    }
}

impl Writer<u64> for Turn<'_> {
    fn write(&mut self, rows: &[u64]) -> Result<(), BoxError> {
        let taken = self.of.taken.lock().unwrap();
        *self.of.freed.wait_while(taken, |taken| *taken).unwrap() = true;
        self.held = true;
        if rows.contains(&99) {
            Err("99 is not wanted".into())
        } else {
            Ok(())
        }
    }

    fn commit(&mut self) -> Result<(), BoxError> {
        self.give_back();
        Ok(())
    }

    fn abort(&mut self) {
        self.give_back();
    }
}

#[test]
fn a_writer_that_failed_lets_go_of_what_others_wait_for() {
    for batch in [1, 7, 1000] {
        let sink = OneAtATime::default();
        let load = Flow::from_range(0..100u64).stages(4).into_sink(&sink);
        let error = load.batch(batch).commit_every_batch().run().unwrap_err();
        assert!(error.message().contains("99 is not wanted"), "{error}");
    }
}
