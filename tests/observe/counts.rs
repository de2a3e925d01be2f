//! What is counted on ways that a flow seldom goes.

use std::time::Instant;

use millstream::stage::Subscription;
use millstream::stage::testing::recorder;
use millstream::{Flow, Observer};

#[test]
fn a_run_grows_no_older_while_nobody_waits_for_its_end() {
    let observer = Observer::new();
    let begun = Instant::now();
    let handle = Flow::from_range(0..100u64).observe(&observer).start();
    let handle = handle.unwrap();
    while !handle.is_finished() {
        std::thread::yield_now();
    }
    let most = begun.elapsed();
    while begun.elapsed() < most * 3 {
        std::thread::yield_now();
    }
    assert!(observer.report().unwrap().elapsed() <= most);
    let report = handle.join().unwrap();
    // What is done after the workers, which is nothing here, takes a moment.
    let told = report.elapsed();
    assert!(told < begun.elapsed() - most, "{told:?} {most:?}");
}

#[test]
fn what_goes_to_stages_counts() {
    let observer = Observer::new();
    let (consumer, records) = recorder();
    let consumer = consumer.start().unwrap();
    let running = Flow::from_range(0..1_000u64)
        .stages(1)
        .observe(&observer)
        .into_stages([(&consumer, Subscription::new())])
        .start()
        .unwrap();
    running.join().unwrap();
    consumer.join().unwrap();
    let events = records.iter().filter_map(|record| record.events());
    assert_eq!(events.flatten().count(), 1_000);
    let report = observer.report().unwrap();
    let stage = &report.stages()[0];
    assert_eq!((stage.items_out(), stage.bytes_out()), (1_000, 8_000));
    assert!(stage.batches_out() > 0);
}
