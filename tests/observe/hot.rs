//! The hottest keys: found, estimated, and absent where nobody asked.

use std::fmt;
use std::hash::Hash;

use millstream::{Flow, Observer};

/// A key for each number: half of them `a`, a quarter `b`, the others all different.
fn key(n: u64) -> String {
    match n % 4 {
        0 | 1 => "a".to_owned(),
        2 => "b".to_owned(),
        _ => n.to_string(),
    }
}

#[test]
fn the_most_frequent_are_found_over_all_workers() {
    let report = Flow::from_range(0..400_000u64)
        .stages(3)
        .map(key)
        .hottest_keys(2, |key| key.clone())
        .count_by(|key| key.clone())
        .run()
        .unwrap();
    let hottest = report.stages()[0].hottest();
    let names: Vec<&str> = hottest.iter().map(|(key, _)| &**key).collect();
    assert_eq!(names, ["\"a\"", "\"b\""]);
    // Some 6,000 items are in the sample; the estimate is many deviations inside of these bounds.
    assert!((0.4..0.6).contains(&hottest[0].1), "{hottest:?}");
    assert!((0.15..0.35).contains(&hottest[1].1), "{hottest:?}");
    assert!(report.stages()[1].hottest().is_empty());
    let text = report.explain_analyze();
    assert!(text.contains("    hottest \"a\" "), "{text}");
}

#[test]
fn an_input_with_the_rhythm_of_the_sample_is_not_misjudged() {
    let report = Flow::from_range(0..256_000u64)
        .stages(1)
        .hottest_keys(4, |n| n % 64)
        .run()
        .unwrap();
    for (key, share) in report.stages()[0].hottest() {
        assert!(share < 0.1, "{key} has {share}");
    }
}

#[test]
fn items_pass_unchanged_and_none_is_lost() {
    let flow = Flow::from_range(0..10_000u64).stages(2).ordered();
    let kept: Vec<u64> = flow.hottest_keys(0, |n| *n).collect_vec().unwrap();
    assert!(kept.into_iter().eq(0..10_000));
    let flow = Flow::from_range(0..10_000u64).hottest_keys(5, |n| n % 3);
    assert_eq!(flow.filter(|n| n % 2 == 0).take(100).count().unwrap(), 100);
}

/// A key that looks at the run when it is written down.
#[derive(PartialEq, Eq, Hash)]
struct Looks(u64, Eye);

/// All of them are equal.
#[derive(Clone)]
struct Eye(Observer);

impl Hash for Eye {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl PartialEq for Eye {
    fn eq(&self, _: &Eye) -> bool {
        true
    }
}

impl Eq for Eye {}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.1.0.report().is_some();
        write!(f, "{}, {seen}", self.0)
    }
}

#[test]
fn a_key_may_look_at_the_run() {
    let observer = Observer::new();
    let eye = Eye(observer.clone());
    let report = Flow::from_range(0..10_000u64)
        .stages(1)
        .observe(&observer)
        .hottest_keys(1, move |n| Looks(n % 2, eye.clone()))
        .run()
        .unwrap();
    assert!(report.stages()[0].hottest()[0].0.ends_with(", true"));
}
