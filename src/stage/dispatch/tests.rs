//! Random sequences over every dispatcher, in a model of the stage around it; and helpers for the rows of each.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::stage::buffer::Buffer;
use crate::stage::subscription::StageId;

/// A consumer that wants everything.
pub(super) fn plain<E>() -> Wants<E> {
    Wants {
        consumer: StageId::new(),
        partition: None,
        selector: None,
    }
}

/// Subscribes a consumer that wants everything; it has no new demand.
pub(super) fn subscribe<E>(to: &mut dyn Dispatcher<E>) -> Tag {
    let tag = Tag::new();
    assert_eq!(to.subscribe(tag, &plain()), Ok(0));
    tag
}

/// Asks, and says what the producer is asked for; nothing is sent.
pub(super) fn ask<E>(of: &mut dyn Dispatcher<E>, from: Tag, n: u64) -> u64 {
    let mut out = Outbox::default();
    let new = of.ask(from, n, &mut out);
    assert!(out.events.is_empty());
    new
}

/// Ends a subscription, and says what the producer is asked for.
pub(super) fn cancel<E>(of: &mut dyn Dispatcher<E>, from: Tag) -> u64 {
    of.cancel(from, &mut Outbox::default())
}

/// Dispatches: what was sent, and what came back.
pub(super) fn dispatch<E: Clone>(
    to: &mut dyn Dispatcher<E>,
    events: &[E],
) -> (Vec<(Tag, Vec<E>)>, Vec<E>) {
    let mut out = Outbox::default();
    let back = to.dispatch(events.to_vec(), &mut out).expect("a partition");
    (out.events, back)
}

/// A dispatcher under test, with what it believes.
trait Books: Dispatcher<u64> {
    /// What it believes the producer owes.
    fn owed(&self) -> u64;
    /// What consumers wait for, each or all together; zero if something is documented to hold them up.
    fn waiting(&self) -> u64;
    /// Whether an event goes to one consumer, and not to all.
    const ONCE: bool;
}

impl Books for DemandDispatch {
    fn owed(&self) -> u64 {
        self.credits.owed()
    }

    fn waiting(&self) -> u64 {
        self.credits.owed() - self.credits.pending()
    }

    const ONCE: bool = true;
}

impl Books for RoundRobin {
    fn owed(&self) -> u64 {
        self.credits.owed()
    }

    fn waiting(&self) -> u64 {
        self.credits.owed() - self.credits.pending()
    }

    const ONCE: bool = true;
}

impl Books for Broadcast<u64> {
    fn owed(&self) -> u64 {
        self.requested
    }

    fn waiting(&self) -> u64 {
        Broadcast::waiting(self)
    }

    const ONCE: bool = false;
}

impl Books for PartitionBy<u64> {
    fn owed(&self) -> u64 {
        assert!(self.owed <= self.wanted);
        self.owed
    }

    fn waiting(&self) -> u64 {
        if self.full > 0 {
            return 0;
        }
        self.wanted - self.pending
    }

    const ONCE: bool = true;
}

#[derive(Debug, Clone)]
enum Op {
    Subscribe(usize),
    Ask(usize, u64),
    Cancel(usize),
    /// The producer gives so many of those it owes.
    Answer(u64),
    /// The producer gives events nobody has asked for, on top of all it owes.
    Surprise(u64),
    Info,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        2 => (0..4_usize).prop_map(Op::Subscribe),
        6 => (0..4_usize, 0..12_u64).prop_map(|(who, n)| Op::Ask(who, n)),
        1 => (0..4_usize).prop_map(Op::Cancel),
        6 => (1..12_u64).prop_map(Op::Answer),
        1 => (1..12_u64).prop_map(Op::Surprise),
        1 => Just(Op::Info),
    ];
    prop::collection::vec(op, 1..80)
}

/// Who a consumer is, what it has asked for, and what it has got.
#[derive(Default)]
struct Got {
    asked: u64,
    events: Vec<u64>,
}

/// The stage around a dispatcher, as the real one: new demand is served from the buffer first, then goes to the producer.
struct Model<D> {
    dispatcher: D,
    /// Gives what a consumer wants, by its number.
    wants: fn(usize) -> Wants<u64>,
    buffer: Buffer<u64>,
    subscribed: BTreeMap<usize, Tag>,
    got: BTreeMap<Tag, Got>,
    /// What the producer owes, really.
    outstanding: u64,
    /// All that consumers have asked for, and all that the producer was asked for.
    asked: u64,
    granted: u64,
    next: u64,
    /// Infos made so far.
    made: u64,
    /// Infos that were not handed out, by the event before which they must not be.
    infos: BTreeMap<u64, u64>,
}

impl<D: Books> Model<D> {
    fn new(mut dispatcher: D, wants: fn(usize) -> Wants<u64>) -> Self {
        dispatcher.start().expect("good options");
        Model {
            dispatcher,
            wants,
            buffer: Buffer::unbounded(),
            subscribed: BTreeMap::new(),
            got: BTreeMap::new(),
            outstanding: 0,
            asked: 0,
            granted: 0,
            next: 0,
            made: 0,
            infos: BTreeMap::new(),
        }
    }

    fn run(&mut self, op: &Op) {
        let mut out = Outbox::default();
        match *op {
            Op::Subscribe(who) => {
                if self.subscribed.contains_key(&who) {
                    return;
                }
                let tag = Tag::new();
                let wants = (self.wants)(who);
                let new = self.dispatcher.subscribe(tag, &wants).expect("a place");
                self.subscribed.insert(who, tag);
                self.got.insert(tag, Got::default());
                self.follow(new, out);
            }
            Op::Ask(who, n) => {
                if let Some(&tag) = self.subscribed.get(&who) {
                    let new = self.ask(tag, n, &mut out);
                    self.follow(new, out);
                }
            }
            Op::Cancel(who) => {
                if let Some(tag) = self.subscribed.remove(&who) {
                    let new = self.dispatcher.cancel(tag, &mut out);
                    self.follow(new, out);
                }
            }
            Op::Answer(n) => self.emit(n.min(self.outstanding)),
            Op::Surprise(n) => self.emit(n),
            Op::Info => {
                let id = self.made;
                self.made += 1;
                self.infos.insert(id, self.next);
                if !self.buffer.info(InfoId(id)) {
                    self.dispatcher.info(InfoId(id), &mut out);
                }
                self.follow(0, out);
            }
        }
        self.check();
    }

    fn ask(&mut self, tag: Tag, n: u64, out: &mut Outbox<u64>) -> u64 {
        self.got.get_mut(&tag).expect("a subscription").asked += n;
        self.asked += n;
        self.dispatcher.ask(tag, n, out)
    }

    fn emit(&mut self, n: u64) {
        let events: Vec<u64> = (self.next..self.next + n).collect();
        self.next += n;
        // The producer may count its surprises as answers: the worst case for a stall.
        self.outstanding = self.outstanding.saturating_sub(n);
        let mut out = Outbox::default();
        let rest = self
            .dispatcher
            .dispatch(events, &mut out)
            .expect("a partition");
        assert!(
            rest.len() as u64 == n || self.buffer.len() == 0,
            "overtaking"
        );
        self.buffer.store(rest);
        self.follow(0, out);
    }

    fn deliver(&mut self, out: &mut Outbox<u64>) {
        for (tag, events) in out.events.drain(..) {
            assert!(self.subscribed.values().any(|known| *known == tag));
            let got = self.got.get_mut(&tag).expect("a subscription");
            got.events.extend(events);
            assert!(
                got.events.len() as u64 <= got.asked,
                "more than it asked for"
            );
        }
        for info in std::mem::take(&mut out.infos) {
            self.hand_out(info);
        }
    }

    fn hand_out(&mut self, info: InfoId) {
        let before = self.infos.remove(&info.0).expect("once only");
        // Whoever came first goes first.
        assert!(self.infos.keys().all(|other| *other > info.0));
        if D::ONCE {
            let gone = self.gone();
            assert!((0..before).all(|event| gone.contains(&event)));
        }
    }

    /// Events that consumers have, or that nobody needs.
    fn gone(&self) -> BTreeSet<u64> {
        let got = self.got.values().flat_map(|got| got.events.iter().copied());
        let dropped = (0..self.next).filter(|event| dropped(*event));
        got.chain(dropped.filter(|_| D::ONCE)).collect()
    }

    fn follow(&mut self, mut new: u64, mut out: Outbox<u64>) {
        loop {
            self.deliver(&mut out);
            new += std::mem::take(&mut out.demand);
            if let Some((tag, n)) = out.asks.pop() {
                let more = self.ask(tag, n, &mut out);
                // What a selector does not want is taken all the same.
                self.got.get_mut(&tag).expect("a subscription").asked -= n;
                new += more;
                continue;
            }
            let held = self.buffer.len() as u64;
            if held == 0 {
                break;
            }
            let mut run = new.min(held);
            new -= run;
            if run == 0 {
                run = self.dispatcher.draw(held);
            }
            if run == 0 {
                break;
            }
            assert!(run <= held);
            let taken = self.buffer.take(run);
            let stopped_at_info = run - taken.events.len() as u64;
            let rest = self
                .dispatcher
                .dispatch(taken.events, &mut out)
                .expect("a partition");
            assert!(rest.is_empty(), "demand that was granted and is not taken");
            self.deliver(&mut out);
            for info in taken.infos {
                self.dispatcher.info(info, &mut out);
            }
            new += stopped_at_info;
        }
        self.outstanding += new;
        self.granted += new;
    }

    fn check(&self) {
        // The books are exact.
        assert_eq!(self.dispatcher.owed(), self.outstanding);
        let served: usize = self.got.values().map(|got| got.events.len()).sum();
        let bound = if D::ONCE {
            self.outstanding + served as u64
        } else {
            self.granted
        };
        assert!(bound <= self.asked, "more demand than was asked for");
        // No stall, and nothing left behind.
        if self.dispatcher.waiting() > 0 {
            assert!(self.outstanding >= self.dispatcher.waiting(), "a stall");
            assert_eq!(self.buffer.len(), 0);
        }
        // In order, nothing twice.
        for got in self.got.values() {
            assert!(got.events.is_sorted_by(|a, b| a < b));
        }
        if D::ONCE {
            let all: usize = self.got.values().map(|got| got.events.len()).sum();
            let distinct: BTreeSet<u64> = self
                .got
                .values()
                .flat_map(|got| got.events.iter().copied())
                .collect();
            assert_eq!(all, distinct.len());
        }
    }

    /// Everybody comes and asks until nothing moves: everything that was given must arrive.
    fn drain(&mut self) {
        for who in 0..4 {
            self.run(&Op::Subscribe(who));
        }
        let mut before = usize::MAX;
        while before != self.got.values().map(|got| got.events.len()).sum::<usize>() {
            before = self.got.values().map(|got| got.events.len()).sum();
            for who in 0..4 {
                self.run(&Op::Ask(who, 1_000));
            }
        }
        assert_eq!(self.buffer.len(), 0);
        assert!(self.infos.is_empty(), "{:?}", self.infos);
        if D::ONCE {
            assert_eq!(self.gone().len() as u64, self.next);
        }
    }
}

/// What the partitions of the tests drop.
fn dropped(event: u64) -> bool {
    event % 7 == 3
}

fn check<D: Books>(dispatcher: D, wants: fn(usize) -> Wants<u64>, ops: &[Op]) -> Model<D> {
    let mut model = Model::new(dispatcher, wants);
    for op in ops {
        model.run(op);
    }
    model.drain();
    model
}

fn anything(_: usize) -> Wants<u64> {
    plain()
}

fn odd(event: &u64) -> bool {
    event % 2 == 1
}

/// The first two consumers select.
fn selecting(who: usize) -> Wants<u64> {
    let mut wants = plain();
    if who < 2 {
        wants.selector = Some(std::sync::Arc::new(odd));
    }
    wants
}

fn of_partition(who: usize) -> Wants<u64> {
    let mut wants = plain();
    wants.partition = Some(Partition::Number(who));
    wants
}

/// Far from even: most events are for the first partition.
fn uneven(event: u64) -> Option<(u64, usize)> {
    let partition = match event % 11 {
        1 => 1,
        2 | 4 => 2,
        5 => 3,
        _ => 0,
    };
    (!dropped(event)).then_some((event, partition))
}

proptest! {
    #[test]
    fn by_demand_nothing_is_lost_or_stalls(ops in ops(), seed in any::<Option<u64>>()) {
        let mut dispatcher = DemandDispatch::new();
        if let Some(seed) = seed {
            dispatcher = dispatcher.shuffle_seeded(seed);
        }
        check(dispatcher, anything, &ops);
    }

    #[test]
    fn in_turn_nothing_is_lost_or_stalls(ops in ops(), chunk in 1..5_usize) {
        check(RoundRobin::new().chunk(chunk), anything, &ops);
    }

    #[test]
    fn broadcast_leaves_no_gaps_and_never_stalls(ops in ops(), selects in any::<bool>()) {
        let wants = if selects { selecting } else { anything };
        let model = check(Broadcast::new(), wants, &ops);
        for got in model.got.values() {
            let all = got.events.windows(2).all(|pair| pair[0] + 1 == pair[1]);
            let odd = got.events.windows(2).all(|pair| odd(&pair[0]) && pair[0] + 2 == pair[1]);
            prop_assert!(all || odd, "{:?}", got.events);
        }
    }

    #[test]
    fn by_partition_nothing_is_lost_or_stalls(ops in ops(), limit in prop_oneof![1..6_usize, Just(1_000)]) {
        let model = check(PartitionBy::new(4, uneven).queue(limit), of_partition, &ops);
        for (who, tag) in &model.subscribed {
            let events = &model.got[tag].events;
            prop_assert!(events.iter().all(|event| uneven(*event) == Some((*event, *who))));
        }
    }

    #[test]
    fn queues_of_partitions_are_bounded(ops in ops(), limit in 1..6_usize) {
        let mut model = Model::new(PartitionBy::new(4, uneven).queue(limit), of_partition);
        let mut most_owed = 0;
        for op in &ops {
            model.run(op);
            most_owed = most_owed.max(model.dispatcher.wanted);
            // Three queues below the limit at the worst, and one with all that was on its way.
            let bound = 4 * (limit as u64 - 1) + most_owed + 12;
            prop_assert!(model.dispatcher.queued() as u64 <= bound);
        }
    }
}
