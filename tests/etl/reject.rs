//! Items that a step rejects: what each policy makes of them, against a model; where they came from; how it fails.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use millstream::{BoxFlow, ErrorKind, Fail, Flow, Position, Rejected, Skip, Validation};
use proptest::prelude::*;

use crate::{Nothing, WAYS, Way, on, sorted};

/// What a step of the tests rejects.
fn odd(n: u32) -> Result<u32, String> {
    if n % 2 == 0 {
        Ok(n * 10)
    } else {
        Err(format!("{n} is odd"))
    }
}

fn spread(n: u32) -> Result<Vec<u32>, String> {
    odd(n).map(|ten| vec![ten; (n % 3) as usize])
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Map,
    MapRef,
    FlatMap,
    Items,
    Validate,
}

/// What comes out of it.
fn model(step: Step, items: &[u32]) -> Vec<u32> {
    let good = items.iter().copied().filter_map(|n| odd(n).ok());
    match step {
        Step::FlatMap => items
            .iter()
            .flat_map(|n| spread(*n).unwrap_or_default())
            .collect(),
        Step::Validate => good.map(|ten| ten / 10).collect(),
        _ => good.collect(),
    }
}

/// The flow of a step whose rejected items a policy gets; `()` where there is no item.
macro_rules! rejecting {
    ($flow:expr, $step:expr, $policy:expr) => {
        match $step {
            Step::Map => $flow.try_map(odd).on_error($policy).boxed(),
            Step::MapRef => $flow.try_map_ref(|n| odd(*n)).on_error($policy).boxed(),
            Step::FlatMap => $flow.try_flat_map(spread).on_error($policy).boxed(),
            Step::Validate => {
                let rules = Validation::new().rule("even", |n: &u32| n % 2 == 0);
                $flow.validate(rules).on_error($policy).boxed()
            }
            Step::Items => unreachable!(),
        }
    };
}

fn name(step: Step) -> &'static str {
    match step {
        Step::Map => "try_map",
        Step::MapRef => "try_map_ref",
        Step::FlatMap => "try_flat_map",
        Step::Items => "try_items",
        Step::Validate => "even",
    }
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Map),
        Just(Step::MapRef),
        Just(Step::FlatMap),
        Just(Step::Items),
        Just(Step::Validate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_rejected_goes_to_the_policy_and_the_rest_goes_on(
        items in proptest::collection::vec(0..1_000u32, 0..120),
        step in steps(),
        told in any::<bool>(),
        ordered in any::<bool>(),
        (stages, batch) in (1..4usize, 1..9usize),
        way in proptest::sample::select(WAYS.to_vec()),
    ) {
        let seen = Mutex::new(Vec::new());
        let flow = on(way, Flow::from_slice(&items).map(|n| *n).stages(stages).batch(batch).boxed());
        let flow = if ordered { flow.ordered() } else { flow };
        let tell = |rejected: Rejected<u32>| {
            seen.lock().unwrap().push(rejected.into_item());
            Ok::<(), Nothing>(())
        };
        let out: BoxFlow<'_, u32> = match (step, told) {
            (Step::Items, false) => flow.map(odd).try_items().on_error(Skip).boxed(),
            (Step::Items, true) => {
                let told = |rejected: Rejected<()>| {
                    let text = rejected.to_string();
                    let number = text.split(' ').next().and_then(|n| n.parse::<u32>().ok());
                    seen.lock().unwrap().extend(number);
                    Ok::<(), Nothing>(())
                };
                flow.map(odd).try_items().on_error(told).boxed()
            }
            (_, false) => rejecting!(flow, step, Skip),
            (_, true) => rejecting!(flow, step, tell),
        };
        let made = Mutex::new(Vec::new());
        let report = if ordered && stages == 1 {
            out.for_each(|n| made.lock().unwrap().push(n)).unwrap()
        } else {
            out.for_each(|n| made.lock().unwrap().push(n)).unwrap()
        };
        let made = made.into_inner().unwrap();
        if ordered && stages == 1 {
            prop_assert_eq!(made, model(step, &items));
        } else {
            prop_assert_eq!(sorted(made), sorted(model(step, &items)));
        }
        let bad: Vec<u32> = items.iter().copied().filter(|n| n % 2 == 1).collect();
        if told {
            prop_assert_eq!(sorted(seen.into_inner().unwrap()), sorted(bad.clone()));
        }
        let counted = report.rejected();
        prop_assert_eq!(counted.get(name(step)).copied().unwrap_or(0), bad.len() as u64);
        prop_assert!(counted.len() <= 1);
        prop_assert_eq!(report.stages()[0].rejected(), counted);
    }
}

#[test]
fn the_first_rejected_item_ends_the_run_by_default() {
    for way in WAYS {
        let default = on(way, Flow::from_range(0..100u32).name("rows").boxed()).try_map(odd);
        let explicit = on(way, Flow::from_range(0..100u32).name("rows").boxed())
            .try_map(odd)
            .on_error(Fail);
        for error in [default.count().unwrap_err(), explicit.count().unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Step);
            assert!(error.message().ends_with("is odd"), "{error}");
            assert_eq!(error.stage(), Some("rows"));
            assert!(error.report().unwrap().rejected().is_empty());
        }
    }
}

#[test]
fn items_need_not_be_clone_unless_the_policy_wants_them() {
    struct Unique(u32);
    let items = || Flow::from_range(0..10u32).map(Unique);
    let skipped = items().try_map(|one| odd(one.0)).on_error(Skip);
    assert_eq!(skipped.count().unwrap(), 5);
    let failed = items().try_map(|one| odd(one.0)).on_error(Fail);
    assert!(failed.count().is_err());
    let numbers = Mutex::new(Vec::new());
    let tell = |rejected: Rejected<Unique>| {
        numbers.lock().unwrap().push(rejected.into_item().0);
        Ok::<(), Nothing>(())
    };
    let told = items().try_map_ref(|one| odd(one.0)).on_error(tell);
    assert_eq!(told.count().unwrap(), 5);
    assert_eq!(sorted(numbers.into_inner().unwrap()), [1, 3, 5, 7, 9]);
}

#[test]
fn a_rejected_line_has_its_place() {
    let dir = tempfile::tempdir().unwrap();
    for (text, bad) in [
        ("1\nx\n3\ny", &[(2, 2), (6, 4)][..]),
        ("x\r\n2\r\n\r\ny\r\n", &[(0, 1), (6, 3), (8, 4)]),
        ("", &[]),
        ("x", &[(0, 1)]),
    ] {
        let path = dir.path().join("lines.txt");
        fs::write(&path, text).unwrap();
        let seen = Mutex::new(Vec::new());
        let tell = |rejected: Rejected<String>| {
            assert_eq!(rejected.stage(), Some("parse"));
            assert_eq!((rejected.partition(), rejected.tried()), (Some(0), 1));
            assert_eq!(rejected.rule(), "try_map");
            let Some(Position {
                file, byte, line, ..
            }) = rejected.position()
            else {
                panic!("{rejected} has no position");
            };
            assert_eq!(file.as_deref(), Some(&*path));
            let shown = format!("{}, line {}, byte {byte}: ", path.display(), line.unwrap());
            assert!(rejected.to_string().starts_with(&shown), "{rejected}");
            seen.lock().unwrap().push((*byte, line.unwrap()));
            Ok::<(), Nothing>(())
        };
        let lines = Flow::read_lines([&path]).stages(1).name("parse");
        let parsed = lines.try_map(|line: String| line.parse::<u32>());
        parsed.on_error(tell).run().unwrap();
        assert_eq!(seen.into_inner().unwrap(), bad, "{text:?}");
    }
}

#[test]
fn many_rejected_lines_have_the_right_ones() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lines.txt");
    let lines: Vec<String> = (1..=20_000).map(|n| format!("line {n}")).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    let seen = Mutex::new(0);
    let tell = |rejected: Rejected<String>| {
        let line = rejected.position().and_then(|at| at.line).unwrap();
        assert_eq!(*rejected.item(), format!("line {line}"));
        *seen.lock().unwrap() += 1;
        Ok::<(), Nothing>(())
    };
    let parsed = Flow::read_lines([&path]).try_map(|line: String| line.parse::<u32>());
    let report = parsed.on_error(tell).run().unwrap();
    assert_eq!(seen.into_inner().unwrap(), 20_000);
    assert_eq!(report.rejected()["try_map"], 20_000);
}

#[test]
fn an_error_of_a_closure_ends_the_run() {
    for way in WAYS {
        let flow = on(
            way,
            Flow::from_range(0..100u32).name("rows").stages(2).boxed(),
        );
        let enough = |rejected: Rejected<u32>| {
            if *rejected.item() > 50 {
                Err(format!("{} is too much", rejected.item()))
            } else {
                Ok(())
            }
        };
        let error = flow.try_map(odd).on_error(enough).count().unwrap_err();
        assert_eq!(
            (error.kind(), error.stage()),
            (ErrorKind::Step, Some("rows"))
        );
        assert!(error.message().ends_with("is too much"), "{error}");
    }
}

#[test]
fn a_panic_of_a_closure_is_an_error_of_the_run() {
    for way in WAYS {
        let flow = on(way, Flow::from_range(0..100u32).stages(2).boxed());
        let boom = |rejected: Rejected<u32>| -> Result<(), Nothing> {
            crate::boom_if(*rejected.item() > 10);
            Ok(())
        };
        let error = flow.try_map(odd).on_error(boom).count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic);
        let flow = on(way, Flow::from_range(0..100u32).boxed());
        let rules = Validation::new().rule("calm", |n: &u32| {
            crate::boom_if(*n == 7);
            true
        });
        let error = flow.validate(rules).on_error(Skip).count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic);
    }
}

#[test]
fn a_run_that_rejects_everything_can_be_stopped() {
    let none = Flow::from_iter(1..)
        .stages(2)
        .try_map(|n: u64| Err::<u64, _>(n.to_string()));
    let late = none
        .on_error(Skip)
        .deadline(Duration::from_millis(20))
        .count();
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Deadline);
    // One item that never ends.
    let endless = Flow::from_iter([1])
        .flat_map(|_| 0..u64::MAX)
        .try_map(|n| Err::<u64, _>(n.to_string()));
    let late = endless
        .on_error(Skip)
        .deadline(Duration::from_millis(20))
        .count();
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Deadline);
}

#[test]
fn what_is_rejected_does_not_count_for_take() {
    for way in WAYS {
        let flow = on(way, Flow::from_iter(0..).stages(3).batch(4).boxed()).ordered();
        let first = flow.try_map(odd).on_error(Skip).take(5).collect_vec();
        assert_eq!(first.unwrap(), [0, 20, 40, 60, 80]);
    }
}

#[test]
fn each_step_has_its_own_policy() {
    let seen = Mutex::new(Vec::new());
    let tell = |rejected: Rejected<u32>| {
        seen.lock().unwrap().push(rejected.into_item());
        Ok::<(), Nothing>(())
    };
    let small = Validation::new()
        .rule("below 80", |n: &u32| *n < 80)
        .rule("not 40", |n| *n != 40);
    let flow = Flow::from_range(0..10u32)
        .try_map(odd)
        .on_error(Skip)
        .validate(small)
        .on_error(tell)
        .shuffle()
        .try_map(|n| if n == 60 { Err("sixty") } else { Ok(n) })
        .on_error(Skip);
    let made = Mutex::new(Vec::new());
    let report = flow.for_each(|n| made.lock().unwrap().push(n)).unwrap();
    assert_eq!(sorted(made.into_inner().unwrap()), [0, 20]);
    assert_eq!(sorted(seen.into_inner().unwrap()), [40, 80]);
    let rejected = report.rejected();
    let expected = [("below 80", 1), ("not 40", 1), ("try_map", 6)];
    assert_eq!(
        rejected,
        expected.map(|(rule, n)| (rule.to_owned(), n)).into()
    );
    assert_eq!(
        report.stages()[1].rejected(),
        BTreeMap::from([("try_map".to_owned(), 1)])
    );
    let shown = report.to_string();
    let line = "rejected: 1 by `below 80`, 1 by `not 40`, 6 by `try_map`\n";
    assert!(shown.contains(line), "{shown}");
    assert!(!shown.contains("tried again"), "{shown}");
    let clean = Flow::from_range(0..10u32).run().unwrap().to_string();
    assert!(!clean.contains("rejected"), "{clean}");
}

#[test]
fn the_parts_of_a_rejected_item() {
    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no rating")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let error = "x".parse::<u32>().map_err(Outer).unwrap_err();
    let rejected = Rejected::new("x", error, "rating");
    assert_eq!((rejected.item(), rejected.rule()), (&"x", "rating"));
    assert_eq!(rejected.error().to_string(), "no rating");
    assert!(
        rejected
            .error()
            .source()
            .unwrap()
            .to_string()
            .contains("invalid digit")
    );
    assert_eq!(rejected.to_string(), "no rating (rejected by rating)");
    assert!(rejected.position().is_none() && rejected.stage().is_none());
    let copy = rejected.clone().map(|item| item.len());
    assert_eq!((*copy.item(), copy.to_string()), (1, rejected.to_string()));
    assert!(format!("{copy:?}").contains("rating"));
    // The cause is there too when such an error ends a run.
    let failed = Flow::from_iter(["x"]).try_map(|text| text.parse::<u32>().map_err(Outer));
    let error = failed.count().unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.downcast_ref::<Outer>().is_some());
}

#[test]
fn an_error_of_the_crate_stays_what_it_is() {
    let own = || millstream::Error::new(ErrorKind::Io, "no disk").at(Position::in_file("a", 7));
    let failed = Flow::from_iter([1])
        .try_map(|_: u32| Err::<u32, _>(own()))
        .count();
    let error = failed.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Io, "no disk"));
    let seen = Mutex::new(String::new());
    let tell = |rejected: Rejected<u32>| {
        assert_eq!(rejected.position().unwrap().byte, 7);
        *seen.lock().unwrap() = rejected.to_string();
        Ok::<(), Nothing>(())
    };
    let told = Flow::from_iter([1])
        .try_map(|_: u32| Err::<u32, _>(own()))
        .on_error(tell);
    told.run().unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        "a, byte 7: no disk (rejected by try_map)"
    );
    let _ = Way::Threads;
}
