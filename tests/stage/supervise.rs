//! Supervisors: who is restarted, how often, and with which subscriptions.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream::stage::dispatch::PartitionBy;
use millstream::stage::testing::{Pushed, Record, Recorder, pushed, recorder};
use millstream::stage::{
    self, Answer, Builder, Cancel, Child, ChildRef, Consumer, Consumes, Emit, Emits, Init, Kind,
    Next, Producer, ProducerConsumer, Produces, Reason, Restart, StageId, StageRef, Strategy,
    Subscription, Supervising, Supervisor, Transforms, Upstream,
};
use millstream::{BoxError, ErrorKind, ManualClock};

use crate::common::{GUARD, demands, next};

/// A child that runs.
fn running<K: Kind>(child: &ChildRef<K>) -> StageRef<K> {
    child.stage().expect("a child that runs")
}

/// Has a child fail, and waits until the supervisor has restarted it.
fn fail<K: Kind>(child: &ChildRef<K>) {
    let stage = running(child);
    stage
        .stop_with(Reason::other("failed by the test"))
        .unwrap();
    until_another(child, stage.id());
}

/// Waits for another stage of a child than this.
fn until_another<K: Kind>(child: &ChildRef<K>, than: StageId) {
    let deadline = std::time::Instant::now() + GUARD;
    while child.stage().is_none_or(|stage| stage.id() == than) {
        assert!(
            std::time::Instant::now() < deadline,
            "the child was not restarted"
        );
        std::thread::yield_now();
    }
}

/// Passes events on.
struct Forward;

impl ProducerConsumer for Forward {
    type In = u64;
    type Out = u64;
    fn handle_events(&mut self, batch: Vec<u64>, _: &Upstream<u64>, out: &mut Emit<u64>) -> Answer {
        out.append(batch);
        Ok(Next::Go)
    }
}

/// Three stages in a row, pushed into at the first; the last tells what it gets.
struct Three {
    first: ChildRef<Produces<Pushed<u64>>>,
    middle: ChildRef<Transforms<Forward>>,
    last: ChildRef<Consumes<Recorder<u64>>>,
    records: Receiver<Receiver<Record<u64>>>,
    supervising: Supervising,
}

impl Three {
    fn new(strategy: Strategy) -> Self {
        let mut supervisor = Supervisor::new().strategy(strategy);
        let (sender, records) = channel();
        let first = supervisor.add(stage::child("first", pushed));
        let middle = stage::child("middle", || stage::producer_consumer(Forward));
        let middle = supervisor.add(middle.subscribe_to(&first, Subscription::new()));
        let last = stage::child("last", move || {
            let (consumer, records) = recorder();
            sender.send(records).unwrap();
            consumer
        });
        let last = supervisor.add(last.subscribe_to(&middle, Subscription::new()));
        Three {
            first,
            middle,
            last,
            records,
            supervising: supervisor.start().unwrap(),
        }
    }

    fn ids(&self) -> [StageId; 3] {
        [
            running(&self.first).id(),
            running(&self.middle).id(),
            running(&self.last).id(),
        ]
    }

    /// Which of them are others than before, once that one is.
    fn replaced_by(&self, fail_one: impl FnOnce(&Self)) -> [bool; 3] {
        let before = self.ids();
        fail_one(self);
        // The last to be started is the last of the row, if it is restarted at all.
        let after = self.settled();
        [0, 1, 2].map(|n| before[n] != after[n])
    }

    /// The stages, when the restart that is under way is over: an event goes through all of them.
    fn settled(&self) -> [StageId; 3] {
        let deadline = std::time::Instant::now() + GUARD;
        loop {
            assert!(
                std::time::Instant::now() < deadline,
                "the restart did not end"
            );
            let (Some(_), Some(_), Some(_)) =
                (self.first.stage(), self.middle.stage(), self.last.stage())
            else {
                std::thread::yield_now();
                continue;
            };
            return self.ids();
        }
    }

    /// Pushes an event and waits until it comes out.
    fn push(&self, records: &Receiver<Record<u64>>, event: u64) {
        running(&self.first).push([event]).unwrap();
        loop {
            match next(records) {
                Record::Events(events) => return assert_eq!(events, [event]),
                // The producer before was lost.
                Record::Cancelled(..) => {}
                Record::Terminated(reason) => panic!("the consumer ended: {reason}"),
            }
        }
    }
}

#[test]
fn one_for_one_restarts_a_producer_and_keeps_its_consumers() {
    let three = Three::new(Strategy::OneForOne);
    let records = next(&three.records);
    three.push(&records, 1);
    // The subscriptions are permanent, but who is restarted is not gone.
    assert_eq!(three.replaced_by(|t| fail(&t.first)), [true, false, false]);
    three.push(&records, 2);
    assert_eq!(three.replaced_by(|t| fail(&t.middle)), [false, true, false]);
    three.push(&records, 3);
    assert_eq!(three.replaced_by(|t| fail(&t.last)), [false, false, true]);
    let records = next(&three.records);
    three.push(&records, 4);
    assert_eq!(three.supervising.restarts(), 3);
    three.supervising.stop().unwrap();
}

#[test]
fn rest_for_one_restarts_those_behind() {
    let three = Three::new(Strategy::RestForOne);
    next(&three.records);
    let last = running(&three.last).id();
    let behind = three.replaced_by(|t| {
        fail(&t.middle);
        until_another(&t.last, last);
    });
    assert_eq!(behind, [false, true, true]);
    three.push(&next(&three.records), 1);
    assert_eq!(three.supervising.restarts(), 1);
}

#[test]
fn one_for_all_restarts_all() {
    let three = Three::new(Strategy::OneForAll);
    next(&three.records);
    assert_eq!(three.replaced_by(|t| fail(&t.last)), [true, true, true]);
    three.push(&next(&three.records), 1);
    assert_eq!(three.supervising.restarts(), 1);
}

/// A producer with nothing to give; it tells of its start and end, and stops for a reason given to it.
struct Idle {
    name: &'static str,
    tells: Sender<(&'static str, Option<Reason>)>,
}

impl Producer for Idle {
    type Event = ();
    fn init(&mut self, _: &StageRef<Produces<Self>>) -> Result<Init, BoxError> {
        self.tells.send((self.name, None))?;
        Ok(Init::Run)
    }
    fn handle_demand(&mut self, _: usize, _: &mut Emit<()>) -> Answer {
        Ok(Next::Go)
    }
    fn terminate(&mut self, reason: &Reason) {
        let _ = self.tells.send((self.name, Some(reason.clone())));
    }
}

fn idle(
    name: &'static str,
    tells: &Sender<(&'static str, Option<Reason>)>,
) -> Child<Produces<Idle>> {
    let tells = tells.clone();
    stage::child(name, move || {
        let tells = tells.clone();
        stage::producer(Idle { name, tells })
    })
}

#[test]
fn children_start_in_order_and_stop_in_reverse() {
    let (tells, told) = channel();
    let mut supervisor = Supervisor::new();
    for name in ["a", "b", "c"] {
        supervisor.add(idle(name, &tells));
    }
    drop(tells);
    drop(supervisor.start().unwrap());
    let told: Vec<_> = told
        .iter()
        .map(|(name, end)| (name, end.is_some()))
        .collect();
    let order = [
        ("a", false),
        ("b", false),
        ("c", false),
        ("c", true),
        ("b", true),
        ("a", true),
    ];
    assert_eq!(told, order);
}

#[test]
fn who_comes_again_is_a_matter_of_policy() {
    let failure = || Reason::other("failure");
    let cases = [
        (Restart::Permanent, Reason::Normal, true),
        (Restart::Permanent, failure(), true),
        (Restart::Transient, Reason::Normal, false),
        (Restart::Transient, Reason::Shutdown, false),
        (Restart::Transient, failure(), true),
        (Restart::Temporary, Reason::Normal, false),
        (Restart::Temporary, failure(), false),
    ];
    for (policy, reason, again) in cases {
        let (tells, told) = channel();
        let (exits, exited) = channel();
        let mut supervisor = Supervisor::new().on_exit(move |exit| {
            let _ = exits.send((exit.child.to_owned(), exit.comes_again));
        });
        let child = supervisor.add(idle("child", &tells).restart(policy));
        let supervising = supervisor.start().unwrap();
        assert!(next(&told).1.is_none());
        running(&child).stop_with(reason.clone()).unwrap();
        assert!(next(&told).1.is_some());
        assert_eq!(
            next(&exited),
            ("child".to_owned(), again),
            "{policy:?}, {reason}"
        );
        if again {
            assert!(next(&told).1.is_none());
            supervising.stop().unwrap();
        } else {
            // Nobody is left to come again.
            supervising.join().unwrap();
            assert!(child.stage().is_none());
        }
    }
}

#[test]
fn too_many_restarts_are_the_end_of_all() {
    let (tells, told) = channel();
    let clock = ManualClock::new();
    let mut supervisor = Supervisor::new()
        .max_restarts(2, Duration::from_secs(10))
        .clock(&clock);
    let other = supervisor.add(idle("other", &tells));
    let child = supervisor.add(idle("child", &tells));
    let supervising = supervisor.start().unwrap();
    fail(&child);
    clock.advance(Duration::from_secs(9));
    fail(&child);
    clock.advance(Duration::from_secs(1));
    // The first does not count any more.
    fail(&child);
    running(&child)
        .stop_with(Reason::other("once more"))
        .unwrap();
    let error = supervising.join().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stage);
    assert_eq!(error.stage(), Some("child"));
    let message = error.to_string();
    assert!(message.contains("max_restarts(2, 10s)"), "{message}");
    assert!(message.contains("once more"), "{message}");
    assert!(other.stage().is_none() && child.stage().is_none());
    drop(tells);
    let ends = told
        .iter()
        .filter(|(name, end)| *name == "other" && end.is_some());
    assert_eq!(ends.count(), 1);
}

#[test]
fn a_start_that_fails_is_tried_again_until_the_limit() {
    let (made, makes) = channel();
    let mut supervisor = Supervisor::new();
    let mut starts = 0;
    let child = supervisor.add(stage::child("child", move || {
        made.send(()).unwrap();
        starts += 1;
        assert!(starts == 1, "only once");
        stage::from_iter(0..0u64)
    }));
    let supervising = supervisor.start().unwrap();
    running(&child).stop_with(Reason::other("failure")).unwrap();
    let error = supervising.join().unwrap_err();
    assert!(error.to_string().contains("only once"), "{error}");
    assert_eq!(makes.iter().count(), 4);
}

#[test]
fn a_first_start_that_fails_stops_those_before() {
    let (tells, told) = channel();
    let mut supervisor = Supervisor::new();
    supervisor.add(idle("first", &tells));
    supervisor.add(stage::child("second", || -> Builder<Produces<Idle>> {
        panic!("no second")
    }));
    let error = supervisor.start().unwrap_err();
    assert!(error.to_string().contains("no second"), "{error}");
    assert_eq!(error.stage(), Some("second"));
    drop(tells);
    assert_eq!(told.iter().filter(|(_, end)| end.is_some()).count(), 1);
}

#[test]
fn children_of_others_are_refused() {
    let mut one = Supervisor::new();
    let mut other = Supervisor::new();
    let producer = one.add(stage::child("producer", || stage::from_iter(0..1u64)));
    let consumer = stage::child("consumer", || stage::for_each(|_: u64| ()));
    other.add(consumer.subscribe_to(&producer, Subscription::new()));
    let error = other.start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
    assert!(error.to_string().contains("add both to one"), "{error}");
}

#[test]
fn a_producer_that_ends_for_good_ends_its_consumers_as_their_subscriptions_say() {
    for (mode, ends) in [
        (Cancel::Permanent, true),
        (Cancel::Transient, false),
        (Cancel::Temporary, false),
    ] {
        let mut supervisor = Supervisor::new();
        let (consumer, records) = recorder();
        let mut consumer = Some(consumer);
        let numbers = supervisor.add(stage::child("numbers", || stage::from_iter(0..3u64)));
        let last = stage::child("last", move || consumer.take().expect("one start"));
        let last = supervisor.add(last.subscribe_to(&numbers, Subscription::new().cancel(mode)));
        let supervising = supervisor.start().unwrap();
        let mut events = Vec::new();
        while let Record::Events(batch) = next(&records) {
            events.extend(batch);
        }
        assert_eq!(events, [0, 1, 2]);
        if ends {
            supervising.join().unwrap();
            assert!(matches!(next(&records), Record::Terminated(Reason::Normal)));
        } else {
            running(&last).stop_with(Reason::Normal).unwrap();
            supervising.join().unwrap();
        }
    }
}

/// A consumer whose second start waits in `init` for a word of the test.
struct Slow {
    waits: Option<Arc<Mutex<Receiver<()>>>>,
    begins: Sender<()>,
}

impl Consumer for Slow {
    type Event = u64;
    fn init(&mut self, _: &StageRef<Consumes<Self>>) -> Result<Init, BoxError> {
        self.begins.send(())?;
        if let Some(word) = &self.waits {
            let _ = word.lock().unwrap().recv();
        }
        Ok(Init::Run)
    }
    fn handle_events(&mut self, _: Vec<u64>, _: &Upstream<u64>) -> Answer {
        Ok(Next::Go)
    }
}

#[test]
fn stopping_during_a_restart() {
    let (tells, told) = channel();
    let (begins, begun) = channel();
    let (word, waits) = channel();
    let waits = Arc::new(Mutex::new(waits));
    let mut supervisor = Supervisor::new();
    supervisor.add(idle("other", &tells));
    let mut first = true;
    let child = supervisor.add(stage::child("slow", move || {
        let waits = (!std::mem::take(&mut first)).then(|| waits.clone());
        let begins = begins.clone();
        stage::consumer(Slow { waits, begins })
    }));
    let supervising = supervisor.start().unwrap();
    next(&begun);
    running(&child).stop_with(Reason::other("failure")).unwrap();
    next(&begun);
    let stopper = std::thread::spawn(move || supervising.stop());
    word.send(()).unwrap();
    stopper.join().unwrap().unwrap();
    assert!(child.stage().is_none());
    drop(tells);
    assert_eq!(told.iter().filter(|(_, end)| end.is_some()).count(), 1);
}

#[test]
fn stopping_while_a_start_fails_for_ever() {
    let (made, makes) = channel();
    let mut supervisor = Supervisor::new().max_restarts(usize::MAX, Duration::from_secs(1));
    let mut first = true;
    let child = supervisor.add(stage::child("child", move || {
        let _ = made.send(());
        // Without partitions it does not start.
        let partitions = usize::from(std::mem::take(&mut first));
        stage::from_iter(0..0u64).dispatcher(PartitionBy::new(partitions, |n| Some((n, 0usize))))
    }));
    let supervising = supervisor.start().unwrap();
    running(&child).stop_with(Reason::other("failure")).unwrap();
    (0..10).for_each(|_| next(&makes));
    supervising.stop().unwrap();
}

#[test]
fn a_callback_that_panics_ends_the_supervisor() {
    let (tells, told) = channel();
    let mut supervisor = Supervisor::new().on_exit(|_| panic!("no exits"));
    let child = supervisor.add(idle("child", &tells));
    supervisor.add(idle("other", &tells));
    let supervising = supervisor.start().unwrap();
    running(&child).stop_with(Reason::other("failure")).unwrap();
    let error = supervising.join().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panic);
    drop(tells);
    assert_eq!(told.iter().filter(|(_, end)| end.is_some()).count(), 2);
}

#[test]
fn a_supervised_task_runner() {
    let (sender, lengths) = channel();
    let mut supervisor = Supervisor::new();
    let words = supervisor.add(stage::child("words", || {
        stage::from_iter(["a", "bc", "def"])
    }));
    let tasks = stage::child("tasks", move || {
        let sender = sender.clone();
        stage::consumer_supervisor(move |word: &&str, _| Ok(sender.send(word.len())?))
    });
    supervisor.add(tasks.subscribe_to(&words, demands(2, 0)));
    supervisor.start().unwrap().join().unwrap();
    assert_eq!(lengths.iter().sum::<usize>(), 6);
}

#[test]
fn others_may_subscribe_to_the_stage_of_a_child() {
    let mut supervisor = Supervisor::new();
    let numbers = supervisor.add(stage::child("numbers", || stage::from_iter(0..3u64)));
    let supervising = supervisor.start().unwrap();
    let output = running(&numbers).output();
    let stream = stage::stream([(output, Subscription::new())]).unwrap();
    assert_eq!(stream.map(Result::unwrap).sum::<u64>(), 3);
    supervising.join().unwrap();
}
