//! Draining: sources give nothing more, everything they gave reaches the end, and the run is a good one.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use millstream::{BoxError, BoxFlow, ErrorKind, Flow, Handle, Source};

use crate::{On, WAYS, Way};

/// Starts a flow, drains it when a thousand items have come out, and gives the items in ascending order.
fn drained(flow: BoxFlow<'static, u64>, way: Way) -> Vec<u64> {
    let got = Arc::new(Mutex::new(Vec::new()));
    let inside = got.clone();
    let flow = flow.inspect(move |n| inside.lock().unwrap().push(*n));
    let handle = flow.on(way).start().unwrap();
    while got.lock().unwrap().len() < 1000 {
        std::thread::yield_now();
    }
    handle.drain();
    handle.drain();
    handle.join().expect("a drained run is a good one");
    let mut got = std::mem::take(&mut *got.lock().unwrap());
    got.sort_unstable();
    got
}

/// Numbers from zero, with the count of those given.
fn counting() -> (
    Arc<AtomicU64>,
    impl Iterator<Item = u64> + Send + use<> + 'static,
) {
    let given = Arc::new(AtomicU64::new(0));
    let inside = given.clone();
    let numbers = std::iter::repeat_with(move || inside.fetch_add(1, SeqCst));
    (given, numbers)
}

#[test]
fn everything_an_endless_iterator_gave_comes_out() {
    for way in WAYS {
        for stages in 1..=4 {
            let (given, numbers) = counting();
            let flow = Flow::from_iter(numbers).stages(stages).partition();
            let flow = flow.stages(stages).batch(7).buffer(1).shuffle();
            let got = drained(flow.stages(stages).batch(1).buffer(1).boxed(), way);
            assert!(got.into_iter().eq(0..given.load(SeqCst)), "{way:?}");
        }
    }
}

#[test]
fn a_drained_flow_keeps_its_order() {
    for way in WAYS {
        let (given, numbers) = counting();
        let got = Arc::new(Mutex::new(Vec::new()));
        let inside = got.clone();
        let flow = Flow::from_iter(numbers).stages(3).ordered().shuffle();
        let flow = flow.stages(1).inspect(move |n| {
            inside.lock().unwrap().push(*n);
        });
        let handle = flow.on(way).start().unwrap();
        while got.lock().unwrap().len() < 1000 {
            std::thread::yield_now();
        }
        handle.drain();
        handle.join().unwrap();
        let got = std::mem::take(&mut *got.lock().unwrap());
        assert!(got.into_iter().eq(0..given.load(SeqCst)), "{way:?}");
    }
}

#[test]
fn reductions_give_what_they_have() {
    for way in WAYS {
        let (given, numbers) = counting();
        let sum = Arc::new(AtomicU64::new(0));
        let inside = sum.clone();
        let flow = Flow::from_iter(numbers).stages(2).count_by(|n| n % 10);
        let flow = flow.inspect(move |(_, n)| {
            inside.fetch_add(*n, SeqCst);
        });
        let handle = flow.on(way).start().unwrap();
        while given.load(SeqCst) < 1000 {
            std::thread::yield_now();
        }
        handle.drain();
        handle.join().unwrap();
        assert_eq!(sum.load(SeqCst), given.load(SeqCst), "{way:?}");
    }
}

#[test]
fn every_source_can_be_drained() {
    for way in WAYS {
        let range = Flow::from_range(0..u64::MAX).stages(2).batch(1);
        drained(range.filter(|n| n % 3 == 0).boxed(), way);
        let (given, numbers) = counting();
        let got = drained(Flow::from_iters([numbers]).stages(2).boxed(), way);
        assert!(got.into_iter().eq(0..given.load(SeqCst)), "{way:?}");
        let (sender, receiver) = crossbeam_channel::unbounded();
        (0..1000u64).for_each(|n| sender.send(n).unwrap());
        // The sender lives, so only draining can end it.
        let got = drained(Flow::from_receiver(receiver).stages(2).boxed(), way);
        assert!(got.into_iter().eq(0..1000), "{way:?}");
        drop(sender);
        let got = drained(Flow::from_source(Endless(AtomicU64::new(0))).boxed(), way);
        assert!(got.len() >= 1000, "{way:?}");
    }
}

/// One split after the other, each endless.
struct Endless(AtomicU64);

impl Source for Endless {
    type Item = u64;
    type Split<'s> = Box<dyn Iterator<Item = Result<u64, BoxError>> + 's>;

    fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
        let next = std::iter::repeat_with(|| Ok(self.0.fetch_add(1, SeqCst)));
        Ok(Some(Box::new(next)))
    }
}

#[test]
fn stopping_after_draining_still_stops() {
    for way in WAYS {
        let flow = Flow::from_iter(0..1u64).flat_map(|_| 0u64..).on(way);
        let handle: Handle = flow.start().unwrap();
        handle.drain();
        handle.stop();
        assert_eq!(handle.join().unwrap_err().kind(), ErrorKind::Stopped);
    }
}

#[test]
fn draining_a_flow_that_is_done_changes_nothing() {
    for way in WAYS {
        let handle = Flow::from_iter(0..10).on(way).start().unwrap();
        while !handle.is_finished() {
            std::thread::yield_now();
        }
        handle.drain();
        assert_eq!(handle.join().unwrap().stages()[0].items_in(), 10);
    }
}
