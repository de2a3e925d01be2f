//! The corners: no item and one, no room, more threads than cores, flows inside flows, borrowed data.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use millstream::{BoxFlow, Flow, Text};

use crate::{On, WAYS, Way, sorted};

/// Through every kind of boundary, each of `stages` workers with the least room there can be.
fn narrow(flow: BoxFlow<'_, u64>, stages: usize) -> BoxFlow<'_, u64> {
    let flow = flow.stages(stages).batch(1).buffer(1).shuffle();
    let flow = flow.stages(stages).batch(1).buffer(1).partition();
    let flow = flow.stages(stages).batch(1).buffer(1);
    let flow = flow.partition_with(|n, of| Some(*n as usize % of));
    let flow = flow.stages(stages).batch(1).buffer(1).map(|n| n + 1);
    let flow = flow.shuffle().stages(stages).batch(1).buffer(1);
    flow.flat_map(|n| [n, n]).boxed()
}

#[test]
fn the_least_room_is_enough() {
    for way in WAYS {
        for stages in [1, 2, 5] {
            let got = narrow(Flow::from_iter(0..300u64).boxed(), stages).on(way);
            let got = sorted(got.collect_vec().unwrap());
            assert!(got.into_iter().eq((1..=300).flat_map(|n| [n; 2])));
            let flow = narrow(Flow::from_iter(0..300u64).boxed(), stages).on(way);
            let counts = flow.count_by(|n| n % 7).stages(stages).batch(1).buffer(1);
            let total: u64 = counts.map(|(_, n)| n).sum().unwrap();
            assert_eq!(total, 600);
            let flow = narrow(Flow::from_iter(0..300u64).boxed(), stages).on(way);
            let items: Result<Vec<_>, _> = flow.buffer(1).into_iter().collect();
            assert_eq!(items.unwrap().len(), 600);
        }
    }
}

#[test]
fn more_threads_than_cores() {
    for way in WAYS {
        let flow = narrow(Flow::from_iter(0..500u64).boxed(), 32).on(way);
        let counts = flow.count_by(|n| n % 100).stages(32).sorted().unwrap();
        assert_eq!(counts.len(), 100);
        assert!(counts.iter().all(|(_, n)| *n == 10));
        let ordered = Flow::from_iter(0..500u32).stages(32).ordered().shuffle();
        let got = ordered.stages(32).batch(1).on(way).collect_vec().unwrap();
        assert!(got.into_iter().eq(0..500));
    }
}

fn nothing(way: Way, text: &Text) -> Vec<BoxFlow<'_, u64>> {
    let (_, closed) = crossbeam_channel::bounded(1);
    let none: [std::ops::Range<u64>; 0] = [];
    let flows = vec![
        Flow::from_iter(0..0).boxed(),
        Flow::from_iters(none).boxed(),
        Flow::from_iters(vec![0..0, 5..5]).boxed(),
        Flow::from_slice(&[0u64; 0]).map(|n| *n).boxed(),
        Flow::from_vec(Vec::new()).boxed(),
        Flow::from_range(7..7).boxed(),
        Flow::from_lines(text).map(|line| line.len() as u64).boxed(),
        Flow::from_receiver(closed).boxed(),
        Flow::from_iter(0..100).filter(|_| false).boxed(),
    ];
    flows
        .into_iter()
        .map(|flow| flow.stages(3).on(way))
        .collect()
}

#[test]
fn ranges_reach_the_ends_of_their_types() {
    for way in WAYS {
        let all = Flow::from_range(i8::MIN..=i8::MAX).stages(3).on(way);
        assert!(all.sorted().unwrap().into_iter().eq(i8::MIN..=i8::MAX));
        let first = Flow::from_range(0..=u64::MAX).stages(2).on(way);
        assert_eq!(first.ordered().take(3).collect_vec().unwrap(), [0, 1, 2]);
        let last = Flow::from_range(u64::MAX - 1..=u64::MAX).on(way);
        assert_eq!(last.sorted().unwrap(), [u64::MAX - 1, u64::MAX]);
        let one = Flow::from_range(i64::MIN..=i64::MIN).on(way);
        assert_eq!(one.collect_vec().unwrap(), [i64::MIN]);
    }
}

#[test]
fn nothing_in_gives_nothing_out() {
    let text = Text::from("");
    for way in WAYS {
        let each = |check: &dyn Fn(BoxFlow<'_, u64>)| {
            nothing(way, &text).into_iter().for_each(check);
        };
        each(&|flow| assert!(flow.collect_vec().unwrap().is_empty()));
        each(&|flow| assert_eq!(narrow(flow, 3).count().unwrap(), 0));
        each(&|flow| assert!(flow.ordered().collect_vec().unwrap().is_empty()));
        each(&|flow| assert_eq!(flow.count_by(|n| *n).count().unwrap(), 0));
        each(&|flow| assert_eq!(flow.group_by(|n| *n).count().unwrap(), 0));
        each(&|flow| assert_eq!(flow.count_by_ref(|n| n).count().unwrap(), 0));
        each(&|flow| assert_eq!(flow.sum::<u64>().unwrap(), 0));
        each(&|flow| assert!(flow.sorted().unwrap().is_empty()));
        each(&|flow| assert!(flow.top(3).unwrap().is_empty()));
        each(&|flow| assert_eq!(flow.fold(|| 1, |a, _| a, |a, b| a * b).unwrap(), 1));
        each(&|flow| assert_eq!(flow.map_batch(|batch| batch).count().unwrap(), 0));
        each(&|flow| assert_eq!(flow.take(5).count().unwrap(), 0));
        each(&|flow| assert!(flow.scope(|mut items| items.next()).unwrap().is_none()));
        each(&|flow| {
            let parts = flow.partition().stages(3).collect_partitions().unwrap();
            assert!(parts.len() == 3 && parts.iter().all(Vec::is_empty));
        });
        each(&|flow| {
            let other = Flow::from_range(0..3u64);
            assert_eq!(flow.merge(other).sorted().unwrap(), [0, 1, 2]);
        });
        // A worker that got nothing still has its state.
        each(&|flow| {
            let states = flow.partition().stages(3).reduce(|| 5, |sum, n| *sum += n);
            assert_eq!(states.collect_partitions().unwrap(), [[5]; 3]);
        });
        each(&|flow| {
            let states = flow.reduce(|| 5, |sum, n| *sum += n);
            assert_eq!(states.sorted().unwrap(), [5; 3]);
        });
        each(&|flow| {
            let ends = flow.emit_and_reduce(|| 5, |_, n| Some(n), |n| [n, n]);
            assert_eq!(ends.sorted().unwrap(), [5; 6]);
        });
    }
}

#[test]
fn one_item_passes() {
    for way in WAYS {
        for stages in [1, 4] {
            let one = || Flow::from_iter([41u64]).stages(stages).on(way).boxed();
            assert_eq!(narrow(one(), stages).collect_vec().unwrap(), [42, 42]);
            let counted = one().count_by(|n| *n).stages(stages).collect_vec();
            assert_eq!(counted.unwrap(), [(41, 1)]);
            assert_eq!(one().ordered().take(1).collect_vec().unwrap(), [41]);
            let batches = one().map_batch(|batch| [batch.len()]).collect_vec();
            assert_eq!(batches.unwrap(), [1]);
        }
    }
}

#[test]
fn a_channel_is_a_source_while_it_is_filled() {
    for way in WAYS {
        let (sender, receiver) = crossbeam_channel::bounded(2);
        let sending = std::thread::spawn(move || {
            (0..2000u64).for_each(|n| sender.send(n).expect("somebody listens"));
        });
        let flow = Flow::from_receiver(receiver).stages(3).on(way);
        let counts = flow.count_by(|n| n % 10).sorted().unwrap();
        assert_eq!(counts.len(), 10);
        assert!(counts.iter().all(|(_, n)| *n == 200));
        sending.join().unwrap();
    }
}

#[test]
fn a_channel_feeds_an_ordered_flow() {
    for way in WAYS {
        let (sender, receiver) = crossbeam_channel::bounded(3);
        let sending = std::thread::spawn(move || {
            (0..500u64).for_each(|n| sender.send(n).expect("somebody listens"));
        });
        let flow = Flow::from_receiver(receiver).stages(4).ordered().on(way);
        assert!(flow.collect_vec().unwrap().into_iter().eq(0..500));
        sending.join().unwrap();
    }
}

#[test]
fn flows_run_inside_steps_of_flows() {
    for way in WAYS {
        let outer = Flow::from_range(1..20u64).stages(3).on(way);
        let sums = outer.try_map(move |n| {
            let inner = Flow::from_range(0..n).stages(2).on(way).partition();
            inner.stages(2).sum::<u64>()
        });
        let expected: u64 = (1..20u64).map(|n| n * (n - 1) / 2).sum();
        assert_eq!(sums.sum::<u64>().unwrap(), expected);
        // An error of the inner flow is the outer one's, with the place where it arose.
        let outer = Flow::from_range(1..20u64).name("outer").on(way);
        let error = outer
            .try_map(|_| {
                let inner = Flow::from_range(0..9u64).name("inner");
                inner.try_map(|_| Err::<u64, _>("torn")).sum::<u64>()
            })
            .count()
            .unwrap_err();
        assert_eq!(error.message(), "torn");
        assert_eq!(error.stage(), Some("inner"));
    }
}

#[test]
fn flows_run_side_by_side() {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..6u64)
            .map(|seed| {
                scope.spawn(move || {
                    let way = [Way::Threads, Way::Seeded(seed)][seed as usize % 2];
                    let flow = Flow::from_range(0..2000u64).on(way).count_by(|n| n % 9);
                    flow.map(|(_, n)| n).sum::<u64>()
                })
            })
            .collect();
        for flow in running {
            assert_eq!(flow.join().unwrap().unwrap(), 2000);
        }
    });
}

#[test]
fn borrowed_data_meets_owned_data() {
    let words = vec!["mill".to_string(), "stream".to_string()];
    let text = Text::from("a b\nmill");
    let least = AtomicUsize::new(0);
    for way in WAYS {
        let fixed = Flow::from_iter(["mill", "race"]);
        let borrowed = Flow::from_slice(&words).map(|word| word.as_str());
        let lines = Flow::from_lines(&text).flat_map(|line| line.split(' '));
        let flow = fixed.merge(borrowed).merge(lines).filter(|word| {
            least.fetch_add(1, SeqCst);
            word.len() > 1
        });
        let counts: HashMap<&str, u64> = flow.count_by(|word| *word).on(way).collect().unwrap();
        assert_eq!(
            counts,
            HashMap::from([("mill", 3), ("stream", 1), ("race", 1)])
        );
        let flow = Flow::from_slice(&words).map(|word| word.as_str()).on(way);
        let longest = flow.scope(|items| items.max_by_key(|word| word.len()));
        assert_eq!(longest.unwrap(), Some("stream"));
    }
    assert_eq!(least.into_inner(), 7 * WAYS.len());
}

#[test]
fn a_flow_is_kept_in_a_vector() {
    for way in WAYS {
        let flows: Vec<BoxFlow<'static, u64>> = vec![
            Flow::from_range(0..10).boxed(),
            Flow::from_iter(10..20).partition().boxed(),
            Flow::from_vec((20..30).collect())
                .shuffle()
                .map(|n| n)
                .boxed(),
        ];
        let all = flows.into_iter().reduce(|a, b| a.merge(b).boxed()).unwrap();
        assert!(all.on(way).sorted().unwrap().into_iter().eq(0..30));
    }
}
