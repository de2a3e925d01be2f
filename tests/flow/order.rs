//! Order that was asked for, and `take`: any so many, or the first so many; what lies before it ends with it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use millstream::{ErrorKind, Flow};

use crate::{On, WAYS};

#[test]
fn ordered_items_are_collected_in_the_order_of_the_input() {
    let squares: Vec<u64> = (0..5000).map(|n| n * n).collect();
    for way in WAYS {
        for stages in [1, 2, 3, 8] {
            let flow = || Flow::from_iter(0..5000u64).stages(stages).on(way);
            let after = flow().map(|n| n * n).ordered().collect_vec().unwrap();
            let before = flow().ordered().map(|n| n * n).collect_vec().unwrap();
            assert_eq!(after, squares, "{way:?} {stages}");
            assert_eq!(before, squares, "{way:?} {stages}");
        }
    }
}

#[test]
fn every_source_with_an_order_keeps_it() {
    let items: Vec<u32> = (0..3000).collect();
    let text = millstream::Text::from(items.iter().map(|n| format!("{n}\n")).collect::<String>());
    for way in WAYS {
        let slice = Flow::from_slice(&items).map(|n| *n).stages(3).on(way);
        let vec = Flow::from_vec(items.clone()).stages(3).on(way);
        let range = Flow::from_range(0..3000u32).stages(3).on(way);
        let lines = Flow::from_lines(&text).stages(3).on(way);
        let lines = lines.try_map(|line| line.parse::<u32>());
        assert_eq!(slice.ordered().collect_vec().unwrap(), items);
        assert_eq!(vec.ordered().collect_vec().unwrap(), items);
        assert_eq!(range.ordered().collect_vec().unwrap(), items);
        assert_eq!(lines.ordered().collect_vec().unwrap(), items);
    }
}

#[test]
fn every_end_that_keeps_order_keeps_it() {
    let expected: Vec<u32> = (0..2000).filter(|n| n % 3 != 0).collect();
    for way in WAYS {
        let flow = || {
            let numbers = Flow::from_iter(0..2000u32).stages(4).batch(7).on(way);
            numbers.ordered().filter(|n| n % 3 != 0)
        };
        let iterated: Result<Vec<u32>, _> = flow().into_iter().collect();
        assert_eq!(iterated.unwrap(), expected, "{way:?}");
        let scoped = flow().scope(|items| items.collect::<Vec<_>>());
        assert_eq!(scoped.unwrap(), expected, "{way:?}");
        let collected: Vec<u32> = flow().collect().unwrap();
        assert_eq!(collected, expected, "{way:?}");
    }
}

#[test]
fn order_passes_shuffles() {
    for way in WAYS {
        for (batch, buffer) in [(1, 1), (3, 2), (1024, 4)] {
            let got = Flow::from_iter(0..1500u32)
                .stages(3)
                .ordered()
                .shuffle()
                .stages(4)
                .batch(batch)
                .buffer(buffer)
                .flat_map(|n| [n; 2])
                .shuffle()
                .stages(2)
                .batch(batch)
                .buffer(buffer)
                .on(way)
                .collect_vec()
                .unwrap();
            assert!(got.iter().copied().eq((0..1500).flat_map(|n| [n; 2])));
        }
    }
}

#[test]
fn a_thousandfold_flat_map_keeps_order() {
    for way in WAYS {
        let flow = Flow::from_iter(0..100u32).stages(4).batch(3).ordered();
        let spread = flow.flat_map(|n| (0..1000).map(move |i| n * 1000 + i));
        let sent = spread.shuffle().stages(2).batch(16).buffer(1).on(way);
        assert!(sent.collect_vec().unwrap().into_iter().eq(0..100_000));
    }
}

#[test]
fn batches_under_ordered_keep_order_and_their_size() {
    for way in WAYS {
        let flow = Flow::from_iter(0..3000u32).stages(3).batch(10).ordered();
        let got = flow
            .map_batch(|batch| {
                assert!(batch.len() <= 10 && batch.is_sorted());
                batch
            })
            .on(way)
            .collect_vec()
            .unwrap();
        assert!(got.into_iter().eq(0..3000), "{way:?}");
    }
}

#[test]
fn order_before_a_hash_boundary_is_a_plan_error() {
    let flow = || Flow::from_range(0..10u32).name("numbers").ordered();
    let errors = [
        flow().partition().count().unwrap_err(),
        flow().partition_by(|n| n % 2).count().unwrap_err(),
        flow().partition_with(|_, _| None).count().unwrap_err(),
        flow().count_by(|n| n % 2).count().unwrap_err(),
        flow().count_by_ref(|n| n).count().unwrap_err(),
        flow()
            .shuffle()
            .name("behind the `numbers`")
            .partition()
            .run()
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Plan);
        assert!(error.message().contains("`numbers`"), "{error}");
        assert!(error.message().contains("`ordered`"), "{error}");
        assert!(error.report().is_none(), "it never started");
    }
    let refused: Vec<_> = flow().partition().into_iter().collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].as_ref().unwrap_err().kind(), ErrorKind::Plan);
}

#[test]
fn ordered_behind_a_reduction_changes_nothing() {
    for way in WAYS {
        let list = |stages| {
            let numbers = Flow::from_iter(0..500u32).stages(stages).batch(7).on(way);
            numbers.reduce(Vec::new, Vec::push).events().ordered()
        };
        assert_eq!(list(3).shuffle().count().unwrap(), 500);
        assert_eq!(list(3).count_by(|n| n % 5).count().unwrap(), 5);
        assert_eq!(list(1).scope(|items| items.count()).unwrap(), 500);
        assert_eq!(list(3).take(200).count().unwrap(), 200);
        let emitted = Flow::from_iter(0..500u32).stages(3).on(way);
        let emitted = emitted
            .emit_and_reduce(|| 0, |_, n| Some(n), Some)
            .ordered();
        assert_eq!(emitted.shuffle().count().unwrap(), 503);
    }
}

#[test]
fn a_take_uses_order_up() {
    for way in WAYS {
        let first = || Flow::from_iter(0..).stages(3).ordered().take(10).on(way);
        let sum: u32 = first().partition().sum().unwrap();
        assert_eq!(sum, 45);
        let counts = first().count_by(|n| n % 5).sorted().unwrap();
        assert_eq!(counts, [(0, 2), (1, 2), (2, 2), (3, 2), (4, 2)]);
        let counts = first().shuffle().count_by(|n| n % 2).sorted().unwrap();
        assert_eq!(counts, [(0, 5), (1, 5)], "behind a shuffle");
    }
}

#[test]
fn take_under_ordered_gives_the_first() {
    for way in WAYS {
        for n in [0, 1, 9, 10, 11, 1000] {
            let flow = Flow::from_iter(0..1000u32).stages(4).batch(10).ordered();
            let got = flow.filter(|n| n % 2 == 0).take(n).on(way).collect_vec();
            assert!(got.unwrap().into_iter().eq((0..1000).step_by(2).take(n)));
            let flow = Flow::from_iter(0..1000u32).stages(4).batch(10).ordered();
            let got = flow.shuffle().stages(3).take(n).on(way).collect_vec();
            assert!(got.unwrap().into_iter().eq((0..1000).take(n)));
        }
    }
}

#[test]
fn take_gives_any_so_many_different_items() {
    for way in WAYS {
        for n in [0, 1, 7, 100, 999] {
            let flow = || Flow::from_iter(0..5000u32).stages(4).batch(13).on(way);
            let plain = flow().take(n).collect_vec().unwrap();
            let shuffled = flow().shuffle().stages(3).take(n).collect_vec().unwrap();
            let parted = flow().partition().stages(3).take(n).collect_vec().unwrap();
            for got in [plain, shuffled, parted] {
                assert_eq!(got.len(), n, "{way:?}");
                assert_eq!(got.into_iter().collect::<BTreeSet<_>>().len(), n);
            }
        }
        let all = Flow::from_iter(0..50u32).take(100).on(way).count();
        assert_eq!(all.unwrap(), 50, "fewer than asked for");
    }
}

#[test]
fn an_endless_source_ends_with_take() {
    for way in WAYS {
        let endless = || Flow::from_iter(0u64..).stages(3).on(way);
        assert_eq!(endless().take(10).count().unwrap(), 10);
        assert_eq!(endless().shuffle().take(10).count().unwrap(), 10);
        assert_eq!(
            endless().partition().stages(4).take(10).count().unwrap(),
            10
        );
        let one = endless().partition_with(|_, _| Some(0)).stages(4);
        assert_eq!(one.take(10).count().unwrap(), 10, "one partition gets all");
        let merged = endless().merge(endless()).stages(2);
        assert_eq!(merged.take(10).count().unwrap(), 10);
        let spread = endless().flat_map(|n| vec![n; 1000]);
        assert_eq!(spread.shuffle().take(10).count().unwrap(), 10);
        let batched = endless().map_batch(|batch| batch).take(10);
        assert_eq!(batched.count().unwrap(), 10);
        assert_eq!(endless().boxed().take(10).boxed().count().unwrap(), 10);
        let twice = endless().take(20).shuffle().take(10);
        assert_eq!(twice.count().unwrap(), 10);
    }
}

#[test]
fn the_end_of_a_take_passes_every_boundary_before_it() {
    for way in WAYS {
        let endless = || Flow::from_iter(0u64..).stages(2).on(way);
        let through = endless().shuffle().stages(2).shuffle().stages(2);
        assert_eq!(through.take(10).count().unwrap(), 10);
        let parted = endless().partition_by(|n| n % 7).stages(3).shuffle();
        assert_eq!(parted.take(10).count().unwrap(), 10);
        let one = endless().partition_with(|_, _| Some(0)).stages(4).shuffle();
        assert_eq!(one.take(10).count().unwrap(), 10, "idle partitions end too");
        let merged = endless().merge(endless()).partition().shuffle();
        assert_eq!(merged.take(10).count().unwrap(), 10);
    }
}

#[test]
fn an_endless_inner_iterator_ends_with_take() {
    for way in WAYS {
        let inner = || Flow::from_iter([1u64]).on(way).flat_map(|_| 0u64..);
        assert_eq!(inner().take(10).count().unwrap(), 10);
        assert_eq!(inner().shuffle().take(10).count().unwrap(), 10);
        assert_eq!(inner().partition().stages(3).take(10).count().unwrap(), 10);
        let far = inner().shuffle().partition().stages(3).shuffle().take(10);
        assert_eq!(far.count().unwrap(), 10);
        let one = inner().partition_with(|_, _| Some(0)).stages(3).shuffle();
        assert_eq!(one.take(10).count().unwrap(), 10);
        let ordered = inner().ordered().take(10).collect_vec().unwrap();
        assert!(ordered.into_iter().eq(0..10));
        let ordered = inner().ordered().shuffle().take(10).collect_vec().unwrap();
        assert!(ordered.into_iter().eq(0..10));
    }
}

/// Counts how often it is asked.
fn counted(asked: &Arc<AtomicUsize>) -> impl Iterator<Item = usize> + Send + use<> {
    let asked = asked.clone();
    std::iter::repeat_with(move || asked.fetch_add(1, SeqCst))
}

#[test]
fn a_source_is_not_asked_once_the_count_is_used_up() {
    for way in WAYS {
        for stages in [1, 4] {
            let asked = Arc::new(AtomicUsize::new(0));
            let flow = Flow::from_iter(counted(&asked)).stages(stages).batch(1);
            let before = Arc::new(AtomicUsize::new(0));
            let (seen, at) = (asked.clone(), before.clone());
            // Whoever draws the last item notes how often the source was asked until then.
            let count = flow
                .take(50)
                .inspect(move |_| {
                    at.fetch_max(seen.load(SeqCst), SeqCst);
                })
                .on(way)
                .count();
            assert_eq!(count.unwrap(), 50);
            let (before, asked) = (before.load(SeqCst), asked.load(SeqCst));
            assert!(asked >= 50);
            // Each other worker may have been about to ask; none asks twice.
            assert!(asked < before + stages, "{asked} after {before}, {way:?}");
        }
    }
}

#[test]
fn take_nothing_asks_nothing() {
    for way in WAYS {
        let asked = Arc::new(AtomicUsize::new(0));
        let flow = Flow::from_iter(counted(&asked)).stages(2).on(way);
        assert_eq!(flow.take(0).count().unwrap(), 0);
        assert_eq!(asked.load(SeqCst), 0, "{way:?}");
    }
}
