//! Which windows an item belongs to, and when they fire.

use super::{Fit, Keep, Kind, OpenWindows, Panes};

fn fit(first: i64, last: i64, step: i64) -> Fit {
    Fit::In { first, last, step }
}

fn fixed(lateness: i64, gaps: u64) -> Panes<i64> {
    let kind = Kind::Time {
        size: 10,
        slide: 10,
    };
    Panes::new(kind, lateness, gaps)
}

fn advance(panes: &mut Panes<i64>, to: i64) -> Vec<(i64, bool, i64)> {
    let mut out = Vec::new();
    panes.advance(
        to,
        || 0,
        |pane, trigger, keep| {
            let acc = match keep {
                Keep::Stays(acc) => *acc,
                Keep::Ends(acc) => acc,
            };
            out.push((pane.id(), trigger.is_last(), acc));
        },
    );
    out
}

fn add(panes: &mut Panes<i64>, time: i64) -> bool {
    let Fit::In { first, last, step } = panes.windows(time, i64::MIN) else {
        return false;
    };
    let mut id = first;
    while id <= last {
        *panes.enter(id, None, || 0).0 += time;
        id += step;
    }
    true
}

#[test]
fn negative_times_are_floored() {
    let panes = fixed(0, 0);
    assert_eq!(panes.windows(-1, i64::MIN), fit(-10, -10, 10));
    assert_eq!(panes.windows(-10, i64::MIN), fit(-10, -10, 10));
    assert_eq!(panes.windows(9, i64::MIN), fit(0, 0, 10));
    assert_eq!(panes.windows(9, 10), Fit::Late, "it has ended");
}

#[test]
fn sliding_windows_overlap() {
    let panes = Panes::<i64>::new(Kind::Time { size: 10, slide: 4 }, 0, 0);
    assert_eq!(panes.windows(9, i64::MIN), fit(0, 8, 4));
    assert_eq!(panes.windows(9, 10), fit(4, 8, 4), "the first has ended");
    let holes = Panes::<i64>::new(Kind::Time { size: 2, slide: 4 }, 0, 0);
    assert_eq!(holes.windows(3, i64::MIN), Fit::Between);
    assert_eq!(holes.windows(5, i64::MIN), fit(4, 4, 4));
}

#[test]
fn a_window_is_done_when_the_watermark_reaches_its_end() {
    let mut panes = fixed(0, 0);
    assert!(add(&mut panes, 3) && add(&mut panes, 25));
    assert_eq!(advance(&mut panes, 9), []);
    assert_eq!(advance(&mut panes, 10), [(0, true, 3)]);
    assert_eq!(advance(&mut panes, 29), []);
    assert_eq!(panes.len(), 1);
}

#[test]
fn lateness_keeps_it_and_gaps_are_bounded() {
    let mut panes = fixed(100, 0);
    assert!(add(&mut panes, 3));
    assert_eq!(advance(&mut panes, 50), [(0, false, 3)]);
    assert_eq!(advance(&mut panes, 60), []);
    assert_eq!(advance(&mut panes, 110), [(0, true, 3)]);
    let mut panes = fixed(0, 2);
    assert!(add(&mut panes, 0) && add(&mut panes, 1_000_000_000_000));
    let fired = advance(&mut panes, 1_000_000_000_005);
    let ids: Vec<i64> = fired.iter().map(|f| f.0).collect();
    assert_eq!(ids, [0, 10, 20]);
}

#[test]
fn gaps_follow_windows_that_were_done_before() {
    let mut panes = fixed(0, 5);
    assert!(add(&mut panes, 0));
    assert_eq!(advance(&mut panes, 12).len(), 1);
    assert!(add(&mut panes, 35));
    let ids: Vec<i64> = advance(&mut panes, 40).iter().map(|f| f.0).collect();
    assert_eq!(ids, [10, 20, 30]);
}
