//! The run over time: whatever way it goes, its line begins, grows, and ends with it.

use std::time::Duration;

use millstream::{Flow, Observer, Timeline};

use crate::burn;

const EVERY: Duration = Duration::from_millis(1);

/// What holds for every line: time and sums only grow.
fn grows(line: &Timeline) {
    for pair in line.moments().windows(2) {
        assert!(pair[0].at() < pair[1].at());
        assert!(pair[0].items_in(0) <= pair[1].items_in(0));
        assert!(pair[0].busy(0) <= pair[1].busy(0));
    }
}

#[test]
fn the_last_moment_is_the_report() {
    let report = Flow::from_range(0..2_000u64)
        .stages(1)
        .map(|n| n ^ burn(1_000))
        .partition()
        .stages(2)
        .timeline(EVERY)
        .run()
        .unwrap();
    let line = report.timeline().unwrap();
    grows(line);
    let last = line.moments().last().unwrap();
    assert_eq!(last.at(), report.elapsed());
    assert_eq!(last.items_in(1), 2_000);
    assert_eq!(last.fill(0), report.edges()[0].fill);
    // What the rates add up to is what went through.
    let mut before = Duration::ZERO;
    let mut items = 0.0;
    for (at, rate) in line.rates(1) {
        items += rate * (at - before).as_secs_f64();
        before = at;
    }
    assert!((items - 2_000.0).abs() < 1.0, "{items}");
}

#[test]
fn nobody_who_did_not_ask_has_one() {
    let report = Flow::from_range(0..10u64).run().unwrap();
    assert!(report.timeline().is_none());
}

#[test]
fn it_is_seen_while_the_run_goes_on() {
    let observer = Observer::new();
    let mut items = Flow::from_range(0..1_000_000u64)
        .stages(1)
        .observe(&observer)
        .timeline(EVERY)
        .into_iter();
    assert!(items.next().is_some());
    // The caller takes nothing, so the run waits for as long as this looks.
    while observer
        .report()
        .unwrap()
        .timeline()
        .unwrap()
        .moments()
        .len()
        < 5
    {
        std::thread::yield_now();
    }
    grows(observer.report().unwrap().timeline().unwrap());
    // Nobody wants the rest: the thread that looked at it ends too.
    drop(items);
    assert!(!observer.is_running());
}

#[test]
fn a_failed_and_a_seeded_run_have_theirs() {
    let broken = Flow::from_range(0..1_000u64).timeline(EVERY).map(|n| {
        assert!(n != 500, "the mill stands still");
        n
    });
    let error = broken.run().unwrap_err();
    assert!(error.report().unwrap().timeline().is_some());
    let seeded = Flow::from_range(0..1_000u64)
        .timeline(EVERY)
        .partition()
        .stages(3);
    let report = seeded.seeded(7).run().unwrap();
    grows(report.timeline().unwrap());
}

#[test]
fn the_first_of_two_counts_and_the_shortest_interval_is_a_millisecond() {
    let flow = Flow::from_range(0..1_000u64).timeline(Duration::ZERO);
    let report = flow.timeline(Duration::from_secs(3_600)).run().unwrap();
    assert_eq!(report.timeline().unwrap().interval(), EVERY);
}
