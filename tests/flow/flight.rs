//! Items in flight: never more than the plan says, whatever the sink, the source and the steps between do.
//!
//! An item counts itself when it is made and when it is dropped, so that nothing that holds one can hide.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use millstream::{BoxFlow, Flow};

use crate::{On, WAYS};

/// How many items there are, and how many there were at most.
#[derive(Debug, Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Item {
    size: usize,
    gauge: Arc<Gauge>,
}

impl Item {
    fn new(size: usize, gauge: &Arc<Gauge>) -> Item {
        let now = gauge.now.fetch_add(1, SeqCst) + 1;
        gauge.most.fetch_max(now, SeqCst);
        let gauge = gauge.clone();
        Item { size, gauge }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.gauge.now.fetch_sub(1, SeqCst);
    }
}

/// An endless source of items.
fn endless(gauge: &Arc<Gauge>) -> impl Iterator<Item = Item> + Send + use<> {
    let gauge = gauge.clone();
    std::iter::repeat_with(move || Item::new(1, &gauge))
}

/// Runs the flow into a sink that lets others go first, and compares with what its plan says.
fn stays_within_its_plan(what: &str, build: impl Fn(&Arc<Gauge>) -> BoxFlow<'static, Item>) {
    for way in WAYS {
        let gauge = Arc::new(Gauge::default());
        let flow = build(&gauge).on(way);
        let bound = flow.plan().most_in_flight() as usize;
        // Beside what is in flight, each worker has one item in its hands.
        let threads = flow.plan().threads();
        flow.for_each(|item| {
            std::thread::yield_now();
            drop(item);
        })
        .unwrap();
        let (most, now) = (gauge.most.load(SeqCst), gauge.now.load(SeqCst));
        assert!(
            most > 0 && most <= bound + threads,
            "{what}, {way:?}: {most} > {bound}"
        );
        assert_eq!(now, 0, "{what}, {way:?}: items are left");
    }
}

#[test]
fn an_endless_source_into_a_slow_sink() {
    for (batch, buffer) in [(1, 1), (7, 2), (64, 1)] {
        stays_within_its_plan("shuffle", |gauge| {
            let flow = Flow::from_iter(endless(gauge)).stages(2).batch(batch);
            let flow = flow.shuffle().stages(2).batch(batch).buffer(buffer);
            flow.take(2000).boxed()
        });
        stays_within_its_plan("partition_with", |gauge| {
            let flow = Flow::from_iter(endless(gauge)).stages(2).batch(batch);
            let flow = flow.partition_with(|_, _| Some(1)).stages(3);
            flow.batch(batch).buffer(buffer).take(2000).boxed()
        });
        stays_within_its_plan("two boundaries", |gauge| {
            let flow = Flow::from_iter(endless(gauge)).stages(3).batch(batch);
            let flow = flow.shuffle().stages(2).batch(batch).buffer(buffer);
            let flow = flow.partition_by(|item| item.size).stages(2);
            flow.batch(batch).buffer(buffer).take(2000).boxed()
        });
    }
}

#[test]
fn a_thousandfold_flat_map() {
    for (batch, buffer) in [(1, 1), (16, 2)] {
        let spread = |gauge: &Arc<Gauge>| {
            let gauge = gauge.clone();
            let numbers = Flow::from_iter(0..5).stages(2).batch(batch);
            numbers.flat_map(move |_| {
                let gauge = gauge.clone();
                (0..1000).map(move |_| Item::new(1, &gauge))
            })
        };
        stays_within_its_plan("flat_map", |gauge| {
            let flow = spread(gauge).shuffle().stages(2);
            flow.batch(batch).buffer(buffer).boxed()
        });
        stays_within_its_plan("flat_map by key", |gauge| {
            let flow = spread(gauge).partition_by(|item| item.size).stages(3);
            flow.batch(batch).buffer(buffer).boxed()
        });
        stays_within_its_plan("flat_map under ordered", |gauge| {
            let flow = spread(gauge).ordered().shuffle().stages(2);
            flow.batch(batch).buffer(buffer).boxed()
        });
    }
}

#[test]
fn several_branches_and_several_inputs() {
    for (batch, buffer) in [(1, 1), (7, 2)] {
        let source = |gauge: &Arc<Gauge>| Flow::from_iter(endless(gauge)).stages(2).batch(batch);
        stays_within_its_plan("split", |gauge| {
            let turn = AtomicUsize::new(0);
            let flow = source(gauge).split(move |_| turn.fetch_add(1, SeqCst) % 3 == 0);
            let flow = flow.to(|items| items.stages(2).batch(batch).buffer(buffer));
            let flow = flow.to(|items| items.stages(1).batch(2 * batch).buffer(buffer));
            let flow = flow.merge().stages(2).batch(batch).buffer(buffer);
            flow.take(2000).boxed()
        });
        stays_within_its_plan("concat", |gauge| {
            let flow = source(gauge).take(500).concat(source(gauge));
            flow.stages(2)
                .batch(batch)
                .buffer(buffer)
                .take(2000)
                .boxed()
        });
        stays_within_its_plan("zip", |gauge| {
            let flow = source(gauge).ordered().zip(source(gauge).ordered());
            let flow = flow.stages(2).batch(batch).buffer(buffer);
            flow.take(2000).map(|(item, _)| item).boxed()
        });
    }
}

#[test]
fn what_an_iterator_has_not_asked_for_is_not_made() {
    for way in WAYS {
        let gauge = Arc::new(Gauge::default());
        let flow = Flow::from_iter(endless(&gauge)).stages(2).batch(8);
        let flow = flow.shuffle().stages(2).batch(8).buffer(1).on(way);
        let bound = flow.plan().most_in_flight() as usize;
        let threads = flow.plan().threads();
        let mut items = flow.into_iter();
        for _ in 0..500 {
            drop(items.next().unwrap().unwrap());
            std::thread::yield_now();
        }
        drop(items);
        let most = gauge.most.load(SeqCst);
        // The way to the caller: a queue, two batches a worker, and one in the caller's hands.
        let caller = (1 + 2 * 2 + 1) * 8;
        assert!(most <= bound + caller + threads, "{way:?}: {most}, {bound}");
        assert_eq!(gauge.now.load(SeqCst), 0, "{way:?}");
    }
}

#[test]
fn heavy_items_make_small_batches() {
    for way in WAYS {
        let gauge = Arc::new(Gauge::default());
        let source = endless(&gauge).take(300);
        let flow = Flow::from_iter(source).stages(1).batch(1).shuffle();
        let flow = flow.weigh(|_| 1000).batch_bytes(3000).batch(100);
        let report = flow.stages(1).buffer(1).on(way).run().unwrap();
        // A batch is sent when its bytes are more than it may have, so it has four items at most.
        let sent = report.stages()[0].workers()[0].batches_out;
        assert!(sent >= 300 / 4, "{way:?}: {sent} batches");
        assert_eq!(gauge.now.load(SeqCst), 0);
        let source = (0..300u32).map(|n| if n % 2 == 0 { 1 } else { 1 << 30 });
        let flow = Flow::from_iter(source).partition().weigh(|n| *n as usize);
        let count = flow.batch_bytes(1).buffer(1).on(way).count();
        assert_eq!(count.unwrap(), 300, "an item is never too heavy to pass");
    }
}
