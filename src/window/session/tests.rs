//! Sessions beside a plain computation: sort the times, and cut where they are a gap apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::RandomState;
use proptest::prelude::*;

use super::{KeySessions, OpenSessions};
use crate::window::{Fit, Keep, OpenWindows, Pane, Trigger};

const GAP: i64 = 10;

/// First and last times, and all times in between.
fn naive(times: &[i64], gap: i64) -> Vec<Vec<i64>> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let mut sessions: Vec<Vec<i64>> = Vec::new();
    for time in sorted {
        match sessions.last_mut() {
            Some(open) if open.last().is_some_and(|last| time - last < gap) => open.push(time),
            _ => sessions.push(vec![time]),
        }
    }
    sessions
}

fn append(seen: &mut Vec<i64>, mut later: Vec<i64>) {
    seen.append(&mut later);
}

type Open = OpenSessions<Vec<i64>, fn(&mut Vec<i64>, Vec<i64>)>;

fn open(lateness: i64) -> Open {
    OpenSessions::new(GAP, lateness, Arc::new(append))
}

fn add(sessions: &mut Open, time: i64, watermark: i64) -> bool {
    let Fit::In { first, .. } = sessions.windows(time, watermark) else {
        return false;
    };
    sessions.enter(first, None, Vec::new).0.push(time);
    true
}

/// What fires: the pane, why, and the times sorted.
type Fired = (Pane, Trigger, Vec<i64>);

fn into(out: &mut Vec<Fired>) -> impl FnMut(Pane, Trigger, Keep<'_, Vec<i64>>) {
    |pane, trigger, keep| {
        let mut times = match keep {
            Keep::Stays(times) => times.clone(),
            Keep::Ends(times) => times,
        };
        times.sort_unstable();
        out.push((pane, trigger, times));
    }
}

fn advance(sessions: &mut Open, to: i64) -> Vec<Fired> {
    let mut out = Vec::new();
    sessions.advance(to, Vec::new, into(&mut out));
    out
}

fn finish(mut sessions: Open) -> Vec<Fired> {
    let mut out = Vec::new();
    sessions.finish(Vec::new, into(&mut out));
    out
}

fn time(start: i64, end: i64) -> Pane {
    Pane::Time { start, end }
}

#[test]
fn exactly_a_gap_apart_is_two_sessions() {
    let mut sessions = open(0);
    assert!([-9, 0, 10, 19].map(|at| add(&mut sessions, at, i64::MIN)) == [true; 4]);
    let panes: Vec<Pane> = finish(sessions).into_iter().map(|fired| fired.0).collect();
    assert_eq!(panes, [time(-9, 10), time(10, 29)]);
}

#[test]
fn an_item_between_two_merges_them_the_earlier_first() {
    let mut sessions = open(0);
    for at in [0, 18, 9] {
        add(&mut sessions, at, i64::MIN);
    }
    let mut merged = Vec::new();
    sessions.finish(Vec::new, |pane, _, keep| {
        if let Keep::Ends(times) = keep {
            merged.push((pane, times));
        }
    });
    assert_eq!(merged, [(time(0, 28), vec![0, 18, 9])]);
}

#[test]
fn a_session_that_a_late_item_makes_longer_fires_again() {
    let mut sessions = open(100);
    add(&mut sessions, 0, i64::MIN);
    let first = (time(0, 10), Trigger::Watermark, vec![0]);
    assert_eq!(advance(&mut sessions, 50), [first]);
    assert_eq!(advance(&mut sessions, 51), []);
    assert!(add(&mut sessions, 9, 51));
    let again = (time(0, 19), Trigger::Watermark, vec![0, 9]);
    assert_eq!(advance(&mut sessions, 51), [again]);
    assert!(add(&mut sessions, 5, 51), "not longer by this one");
    assert_eq!(advance(&mut sessions, 118), []);
    let done = (time(0, 19), Trigger::Done, vec![0, 5, 9]);
    assert_eq!(advance(&mut sessions, 119), [done]);
    assert!(!add(&mut sessions, 9, 119), "late");
    assert!(add(&mut sessions, 10, 119));
}

#[test]
fn every_counts_the_items_of_both_that_merge() {
    let mut sessions = open(0);
    let due = [0, 15, 8].map(|at| sessions.enter(at, Some(3), Vec::new).1);
    assert_eq!(due, [false, false, true]);
    let mut fired = Vec::new();
    sessions.fire(8, Trigger::Every(3), into(&mut fired));
    assert_eq!(fired[0].0, time(0, 25));
}

#[test]
fn times_at_the_ends_of_what_there_is() {
    let mut sessions = open(i64::MAX);
    for at in [i64::MIN, i64::MIN + 9, i64::MAX, i64::MAX - 1, 0] {
        assert!(add(&mut sessions, at, i64::MIN));
    }
    let panes: Vec<Pane> = finish(sessions).into_iter().map(|fired| fired.0).collect();
    let want = [
        time(i64::MIN, i64::MIN + 19),
        time(0, 10),
        time(i64::MAX - 1, i64::MAX),
    ];
    assert_eq!(panes, want);
}

#[test]
fn a_key_is_forgotten_when_its_last_session_is_over() {
    let mut open = KeySessions::new(GAP, 0, RandomState::new());
    for at in [0, 40, 20] {
        assert!(open.enter("a", at, at, 1, |sum, more| *sum += more));
    }
    assert!(!open.enter("a", 25, 25, 1, |sum, more| *sum += more));
    assert_eq!(open.len(), 1);
    assert_eq!(open.pop(9), None);
    assert_eq!(open.pop(35), Some((time(0, 10), "a", 1)));
    assert_eq!(open.pop(35), Some((time(20, 35), "a", 2)));
    assert_eq!(open.pop(49), None);
    assert!(!open.any_due(49) && open.any_due(50));
    assert_eq!(open.pop(50), Some((time(40, 50), "a", 1)));
    assert_eq!((open.pop(i64::MAX), open.len()), (None, 0));
    assert!(open.enter("b", 5, 5, 1, |_, _| {}), "its place is free");
}

proptest! {
    #[test]
    fn sessions_of_a_worker_are_those_of_a_loop(
        times in prop::collection::vec(-200..200_i64, 0..80),
        lateness in 0..3_i64,
    ) {
        let mut sessions = open(lateness);
        for at in &times {
            prop_assert!(add(&mut sessions, *at, i64::MIN));
        }
        let got: Vec<Vec<i64>> = finish(sessions).into_iter().map(|fired| fired.2).collect();
        prop_assert_eq!(got, naive(&times, GAP));
    }

    /// Items go back by up to 30, and the watermark stays as far behind.
    #[test]
    fn sessions_of_keys_are_those_of_a_loop_while_the_watermark_moves(
        steps in prop::collection::vec((0..9_i64, 0..=30_i64, 0..3_u8, 0..4_i64), 0..200),
        lateness in 0..20_i64,
    ) {
        let mut open = KeySessions::new(GAP, lateness, RandomState::new());
        let mut by_key: BTreeMap<u8, Vec<i64>> = BTreeMap::new();
        let mut got: BTreeMap<u8, Vec<(Pane, usize)>> = BTreeMap::new();
        let (mut now, mut ends) = (-100, i64::MIN);
        for (step, back, key, long) in steps {
            now += step;
            // A partial result of two items.
            let (first, last) = (now - back, now - back + long);
            prop_assert!(!open.is_late(last, now - 30));
            open.enter(key, first, last, 2, |sum, more| *sum += more);
            by_key.entry(key).or_default().extend([first, last]);
            while let Some((pane, key, items)) = open.pop(now - 30) {
                let Pane::Time { end, .. } = pane else { unreachable!() };
                prop_assert!(end >= ends && end + lateness <= now - 30);
                ends = end;
                got.entry(key).or_default().push((pane, items));
            }
            prop_assert!(!open.any_due(now - 30));
        }
        while let Some((pane, key, items)) = open.pop(i64::MAX) {
            got.entry(key).or_default().push((pane, items));
        }
        prop_assert_eq!(open.len(), 0);
        for (key, times) in by_key {
            let want: Vec<(Pane, usize)> = naive(&times, GAP)
                .into_iter()
                .map(|s| (time(s[0], s[s.len() - 1] + GAP), s.len()))
                .collect();
            prop_assert_eq!(got.remove(&key).unwrap_or_default(), want);
        }
    }
}
