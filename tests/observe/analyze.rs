//! Flows that are built to have a bottleneck in a known place, and what the report says of each.
//!
//! The slow part does a counted amount of work, many times that of all others together, so that no other load on the machine changes who
//! is slow.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use millstream::{Doing, Flow, Observer, Report};

use crate::burn;

/// Work for an item of the slow stage.
const SLOW: u64 = 20_000;

/// One of these at a time: each wants a core for its slow stage and one for the others.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name of the stage that held the run back, and the last line.
fn found(report: &Report) -> (String, String) {
    let text = report.explain_analyze();
    let last = text.lines().last().unwrap_or_default().to_owned();
    assert_eq!(report.advice().as_ref(), Some(&last), "{text}");
    assert!(
        last.ends_with('.') && !last.contains(". "),
        "one sentence: {last}"
    );
    let stage = report.bottleneck().expect("a stage").name().to_owned();
    (stage, text)
}

#[test]
fn a_slow_source() {
    let _alone = alone();
    let report = Flow::from_iter((0..150u64).inspect(|_| _ = burn(SLOW * 5)))
        .stages(1)
        .name("source")
        .shuffle()
        .stages(1)
        .buffer(64)
        .name("end")
        .map(|n| n + 1)
        .run()
        .unwrap();
    let (stage, text) = found(&report);
    assert_eq!(stage, "source", "{text}");
    assert!(
        text.contains("its iterator is run by one thread at a time"),
        "{text}"
    );
}

#[test]
fn workers_that_wait_for_the_same_iterator_are_without_input() {
    let observer = Observer::new();
    let waiting = || {
        let report = observer.report()?;
        let workers = report.stages()[0].workers().iter();
        Some(workers.filter(|w| w.doing == Doing::Starved).count())
    };
    let begun = Instant::now();
    let mut seen = None;
    // One worker is in the iterator, which does not give its first item before the others wait for it.
    let items = std::iter::from_fn(|| {
        while seen < Some(3) && begun.elapsed() < Duration::from_secs(20) {
            seen = waiting();
            std::thread::yield_now();
        }
        None::<u64>
    });
    let flow = Flow::from_iter(items).stages(4).observe(&observer);
    assert_eq!(flow.count().unwrap(), 0);
    assert_eq!(seen, Some(3));
}

#[test]
fn a_slow_stage_in_the_middle() {
    let _alone = alone();
    let report = Flow::from_range(0..5_000u64)
        .stages(1)
        .name("source")
        .shuffle()
        .stages(1)
        .batch(50)
        .name("middle")
        .map(|n| n ^ burn(SLOW / 4))
        .shuffle()
        .stages(1)
        .name("end")
        .map(|n| n + 1)
        .run()
        .unwrap();
    let (stage, text) = found(&report);
    assert_eq!(stage, "middle", "{text}");
    assert!(
        text.contains("while the stage before it had no room"),
        "{text}"
    );
    assert!(report.stages()[0].blocked_share() > report.stages()[0].busy_share());
    assert!(report.stages()[2].starved_share() > report.stages()[2].busy_share());
    assert_eq!(report.edges()[0].high_water, report.edges()[0].capacity);
}

#[test]
fn a_slow_sink() {
    let _alone = alone();
    let observer = Observer::new();
    Flow::from_range(0..2_000u64)
        .observe(&observer)
        .stages(1)
        .name("source")
        .shuffle()
        .stages(1)
        .batch(50)
        .name("sink")
        .for_each(|_| _ = burn(SLOW / 2))
        .unwrap();
    let (stage, text) = found(&observer.report().unwrap());
    assert_eq!(stage, "sink", "{text}");
}

#[test]
fn a_skewed_key() {
    let _alone = alone();
    let report = Flow::from_range(0..6_400u64)
        .stages(1)
        .name("source")
        .partition_by(|n| if n % 10 < 8 { 0 } else { *n })
        .stages(4)
        .batch(50)
        .name("owners")
        .hottest_keys(2, |n| if n % 10 < 8 { 0 } else { *n })
        .map(|_| burn(SLOW / 4))
        .run()
        .unwrap();
    let (stage, text) = found(&report);
    assert_eq!(stage, "owners", "{text}");
    assert!(
        text.contains("the key space is skewed: partition "),
        "{text}"
    );
    assert!(text.contains("the hottest key is 0 with "), "{text}");
}

#[test]
fn a_free_reduction() {
    let _alone = alone();
    let report = Flow::from_range(0..5_000u64)
        .stages(1)
        .partition_by(|n| n % 8)
        .stages(1)
        .batch(50)
        .name("reduce")
        .reduce(|| 0, |sum: &mut u64, _| *sum ^= burn(SLOW / 4))
        .run()
        .unwrap();
    let (stage, text) = found(&report);
    assert_eq!(stage, "reduce", "{text}");
    assert!(text.contains("a declared aggregate (`count_by`"), "{text}");
}

#[test]
fn batches_of_one() {
    let _alone = alone();
    let report = Flow::from_range(0..30_000u64)
        .stages(1)
        .name("source")
        .partition()
        .stages(1)
        .batch(1)
        .name("end")
        .run()
        .unwrap();
    let (stage, text) = found(&report);
    assert_eq!(stage, "end", "{text}");
    assert!(
        text.contains("The bottleneck is the edge from `source` to `end`")
            && text.contains("`.batch` is 1 there"),
        "{text}"
    );
}

#[test]
fn a_source_outside_that_gives_little() {
    let _alone = alone();
    let (send, receive) = bounded::<u64>(1);
    let (done, wait) = bounded(1);
    let report = std::thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..300 {
                burn(SLOW);
                send.send(n).unwrap();
                // The next is made only when this one has gone through, so the flow has nothing to do meanwhile.
                wait.recv().unwrap();
            }
        });
        Flow::from_receiver(receive)
            .stages(1)
            .name("source")
            .shuffle()
            .stages(1)
            .inspect(|_| done.send(()).unwrap())
            .run()
            .unwrap()
    });
    let (stage, text) = found(&report);
    assert_eq!(stage, "source", "{text}");
    assert!(
        text.contains("The bottleneck is the source of `source`"),
        "{text}"
    );
}

#[test]
fn a_caller_that_takes_slowly() {
    let _alone = alone();
    let observer = Observer::new();
    let items = Flow::from_range(0..3_000u64)
        .observe(&observer)
        .stages(1)
        .batch(10)
        .name("source")
        .into_iter();
    assert_eq!(items.inspect(|_| _ = burn(SLOW / 2)).count(), 3_000);
    let (stage, text) = found(&observer.report().unwrap());
    assert_eq!(stage, "source", "{text}");
    assert!(
        text.contains("The bottleneck is the thread that takes the items"),
        "{text}"
    );
}

#[test]
fn a_failed_run_is_analysed_like_any_other() {
    let _alone = alone();
    let error = Flow::from_range(0..10_000u64)
        .stages(1)
        .name("source")
        .shuffle()
        .stages(1)
        .batch(10)
        .name("broken")
        .map(|n| {
            if n == 500 {
                panic!("the mill stands still")
            } else {
                burn(SLOW * 2)
            }
        })
        .run()
        .unwrap_err();
    let text = error.report().unwrap().explain_analyze();
    assert!(text.contains("    panics  1"), "{text}");
    assert!(text.contains("The bottleneck is `broken`"), "{text}");
}
