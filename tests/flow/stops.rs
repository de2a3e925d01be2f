//! Flows that end early because somebody asked: by a token, a deadline, a handle, or by going away. No thread stays.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use millstream::{BoxFlow, Error, ErrorKind, Flow, StopToken};

use crate::{BOOM, On, WAYS, Way, boom};

/// An endless flow through several stages that holds on to `alive` as long as anything of it is left.
fn endless(way: Way, alive: &Arc<()>) -> BoxFlow<'static, u64> {
    let (source, step) = (alive.clone(), alive.clone());
    let numbers = std::iter::repeat_with(move || {
        let _held = &source;
        1u64
    });
    let flow = Flow::from_iter(numbers).stages(2).partition().stages(3);
    flow.shuffle()
        .stages(2)
        .buffer(1)
        .map(move |n| {
            let _held = &step;
            n
        })
        .on(way)
        .boxed()
}

fn is_gone(alive: &Arc<()>) {
    assert_eq!(Arc::strong_count(alive), 1, "something of the flow is left");
}

/// Lets others go on until it is so.
fn until(it_is_so: impl Fn() -> bool) {
    while !it_is_so() {
        std::thread::yield_now();
    }
}

/// A flow that calls `at` once, when it has given some thousand items.
fn midway(
    way: Way,
    alive: &Arc<()>,
    at: impl Fn() + Send + Sync + 'static,
) -> BoxFlow<'static, u64> {
    let seen = AtomicUsize::new(0);
    let flow = endless(way, alive).inspect(move |_| {
        if seen.fetch_add(1, SeqCst) == 3000 {
            at();
        }
    });
    flow.boxed()
}

#[test]
fn a_token_stops_every_end() {
    for way in WAYS {
        let stopped = |run: &dyn Fn(BoxFlow<'static, u64>) -> Result<(), Error>| {
            let (alive, token) = (Arc::new(()), StopToken::new());
            let inside = token.clone();
            let flow = midway(way, &alive, move || inside.stop());
            let error = run(flow.stop_token(&token)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Stopped);
            assert!(error.is_stopped());
            assert!(error.report().is_some());
            is_gone(&alive);
        };
        stopped(&|flow| flow.run().map(drop));
        stopped(&|flow| flow.count().map(drop));
        stopped(&|flow| flow.collect_vec().map(drop));
        stopped(&|flow| flow.for_each(drop).map(drop));
        stopped(&|flow| flow.count_by(|n| *n).run().map(drop));
        stopped(&|flow| flow.reduce(|| 0, |sum, n| *sum += n).run().map(drop));
        stopped(&|flow| flow.start().unwrap().join().map(drop));
        stopped(&|flow| flow.scope(|items| items.count()).map(drop));
        stopped(&|flow| flow.into_iter().try_for_each(|item| item.map(drop)));
    }
}

#[test]
fn a_token_that_was_stopped_before_lets_nothing_out() {
    for way in WAYS {
        let token = StopToken::new();
        token.stop();
        let asked = AtomicUsize::new(0);
        let source = std::iter::repeat_with(|| asked.fetch_add(1, SeqCst));
        let flow = Flow::from_iter(source).stages(3).stop_token(&token).on(way);
        assert!(flow.run().unwrap_err().is_stopped());
        assert_eq!(asked.load(SeqCst), 0, "{way:?}");
    }
}

#[test]
fn a_token_stops_a_flow_that_waits_for_its_channel() {
    for way in WAYS {
        let (sender, receiver) = crossbeam_channel::unbounded();
        sender.send(1).unwrap();
        let token = StopToken::new();
        let inside = token.clone();
        let flow = Flow::from_receiver(receiver).stages(2);
        let waiting = flow.shuffle().inspect(move |_| inside.stop());
        // The sender lives, so only the token can end it.
        let error = waiting.stop_token(&token).on(way).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stopped);
        drop(sender);
    }
}

#[test]
fn an_idle_source_ends_however_far_behind_it_nothing_is_wanted() {
    for way in WAYS {
        let (sender, receiver) = crossbeam_channel::unbounded();
        let idle = || {
            (0..3u32).for_each(|n| sender.send(n).unwrap());
            Flow::from_receiver(receiver.clone()).stages(2).on(way)
        };
        // The sender lives and sends no more than is taken, so nothing but the end behind them wakes the stages.
        let far = idle().shuffle().stages(2).partition().stages(2).shuffle();
        assert_eq!(far.stages(2).take(3).count().unwrap(), 3, "{way:?}");
        let flow = idle().shuffle().stages(2).broadcast().to(|n| n.take(1));
        let flow = flow.to(|n| n.shuffle().stages(2).take(2)).merge();
        assert_eq!(flow.count().unwrap(), 3, "{way:?}");
        // What the branches did not want may still be in the channel.
        while receiver.try_recv().is_ok() {}
        let numbers = Flow::from_iter(0..3).ordered();
        let flow = idle().ordered().shuffle().stages(2).zip(numbers).stages(2);
        assert_eq!(flow.count().unwrap(), 3, "{way:?}");
    }
}

#[test]
fn a_deadline_ends_an_endless_flow() {
    for way in WAYS {
        let alive = Arc::new(());
        let flow = endless(way, &alive).deadline(Duration::from_millis(20));
        let error = flow.count_by(|n| *n).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline);
        assert!(error.is_stopped());
        is_gone(&alive);
        let (sender, receiver) = crossbeam_channel::bounded::<u8>(1);
        let idle = Flow::from_receiver(receiver).on(way);
        let error = idle.deadline(Duration::from_millis(5)).count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline);
        drop(sender);
    }
}

#[test]
fn a_deadline_that_is_far_away_is_none() {
    for way in WAYS {
        for far in [Duration::from_secs(1 << 40), Duration::MAX] {
            let flow = Flow::from_iter(0..100).partition().linger(far).on(way);
            assert_eq!(flow.deadline(far).count().unwrap(), 100);
        }
    }
}

#[test]
fn the_first_flow_of_a_merge_decides_about_the_deadline() {
    for way in WAYS {
        let numbers = || Flow::from_iter(0..100u32);
        let (now, later) = (Duration::ZERO, Duration::from_secs(3600));
        let first = numbers().deadline(now).merge(numbers().deadline(later));
        let error = first.on(way).count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline);
        let first = numbers().deadline(later).merge(numbers().deadline(now));
        assert_eq!(first.on(way).count().unwrap(), 200);
        let second = numbers().merge(numbers().deadline(now)).on(way).count();
        assert_eq!(second.unwrap_err().kind(), ErrorKind::Deadline);
        let token = StopToken::new();
        token.stop();
        let second = numbers().merge(numbers().stop_token(&token)).on(way);
        assert_eq!(second.count().unwrap_err().kind(), ErrorKind::Stopped);
    }
}

#[test]
fn a_handle_stops_joins_and_drops() {
    for way in WAYS {
        let alive = Arc::new(());
        let began = Arc::new(AtomicBool::new(false));
        let flow = || {
            began.store(false, SeqCst);
            let began = began.clone();
            midway(way, &alive, move || began.store(true, SeqCst))
        };
        let handle = flow().start().unwrap();
        until(|| began.load(SeqCst));
        assert!(!handle.is_finished());
        handle.stop();
        let error = handle.join().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stopped);
        is_gone(&alive);

        let handle = flow().start().unwrap();
        until(|| began.load(SeqCst));
        drop(handle);
        is_gone(&alive);

        drop(flow().start().unwrap());
        is_gone(&alive);
    }
}

#[test]
fn a_handle_of_a_flow_that_is_done_gives_its_report() {
    for way in WAYS {
        let handle = Flow::from_iter(0..1000).on(way).start().unwrap();
        until(|| handle.is_finished());
        assert_eq!(handle.report().stages()[0].items_in(), 1000);
        handle.stop();
        let report = handle.join().expect("it was done before it was stopped");
        assert_eq!(report.stages()[0].items_in(), 1000);
    }
}

#[test]
fn an_iterator_that_is_dropped_stops_its_flow() {
    for way in WAYS {
        for taken in [0, 1, 10, 5000] {
            let alive = Arc::new(());
            let items = endless(way, &alive).into_iter();
            let got: Vec<_> = items.take(taken).map(Result::unwrap).collect();
            assert_eq!(got.len(), taken);
            is_gone(&alive);
        }
    }
}

#[test]
fn an_iterator_gives_its_error_once_and_last() {
    for way in WAYS {
        let flow = Flow::from_iter(0..1000u32).stages(2).on(way);
        let failing = flow.map(|n| if n == 999 { boom() } else { n });
        let mut items = failing.into_iter();
        let error = items.find_map(Result::err).expect("it failed");
        assert_eq!(error.kind(), ErrorKind::Panic);
        assert!(items.next().is_none());
        assert!(items.next().is_none());
    }
}

#[test]
fn a_scope_that_returns_early_stops_its_flow() {
    for way in WAYS {
        let alive = Arc::new(());
        let nothing = endless(way, &alive).scope(|items| drop(items));
        assert!(nothing.is_ok());
        is_gone(&alive);
        let some = endless(way, &alive).scope(|items| items.take(5000).sum::<u64>());
        assert_eq!(some.unwrap(), 5000);
        is_gone(&alive);
        let found = endless(way, &alive).scope(|mut items| items.find(|n| *n == 1));
        assert_eq!(found.unwrap(), Some(1));
        is_gone(&alive);
    }
}

#[test]
fn a_scope_that_panics_takes_its_threads_along() {
    for way in WAYS {
        let alive = Arc::new(());
        let flow = endless(way, &alive);
        let scope = AssertUnwindSafe(|| {
            flow.scope(|mut items| -> u64 {
                items.next();
                boom()
            })
        });
        let payload = catch_unwind(scope).expect_err("it is the caller's panic");
        assert_eq!(payload.downcast_ref(), Some(&BOOM));
        is_gone(&alive);
    }
}

#[test]
fn a_flow_that_never_runs_keeps_nothing() {
    let alive = Arc::new(());
    drop(endless(Way::Threads, &alive));
    is_gone(&alive);
    let refused = endless(Way::Threads, &alive).stages(0).run().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Option);
    is_gone(&alive);
}
