//! The cuts of GS-02 to GS-04, and what is asked for behind each.

use super::*;

/// The sizes of the chunks of a message, and what is asked for behind each.
fn cut(demand: &mut Demand, events: usize) -> Vec<(usize, u64)> {
    let mut chunks = VecDeque::new();
    let message: Vec<usize> = (0..events).collect();
    demand.cut(message.clone(), &mut chunks);
    let all: Vec<usize> = chunks.iter().flat_map(|c| c.events.clone()).collect();
    assert_eq!(all, message);
    chunks.iter().map(|c| (c.events.len(), c.ask)).collect()
}

/// The sizes of the first batches behind a producer that answers each ask with one message.
fn batches(max: u64, min: u64, many: usize) -> Vec<usize> {
    let mut demand = Demand::automatic(max, min);
    let mut asks = VecDeque::from([demand.first()]);
    let mut sizes = Vec::new();
    while sizes.len() < many {
        let ask = asks.pop_front().expect("more is asked for");
        for (size, again) in cut(&mut demand, ask as usize) {
            sizes.push(size);
            if again > 0 {
                asks.push_back(again);
            }
        }
        let on_the_way: u64 = asks.iter().sum();
        assert_eq!(on_the_way, demand.outstanding());
        assert!(on_the_way <= max && on_the_way > min);
    }
    sizes.truncate(many);
    sizes
}

#[test]
fn gs_01_defaults_are_cut_in_halves() {
    assert_eq!(batches(1000, 500, 5), [500; 5]);
}

#[test]
fn gs_02_a_high_minimum_gives_small_batches() {
    assert_eq!(batches(100, 80, 60), [20; 60]);
}

#[test]
fn gs_03_a_low_minimum_gives_uneven_batches() {
    assert_eq!(batches(100, 20, 5), [80, 20, 80, 80, 20]);
}

#[test]
fn gs_04_one_at_a_time() {
    assert_eq!(batches(1, 0, 10), [1; 10]);
}

#[test]
fn small_messages_are_asked_for_when_enough_have_gone() {
    // The example of the original's documentation, but that a message smaller than max − min is not cut.
    let mut demand = Demand::automatic(1000, 750);
    assert_eq!(demand.first(), 1000);
    assert_eq!(cut(&mut demand, 100), [(100, 0)]);
    assert_eq!(cut(&mut demand, 100), [(100, 0)]);
    assert_eq!(cut(&mut demand, 100), [(100, 300)]);
    assert_eq!(demand.outstanding(), 1000);
}

#[test]
fn more_than_was_asked_for_is_taken_and_counted() {
    let mut demand = Demand::automatic(10, 5);
    demand.first();
    assert_eq!(cut(&mut demand, 13), [(5, 5), (5, 5), (3, 0)]);
    assert_eq!((demand.excess(), demand.outstanding()), (3, 10));
}

#[test]
fn by_hand_nothing_is_asked_and_nothing_cut() {
    let mut demand = Demand::manual();
    assert_eq!(demand.first(), 0);
    demand.ask(50);
    assert_eq!(cut(&mut demand, 50), [(50, 0)]);
    demand.ask(50);
    assert_eq!(cut(&mut demand, 60), [(60, 0)]);
    assert_eq!((demand.excess(), demand.outstanding()), (10, 0));
}

#[test]
fn an_empty_message_is_no_chunk() {
    let mut demand = Demand::automatic(10, 5);
    demand.first();
    assert_eq!(cut(&mut demand, 0), []);
}
