//! `rate_limit`: everything passes once and in order, however often a chunk is cut; waiting ends with the run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use millstream::{BoxFlow, ErrorKind, Flow};

use crate::{On, WAYS, Way, boom_if, sorted};

/// A few at a time, so that most chunks are cut, and soon enough on threads.
fn limited(flow: BoxFlow<'static, u32>) -> BoxFlow<'static, u32> {
    flow.rate_limit(7, Duration::from_micros(200)).boxed()
}

fn numbers(stages: usize, way: Way) -> BoxFlow<'static, u32> {
    let numbers = Flow::from_iter(0..300u32).stages(stages).batch(16);
    numbers.on(way).boxed()
}

#[test]
fn everything_passes_once() {
    for way in WAYS {
        for stages in 1..=4 {
            let passed = limited(numbers(stages, way));
            assert_eq!(passed.sorted().unwrap(), sorted(0..300));
            let parted = numbers(stages, way).partition().stages(stages);
            let parted = limited(parted.batch(1).buffer(1).boxed()).map(|n| n + 1);
            assert_eq!(parted.sorted().unwrap(), sorted(1..301));
            let spread = numbers(stages, way).take(30).flat_map(|n| [n; 5]);
            assert_eq!(limited(spread.boxed()).count().unwrap(), 150);
            assert_eq!(
                limited(Flow::from_vec(Vec::new()).boxed()).count().unwrap(),
                0
            );
        }
    }
}

#[test]
fn order_is_kept_over_cuts() {
    for way in WAYS {
        for stages in 1..=4 {
            let ordered = || limited(numbers(stages, way).ordered().boxed());
            assert!(ordered().collect_vec().unwrap().into_iter().eq(0..300));
            let behind = ordered().shuffle().stages(stages).batch(1).buffer(1);
            assert!(behind.collect_vec().unwrap().into_iter().eq(0..300));
            let first = ordered().take(100).collect_vec().unwrap();
            assert!(first.into_iter().eq(0..100), "the first of all");
            let batched = ordered().map_batch(|batch| batch).map(|n| n * 2);
            let doubled = batched.collect_vec().unwrap();
            assert!(doubled.into_iter().eq((0..300).map(|n| n * 2)));
            let before = numbers(stages, way).ordered().take(200).boxed();
            assert!(
                limited(before)
                    .collect_vec()
                    .unwrap()
                    .into_iter()
                    .eq(0..200)
            );
        }
    }
}

#[test]
fn places_go_on_over_cuts() {
    for way in WAYS {
        let lists = limited(numbers(3, way)).aggregate_by(|n| n % 3, |a| a.collect(|n| *n));
        for (key, list) in lists.collect_vec().unwrap() {
            assert!(list.into_iter().eq((0..300).filter(|n| n % 3 == key)));
        }
    }
}

#[test]
fn one_behind_another() {
    for way in WAYS {
        for stages in [1, 3] {
            let each = Duration::from_micros(20);
            let twice = numbers(stages, way).ordered().rate_limit(2, each);
            let twice = twice.boxed().rate_limit(3, each).boxed();
            let twice = limited(twice.rate_limit(1, each).boxed());
            assert!(twice.collect_vec().unwrap().into_iter().eq(0..300));
        }
    }
}

#[test]
fn a_seeded_run_does_not_wait() {
    // Forty days if it did.
    for way in WAYS.into_iter().filter(|way| *way != Way::Threads) {
        let hourly = numbers(3, way).rate_limit(1, Duration::from_secs(12_000));
        assert_eq!(hourly.sorted().unwrap(), sorted(0..300));
    }
}

#[test]
fn waiting_ends_with_the_run() {
    let hour = Duration::from_secs(3_600);
    let stuck = Flow::from_iter(0..).stages(3).rate_limit(2, hour);
    let late = stuck.deadline(Duration::from_millis(20)).count();
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Deadline);
    let two = Flow::from_iter(0..).stages(3).rate_limit(2, hour).take(2);
    assert_eq!(two.count().unwrap(), 2);
    let stuck = Flow::from_iter(0..).stages(3).rate_limit(2, hour);
    // Any two of the first items have found a permit; the third worker's waits.
    let passed = AtomicUsize::new(0);
    let second = |_: &i32| boom_if(passed.fetch_add(1, Ordering::Relaxed) == 1);
    let failed = stuck.inspect(second).count();
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Panic);
    // What has passed is with the consumer before its producer waits for an hour.
    let stuck = Flow::from_iter(0..).stages(1).rate_limit(2, hour).shuffle();
    assert_eq!(stuck.take(2).count().unwrap(), 2);
    let mut items = Flow::from_iter(0..)
        .stages(2)
        .rate_limit(2, hour)
        .into_iter();
    assert_eq!(items.by_ref().take(2).filter(Result::is_ok).count(), 2);
    drop(items);
}

#[test]
fn a_limit_that_cannot_be_is_refused() {
    let refused = |n, per| {
        let flow = Flow::from_range(0..9).rate_limit(n, per);
        let error = flow.count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Option);
        error.message().to_owned()
    };
    let message = refused(0, Duration::from_secs(1));
    assert!(
        message.contains("rate_limit(0, …) lets no item pass"),
        "{message}"
    );
    let message = refused(5, Duration::ZERO);
    assert!(message.contains("has no time to count in"), "{message}");
}
