//! Pieces of a flow under a name, and steps of one's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use millstream::{BoxFlow, ErrorKind, Flow, Pipe};

use crate::{On, WAYS, boom_if};

/// A piece that is used twice.
fn tripled<'env, P>(flow: Flow<'env, P>) -> BoxFlow<'env, u64>
where
    P: Pipe<Item = u64> + 'env,
{
    flow.filter(|n| n % 2 == 0).map(|n| n * 3).boxed()
}

#[test]
fn pieces_are_used_in_several_places() {
    for way in WAYS {
        let flow = Flow::from_iter(0..100u64).stages(2).through(tripled);
        let flow = flow.shuffle().stages(2).through(tripled).on(way);
        let count = flow.through(|flow| flow.count().unwrap());
        assert_eq!(count, 50, "{way:?}");
        let flow = Flow::from_iter(0..100u64).through(|flow| flow.broadcast());
        let flow = flow.to(tripled).to(|n| n.through(tripled)).merge().on(way);
        assert_eq!(flow.sum::<u64>().unwrap(), 2 * 3 * 2450, "{way:?}");
    }
}

#[test]
fn a_step_of_ones_own_sees_every_item_in_order() {
    for way in WAYS {
        for stages in 1..=4 {
            let flow = Flow::from_iter(0..2000u64)
                .stages(stages)
                .batch(50)
                .ordered();
            let flow = flow.adapt(|chunk| {
                let mut chunk = chunk.peekable();
                Box::new(std::iter::from_fn(move || {
                    let n = chunk.next()?;
                    // Two at a time where there are two; the pairs of a chunk are in order.
                    Some((n, chunk.next_if_eq(&(n + 1))))
                }))
            });
            let flow = flow.shuffle().stages(2).batch(3).on(way);
            let got = flow.flat_map(|(a, b)| std::iter::once(a).chain(b));
            assert!(
                got.collect_vec().unwrap().into_iter().eq(0..2000),
                "{way:?}"
            );
        }
    }
}

#[test]
fn a_step_of_ones_own_over_borrowed_items() {
    let words: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    let long = 2;
    for way in WAYS {
        let flow = Flow::from_slice(&words).stages(3);
        let flow = flow.adapt(|chunk| Box::new(chunk.filter(|w| w.len() > long).map(|w| &w[1..])));
        let got = flow
            .partition()
            .stages(2)
            .batch(1)
            .buffer(1)
            .on(way)
            .count();
        assert_eq!(got.unwrap(), 400, "{way:?}");
    }
}

#[test]
fn an_endless_iterator_of_ones_own_ends_with_the_flow() {
    for way in WAYS {
        let flow = Flow::from_iter(0..4u64).stages(2);
        let flow = flow.adapt(|chunk| Box::new(chunk.chain(100..)));
        let flow = flow
            .shuffle()
            .stages(2)
            .batch(1)
            .buffer(1)
            .take(300)
            .on(way);
        assert_eq!(flow.count().unwrap(), 300, "{way:?}");
    }
}

#[test]
fn a_panic_in_a_step_of_ones_own_is_an_error() {
    for way in WAYS {
        let alive = Arc::new(AtomicUsize::new(0));
        let held = alive.clone();
        let endless = std::iter::repeat_with(move || held.fetch_add(1, SeqCst));
        let flow = Flow::from_iter(endless).stages(3).on(way);
        let flow = flow.adapt(|chunk| Box::new(chunk.inspect(|n| boom_if(*n == 900))));
        let error = flow.shuffle().stages(2).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic);
        assert_eq!(Arc::strong_count(&alive), 1, "{way:?}");
    }
}
