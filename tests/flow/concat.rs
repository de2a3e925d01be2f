//! Two inputs of one stage: `concat` takes one after the other, `zip` pairs them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use millstream::{ErrorKind, Flow};

use crate::{On, WAYS, boom_if, sorted};

/// Numbers of stages on both sides and behind, and lengths of both sides.
fn cases(mut check: impl FnMut([usize; 3], u32, u32)) {
    for stages in [[1, 1, 1], [2, 1, 3], [1, 3, 2], [4, 4, 4]] {
        for (first, second) in [(0, 0), (0, 50), (50, 0), (1, 300), (300, 7), (500, 500)] {
            check(stages, first, second);
        }
    }
}

#[test]
fn concat_gives_all_of_both() {
    for way in WAYS {
        cases(|[a, b, behind], first, second| {
            let flow = Flow::from_iter(0..first).stages(a);
            let flow = flow.concat(Flow::from_iter(1000..1000 + second).stages(b));
            let flow = flow.stages(behind).batch(1).buffer(1).on(way);
            let expected = (0..first).chain(1000..1000 + second);
            assert!(flow.sorted().unwrap().into_iter().eq(expected), "{way:?}");
        });
    }
}

#[test]
fn concat_keeps_order_where_both_have_it() {
    for way in WAYS {
        cases(|[a, b, behind], first, second| {
            let flow = Flow::from_iter(0..first).stages(a).ordered();
            let flow = flow.concat(Flow::from_iter(1000..1000 + second).stages(b).ordered());
            let flow = flow.stages(behind).batch(3).buffer(1).map(|n| n + 1);
            let flow = flow.shuffle().stages(2).batch(2).on(way);
            let expected = (1..=first).chain(1001..1001 + second);
            let got = flow.collect_vec().unwrap();
            assert!(got.into_iter().eq(expected), "{way:?}");
        });
    }
}

#[test]
fn the_second_waits_for_the_first_even_without_order() {
    for way in WAYS {
        // One worker takes the items of the first before any of the second, in whatever order each is.
        let flow = Flow::from_iter(0..200).stages(3).map(|n| (1, n));
        let flow = flow.concat(Flow::from_iter(0..200).stages(3).map(|n| (2, n)));
        let got = flow.stages(1).on(way).collect_vec().unwrap();
        assert!(got.iter().map(|(which, _)| which).is_sorted(), "{way:?}");
        assert_eq!(got.len(), 400);
    }
}

#[test]
fn concats_can_be_chained_and_cut() {
    for way in WAYS {
        let part = |from: u32| Flow::from_iter(from..from + 100).stages(2).ordered();
        let flow = part(0).concat(part(100)).stages(2).concat(part(200));
        let got = flow.stages(3).on(way).collect_vec().unwrap();
        assert!(got.into_iter().eq(0..300), "{way:?}");
        // What is behind the cut ends, though it is endless.
        let endless = Flow::from_iter(0..).ordered();
        let flow = part(0).concat(endless).stages(2).take(150).on(way);
        let got = flow.collect_vec().unwrap();
        assert!(got.into_iter().eq((0..100).chain(0..50)), "{way:?}");
        let endless = Flow::from_iter(0..).stages(2).batch(1);
        let flow = endless.concat(part(0)).buffer(1).take(10).on(way);
        assert_eq!(flow.count().unwrap(), 10);
    }
}

#[test]
fn zip_pairs_in_order_and_ends_with_the_shorter() {
    for way in WAYS {
        cases(|[a, b, behind], first, second| {
            let flow = Flow::from_iter(0..first).stages(a).batch(5).ordered();
            let other = Flow::from_iter(1000..1000 + second).stages(b).ordered();
            let flow = flow.zip(other).stages(behind).batch(3).buffer(1);
            let got = flow.map(|(a, b)| (a + 1, b)).on(way).collect_vec().unwrap();
            let expected = (1..=first).zip(1000..1000 + second);
            assert!(got.into_iter().eq(expected), "{way:?}");
        });
    }
}

#[test]
fn zip_stops_the_longer_side() {
    for way in WAYS {
        let asked = AtomicU64::new(0);
        let endless = || std::iter::repeat_with(|| asked.fetch_add(1, SeqCst));
        let numbers = || Flow::from_iter(0..100).stages(2).ordered();
        let left = Flow::from_iter(endless()).stages(3).ordered();
        let left = left.zip(numbers()).stages(2).buffer(1).on(way);
        assert_eq!(left.count().unwrap(), 100);
        let right = Flow::from_iter(endless()).stages(3).ordered();
        let right = numbers().zip(right).stages(2).buffer(1).on(way);
        assert_eq!(right.count().unwrap(), 100);
        // A filter may leave one side without items for long.
        let few = Flow::from_iter(0..5000).stages(2).filter(|n| n % 999 == 0);
        let many = Flow::from_iter(endless()).stages(2).ordered();
        let flow = few.ordered().zip(many).stages(3).batch(2).on(way);
        assert_eq!(sorted(flow.map(|(n, _)| n).collect_vec().unwrap()).len(), 6);
    }
}

#[test]
fn zip_without_order_is_refused() {
    let numbers = || Flow::from_iter(0..10);
    for flow in [
        numbers().zip(numbers().ordered().boxed()).boxed(),
        numbers().ordered().zip(numbers().boxed()).boxed(),
        numbers()
            .ordered()
            .partition()
            .zip(numbers().ordered().boxed())
            .boxed(),
    ] {
        let error = flow.count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Plan);
    }
    let error = numbers().zip(numbers()).count().unwrap_err();
    assert!(
        error
            .message()
            .contains("put `ordered()` at the end of both"),
        "{error}"
    );
}

#[test]
fn a_panic_on_either_side_ends_both() {
    for way in WAYS {
        let alive = Arc::new(AtomicUsize::new(0));
        let held = alive.clone();
        let endless = move || {
            let held = held.clone();
            Flow::from_iter(std::iter::repeat_with(move || held.load(SeqCst)))
                .stages(2)
                .ordered()
        };
        let broken = || {
            Flow::from_iter(0..500usize)
                .stages(2)
                .inspect(|n| boom_if(*n == 400))
                .ordered()
        };
        let errors = [
            endless().zip(broken()).on(way).count(),
            broken().zip(endless()).on(way).count(),
            broken().concat(endless()).on(way).count(),
            endless()
                .concat(broken())
                .stages(1)
                .on(way)
                .try_for_each(|_| Err("enough"))
                .map(|_| 0),
        ];
        for error in errors {
            let kind = error.unwrap_err().kind();
            assert!(
                matches!(kind, ErrorKind::Panic | ErrorKind::Step),
                "{way:?} {kind:?}"
            );
        }
        drop(endless);
        assert_eq!(Arc::strong_count(&alive), 1, "{way:?}: something is left");
    }
}

#[test]
fn plans_show_both_inputs() {
    let flow = Flow::from_iter(0..10)
        .name("a")
        .concat(Flow::from_iter(0..10).name("b"));
    let flow = flow.stages(2).name("both");
    let text = flow.explain();
    assert!(text.contains("edge from `a` to `both`") && text.contains("edge from `b` to `both`"));
    assert_eq!(flow.plan().to_mermaid().matches("| s2").count(), 2);
}
