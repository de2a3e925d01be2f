//! A panic in each of the user's closures comes back as an error with stage, partition and message; nothing hangs,
//! no thread stays behind, and no later stage takes what came before the panic for a result.

use std::collections::HashMap;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use millstream::{BoxError, BoxFlow, Error, ErrorKind, Flow, Source};

use crate::{BOOM, On, WAYS, boom, boom_if, quiet};

/// Three workers that take numbers, and panic at one of them, in a stage named `first`.
fn numbers() -> BoxFlow<'static, u32> {
    let numbers = Flow::from_iter(0..2000u32).stages(3).batch(16);
    numbers.name("first").boxed()
}

/// The same numbers in a stage named `second`, behind one that is healthy.
fn passed() -> BoxFlow<'static, u32> {
    let passed = Flow::from_iter(0..2000u32).shuffle().stages(3).batch(16);
    passed.buffer(1).name("second").boxed()
}

fn is_a_panic(error: Error, stages: &[&str], what: &str) {
    assert_eq!(error.kind(), ErrorKind::Panic, "{what}: {error}");
    assert!(error.message().contains(BOOM), "{what}: {error}");
    let stage = error.stage().expect("a panic has a place");
    assert!(stages.contains(&stage), "{what}: in {stage}");
    assert!(
        error.partition().expect("a panic has a place") < 4,
        "{what}"
    );
    assert!(error.report().is_some(), "{what}: it ran until then");
    let payload = error.into_panic().expect("a panic has a payload");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&BOOM), "{what}");
}

/// Runs a step that panics in the first stage and in a later one, in front of every kind of neighbour.
fn step_panics<T: Send + 'static>(
    what: &str,
    add: impl Fn(BoxFlow<'static, u32>, Arc<()>) -> BoxFlow<'static, T>,
) {
    for way in WAYS {
        let alive = Arc::new(());
        let first = || add(numbers().on(way), alive.clone());
        let second = || add(passed().on(way), alive.clone());
        let failed = |result: Result<u64, Error>, stage| {
            is_a_panic(result.unwrap_err(), &[stage], what);
            assert_eq!(Arc::strong_count(&alive), 1, "{what}: something lives on");
        };
        failed(first().count(), "first");
        failed(second().count(), "second");
        failed(
            first().shuffle().stages(2).batch(3).buffer(1).count(),
            "first",
        );
        failed(second().collect_vec().map(|all| all.len() as u64), "second");
        let behind = second().partition_with(|_, _| Some(0)).stages(4).buffer(1);
        failed(behind.count(), "second");
        failed(second().map(|_| 1).count_by(|n| *n).count(), "second");
        failed(first().scope(|items| items.count() as u64), "first");
        failed(second().start().unwrap().join().map(|_| 0), "second");
        let iterated = second()
            .into_iter()
            .try_fold(0, |n, item| item.map(|_| n + 1));
        failed(iterated, "second");
    }
}

#[test]
fn in_a_step() {
    step_panics("map", |flow, guard| {
        flow.map(move |n| {
            let _held = &guard;
            boom_if(n == 700);
            n
        })
        .boxed()
    });
    step_panics("filter", |flow, guard| {
        flow.filter(move |n| {
            let _held = &guard;
            boom_if(*n == 700);
            true
        })
        .boxed()
    });
    step_panics("filter_map", |flow, guard| {
        flow.filter_map(move |n| {
            let _held = &guard;
            boom_if(n == 700);
            Some(n)
        })
        .boxed()
    });
    step_panics("inspect", |flow, guard| {
        flow.inspect(move |n| {
            let _held = &guard;
            boom_if(*n == 700);
        })
        .boxed()
    });
    step_panics("try_map", |flow, guard| {
        flow.try_map(move |n| {
            let _held = &guard;
            boom_if(n == 700);
            Ok::<_, BoxError>(n)
        })
        .boxed()
    });
    step_panics("map under ordered", |flow, guard| {
        flow.ordered()
            .map(move |n| {
                let _held = &guard;
                boom_if(n == 700);
                n
            })
            .take(1999)
            .boxed()
    });
}

#[test]
fn in_a_step_that_makes_many() {
    step_panics("flat_map", |flow, guard| {
        flow.flat_map(move |n| {
            let _held = &guard;
            boom_if(n == 700);
            [n; 3]
        })
        .boxed()
    });
    step_panics("the inner iterator of flat_map", |flow, guard| {
        flow.flat_map(move |n| {
            let held = guard.clone();
            (0..3).inspect(move |i| {
                let _held = &held;
                boom_if(n == 700 && *i == 1);
            })
        })
        .boxed()
    });
    step_panics("map_batch", |flow, guard| {
        flow.map_batch(move |batch| {
            let _held = &guard;
            boom_if(batch.contains(&700));
            batch
        })
        .boxed()
    });
    step_panics("map_with's init", |flow, guard| {
        flow.map_with(
            move |index, _| {
                let _held = &guard;
                boom_if(index == 1);
            },
            |_, n| n,
        )
        .boxed()
    });
    step_panics("map_with's step", |flow, guard| {
        flow.map_with(
            |_, _| 0,
            move |sum, n| {
                let _held = &guard;
                *sum += n;
                boom_if(n == 700);
                *sum
            },
        )
        .boxed()
    });
}

#[test]
fn in_a_reduction() {
    step_panics("reduce's init", |flow, guard| {
        let init = move || {
            let _held = &guard;
            boom()
        };
        flow.reduce(init, |sum: &mut u32, n| *sum += n).boxed()
    });
    step_panics("reduce's step", |flow, guard| {
        let step = move |sum: &mut u32, n| {
            let _held = &guard;
            boom_if(n == 700);
            *sum += n;
        };
        flow.reduce(|| 0, step).boxed()
    });
    step_panics("emit_and_reduce's init", |flow, guard| {
        let init = move || -> u32 {
            let _held = &guard;
            boom()
        };
        flow.emit_and_reduce(init, |_, n| Some(n), Some).boxed()
    });
    step_panics("emit_and_reduce's step", |flow, guard| {
        let step = move |_: &mut u32, n| {
            let _held = &guard;
            boom_if(n == 700);
            Some(n)
        };
        flow.emit_and_reduce(|| 0, step, Some).boxed()
    });
    step_panics("emit_and_reduce's finish", |flow, guard| {
        let finish = move |n| {
            let _held = &guard;
            boom_if(n < 10_000_000);
            Some(n)
        };
        flow.emit_and_reduce(|| 0, |_, n| Some(n), finish).boxed()
    });
}

#[test]
fn in_what_decides_about_a_boundary() {
    for way in WAYS {
        for make in [numbers, passed] {
            let flow = || make().on(way);
            let stages = ["first", "second"];
            let fails = |result: Result<u64, Error>, what| {
                is_a_panic(result.unwrap_err(), &stages, what);
            };
            let key = |n: &u32| {
                boom_if(*n == 700);
                *n
            };
            fails(flow().partition_by(key).count(), "partition_by");
            let choose = move |n: &u32, of| Some(key(n) as usize % of);
            fails(flow().partition_with(choose).count(), "partition_with");
            let weigh = move |n: &u32| key(n) as usize;
            fails(flow().shuffle().weigh(weigh).count(), "weigh a shuffle");
            fails(flow().partition().weigh(weigh).count(), "weigh a partition");
            fails(flow().count_by(key).count(), "count_by");
            fails(flow().group_by(key).count(), "group_by");
            fails(flow().sum_by(|n| n % 2, key).count(), "sum_by");
            let by_ref = |n: &u32, word: &mut millstream::Adder<'_, str>| {
                boom_if(*n == 700);
                word.add("word");
            };
            fails(flow().count_each(by_ref).count(), "count_each");
        }
    }
}

#[test]
fn in_an_aggregate() {
    for way in WAYS {
        let flow = || numbers().on(way);
        let any = ["first", "fold_by", "aggregate_by"];
        let fold = |sum: &mut u32, n: u32| {
            boom_if(n == 700);
            *sum += n;
        };
        let folded = flow().fold_by(|n| n % 5, || 0, fold, |a, b| *a += b);
        is_a_panic(folded.count().unwrap_err(), &any, "fold_by's fold");
        let started = flow().fold_by(|n| n % 5, || -> u32 { boom() }, |_, _| (), |_, _| ());
        is_a_panic(started.count().unwrap_err(), &any, "fold_by's init");
        // More keys than any table of a producer holds come twice, so something must be merged.
        let twice = Flow::from_iter((0..120_000u32).map(|n| n % 60_000)).name("first");
        let merged = twice
            .on(way)
            .fold_by(|n| *n, || 0, |sum, n| *sum += n, |_, _| boom());
        is_a_panic(merged.count().unwrap_err(), &any, "fold_by's merge");
        let value = flow().aggregate_by(
            |n| n % 5,
            |a| {
                a.max(|n| {
                    boom_if(*n == 700);
                    *n
                })
            },
        );
        is_a_panic(value.count().unwrap_err(), &any, "aggregate_by's value");
    }
}

#[test]
fn at_an_end() {
    for way in WAYS {
        for (make, stage) in [
            (numbers as fn() -> BoxFlow<'static, u32>, "first"),
            (passed, "second"),
        ] {
            let flow = || make().on(way);
            let stage = &[stage];
            let each = flow().for_each(|n| boom_if(n == 700)).unwrap_err();
            is_a_panic(each, stage, "for_each");
            let each = flow().try_for_each(|n| {
                boom_if(n == 700);
                Ok::<_, BoxError>(())
            });
            is_a_panic(each.unwrap_err(), stage, "try_for_each");
            let add = |sum: u32, n| {
                boom_if(n == 700);
                sum + n
            };
            let folded = flow().fold(|| 0, add, |a, b| a + b).unwrap_err();
            is_a_panic(folded, stage, "fold");
            let folded = flow().fold(|| -> u32 { boom() }, |a, _| a, |a, _| a);
            is_a_panic(folded.unwrap_err(), stage, "fold's init");
        }
    }
}

/// A source whose splits, or whose items, panic.
struct Broken {
    splits: AtomicUsize,
    in_split: bool,
}

impl Source for Broken {
    type Item = u32;
    type Split<'s> = Box<dyn Iterator<Item = Result<u32, BoxError>>>;

    fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
        let split = self.splits.fetch_add(1, SeqCst);
        boom_if(split == 5 && !self.in_split);
        let items = (0..100u32).map(move |n| {
            boom_if(split == 5 && n == 50);
            Ok(n)
        });
        Ok((split < 10).then(|| Box::new(items) as _))
    }
}

#[test]
fn in_a_source() {
    for way in WAYS {
        let source = |in_split| {
            let splits = AtomicUsize::new(0);
            Flow::from_source(Broken { splits, in_split })
                .stages(3)
                .name("first")
        };
        for in_split in [false, true] {
            let plain = source(in_split).on(way).count().unwrap_err();
            is_a_panic(plain, &["first"], "a split");
            let shuffled = source(in_split).shuffle().on(way).count().unwrap_err();
            is_a_panic(shuffled, &["first"], "a split before a shuffle");
        }
        let next = || (0..1000).inspect(|n| boom_if(*n == 300));
        let iter = Flow::from_iter(next()).stages(3).name("first").on(way);
        is_a_panic(iter.count().unwrap_err(), &["first"], "from_iter");
        let iters = Flow::from_iters([next(), next()]).name("first").on(way);
        is_a_panic(
            iters.partition().count().unwrap_err(),
            &["first"],
            "from_iters",
        );
    }
}

/// An item that panics when it is dropped.
struct Fragile(u32);

impl Drop for Fragile {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            boom_if(self.0 == 700);
        }
    }
}

#[test]
fn in_the_drop_of_an_item() {
    for way in WAYS {
        let dropped = numbers().on(way).map(Fragile).filter(|item| item.0 != 700);
        is_a_panic(dropped.run().unwrap_err(), &["first"], "filter drops");
        let dropped = passed().on(way).map(Fragile).run().unwrap_err();
        is_a_panic(dropped, &["second"], "the end drops");
    }
}

#[test]
fn any_payload_comes_back() {
    quiet();
    for way in WAYS {
        let text = numbers().on(way).map(|n| boom_if(n == 700));
        let payload = text.count().unwrap_err().into_panic().unwrap();
        assert_eq!(payload.downcast_ref(), Some(&BOOM));
        let flow = || Flow::from_iter(0..10).on(way);
        let other = flow().map(|n: i32| {
            if n == 7 {
                panic_any(HashMap::from([(n, n)]))
            }
        });
        let payload = other.count().unwrap_err().into_panic().unwrap();
        let map = payload.downcast::<HashMap<i32, i32>>().unwrap();
        assert!(map.contains_key(&7));
        let step = flow().try_map(|_| Err::<(), _>("no")).count().unwrap_err();
        let same = step.into_panic().expect_err("nothing was thrown");
        assert_eq!(same.kind(), ErrorKind::Step);
    }
}
