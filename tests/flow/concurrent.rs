//! `map_concurrent`: so many calls at a time and no more, with and without order.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use millstream::{ErrorKind, Flow};

use crate::{On, WAYS, Way, boom_if, sorted};

#[test]
fn so_many_calls_at_a_time() {
    for k in [1, 2, 5, 16] {
        for ordered in [false, true] {
            let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            // No call returns before `k` of them are under way.
            let all_here = Barrier::new(k);
            let call = |n: usize| {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                all_here.wait();
                now.fetch_sub(1, SeqCst);
                n
            };
            let numbers = Flow::from_iter(0..10 * k).stages(2);
            let made = match ordered {
                true => numbers.ordered().map_concurrent(k, call).collect_vec(),
                false => numbers.map_concurrent(k, call).sorted(),
            };
            assert!(made.unwrap().into_iter().eq(0..10 * k));
            assert_eq!(most.into_inner(), k);
        }
    }
}

#[test]
fn everything_is_called_once_in_order_if_asked() {
    for way in WAYS {
        for k in 1..=4 {
            let numbers = || Flow::from_iter(0..500u32).stages(3).on(way);
            let made = numbers().map_concurrent(k, |n| n * 2).map(|n| n + 1);
            let expected = || (0..500u32).map(|n| n * 2 + 1);
            assert_eq!(made.sorted().unwrap(), sorted(expected()));
            let made = numbers().ordered().map_concurrent(k, |n| n * 2).buffer(1);
            let made = made.map(|n| n + 1).shuffle().stages(2).batch(1).buffer(1);
            assert!(made.collect_vec().unwrap().into_iter().eq(expected()));
            let parted = numbers().partition().map_concurrent(k, |n| n);
            assert_eq!(parted.count().unwrap(), 500);
            let few = numbers().map_concurrent(k, |n| n).take(7);
            assert_eq!(few.count().unwrap(), 7);
        }
    }
}

#[test]
fn a_result_goes_on_before_the_next_call() {
    // The second call waits until the first one's result has come out at the end of the flow.
    let out = Barrier::new(2);
    let call = |n: u32| {
        if n == 1 {
            out.wait();
        }
        n
    };
    let passed = Flow::from_range(0..2)
        .stages(1)
        .ordered()
        .map_concurrent(1, call);
    let passed = passed.shuffle().stages(1).inspect(|n| {
        if *n == 0 {
            out.wait();
        }
    });
    assert_eq!(passed.count().unwrap(), 2);
}

#[test]
fn a_failed_call_ends_the_run() {
    for way in WAYS {
        let numbers = || Flow::from_iter(0..).stages(2).on(way);
        let failed = numbers()
            .map_concurrent(3, |n: u32| boom_if(n == 70))
            .count();
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Panic);
        let refuse = |n: u32| if n == 70 { Err("no") } else { Ok(n) };
        let failed = numbers().map_concurrent(3, refuse).try_map(|answer| answer);
        assert_eq!(failed.count().unwrap_err().kind(), ErrorKind::Step);
    }
    let none = Flow::from_range(0..9)
        .map_concurrent(0, |n| n)
        .on(Way::Threads);
    assert_eq!(none.count().unwrap_err().kind(), ErrorKind::Option);
}
