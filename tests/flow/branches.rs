//! One flow into several branches, against the same computed one after the other; how branches end, fail and wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use millstream::{BoxFlow, ErrorKind, Flow, StopToken};

use crate::{On, WAYS, Way, boom, boom_if, sorted};

/// Numbers as a flow of some stages in batches of one with the least of room behind.
fn numbers(to: u64, stages: usize) -> BoxFlow<'static, u64> {
    Flow::from_iter(0..to).stages(stages).batch(7).boxed()
}

#[test]
fn every_branch_sees_every_item() {
    for way in WAYS {
        for stages in 1..=4 {
            for to in [0, 1, 100, 3000] {
                let flow = numbers(to, stages).broadcast();
                let flow = flow.to(|n| n.stages(stages).batch(1).buffer(1).map(|n| (0, n)));
                let flow = flow.to(|n| n.stages(2).batch(5).map(|n| (1, n * 2)));
                let flow = flow.to(|n| n.filter(|n| n % 3 == 0).map(|n| (2, n)));
                let flow = flow.merge().stages(stages).batch(1).buffer(1).on(way);
                let expected = (0..to).map(|n| (0, n));
                let expected = expected.chain((0..to).map(|n| (1, n * 2)));
                let expected = expected.chain((0..to).filter(|n| n % 3 == 0).map(|n| (2, n)));
                assert!(flow.sorted().unwrap().into_iter().eq(expected), "{way:?}");
            }
        }
    }
}

#[test]
fn split_and_route_give_each_item_to_one_branch() {
    for way in WAYS {
        for stages in 1..=4 {
            let flow = numbers(1000, stages).split(|n| n % 7 < 3);
            let flow = flow.to(|n| n.stages(stages).batch(1).buffer(1).map(|n| (true, n)));
            let flow = flow.to(|n| n.stages(3).map(|n| (false, n))).merge();
            let got = flow.on(way).sorted().unwrap();
            let expected = sorted((0..1000).map(|n| (n % 7 < 3, n)));
            assert_eq!(got, expected, "{way:?}");

            let choose = |n: &u64, of: usize| (n % 5 != 4).then_some(*n as usize % of);
            let flow = numbers(1000, stages).route(choose);
            let mut flow = flow.to(|n| n.stages(stages).map(|n| (0, n)));
            for branch in 1..4 {
                flow = flow.to(|n| n.stages(1).batch(1).map(move |n| (branch, n)));
            }
            let got = flow.merge().stages(2).on(way).sorted().unwrap();
            let kept = (0..1000).filter(|n| n % 5 != 4);
            assert_eq!(got, sorted(kept.map(|n| (n as usize % 4, n))), "{way:?}");
        }
    }
}

#[test]
fn ends_of_branches_run_together_and_give_a_tuple() {
    let text = "the cat the dog the end".to_owned();
    for way in WAYS {
        for stages in 1..=3 {
            let lengths = Mutex::new(0);
            let (counts, words, longest, ()) = Flow::from_iter(text.split(' '))
                .stages(stages)
                .on(way)
                .broadcast()
                .end(|w| w.count_by(|w| *w).stages(stages).ending().collect())
                .end(|w| w.stages(stages).batch(1).buffer(1).ending().count())
                .end(|w| {
                    let lengths = w.map(str::len).ending();
                    lengths.fold(|| 0, |most, n| most.max(n), |a, b| a.max(b))
                })
                .end(|w| w.ending().for_each(|w| *lengths.lock().unwrap() += w.len()))
                .run()
                .unwrap();
            let counts: BTreeMap<&str, u64> = counts;
            let expected = [("cat", 1), ("dog", 1), ("end", 1), ("the", 3)];
            assert!(counts.into_iter().eq(expected), "{way:?}");
            assert_eq!((words, longest, lengths.into_inner().unwrap()), (6, 3, 18));
        }
    }
}

#[test]
fn branches_may_branch_and_take_in_other_flows() {
    for way in WAYS {
        let flow = numbers(300, 2).broadcast();
        let flow = flow.to(|n| {
            let inner = n.split(|n| n % 2 == 0).to(|even| even.map(|n| (0, n)));
            let inner = inner.to(|odd| odd.map(|n| (1, n)));
            inner.merge().stages(2).partition().stages(2)
        });
        let flow = flow.to(|n| numbers(50, 1).merge(n.stages(2)).stages(1).map(|n| (2, n)));
        let flow = flow.to(|n| n.concat(numbers(50, 2)).stages(1).map(|n| (3, n)));
        let got = flow.merge().stages(2).on(way).sorted().unwrap();
        let all = || (0..300).chain(0..50);
        let expected = (0..300).map(|n| (n % 2, n));
        let expected = expected
            .chain(all().map(|n| (2, n)))
            .chain(all().map(|n| (3, n)));
        assert_eq!(got, sorted(expected), "{way:?}");
    }
}

#[test]
fn order_passes_into_each_branch() {
    for way in WAYS {
        for stages in 1..=4 {
            let flow = || Flow::from_iter(0..800u64).stages(stages).ordered().on(way);
            let (all, few) = flow()
                .broadcast()
                .end(|n| n.stages(stages).batch(3).ending().collect::<Vec<_>>())
                .end(|n| {
                    n.filter(|n| n % 9 == 0)
                        .stages(2)
                        .ending()
                        .collect::<Vec<_>>()
                })
                .run()
                .unwrap();
            assert!(all.into_iter().eq(0..800), "{way:?}");
            assert!(few.into_iter().eq((0..800).step_by(9)), "{way:?}");
            let (even, odd) = flow()
                .split(|n| n % 2 == 0)
                .end(|n| n.stages(3).batch(1).ending().collect::<Vec<_>>())
                .end(|n| n.take(5).ending().collect::<Vec<_>>())
                .run()
                .unwrap();
            assert!(even.into_iter().eq((0..800).step_by(2)), "{way:?}");
            assert_eq!(odd, [1, 3, 5, 7, 9], "{way:?}");
        }
    }
}

#[test]
fn a_branch_that_ended_holds_nobody_back() {
    for way in WAYS {
        for stages in 1..=3 {
            let (few, all, none) = numbers(5000, stages)
                .on(way)
                .broadcast()
                .end(|n| n.stages(stages).batch(1).buffer(1).take(3).ending().count())
                .end(|n| n.stages(stages).batch(1).buffer(1).ending().count())
                .end(|n| n.take(0).ending().count())
                .run()
                .unwrap();
            assert_eq!((few, all, none), (3, 5000, 0), "{way:?}");
        }
    }
}

#[test]
fn an_endless_source_ends_when_all_branches_have() {
    for way in WAYS {
        for stages in 1..=3 {
            let asked = AtomicU64::new(0);
            let endless = || std::iter::repeat_with(|| asked.fetch_add(1, SeqCst));
            let flow = Flow::from_iter(endless()).stages(stages).broadcast();
            let flow = flow.to(|n| n.stages(stages).take(10)).to(|n| n.take(2000));
            assert_eq!(flow.merge().on(way).count().unwrap(), 2010, "{way:?}");
            let flow = Flow::from_iter(endless()).split(|n| n % 2 == 0);
            let flow = flow.to(|n| n.take(10)).to(|n| n.stages(stages).take(500));
            assert_eq!(flow.merge().on(way).count().unwrap(), 510, "{way:?}");
            // From the end on: nobody wants what is merged.
            let flow = Flow::from_iter(endless()).broadcast().to(|n| n.map(|n| n));
            let flow = flow.to(|n| n.partition().stages(2)).merge().take(100);
            assert_eq!(flow.on(way).count().unwrap(), 100, "{way:?}");
            // An endless chunk whose items nobody wants any more.
            let flow = Flow::from_iter(0..1)
                .flat_map(|_| 0u64..)
                .split(|n| n % 2 == 0);
            let flow = flow.to(|n| n.take(20)).to(|n| n.take(3000)).merge();
            assert_eq!(flow.on(way).count().unwrap(), 3020, "{way:?}");
        }
    }
}

#[test]
fn a_dropped_branch_is_closed() {
    for way in WAYS {
        let flow = numbers(2000, 2).broadcast();
        let flow = flow
            .to(|_| Flow::from_iter(0..5u64))
            .to(|n| n.stages(2).batch(1));
        assert_eq!(flow.merge().on(way).count().unwrap(), 2005, "{way:?}");
        // Only the first half is taken, and nobody asks for the other.
        let flow = numbers(2000, 2).split(|n| n % 2 == 0).to(|n| n.stages(2));
        assert_eq!(flow.merge().on(way).count().unwrap(), 1000, "{way:?}");
        let endless = Flow::from_iter(0..).broadcast();
        let flow = endless
            .to(|_| Flow::from_iter(0..5))
            .to(|_| Flow::from_iter(0..6));
        assert_eq!(flow.merge().on(way).count().unwrap(), 11, "{way:?}");
    }
}

#[test]
fn a_stray_branch_is_refused() {
    let mut stray = None;
    let flow = numbers(10, 1).broadcast().to(|n| {
        stray = Some(n);
        Flow::from_iter(0..5)
    });
    let error = stray.unwrap().count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plan);
    assert!(error.message().contains("return it from there"), "{error}");
    assert_eq!(flow.merge().count().unwrap(), 5);
    // Carried into a sibling, it belongs to the same flow again.
    let mut stray = None;
    let flow = numbers(10, 1).broadcast().to(|n| {
        stray = Some(n);
        Flow::from_iter(0..5)
    });
    let flow = flow.to(|n| n.merge(stray.unwrap()));
    assert_eq!(flow.merge().count().unwrap(), 25);
}

#[test]
fn one_branch_before_another_is_refused() {
    let pairs = |zip: bool| {
        let mut first = None;
        let flow = numbers(10, 1).ordered().broadcast().to(|n| {
            first = Some(n);
            Flow::from_iter(0..0)
        });
        let flow = flow.to(|n| match (first, zip) {
            (Some(first), true) => n.zip(first).map(|(a, b)| a + b).boxed(),
            (Some(first), false) => n.shuffle().concat(first).boxed(),
            (None, _) => n.boxed(),
        });
        flow.merge().count().unwrap_err()
    };
    for zip in [false, true] {
        let error = pairs(zip);
        assert_eq!(error.kind(), ErrorKind::Plan);
        assert!(
            error.message().contains("both come from one stage"),
            "{error}"
        );
    }
}

#[test]
fn a_branch_out_of_range_is_an_error() {
    for way in WAYS {
        let flow = numbers(10, 2).route(|n, of| Some(*n as usize % (of + 1)));
        let flow = flow.to(|n| n.map(|n| n)).to(|n| n.map(|n| n)).merge();
        let error = flow.on(way).count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Step);
        let said = "`route` chose branch 2, but there are 2: return Some(branch) below";
        assert!(error.message().contains(said), "{error}");
    }
}

/// An item whose copy may panic.
#[derive(Debug)]
struct Fragile(u64, Arc<()>);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        boom_if(self.0 == 700);
        Fragile(self.0, self.1.clone())
    }
}

#[test]
fn a_panic_anywhere_ends_all_branches() {
    for way in WAYS {
        for stages in 1..=3 {
            let alive = Arc::new(());
            let endless = |way: Way| {
                let (held, next) = (alive.clone(), AtomicU64::new(0));
                let items = move || Fragile(next.fetch_add(1, SeqCst) % 690, held.clone());
                Flow::from_iter(std::iter::repeat_with(items))
                    .stages(stages)
                    .on(way)
            };
            let kinds = [
                endless(way)
                    .split(|n| n.0 < 600 || boom())
                    .end(|n| n.stages(2).ending().for_each(drop))
                    .end(|n| n.ending().for_each(drop))
                    .run()
                    .map(drop),
                endless(way)
                    .route(|n, _| if n.0 < 600 { Some(0) } else { boom() })
                    .end(|n| n.stages(2).batch(1).buffer(1).ending().for_each(drop))
                    .run()
                    .map(drop),
                endless(way)
                    .map(|n| Fragile(n.0 + 20, n.1))
                    .broadcast()
                    .end(|n| n.ending().for_each(drop))
                    .end(|n| n.stages(2).buffer(1).ending().for_each(drop))
                    .run()
                    .map(drop),
                endless(way)
                    .broadcast()
                    .end(|n| n.ending().for_each(drop))
                    .end(|n| n.inspect(|n| boom_if(n.0 == 650)).ending().count())
                    .run()
                    .map(drop),
                endless(way)
                    .broadcast()
                    .end(|n| n.ending().for_each(drop))
                    .end(|n| n.map_with(|_, _| boom(), |(), n| n).ending().count())
                    .run()
                    .map(drop),
            ];
            for kind in kinds.map(|end| end.unwrap_err().kind()) {
                assert_eq!(kind, ErrorKind::Panic, "{way:?}");
            }
            let error = endless(way)
                .broadcast()
                .end(|n| n.stages(2).ending().for_each(drop))
                .end(|n| {
                    n.ending()
                        .try_for_each(|n| if n.0 < 500 { Ok(()) } else { Err("no") })
                })
                .run()
                .unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Step, "no"));
            assert_eq!(Arc::strong_count(&alive), 1, "{way:?}: items are left");
        }
    }
}

#[test]
fn a_token_stops_all_branches() {
    for way in WAYS {
        let (token, seen) = (StopToken::new(), AtomicUsize::new(0));
        let inside = token.clone();
        let flow = Flow::from_iter(0..).stages(2).stop_token(&token).on(way);
        let error = flow
            .broadcast()
            .end(|n| n.stages(2).batch(1).buffer(1).ending().for_each(drop))
            .end(|n| {
                n.ending().for_each(|_: u64| {
                    if seen.fetch_add(1, SeqCst) == 2000 {
                        inside.stop();
                    }
                })
            })
            .run()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stopped, "{way:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_interleaving() {
    let run = |seed| {
        let flow = numbers(300, 2).broadcast();
        let flow = flow
            .to(|n| n.stages(2).batch(3))
            .to(|n| n.stages(1).batch(2).buffer(1));
        flow.merge()
            .stages(2)
            .batch(1)
            .seeded(seed)
            .collect_vec()
            .unwrap()
    };
    for seed in 0..5 {
        assert_eq!(run(seed), run(seed));
    }
}

#[test]
fn plans_show_the_fork() {
    let flow = Flow::from_range(0..10u64).name("numbers").split(|n| *n < 5);
    let flow = flow
        .to(|n| n.name("low").stages(2))
        .to(|n| n.name("high").stages(1));
    let flow = flow.merge().name("all");
    let text = flow.explain();
    assert!(
        text.contains("then    over the edges to `low` and `high`, by `split`"),
        "{text}"
    );
    assert!(text.contains("edge from `numbers` to `high`"), "{text}");
    assert!(
        text.contains("edge from `low` and `high` to `all`"),
        "{text}"
    );
    let plan = flow.plan();
    assert_eq!(plan.to_mermaid().matches("s0 -->").count(), 2);
    assert_eq!(plan.to_dot().matches("s0 ->").count(), 2);
    assert!(
        plan.to_json()
            .contains(r#""end":{"fork":{"by":"split","edges":[0,1]}}"#)
    );
}
