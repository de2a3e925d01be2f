//! Reports of seeded runs: all workers take turns on one thread, so that no two of them are ever at work.

use std::time::Duration;

use millstream::{Doing, Flow, Observer, Report};

use crate::burn;

/// A flow of six workers whose second stage does nearly all of the work.
fn run() -> Report {
    let observer = Observer::new();
    let count = Flow::from_range(0..400u64)
        .observe(&observer)
        .stages(1)
        .shuffle()
        .stages(3)
        .batch(4)
        .name("slow")
        .map(|n| n ^ burn(10_000))
        .shuffle()
        .stages(2)
        .seeded(3)
        .count();
    assert_eq!(count.unwrap(), 400);
    observer.report().unwrap()
}

#[test]
fn workers_that_take_turns_are_never_busy_at_a_time() {
    let report = run();
    let workers = || report.stages().iter().flat_map(|stage| stage.workers());
    let busy: Duration = workers().map(|worker| worker.busy).sum();
    assert!(busy <= report.elapsed(), "{busy:?} {report}");
    assert!(workers().all(|worker| worker.doing == Doing::Ended));
    let of = |stage: usize| -> Duration {
        let workers = report.stages()[stage].workers().iter();
        workers.map(|worker| worker.busy).sum()
    };
    assert!(of(1) > of(0) && of(1) > of(2), "{report}");
}

#[test]
fn nothing_is_advised_that_threads_would_need() {
    let report = run();
    let said = report.advice().unwrap();
    assert!(said.contains("The run was seeded"), "{said}");
    assert_eq!(report.bottleneck().unwrap().name(), "slow");
}
