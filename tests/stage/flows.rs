//! Flows over stages: rows FO-12, FO-13, backpressure, several producers and workers, ends and failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;

use millstream::stage::testing::pushed;
use millstream::stage::{
    self, Answer, Builder, Cancel, DemandMode, Downstream, Emit, Ended, Init, Next, Output,
    Producer, Produces, Reason, StageRef, Subscription,
};
use millstream::{BoxError, ErrorKind, Flow};

use super::common::{Counter, counter, demands, next};

fn numbers() -> Builder<Produces<impl Producer<Event = u64>>> {
    stage::from_iter(0u64..)
}

/// The same flow over a running producer and over one that the flow starts.
fn both(test: impl Fn(millstream::BoxFlow<'static, u64>)) {
    let running = numbers().start().unwrap();
    let over = Flow::from_stages([(&running, Subscription::new())]);
    test(over.stages(1).boxed());
    let own = Flow::from_specs([(numbers(), Subscription::new())]);
    test(own.stages(1).boxed());
}

#[test]
fn fo_12_running_producers_and_specs() {
    both(|flow| assert_eq!(flow.take(5).collect_vec().unwrap(), [0, 1, 2, 3, 4]));
    both(|flow| {
        let evens = flow.filter(|n| n % 2 == 0).take(5);
        assert_eq!(evens.collect_vec().unwrap(), [0, 2, 4, 6, 8]);
    });
    both(|flow| {
        let twice = flow.flat_map(|n| [n, n]).take(5);
        assert_eq!(twice.collect_vec().unwrap(), [0, 0, 1, 1, 2]);
    });
    both(|flow| {
        let doubled = flow.map(|n| n * 2).take(5);
        assert_eq!(doubled.collect_vec().unwrap(), [0, 2, 4, 6, 8]);
    });
    both(|flow| {
        let odds = flow.reject(|n| n % 2 == 0).take(5);
        assert_eq!(odds.collect_vec().unwrap(), [1, 3, 5, 7, 9]);
    });
    both(|flow| {
        let chain = flow.filter(|n| n % 2 == 0).map(|n| n + 1).map(|n| n * 2);
        assert_eq!(chain.take(5).collect_vec().unwrap(), [2, 6, 10, 14, 18]);
    });
}

#[test]
fn fo_13_a_batch_is_a_chunk_of_demand() {
    let sums = Flow::from_specs([(numbers(), Subscription::new())])
        .stages(1)
        .map_batch(|batch| [batch.into_iter().sum::<u64>()])
        .take(5)
        .collect_vec();
    let expected = [124_750, 374_750, 624_750, 874_750, 1_124_750];
    assert_eq!(sums.unwrap(), expected);
}

#[test]
fn a_slow_flow_holds_an_endless_producer_back() {
    for (max, min, batch) in [(10, 5, 1024), (10, 0, 3), (1, 0, 1), (7, 6, 2)] {
        let made = Arc::new(AtomicU64::new(0));
        let count = made.clone();
        let endless = stage::from_fn(move |n, out| {
            let first = count.fetch_add(n as u64, Ordering::SeqCst);
            out.extend(first..first + n as u64);
            Ok(Next::Go)
        });
        let endless = endless.start().unwrap();
        let (made, done) = (made.clone(), Arc::new(AtomicU64::new(0)));
        let worked = done.clone();
        let flow = Flow::from_stages([(&endless, demands(max, min))])
            .stages(1)
            .batch(batch)
            .inspect(move |_| {
                // What this item's chunk was asked for with is asked for again only behind it.
                let under_way = made.load(Ordering::SeqCst) - worked.fetch_add(1, Ordering::SeqCst);
                assert!(under_way <= max, "{under_way} under way");
            })
            .take(100);
        assert_eq!(flow.collect_vec().unwrap(), (0..100).collect::<Vec<_>>());
        assert!(done.load(Ordering::SeqCst) >= 100);
    }
}

#[test]
fn nothing_is_lost_or_doubled_between_producers_and_workers() {
    for producers in 1..4u64 {
        for workers in 1..4 {
            let specs = (0..producers)
                .map(|p| (stage::from_iter(p * 1000..(p + 1) * 1000), demands(20, 10)));
            let flow = Flow::from_specs(specs).stages(workers).batch(7);
            let all: Vec<u64> = (0..producers * 1000).collect();
            assert_eq!(flow.map(|n| n).sorted().unwrap(), all);

            let running: Vec<_> = (0..producers)
                .map(|p| stage::from_iter(p * 1000..(p + 1) * 1000))
                .map(|spec| spec.demand(DemandMode::Accumulate).start().unwrap())
                .collect();
            let outputs: Vec<Output<u64>> = running.iter().map(stage::Emits::output).collect();
            let flow = Flow::from_stages(outputs.iter().map(|o| (o, Subscription::new())))
                .stages(workers)
                .shuffle()
                .stages(2);
            let items = flow.into_iter();
            for producer in &running {
                producer.set_demand(DemandMode::Forward).unwrap();
            }
            let mut items: Vec<u64> = items.map(Result::unwrap).collect();
            items.sort_unstable();
            assert_eq!(items, all);
        }
    }
}

#[test]
fn a_seeded_run_takes_from_stages_too() {
    for seed in 0..5 {
        let specs = [0, 1].map(|p| (stage::from_iter(p * 100..(p + 1) * 100), demands(9, 3)));
        let flow = Flow::from_specs(specs).stages(3).partition().stages(2);
        let all: Vec<u64> = (0..200).collect();
        assert_eq!(flow.seeded(seed).sorted().unwrap(), all);
    }
}

#[test]
fn a_producer_that_fails_ends_the_flow_with_its_name() {
    let broken = || {
        let mut calls = 0;
        stage::from_fn(move |_, out: &mut Emit<u64>| {
            calls += 1;
            out.push(1);
            if calls > 3 {
                return Err("out of paper".into());
            }
            Ok(Next::Go)
        })
        .name("printer")
    };
    let few = demands(1, 0);
    let error = Flow::from_specs([(broken(), few.clone())])
        .stages(1)
        .count()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stage);
    assert_eq!(error.stage(), Some("printer"));
    assert_eq!(error.message(), "out of paper");
    // A temporary one is simply over.
    let temporary = few.clone().cancel(Cancel::Temporary);
    let flow = Flow::from_specs([(broken(), temporary)]).stages(1);
    assert_eq!(flow.count().unwrap(), 3);
    // So is one that is told to end well by its owner.
    let running = pushed::<u64>().start().unwrap();
    let items = Flow::from_stages([(&running, few)]).stages(1).into_iter();
    running.push([1, 2, 3]).unwrap();
    running.finish().unwrap();
    assert_eq!(items.map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_producer_that_had_ended_is_an_error_unless_temporary() {
    let ended = pushed::<u64>().name("gone").start().unwrap();
    let output = stage::Emits::output(&ended);
    ended.stop().unwrap();
    let flow = Flow::from_stages([(&output, Subscription::new())]).stages(2);
    let error = flow.count().unwrap_err();
    assert_eq!(error.stage(), Some("gone"));
    assert!(error.message().contains("had ended before"), "{error}");
    let temporary = Subscription::new().cancel(Cancel::Temporary);
    assert_eq!(
        Flow::from_stages([(&output, temporary)]).count().unwrap(),
        0
    );
}

/// Counts, and tells of each consumer that leaves.
struct Watched(u64, std::sync::mpsc::Sender<Ended>);

impl Producer for Watched {
    type Event = u64;
    fn handle_demand(&mut self, n: usize, out: &mut Emit<u64>) -> Answer {
        out.extend(self.0..self.0 + n as u64);
        self.0 += n as u64;
        Ok(Next::Go)
    }
    fn handle_cancel(&mut self, _: &Downstream, ended: &Ended, _: &mut Emit<u64>) -> Answer {
        let _ = self.1.send(ended.clone());
        Ok(Next::Go)
    }
}

#[test]
fn producers_are_told_how_the_flow_went_and_live() {
    let (sender, left) = channel();
    let watched = stage::producer(Watched(0, sender)).start().unwrap();
    let flow = || Flow::from_stages([(&watched, demands(10, 5))]).stages(2);
    let stopped = |reason: &dyn Fn(&Reason) -> bool| {
        for _ in 0..2 {
            let ended = next(&left);
            assert!(ended.is_down() && reason(ended.reason()), "{ended:?}");
        }
    };
    assert_eq!(flow().take(3).count().unwrap(), 3);
    stopped(&|reason| matches!(reason, Reason::Normal));

    let failing = flow().try_map(|n| if n < 40 { Ok(n) } else { Err("too large") });
    assert_eq!(failing.count().unwrap_err().message(), "too large");
    stopped(&|reason| matches!(reason, Reason::Failed(error) if error.message() == "too large"));

    let panicking = flow().map(|n| if n < 80 { n } else { panic!("far too large") });
    assert_eq!(panicking.count().unwrap_err().kind(), ErrorKind::Panic);
    stopped(&|reason| matches!(reason, Reason::Failed(error) if error.kind() == ErrorKind::Panic));

    let handle = flow().start().unwrap();
    handle.stop();
    assert!(handle.join().unwrap_err().is_stopped());
    stopped(&|reason| matches!(reason, Reason::Shutdown));

    drop(flow().start().unwrap());
    stopped(&|reason| matches!(reason, Reason::Shutdown));
    watched.stop().unwrap();
}

#[test]
fn draining_works_off_what_is_under_way() {
    let taken = Arc::new(AtomicU64::new(0));
    let (count, (sender, began)) = (taken.clone(), channel());
    let (spec, _demands) = counter();
    let spec: Builder<Produces<Counter>> = spec;
    let producer = spec.start().unwrap();
    let handle = Flow::from_stages([(&producer, demands(10, 5))])
        .stages(1)
        .inspect(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = sender.send(());
        })
        .start()
        .unwrap();
    next(&began);
    handle.drain();
    handle.join().unwrap();
    assert_eq!(taken.load(Ordering::SeqCst), producer.counts().given);
    producer.stop().unwrap();
}

/// Holds something until it is dropped, and declines or fails to start.
struct Reluctant(Result<Init, &'static str>);

impl Producer for Reluctant {
    type Event = u64;
    fn init(&mut self, _: &StageRef<Produces<Self>>) -> Result<Init, BoxError> {
        self.0.map_err(Into::into)
    }
    fn handle_demand(&mut self, _: usize, _: &mut Emit<u64>) -> Answer {
        Ok(Next::Done)
    }
}

#[test]
fn fe_14_specs_that_decline_and_specs_that_fail() {
    let spec = |init| {
        (
            stage::producer(Reluctant(init)).name("shy"),
            Subscription::new(),
        )
    };
    let declines = Flow::from_specs([spec(Ok(Init::Ignore))]);
    assert_eq!(declines.stages(2).count().unwrap(), 0);
    let one = Flow::from_specs([spec(Ok(Init::Ignore)), spec(Ok(Init::Run))]);
    assert_eq!(one.stages(2).count().unwrap(), 0);
    let fails = Flow::from_specs([spec(Err("not today")), spec(Ok(Init::Run))]);
    let error = fails.stages(2).count().unwrap_err();
    assert_eq!((error.message(), error.stage()), ("not today", Some("shy")));
}

#[test]
fn a_flow_stops_what_it_has_started() {
    let alive = Arc::new(());
    let spec = || {
        let alive = alive.clone();
        let spec = stage::from_fn(move |n, out| {
            let _ = &alive;
            out.extend(0..n as u64);
            Ok(Next::Go)
        });
        (spec, demands(10, 5))
    };
    assert_eq!(
        Flow::from_specs([spec(), spec()])
            .stages(2)
            .take(20)
            .count()
            .unwrap(),
        20
    );
    assert_eq!(Arc::strong_count(&alive), 1);
    let mut items = Flow::from_specs([spec()]).stages(3).into_iter();
    items.next().unwrap().unwrap();
    drop(items);
    assert_eq!(Arc::strong_count(&alive), 1);
    // One that never runs starts nothing.
    drop(Flow::from_specs([spec()]));
    assert_eq!(Arc::strong_count(&alive), 1);
    assert!(Flow::from_specs([spec()]).stages(0).count().is_err());
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn what_cannot_work_is_refused_before_it_runs() {
    let none: [(Output<u64>, Subscription<u64>); 0] = [];
    let error = Flow::from_stages(none).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plan);
    assert!(error.message().contains("give it one or more"), "{error}");

    let running = numbers().name("numbers").start().unwrap();
    let flow = |options| Flow::from_stages([(&running, options)]).stages(2);
    let error = flow(Subscription::new().max_demand(0)).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
    assert!(
        error.message().contains("`numbers`: max_demand(0)"),
        "{error}"
    );
    let error = flow(Subscription::new().manual()).count().unwrap_err();
    assert!(error.message().contains("leave `manual` out"), "{error}");
    let error = flow(Subscription::new()).ordered().count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plan);
    assert!(error.message().contains("write `stages(1)`"), "{error}");
    let ordered = flow(Subscription::new()).stages(1).ordered().take(3);
    assert_eq!(
        ordered.shuffle().stages(3).collect_vec().unwrap(),
        [0, 1, 2]
    );
}

#[test]
fn the_plan_names_the_stages_and_counts_the_demand() {
    let running = [numbers().name("a"), numbers().name("b")].map(|spec| spec.start().unwrap());
    let subscriptions = running.iter().map(|stage| (stage, demands(100, 50)));
    let flow = Flow::from_stages(subscriptions).stages(3);
    let said = "from the stages `a` and `b`, as it is asked: at most 600 events under way \
                (3 threads × 200 events)";
    assert!(flow.explain().contains(said), "{}", flow.explain());
    assert_eq!(flow.plan().most_in_flight(), 600);
}
