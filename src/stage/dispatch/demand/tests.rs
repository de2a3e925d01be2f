//! The rows DD, and what is said of demand that is larger than that of others.

use super::super::InfoId;
use super::super::tests::{ask, cancel, dispatch, subscribe};
use super::*;

fn credits(of: &DemandDispatch) -> Vec<(Tag, u64)> {
    let credits = &of.credits;
    credits
        .waiting()
        .map(|tag| (tag, credits.demand(tag)))
        .collect()
}

#[test]
fn dd_01_subscribing_and_cancelling_leaves_nothing() {
    let mut demand = DemandDispatch::new();
    let one = subscribe::<char>(&mut demand);
    assert_eq!(credits(&demand), []);
    assert_eq!(cancel::<char>(&mut demand, one), 0);
    assert_eq!(demand.credits.owed(), 0);
}

#[test]
fn dd_02_demand_of_the_gone_is_used_for_others() {
    let mut demand = DemandDispatch::new();
    let d: &mut dyn Dispatcher<char> = &mut demand;
    let one = subscribe(d);
    assert_eq!(ask(d, one, 10), 10);
    assert_eq!(cancel(d, one), 0);
    let two = subscribe(d);
    assert_eq!(ask(d, two, 5), 0);
    assert_eq!(demand.credits.pending(), 5);
    let d: &mut dyn Dispatcher<char> = &mut demand;
    cancel(d, two);
    assert_eq!(demand.credits.pending(), 10);
    let d: &mut dyn Dispatcher<char> = &mut demand;
    assert_eq!(dispatch(d, &['a', 'b', 'c']), (vec![], vec!['a', 'b', 'c']));
    assert_eq!(demand.credits.pending(), 7);
    let d: &mut dyn Dispatcher<char> = &mut demand;
    assert_eq!(dispatch(d, &['x'; 10]).1.len(), 10);
    assert_eq!(demand.credits.pending(), 0);
}

#[test]
fn dd_03_the_others_are_served_and_the_rest_is_pending() {
    let mut demand = DemandDispatch::new();
    let d: &mut dyn Dispatcher<char> = &mut demand;
    let one = subscribe(d);
    let two = subscribe(d);
    assert_eq!((ask(d, one, 3), ask(d, two, 3)), (3, 3));
    cancel(d, one);
    assert_eq!(
        dispatch(d, &['a', 'b', 'c', 'd', 'e']),
        (vec![(two, vec!['a', 'b', 'c'])], vec!['d', 'e'])
    );
    assert_eq!(demand.credits.pending(), 1);
}

#[test]
fn dd_04_demand_adds_up_and_is_used_up() {
    let mut demand = DemandDispatch::new();
    let d: &mut dyn Dispatcher<char> = &mut demand;
    let one = subscribe(d);
    assert_eq!(ask(d, one, 3), 3);
    assert_eq!(dispatch(d, &['a']), (vec![(one, vec!['a'])], vec![]));
    assert_eq!(demand.credits.demand(one), 2);
    let d: &mut dyn Dispatcher<char> = &mut demand;
    assert_eq!(ask(d, one, 3), 3);
    assert_eq!(
        dispatch(d, &['b', 'c', 'd', 'e', 'f', 'g', 'h']),
        (vec![(one, vec!['b', 'c', 'd', 'e', 'f'])], vec!['g', 'h'])
    );
    assert_eq!(dispatch(d, &['i', 'j']), (vec![], vec!['i', 'j']));
}

#[test]
fn dd_05_who_asked_for_most_is_first() {
    let mut demand = DemandDispatch::new();
    let d: &mut dyn Dispatcher<char> = &mut demand;
    let [one, two, three] = [subscribe(d), subscribe(d), subscribe(d)];
    ask(d, one, 4);
    ask(d, two, 2);
    ask(d, three, 3);
    assert_eq!(credits(&demand), [(one, 4), (three, 3), (two, 2)]);
    ask::<char>(&mut demand, three, 2);
    assert_eq!(credits(&demand), [(three, 5), (one, 4), (two, 2)]);
    ask::<char>(&mut demand, two, 4);
    assert_eq!(credits(&demand), [(two, 6), (three, 5), (one, 4)]);
}

#[test]
fn dd_06_one_dispatch_for_two() {
    let mut demand = DemandDispatch::new();
    let d: &mut dyn Dispatcher<char> = &mut demand;
    let [one, two] = [subscribe(d), subscribe(d)];
    ask(d, one, 3);
    ask(d, two, 2);
    assert_eq!(
        dispatch(d, &['a', 'b', 'c', 'd', 'e']),
        (
            vec![(one, vec!['a', 'b', 'c']), (two, vec!['d', 'e'])],
            vec![]
        )
    );
    assert_eq!(dispatch(d, &['a', 'b', 'c']).1, ['a', 'b', 'c']);
}

#[test]
fn dd_07_equals_in_the_order_of_their_last_change() {
    let mut demand = DemandDispatch::new();
    let d: &mut dyn Dispatcher<char> = &mut demand;
    let [one, two] = [subscribe(d), subscribe(d)];
    ask(d, one, 3);
    ask(d, two, 3);
    assert_eq!(dispatch(d, &['a', 'b']).0, [(one, vec!['a', 'b'])]);
    assert_eq!(credits(&demand), [(two, 3), (one, 1)]);
    let d: &mut dyn Dispatcher<char> = &mut demand;
    assert_eq!(dispatch(d, &['c', 'd']).0, [(two, vec!['c', 'd'])]);
    assert_eq!(
        dispatch(d, &['e', 'f', 'g']),
        (vec![(one, vec!['e']), (two, vec!['f'])], vec!['g'])
    );
}

#[test]
fn dd_08_the_shuffle_is_once_and_changes_only_who_is_first() {
    let mut first = Vec::new();
    for seed in 0..32 {
        let mut demand = DemandDispatch::new().shuffle_seeded(seed);
        let d: &mut dyn Dispatcher<u32> = &mut demand;
        let [one, two] = [subscribe(d), subscribe(d)];
        ask(d, one, 3);
        ask(d, two, 2);
        let (mut sent, back) = dispatch(d, &[1, 2, 3, 4, 5]);
        assert!(back.is_empty());
        first.push(sent[0].0 == one);
        let all: Vec<u32> = sent.iter().flat_map(|(_, run)| run.clone()).collect();
        assert_eq!(all, [1, 2, 3, 4, 5]);
        sent.sort_by_key(|(tag, _)| *tag);
        let shares: Vec<(Tag, usize)> = sent.iter().map(|(tag, run)| (*tag, run.len())).collect();
        assert_eq!(shares, [(one, 3), (two, 2)]);
        // From now on by demand.
        ask(d, one, 3);
        ask(d, two, 2);
        assert_eq!(dispatch(d, &[6]).0, [(one, vec![6])]);
        assert_eq!(demand.shuffle, None);
    }
    assert!(first.contains(&true) && first.contains(&false));
}

#[test]
fn dd_09_an_info_is_handed_out_at_once() {
    let mut demand = DemandDispatch::new();
    let one = subscribe::<char>(&mut demand);
    ask::<char>(&mut demand, one, 3);
    let mut out = Outbox::<char>::default();
    demand.info(InfoId(7), &mut out);
    assert_eq!(out.infos, [InfoId(7)]);
    assert_eq!(credits(&demand), [(one, 3)]);
}

#[test]
fn dd_10_more_than_expected_is_told() {
    let mut demand = DemandDispatch::new().max_demand(3);
    let one = subscribe::<char>(&mut demand);
    let mut out = Outbox::<char>::default();
    assert_eq!(demand.ask(one, 4, &mut out), 4);
    let told = Notice::AskedMore {
        from: one,
        asked: 4,
        expected: 3,
    };
    assert_eq!(out.notices, [told]);
}

#[test]
fn the_first_ask_is_what_is_expected() {
    let mut demand = DemandDispatch::new();
    let one = subscribe::<char>(&mut demand);
    let mut out = Outbox::<char>::default();
    demand.ask(one, 4, &mut out);
    demand.ask(one, 4, &mut out);
    assert_eq!(out.notices, []);
    demand.ask(one, 5, &mut out);
    assert_eq!(out.notices.len(), 1);
}

#[test]
fn what_is_held_goes_first_to_a_consumer_for_whom_nothing_new_is_asked() {
    let mut demand = DemandDispatch::new();
    let d: &mut dyn Dispatcher<char> = &mut demand;
    let one = subscribe(d);
    ask(d, one, 10);
    cancel(d, one);
    assert_eq!(dispatch(d, &['a', 'b', 'c']).1.len(), 3);
    let two = subscribe(d);
    assert_eq!(ask(d, two, 5), 0);
    assert_eq!(d.draw(3), 3);
    assert_eq!(
        dispatch(d, &['a', 'b', 'c']).0,
        [(two, vec!['a', 'b', 'c'])]
    );
    // The producer owes seven still, and two of them are waited for.
    assert_eq!(demand.credits.owed(), 7);
    assert_eq!(demand.credits.demand(two), 2);
}

#[test]
fn asks_too_large_to_count_are_cut() {
    let mut demand = DemandDispatch::new();
    let d: &mut dyn Dispatcher<char> = &mut demand;
    let [one, two] = [subscribe(d), subscribe(d)];
    assert_eq!(ask(d, one, u64::MAX - 1), u64::MAX - 1);
    assert_eq!(ask(d, two, u64::MAX), 1);
    assert_eq!(ask(d, one, 1), 0);
    cancel(d, one);
    assert_eq!(dispatch(d, &['a']).0, [(two, vec!['a'])]);
}
