//! What a report says of stages that keep keys: how many there were, and what combining them before the exchange gained.

use millstream::{Flow, Report, Window};

/// Keys of all stages, and items to an entry of the first.
fn seen(report: &Report) -> (u64, Option<f64>) {
    let keys = report.stages().iter().map(|stage| stage.keys()).sum();
    (keys, report.stages()[0].combine_ratio())
}

#[test]
fn keys_of_the_whole_input() {
    let flow = Flow::from_range(0..10_000u64).stages(1);
    let report = flow.count_by(|n| n % 8).stages(2).run().unwrap();
    assert_eq!(seen(&report), (8, Some(1_250.0)));
    // Nothing is combined where nothing is declared.
    let flow = Flow::from_range(0..10_000u64).stages(1);
    let report = flow.partition_by(|n| n % 8).run().unwrap();
    assert_eq!(seen(&report), (0, None));
}

#[test]
fn keys_of_each_window() {
    let report = Flow::from_range(0..10_000u64)
        .stages(1)
        .window_by(Window::fixed(1_000), |n| *n as i64)
        .count_by(|n| n % 8)
        .stages(2)
        .run()
        .unwrap();
    assert_eq!(seen(&report), (10 * 8, Some(125.0)));
    // Two overlapping windows have each item.
    let report = Flow::from_range(0..10_000u64)
        .stages(1)
        .window_by(Window::sliding(2_000, 1_000), |n| *n as i64)
        .count_by(|n| n % 8)
        .stages(2)
        .run()
        .unwrap();
    let (keys, ratio) = seen(&report);
    assert_eq!(keys, 11 * 8);
    assert!(ratio >= Some(100.0), "{ratio:?}");
}

#[test]
fn sessions_of_each_key() {
    // Each key comes ten times, then not for a while, three times over.
    let times = (0..3i64).flat_map(|again| (0..10i64).map(move |n| again * 1_000 + n));
    let clicks = times.flat_map(|time| (0..5u64).map(move |key| (time, key)));
    let report = Flow::from_iter(clicks)
        .stages(1)
        .window_by(Window::session(100), |(time, _)| *time)
        .count_by(|(_, key)| *key)
        .stages(2)
        .run()
        .unwrap();
    let (keys, ratio) = seen(&report);
    assert_eq!(keys, 3 * 5);
    assert!(ratio > Some(1.0), "{ratio:?}");
}
