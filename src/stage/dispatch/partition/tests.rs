//! The rows PD. Ours asks again for what is queued or dropped, keeps queues when a consumer goes, and has a limit: the numbers of
//! new demand differ from the original's for that.

use super::super::tests::{cancel, dispatch, plain};
use super::*;

/// Events are numbers: those below ten are for the first partition.
fn two(limit: usize) -> PartitionBy<u32> {
    started(PartitionBy::new(2, |n| Some((n, usize::from(n >= 10)))).queue(limit))
}

fn started<E: Send>(mut by: PartitionBy<E>) -> PartitionBy<E> {
    by.start().expect("good options");
    by
}

fn wants<E>(partition: impl Into<Partition>) -> Wants<E> {
    let mut wants = plain();
    wants.partition = Some(partition.into());
    wants
}

fn subscribe<E: Send>(to: &mut PartitionBy<E>, partition: impl Into<Partition>) -> Tag {
    let tag = Tag::new();
    assert_eq!(to.subscribe(tag, &wants(partition)), Ok(0));
    tag
}

/// New demand, and the events that were waiting.
fn ask<E: Send>(of: &mut PartitionBy<E>, from: Tag, n: u64) -> (u64, Vec<E>) {
    let mut out = Outbox::default();
    let new = of.ask(from, n, &mut out);
    let events = out.events.into_iter().flat_map(|(to, run)| {
        assert_eq!(to, from);
        run
    });
    (new, events.collect())
}

/// What was sent, what came back, and what the producer is asked for.
fn dispatched(to: &mut PartitionBy<u32>, events: &[u32]) -> (Vec<(Tag, Vec<u32>)>, Vec<u32>, u64) {
    let mut out = Outbox::default();
    let back = to.dispatch(events.to_vec(), &mut out).expect("a partition");
    (out.events, back, out.demand)
}

#[test]
fn pd_01_demand_of_the_gone_is_used_for_others() {
    let mut by = two(1000);
    let one = subscribe(&mut by, 0);
    assert_eq!(ask(&mut by, one, 10).0, 10);
    cancel(&mut by, one);
    assert_eq!(by.pending, 10);
    let other = subscribe(&mut by, 1);
    assert_eq!(ask(&mut by, other, 5).0, 0);
    assert_eq!(by.pending, 5);
    cancel(&mut by, other);
    assert_eq!(by.pending, 10);
    assert_eq!(dispatched(&mut by, &[1, 2, 10, 11]), (vec![], vec![], 0));
    assert_eq!((by.queued(), by.owed), (4, 6));
}

#[test]
fn pd_02_what_was_asked_for_and_no_more() {
    let mut by = started(PartitionBy::new(1, |n: u32| Some((n, 0))));
    let one = subscribe(&mut by, 0);
    assert_eq!(ask(&mut by, one, 3).0, 3);
    assert_eq!(dispatched(&mut by, &[1]), (vec![(one, vec![1])], vec![], 0));
    assert_eq!(by.owed, 2);
    assert_eq!(ask(&mut by, one, 3).0, 3);
    assert_eq!(by.owed, 5);
    assert_eq!(
        dispatched(&mut by, &[2, 3, 4, 5, 6, 7, 8]),
        (vec![(one, vec![2, 3, 4, 5, 6])], vec![7, 8], 0)
    );
}

#[test]
fn pd_03_partitions_with_names() {
    let mut by = started(PartitionBy::named(["odd", "even"], |n: u32| {
        Some((n, if n % 2 == 1 { "odd" } else { "even" }))
    }));
    let odd = subscribe(&mut by, "odd");
    assert_eq!(ask(&mut by, odd, 3).0, 3);
    assert_eq!(dispatched(&mut by, &[1]).0, [(odd, vec![1])]);
    assert_eq!(ask(&mut by, odd, 3).0, 3);
    assert_eq!(
        dispatched(&mut by, &[5, 7, 9, 11, 13, 15, 17]),
        (vec![(odd, vec![5, 7, 9, 11, 13])], vec![15, 17], 0)
    );
}

fn without_thirds(n: u32) -> Option<(u32, &'static str)> {
    match n {
        n if n % 3 == 0 => None,
        n if n % 2 == 1 => Some((n, "odd")),
        n => Some((n, "even")),
    }
}

#[test]
fn pd_04_dropped_events_use_nobodys_demand() {
    let mut by = started(PartitionBy::named(["odd", "even"], without_thirds));
    let (odd, even) = (subscribe(&mut by, "odd"), subscribe(&mut by, "even"));
    ask(&mut by, odd, 4);
    ask(&mut by, even, 4);
    let events: Vec<u32> = (1..13).collect();
    assert_eq!(
        dispatched(&mut by, &events),
        (
            vec![(odd, vec![1, 5, 7, 11]), (even, vec![2, 4, 8, 10])],
            vec![12],
            0
        )
    );
    assert_eq!(by.owed, 0);
}

#[test]
fn pd_04_dropped_events_are_asked_for_again() {
    let mut by = started(PartitionBy::named(["odd", "even"], without_thirds));
    let odd = subscribe(&mut by, "odd");
    assert_eq!(ask(&mut by, odd, 3).0, 3);
    // A producer that answers exactly: two of the three are for nobody. The original would wait for ever.
    assert_eq!(
        dispatched(&mut by, &[3, 6, 7]),
        (vec![(odd, vec![7])], vec![], 2)
    );
    assert_eq!(
        dispatched(&mut by, &[11, 13]),
        (vec![(odd, vec![11, 13])], vec![], 0)
    );
}

#[test]
fn pd_05_events_wait_for_the_consumer_of_their_partition() {
    let mut by = two(5);
    let other = subscribe(&mut by, 1);
    assert_eq!(ask(&mut by, other, 5).0, 5);
    assert_eq!(
        dispatched(&mut by, &[1, 2, 5, 6, 7]),
        (vec![], vec![], 0),
        "the queue is at its limit: no more is asked for"
    );
    assert_eq!(dispatched(&mut by, &[8, 9]), (vec![], vec![8, 9], 0));
    let one = subscribe(&mut by, 0);
    // Five for this consumer were there; the other's five are asked for again.
    assert_eq!(ask(&mut by, one, 5), (5, vec![1, 2, 5, 6, 7]));
    assert_eq!(by.owed, 5);
}

#[test]
fn pd_05_below_the_limit_the_others_go_on() {
    let mut by = two(1000);
    let other = subscribe(&mut by, 1);
    assert_eq!(ask(&mut by, other, 5).0, 5);
    assert_eq!(dispatched(&mut by, &[1, 2, 5, 6, 7]), (vec![], vec![], 5));
    assert_eq!(
        dispatched(&mut by, &[8, 10, 11]),
        (vec![(other, vec![10, 11])], vec![], 1)
    );
    let one = subscribe(&mut by, 0);
    assert_eq!(ask(&mut by, one, 7), (1, vec![1, 2, 5, 6, 7, 8]));
}

#[test]
fn pd_06_what_is_queued_is_for_the_next_ask() {
    let mut by = two(1000);
    let (one, other) = (subscribe(&mut by, 0), subscribe(&mut by, 1));
    ask(&mut by, one, 5);
    ask(&mut by, other, 5);
    let (sent, back, again) = dispatched(&mut by, &[1, 2, 5, 6, 7, 1, 2, 5, 6, 7]);
    assert_eq!((sent, back), (vec![(one, vec![1, 2, 5, 6, 7])], vec![]));
    assert_eq!(again, 5);
    // In the original this ask would be the first that lets the other partition go on.
    assert_eq!(ask(&mut by, one, 5), (0, vec![1, 2, 5, 6, 7]));
    assert_eq!(by.owed, 5);
}

#[test]
fn pd_07_a_queue_is_kept_for_the_next_consumer() {
    let mut by = two(1000);
    let (one, other) = (subscribe(&mut by, 0), subscribe(&mut by, 1));
    ask(&mut by, one, 5);
    ask(&mut by, other, 5);
    dispatched(&mut by, &[1, 2, 5, 6, 7, 1, 2, 5, 6, 7]);
    let mut out = Outbox::default();
    by.info(InfoId(1), &mut out);
    assert_eq!(by.cancel(one, &mut out), 0);
    assert_eq!((by.queued(), by.pending), (5, 0));
    assert_eq!(out.infos, []);
    let next = subscribe(&mut by, 0);
    assert_eq!(by.ask(next, 6, &mut out), 1);
    assert_eq!(out.events, [(next, vec![1, 2, 5, 6, 7])]);
    assert_eq!(out.infos, [InfoId(1)]);
}

#[test]
fn pd_08_infos_wait_behind_queues() {
    let mut by = two(1000);
    let mut out = Outbox::default();
    by.info(InfoId(1), &mut out);
    assert_eq!(out.infos, [InfoId(1)], "no consumer");
    let (one, other) = (subscribe(&mut by, 0), subscribe(&mut by, 1));
    by.info(InfoId(2), &mut out);
    assert_eq!(out.infos, [InfoId(1), InfoId(2)], "nothing queued");
    // Behind both queues: somebody has asked for four and is gone.
    ask(&mut by, one, 4);
    cancel(&mut by, one);
    let one = subscribe(&mut by, 0);
    assert_eq!(dispatched(&mut by, &[1, 2, 10, 11]), (vec![], vec![], 0));
    let mut out = Outbox::default();
    by.info(InfoId(3), &mut out);
    by.info(InfoId(4), &mut out);
    assert_eq!(out.infos, []);
    by.ask(one, 2, &mut out);
    by.ask(other, 1, &mut out);
    assert_eq!(out.infos, []);
    by.ask(other, 1, &mut out);
    assert_eq!(out.infos, [InfoId(3), InfoId(4)]);
    let sent = [(one, vec![1, 2]), (other, vec![10]), (other, vec![11])];
    assert_eq!(out.events, sent);
}

#[test]
fn pd_09_an_unknown_partition_is_an_error() {
    let mut by = started(PartitionBy::new(4, |n: usize| Some((n, n))));
    let one = subscribe(&mut by, 0);
    ask(&mut by, one, 5);
    let mut out = Outbox::default();
    let error = by.dispatch(vec![0, 4], &mut out).unwrap_err();
    assert_eq!(error, "there is no partition 4: partitions are 0 to 3");
    assert_eq!(out.events, [(one, vec![0])]);
    let mut by = started(PartitionBy::named(["a"], |n: u32| Some((n, "b"))));
    let one = subscribe(&mut by, "a");
    ask(&mut by, one, 5);
    let error = by.dispatch(vec![0], &mut Outbox::default()).unwrap_err();
    assert_eq!(error, "there is no partition \"b\": partitions are \"a\"");
}

#[test]
fn pd_10_partitions_that_cannot_be() {
    let refused = |mut by: PartitionBy<u32>| by.start().unwrap_err();
    assert!(refused(PartitionBy::new(0, |n| Some((n, 0)))).contains("at least 1"));
    let named = |names: &[&str]| PartitionBy::named(names, |n| Some((n, "a")));
    assert!(refused(named(&[])).contains("at least 1"));
    assert!(refused(named(&["a", "b", "a"])).contains("\"a\" is there twice"));
    assert!(refused(PartitionBy::new(1, |n| Some((n, 0))).queue(0)).contains("at least 1"));
}

#[test]
fn pd_11_subscriptions_that_cannot_be() {
    let mut by = two(1000);
    let mut refused = |wants: &Wants<u32>| by.subscribe(Tag::new(), wants).map(|_| ());
    let error = refused(&plain()).unwrap_err();
    assert!(
        error.contains(".partition(") && error.contains("0 to 1"),
        "{error}"
    );
    assert_eq!(refused(&wants(1)), Ok(()));
    assert!(
        refused(&wants(1))
            .unwrap_err()
            .contains("has a consumer already")
    );
    for unknown in [Partition::from(2), Partition::from("odd")] {
        let error = refused(&wants(unknown)).unwrap_err();
        assert!(error.contains("partitions are 0 to 1"), "{error}");
    }
    let mut named = started(PartitionBy::named(["odd", "even"], |n: u32| {
        Some((n, "odd"))
    }));
    let error = named.subscribe(Tag::new(), &wants("prime")).unwrap_err();
    assert!(error.contains("\"odd\", \"even\""), "{error}");
}

#[test]
fn a_full_queue_is_told_once_and_stops_the_asking() {
    let mut by = two(2);
    let other = subscribe(&mut by, 1);
    ask(&mut by, other, 4);
    let mut out = Outbox::default();
    assert_eq!(by.dispatch(vec![1, 2, 3], &mut out), Ok(vec![]));
    let told = Notice::PartitionFull {
        partition: Partition::Number(0),
        waiting: 2,
    };
    assert_eq!(out.notices, [told]);
    assert_eq!(out.demand, 0);
    // What is on its way still comes in; then nothing does.
    assert_eq!(by.dispatch(vec![4, 5], &mut out), Ok(vec![5]));
    assert_eq!((by.queued(), by.owed), (4, 0));
    let one = subscribe(&mut by, 0);
    assert_eq!(ask(&mut by, one, 2), (0, vec![1, 2]));
    // Below the limit again: all that the other waits for is asked for.
    assert_eq!(ask(&mut by, one, 1), (4, vec![3]));
}

#[test]
fn equal_keys_meet_and_all_partitions_are_used() {
    let mut by = started(PartitionBy::key(4, |n: &u32| n % 100));
    let tags: Vec<Tag> = (0..4_usize).map(|p| subscribe(&mut by, p)).collect();
    for tag in &tags {
        ask(&mut by, *tag, 1000);
    }
    let events: Vec<u32> = (0..1000).collect();
    let (sent, back) = dispatch(&mut by, &events);
    assert!(back.is_empty());
    assert_eq!(sent.len(), 4);
    let mut home: HashMap<u32, Tag> = HashMap::new();
    for (tag, run) in sent {
        for event in run {
            assert_eq!(*home.entry(event % 100).or_insert(tag), tag);
        }
    }
    assert_eq!(home.len(), 100);
}
