//! Watchers: told of each run once when it begins and once when it has ended, whatever becomes of it.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use millstream::sink::LinesFile;
use millstream::{Error, ErrorKind, Flow, Observer, Watch, Watched, Watching};

/// Notes what it is told.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Watch for Log {
    fn begin(&self, run: &Watched) -> Box<dyn Watching> {
        let items = run.report().stages()[0].items_in();
        self.note(format!("began: {:?}, {items}", run.name()));
        let (log, run) = (self.clone(), run.clone());
        Box::new(move |outcome: Result<(), &Error>| {
            let how = outcome.map_err(Error::kind);
            let items = run.report().stages()[0].items_in();
            log.note(format!("ended: {how:?}, {items}, over {}", run.is_over()));
        })
    }
}

/// TE-01: a handler is called with the event, what was measured, and what it is about.
#[test]
fn te_01_a_watcher_is_told_of_the_run_and_its_outcome() {
    let log = Log::default();
    Flow::from_range(0..100)
        .flow_name("hundred")
        .watch(Arc::new(log.clone()))
        .run()
        .unwrap();
    assert_eq!(
        log.lines(),
        [
            "began: Some(\"hundred\"), 0",
            "ended: Ok(()), 100, over true"
        ]
    );
}

#[test]
fn every_way_to_run_and_to_end_is_told_of_once() {
    type Run = fn(Flow<'static, millstream::chain::FromRange<u64>>);
    let ways: [(&str, Run, &str); 9] = [
        ("collect", |flow| drop(flow.collect_vec()), "Ok(())"),
        ("seeded", |flow| drop(flow.seeded(3).count()), "Ok(())"),
        ("join", |flow| drop(flow.start().unwrap().join()), "Ok(())"),
        ("items", |flow| flow.into_iter().for_each(drop), "Ok(())"),
        (
            "scope",
            |flow| drop(flow.scope(|items| items.count())),
            "Ok(())",
        ),
        (
            "failed",
            |flow| drop(flow.try_for_each(|_| Err("no"))),
            "Err(Step)",
        ),
        (
            "panicked",
            |flow| drop(flow.for_each(|_| panic_any(1))),
            "Err(Panic)",
        ),
        (
            "stopped",
            |flow| {
                let handle = flow.held().start().unwrap();
                handle.stop();
                assert!(handle.join().unwrap_err().is_stopped());
            },
            "Err(Stopped)",
        ),
        (
            "dropped",
            |flow| drop(flow.held().start().unwrap()),
            "Err(Stopped)",
        ),
    ];
    for (name, run, how) in ways {
        let log = Log::default();
        run(Flow::from_range(0..100u64).watch(log.clone()));
        let lines = log.lines();
        assert_eq!(lines.len(), 2, "{name}: {lines:?}");
        assert_eq!(lines[0], "began: None, 0", "{name}");
        let said = format!("ended: {how}");
        assert!(lines[1].starts_with(&said), "{name}: {lines:?}");
        assert!(lines[1].ends_with("over true"), "{name}: {lines:?}");
    }
}

#[test]
fn a_caller_that_panics_in_a_scope_ends_the_run_for_those_who_look() {
    let (log, observer) = (Log::default(), Observer::new());
    let flow = Flow::from_iter(0..).watch(log.clone()).observe(&observer);
    let scope = || flow.scope(|_| panic_any("mine"));
    let payload = catch_unwind(AssertUnwindSafe(scope)).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"mine"));
    let lines = log.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines[1].starts_with("ended: Err(Stopped)"), "{lines:?}");
    assert!(!observer.is_running());
}

#[test]
fn a_flow_that_does_not_start_is_not_told_of() {
    let log = Log::default();
    let refused = Flow::from_range(0..9).stages(0).watch(log.clone()).count();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Option);
    let held = Flow::from_range(0..9).held().watch(log.clone()).count();
    assert_eq!(held.unwrap_err().kind(), ErrorKind::Plan);
    assert!(log.lines().is_empty());
}

#[test]
fn nobody_waits_for_the_end_of_a_run_that_was_refused() {
    let observer = Observer::new();
    let held = Flow::from_range(0..9).held().observe(&observer);
    assert_eq!(held.count().unwrap_err().kind(), ErrorKind::Plan);
    assert!(!observer.is_running());
    // Nor does it take the place of the run before.
    Flow::from_range(0..9).observe(&observer).run().unwrap();
    let held = Flow::from_range(0..7).held().observe(&observer);
    held.scope(|items| items.count()).unwrap_err();
    let report = observer.report().unwrap();
    assert_eq!(report.stages()[0].items_in(), 9);
}

/// Panics when it is told of the beginning, or of the end, with a value whose drop panics too.
struct Panics {
    at_once: bool,
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any("dropped");
    }
}

impl Watch for Panics {
    fn begin(&self, _run: &Watched) -> Box<dyn Watching> {
        if self.at_once {
            panic_any(Bomb);
        }
        Box::new(|_: Result<(), &Error>| panic_any(Bomb))
    }
}

/// TE-04: a handler that raises is detached, and the others are called.
#[test]
fn te_04_a_watcher_that_panics_harms_nobody() {
    for at_once in [true, false] {
        let log = Log::default();
        let sum = Flow::from_range(0..10u64)
            .watch(Panics { at_once })
            .watch(log.clone())
            .sum::<u64>();
        assert_eq!(sum.unwrap(), 45);
        assert_eq!(log.lines().len(), 2);
    }
}

#[test]
fn those_who_panic_are_counted() {
    for at_once in [true, false] {
        let observer = Observer::new();
        let flow = Flow::from_range(0..10u64).observe(&observer);
        let report = flow.watch(Panics { at_once }).run().unwrap();
        // The report is made before they are told of the end.
        assert_eq!(report.observer_panics(), u64::from(at_once));
        let report = observer.report().unwrap();
        assert_eq!(report.observer_panics(), 1);
        assert!(report.to_string().contains("observers that panicked: 1"));
        let told = report.explain_analyze();
        assert!(told.contains("1 observer of the run panicked, and saw no more of it"));
    }
}

#[test]
fn a_watcher_whose_destructor_panics_harms_nobody() {
    struct Falls;
    impl Watch for Falls {
        fn begin(&self, _run: &Watched) -> Box<dyn Watching> {
            Box::new(|_: Result<(), &Error>| ())
        }
    }
    impl Drop for Falls {
        fn drop(&mut self) {
            panic_any(Bomb);
        }
    }
    let flow = || Flow::from_range(0..10u64).watch(Falls);
    assert_eq!(flow().sum::<u64>().unwrap(), 45);
    flow().start().unwrap().join().unwrap();
    assert_eq!(flow().into_iter().count(), 10);
    // One that never runs has it, too.
    drop(flow());
}

/// TE-06: spans have contexts of their own, repeated ones too.
#[test]
fn te_06_runs_have_numbers_of_their_own() {
    #[derive(Clone, Default)]
    struct Numbers(Arc<Mutex<Vec<u64>>>);
    impl Watch for Numbers {
        fn begin(&self, run: &Watched) -> Box<dyn Watching> {
            self.0.lock().unwrap().push(run.number());
            Box::new(|_: Result<(), &Error>| ())
        }
    }
    let numbers = Numbers::default();
    for _ in 0..3 {
        let flow = Flow::from_range(0..10).watch(numbers.clone());
        flow.run().unwrap();
    }
    let seen = numbers.0.lock().unwrap().clone();
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    assert_eq!(seen.len(), 3);
}

#[test]
fn watchers_and_names_of_joined_flows_are_those_of_the_run() {
    let (left, right) = (Log::default(), Log::default());
    let evens = Flow::from_range(0..10u64).watch(left.clone());
    let odds = Flow::from_range(0..10u64)
        .flow_name("odds")
        .watch(right.clone());
    assert_eq!(evens.merge(odds).count().unwrap(), 20);
    assert_eq!(left.lines(), right.lines());
    assert_eq!(left.lines()[0], "began: Some(\"odds\"), 0");
}

#[test]
fn the_end_is_told_when_sinks_have_committed() {
    struct Looks(PathBuf, Arc<Mutex<Vec<bool>>>);
    impl Watch for Looks {
        fn begin(&self, _run: &Watched) -> Box<dyn Watching> {
            let (path, seen) = (self.0.clone(), self.1.clone());
            seen.lock().unwrap().push(path.exists());
            Box::new(move |_: Result<(), &Error>| seen.lock().unwrap().push(path.exists()))
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.txt");
    let seen: Arc<Mutex<Vec<bool>>> = Arc::default();
    let flow = Flow::from_range(0..10).watch(Looks(path.clone(), seen.clone()));
    flow.into_sink(LinesFile::new(&path)).run().unwrap();
    assert_eq!(*seen.lock().unwrap(), [false, true]);
}
