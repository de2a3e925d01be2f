//! Named rules: a row is rejected by the first that it breaks, against a model.

use std::sync::Mutex;

use millstream::{ErrorKind, Flow, Rejected, Skip, Validation};
use proptest::prelude::*;

use crate::{Nothing, sorted};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_first_broken_rule_rejects(
        rows in proptest::collection::vec(any::<u8>(), 0..200),
        bits in proptest::collection::vec(0..8u32, 0..5),
        stages in 1..4usize,
    ) {
        // Rule `i` wants a bit of the row to be clear.
        let mut rules = Validation::<u8>::new();
        for (i, bit) in bits.iter().copied().enumerate() {
            rules = rules.rule(format!("rule {i}"), move |row| row >> bit & 1 == 0);
        }
        let seen = Mutex::new(Vec::new());
        let tell = |rejected: Rejected<u8>| {
            seen.lock().unwrap().push((rejected.rule().to_owned(), *rejected.item()));
            Ok::<(), Nothing>(())
        };
        let kept = Mutex::new(Vec::new());
        let flow = Flow::from_slice(&rows).map(|row| *row).stages(stages).validate(rules).on_error(tell);
        let report = flow.for_each(|row| kept.lock().unwrap().push(row)).unwrap();
        let broken = |row: u8| bits.iter().position(|bit| row >> bit & 1 == 1);
        let bad = rows.iter().filter_map(|row| broken(*row).map(|i| (format!("rule {i}"), *row)));
        let bad = sorted(bad);
        let good = rows.iter().copied().filter(|row| broken(*row).is_none());
        prop_assert_eq!(sorted(kept.into_inner().unwrap()), sorted(good));
        for (rule, count) in report.rejected() {
            prop_assert_eq!(count as usize, bad.iter().filter(|(name, _)| *name == rule).count());
        }
        prop_assert_eq!(report.rejected().values().sum::<u64>() as usize, bad.len());
        prop_assert_eq!(sorted(seen.into_inner().unwrap()), bad);
    }
}

#[test]
fn a_broken_rule_ends_the_run_by_default() {
    let rules = Validation::new()
        .rule("positive", |n: &i32| *n > 0)
        .check("small", |n| {
            if *n < 10 {
                Ok(())
            } else {
                Err(format!("{n} is large"))
            }
        });
    assert_eq!(format!("{rules:?}"), r#"Validation(["positive", "small"])"#);
    let failed = Flow::from_iter([3, 12])
        .name("checks")
        .validate(rules)
        .count();
    let error = failed.unwrap_err();
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::Step, Some("checks"))
    );
    assert_eq!(error.message(), "the rule `small` is broken: 12 is large");
    let rules = Validation::new().rule("positive", |n: &i32| *n > 0);
    let error = Flow::from_iter([-3]).validate(rules).count().unwrap_err();
    assert_eq!(error.message(), "the rule `positive` is broken");
}

#[test]
fn rules_may_borrow_and_rows_need_not_be_clone() {
    struct Row(String);
    let known = ["tea".to_owned(), "milk".to_owned()];
    let rules = Validation::new().rule("known", |row: &Row| known.contains(&row.0));
    let rows = ["tea", "sand", "milk"].map(|name| Row(name.to_owned()));
    let bad = Mutex::new(Vec::new());
    let tell = |rejected: Rejected<Row>| {
        bad.lock().unwrap().push(rejected.into_item().0);
        Ok::<(), Nothing>(())
    };
    let flow = Flow::from_iter(rows).validate(rules).on_error(tell);
    assert_eq!(flow.map(|row| row.0).sorted().unwrap(), ["milk", "tea"]);
    assert_eq!(bad.into_inner().unwrap(), ["sand"]);
    let none = Validation::default();
    assert_eq!(
        Flow::from_iter([1, 2])
            .validate(none)
            .on_error(Skip)
            .count()
            .unwrap(),
        2
    );
}
