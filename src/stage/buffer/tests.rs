//! The rows BU-07 to BU-13, and the places of infos in GI-04 to GI-06.

use super::*;

fn infos(ids: &[u64]) -> Vec<InfoId> {
    ids.iter().copied().map(InfoId).collect()
}

fn info<E>(into: &mut Buffer<E>, id: u64) {
    assert!(into.info(InfoId(id)));
}

fn store<'a>(into: &mut Buffer<&'a str>, events: &[&'a str]) -> (usize, Vec<InfoId>, Vec<&'a str>) {
    let stored = into.store(events.to_vec());
    (stored.dropped, stored.infos, stored.back)
}

fn take<E>(of: &mut Buffer<E>, n: u64) -> (Vec<E>, Vec<InfoId>) {
    let taken = of.take(n);
    (taken.events, taken.infos)
}

#[test]
fn bu_07_infos_are_not_counted() {
    let mut buffer = Buffer::new(10, Keep::First);
    assert_eq!(store(&mut buffer, &["a", "b"]), (0, vec![], vec![]));
    info(&mut buffer, 1);
    store(&mut buffer, &["c"]);
    info(&mut buffer, 2);
    assert_eq!(buffer.len(), 3);
}

#[test]
fn bu_08_what_an_overflow_keeps() {
    let mut first = Buffer::new(3, Keep::First);
    store(&mut first, &["a", "b", "c"]);
    assert_eq!(store(&mut first, &["d", "e", "f"]), (3, vec![], vec![]));
    assert_eq!(take(&mut first, 10).0, ["a", "b", "c"]);

    let mut last = Buffer::new(3, Keep::Last);
    store(&mut last, &["a", "b", "c"]);
    assert_eq!(store(&mut last, &["d", "e", "f"]), (3, vec![], vec![]));
    assert_eq!(take(&mut last, 10).0, ["d", "e", "f"]);

    let mut unbounded = Buffer::unbounded();
    let stored = unbounded.store(vec![0; 1000]);
    assert_eq!((stored.dropped, unbounded.len()), (0, 1000));
}

#[test]
fn bu_08_block_drops_nothing() {
    let mut block = Buffer::new(3, Keep::Block);
    assert_eq!(store(&mut block, &["a", "b"]), (0, vec![], vec![]));
    assert_eq!(block.room(), 1);
    assert_eq!(
        store(&mut block, &["c", "d", "e"]),
        (0, vec![], vec!["d", "e"])
    );
    assert_eq!(block.room(), 0);
    assert_eq!(take(&mut block, 2).0, ["a", "b"]);
    assert_eq!(store(&mut block, &["d", "e"]), (0, vec![], vec![]));
    assert_eq!(take(&mut block, 10).0, ["c", "d", "e"]);
}

#[test]
fn more_at_once_than_there_is_room_for() {
    let mut last = Buffer::new(2, Keep::Last);
    store(&mut last, &["a"]);
    assert_eq!(store(&mut last, &["b", "c", "d", "e"]), (3, vec![], vec![]));
    assert_eq!(take(&mut last, 10).0, ["d", "e"]);
    let mut first = Buffer::new(2, Keep::First);
    store(&mut first, &["a"]);
    assert_eq!(
        store(&mut first, &["b", "c", "d", "e"]),
        (3, vec![], vec![])
    );
    assert_eq!(take(&mut first, 10).0, ["a", "b"]);
}

#[test]
fn a_buffer_without_room_is_one_that_drops_all_or_takes_none() {
    for keep in [Keep::First, Keep::Last] {
        let mut none = Buffer::new(0, keep);
        assert_eq!(store(&mut none, &["a", "b"]), (2, vec![], vec![]));
        assert_eq!(none.len(), 0);
        assert!(!none.info(InfoId(1)));
    }
    let mut none = Buffer::new(0, Keep::Block);
    assert_eq!(store(&mut none, &["a", "b"]), (0, vec![], vec!["a", "b"]));
}

#[test]
fn bu_09_infos_behind_dropped_events_are_handed_out() {
    let mut last = Buffer::new(3, Keep::Last);
    store(&mut last, &["a"]);
    info(&mut last, 1);
    store(&mut last, &["b"]);
    info(&mut last, 2);
    store(&mut last, &["c"]);
    info(&mut last, 3);
    assert_eq!(store(&mut last, &["d", "e"]), (2, infos(&[1, 2]), vec![]));
    assert_eq!(take(&mut last, 10), (vec!["c"], infos(&[3])));
    assert_eq!(take(&mut last, 10), (vec!["d", "e"], vec![]));
}

#[test]
fn bu_10_an_empty_buffer_holds_no_infos() {
    let mut buffer: Buffer<&str> = Buffer::new(3, Keep::Last);
    assert!(!buffer.info(InfoId(1)));
    assert_eq!(take(&mut buffer, 5), (vec![], vec![]));
}

#[test]
fn bu_11_taking_stops_at_infos() {
    let mut buffer = Buffer::unbounded();
    store(&mut buffer, &["t1", "t2"]);
    info(&mut buffer, 3);
    store(&mut buffer, &["t4"]);
    // Three of the five are still to be taken.
    assert_eq!(take(&mut buffer, 5), (vec!["t1", "t2"], infos(&[3])));
    assert_eq!(take(&mut buffer, 3), (vec!["t4"], vec![]));
}

#[test]
fn bu_12_infos_of_one_place_keep_their_order() {
    let mut buffer = Buffer::unbounded();
    store(&mut buffer, &["a"]);
    for id in [5, 4, 9] {
        info(&mut buffer, id);
    }
    assert_eq!(take(&mut buffer, 1), (vec!["a"], infos(&[5, 4, 9])));
}

#[test]
fn bu_13_infos_among_events() {
    let mut buffer = Buffer::unbounded();
    store(&mut buffer, &["t1", "t2"]);
    info(&mut buffer, 3);
    info(&mut buffer, 4);
    store(&mut buffer, &["t5", "t6", "t7"]);
    info(&mut buffer, 8);
    info(&mut buffer, 9);
    store(&mut buffer, &["t10"]);
    info(&mut buffer, 11);
    assert_eq!(take(&mut buffer, 3), (vec!["t1", "t2"], infos(&[3, 4])));
    assert_eq!(
        take(&mut buffer, 4),
        (vec!["t5", "t6", "t7"], infos(&[8, 9]))
    );
    assert_eq!(take(&mut buffer, 2), (vec!["t10"], infos(&[11])));
}

#[test]
fn gi_04_infos_in_a_moving_buffer() {
    let mut buffer = Buffer::new(3, Keep::Last);
    store(&mut buffer, &["a", "b", "c"]);
    info(&mut buffer, 1);
    assert_eq!(take(&mut buffer, 2), (vec!["a", "b"], vec![]));
    assert_eq!(store(&mut buffer, &["d", "e"]), (0, vec![], vec![]));
    info(&mut buffer, 2);
    assert_eq!(take(&mut buffer, 1), (vec!["c"], infos(&[1])));
    assert_eq!(take(&mut buffer, 2), (vec!["d", "e"], infos(&[2])));
}

#[test]
fn gi_05_an_overflow_hands_infos_out() {
    let mut buffer = Buffer::new(3, Keep::Last);
    store(&mut buffer, &["a", "b", "c"]);
    info(&mut buffer, 1);
    assert_eq!(
        store(&mut buffer, &["d", "e", "f"]),
        (3, infos(&[1]), vec![])
    );
}

#[test]
fn gi_06_one_ask_over_several_infos() {
    let mut buffer = Buffer::unbounded();
    store(&mut buffer, &["a", "b", "c"]);
    for id in [4, 5, 6] {
        info(&mut buffer, id);
    }
    store(&mut buffer, &["g", "h"]);
    info(&mut buffer, 9);
    assert_eq!(
        take(&mut buffer, 5),
        (vec!["a", "b", "c"], infos(&[4, 5, 6]))
    );
    assert_eq!(take(&mut buffer, 2), (vec!["g", "h"], infos(&[9])));
}

#[test]
fn what_is_put_back_is_first_again() {
    let mut buffer = Buffer::new(3, Keep::Last);
    store(&mut buffer, &["a", "b", "c"]);
    info(&mut buffer, 1);
    let taken = buffer.take(2);
    buffer.put_back(taken.events);
    assert_eq!(take(&mut buffer, 3), (vec!["a", "b", "c"], infos(&[1])));
}
