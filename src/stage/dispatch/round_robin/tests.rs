//! Turns: who has one, how much it is worth, and how it goes on.

use super::super::tests::{ask, cancel, dispatch, subscribe};
use super::*;

#[test]
fn one_event_to_each_in_turn() {
    let mut turns = RoundRobin::new();
    let d: &mut dyn Dispatcher<u32> = &mut turns;
    let [one, two, three] = [subscribe(d), subscribe(d), subscribe(d)];
    for consumer in [one, two, three] {
        assert_eq!(ask(d, consumer, 1000), 1000);
    }
    assert_eq!(
        dispatch(d, &[1, 2, 3, 4, 5]).0,
        [(one, vec![1, 4]), (two, vec![2, 5]), (three, vec![3])]
    );
    // The turn goes on from batch to batch.
    assert_eq!(dispatch(d, &[6]).0, [(three, vec![6])]);
    assert_eq!(dispatch(d, &[7]).0, [(one, vec![7])]);
}

#[test]
fn those_without_demand_are_passed_over_and_join_at_the_end() {
    let mut turns = RoundRobin::new();
    let d: &mut dyn Dispatcher<u32> = &mut turns;
    let [one, two] = [subscribe(d), subscribe(d)];
    ask(d, one, 1);
    ask(d, two, 4);
    assert_eq!(
        dispatch(d, &[1, 2, 3]).0,
        [(one, vec![1]), (two, vec![2, 3])]
    );
    ask(d, one, 5);
    assert_eq!(
        dispatch(d, &[4, 5, 6, 7, 8, 9, 10, 11]),
        (
            vec![(two, vec![4, 6]), (one, vec![5, 7, 8, 9, 10])],
            vec![11]
        )
    );
}

#[test]
fn a_chunk_is_a_turn() {
    let mut turns = RoundRobin::new().chunk(2);
    let d: &mut dyn Dispatcher<u32> = &mut turns;
    let [one, two] = [subscribe(d), subscribe(d)];
    ask(d, one, 3);
    ask(d, two, 5);
    assert_eq!(
        dispatch(d, &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (
            vec![(one, vec![1, 2, 5]), (two, vec![3, 4, 6, 7, 8])],
            vec![9]
        )
    );
}

#[test]
fn asking_again_does_not_cost_the_turn() {
    let mut turns = RoundRobin::new();
    let d: &mut dyn Dispatcher<u32> = &mut turns;
    let [one, two] = [subscribe(d), subscribe(d)];
    ask(d, one, 1);
    ask(d, two, 1);
    ask(d, one, 1);
    assert_eq!(dispatch(d, &[1]).0, [(one, vec![1])]);
}

#[test]
fn demand_of_the_gone_is_used_for_others() {
    let mut turns = RoundRobin::new();
    let d: &mut dyn Dispatcher<u32> = &mut turns;
    let [one, two] = [subscribe(d), subscribe(d)];
    ask(d, one, 3);
    cancel(d, one);
    assert_eq!(ask(d, two, 5), 2);
    assert_eq!(dispatch(d, &[1, 2]).0, [(two, vec![1, 2])]);
}
