//! Subscriptions: how they are made, how they end, and what that means for the stages at both ends.

use std::sync::mpsc::{Receiver, Sender, channel};

use millstream::stage::dispatch::Broadcast;
use millstream::stage::testing::{Record, pushed, recorder};
use millstream::stage::{
    self, Answer, Asking, Builder, Cancel, Cast, Consumer, Consumes, Downstream, Emit, Ended, Info,
    Never, Next, Producer, Produces, Reason, Subscription, Tag, Upstream,
};
use millstream::{BoxError, Error, ErrorKind};

use crate::common::{Ping, batch, cancelled, counter, demands, middle, next, nothing, record};

/// What the two ends of a subscription see.
#[derive(Debug)]
enum Seen {
    Subscribed(Tag),
    Cancelled(Tag, Ended),
    Terminated(Reason),
}

/// A producer that tells what happens to it.
struct Watched(Sender<Seen>);

impl Producer for Watched {
    type Event = u64;
    fn handle_demand(&mut self, _: usize, _: &mut Emit<u64>) -> Answer {
        Ok(Next::Go)
    }
    fn handle_subscribe(&mut self, consumer: &Downstream, _: &mut Emit<u64>) -> Answer {
        self.0.send(Seen::Subscribed(consumer.tag()))?;
        Ok(Next::Go)
    }
    fn handle_cancel(&mut self, from: &Downstream, ended: &Ended, _: &mut Emit<u64>) -> Answer {
        self.0.send(Seen::Cancelled(from.tag(), ended.clone()))?;
        Ok(Next::Go)
    }
    fn terminate(&mut self, reason: &Reason) {
        let _ = self.0.send(Seen::Terminated(reason.clone()));
    }
}

/// Has the stage panic.
struct Panic;

impl Cast<Panic> for Watched {
    type Event = u64;
    fn handle_cast(&mut self, _: Panic, _: &mut Emit<u64>) -> Answer {
        panic!("the watched one")
    }
}

fn watched() -> (Builder<Produces<Watched>>, Receiver<Seen>) {
    let (sender, seen) = channel();
    (stage::producer(Watched(sender)), seen)
}

/// A consumer that keeps its last subscription, to end it or to ask by hand.
struct Holder {
    from: Option<Upstream<u64>>,
    asking: Asking,
    seen: Sender<Seen>,
    got: Sender<Vec<u64>>,
}

impl Consumer for Holder {
    type Event = u64;
    fn handle_events(&mut self, batch: Vec<u64>, _: &Upstream<u64>) -> Answer {
        self.got.send(batch)?;
        Ok(Next::Go)
    }
    fn handle_subscribe(&mut self, producer: &Upstream<u64>) -> Result<Asking, BoxError> {
        self.from = Some(producer.clone());
        self.seen.send(Seen::Subscribed(producer.tag()))?;
        Ok(self.asking)
    }
    fn handle_cancel(&mut self, producer: &Upstream<u64>, ended: &Ended) -> Answer {
        self.seen
            .send(Seen::Cancelled(producer.tag(), ended.clone()))?;
        Ok(Next::Go)
    }
    fn terminate(&mut self, reason: &Reason) {
        let _ = self.seen.send(Seen::Terminated(reason.clone()));
    }
}

/// To ask for so many, or to end the subscription.
struct Ask(usize);
struct End(Reason);

impl Info<Ask> for Holder {
    type Event = Never;
    fn handle_info(&mut self, ask: Ask, _: &mut Emit<Never>) -> Answer {
        self.from.as_ref().ok_or("no subscription")?.ask(ask.0);
        Ok(Next::Go)
    }
}

impl Info<End> for Holder {
    type Event = Never;
    fn handle_info(&mut self, end: End, _: &mut Emit<Never>) -> Answer {
        self.from.as_ref().ok_or("no subscription")?.cancel(end.0);
        Ok(Next::Go)
    }
}

struct Held {
    builder: Builder<Consumes<Holder>>,
    seen: Receiver<Seen>,
    got: Receiver<Vec<u64>>,
}

fn holder(asking: Asking) -> Held {
    let (sender, seen) = channel();
    let (events, got) = channel();
    let builder = stage::consumer(Holder {
        from: None,
        asking,
        seen: sender,
        got: events,
    });
    Held { builder, seen, got }
}

fn mode<E>(cancel: Cancel) -> Subscription<E> {
    Subscription::new().cancel(cancel)
}

#[track_caller]
fn is_killed(reason: &Reason) {
    assert!(matches!(reason, Reason::Other(text) if &**text == "killed"));
}

#[test]
fn gc_01_subscribing_gives_a_tag_or_says_that_the_consumer_is_gone() -> Result<(), Error> {
    let (watched, seen) = watched();
    let watched = watched.start()?;
    let (consumer, _records) = recorder();
    let consumer = consumer.start()?;
    let tag = consumer.subscribe(&watched, Subscription::new())?;
    assert!(matches!(next(&seen), Seen::Subscribed(of) if of == tag));
    let gone = consumer.stage();
    consumer.stop()?;
    let error = gone.subscribe(&watched, Subscription::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stage);
    assert!(error.to_string().contains("has ended: normal"), "{error}");
    assert!(gone.subscribe_async(&watched, Subscription::new()).is_err());
    Ok(())
}

#[test]
fn gc_02_options_that_cannot_work() -> Result<(), Error> {
    let producer = pushed::<u64>().start()?;
    let (consumer, _records) = recorder();
    let consumer = consumer.start()?;
    let tag = consumer.subscribe(&producer, Subscription::new())?;
    let bad = [
        (Subscription::new().max_demand(0), "at least 1"),
        (Subscription::new().min_demand(2000), "at most 999"),
    ];
    for (options, says) in bad {
        let again = |reason| consumer.resubscribe(tag, reason, &producer, options.clone());
        let stream = stage::stream([(&producer, options.clone())]);
        let (other, _) = recorder();
        for error in [
            consumer.subscribe(&producer, options.clone()).unwrap_err(),
            consumer
                .subscribe_async(&producer, options.clone())
                .unwrap_err(),
            again(Reason::Normal).unwrap_err(),
            consumer
                .resubscribe_async(tag, Reason::Normal, &producer, options.clone())
                .unwrap_err(),
            stream.unwrap_err(),
            other
                .subscribe_to(&producer, options.clone())
                .start()
                .unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Option);
            assert!(error.to_string().contains(says), "{error}");
        }
    }
    consumer.stop()
}

#[test]
fn gc_03_a_producer_that_is_gone() -> Result<(), Error> {
    let producer = pushed::<u64>().start()?;
    let gone = producer.stage();
    producer.stop()?;
    for cancel in [Cancel::Permanent, Cancel::Transient] {
        let (consumer, records) = record(&gone, mode(cancel))?;
        let (_, ended) = cancelled(&records);
        assert!(matches!(ended, Ended::Down(Reason::NoStage)));
        let error = consumer.join().unwrap_err();
        assert!(error.to_string().contains("start producers before"));
    }
    let (consumer, records) = record(&gone, mode(Cancel::Temporary))?;
    assert!(cancelled(&records).1.is_down());
    let (counter, _) = counter();
    let counter = counter.start()?;
    consumer.subscribe(&counter, demands(1, 0))?;
    assert_eq!(batch(&records), [0]);
    consumer.stop()
}

#[test]
fn gc_04_the_second_subscription_to_a_broadcast_is_refused() -> Result<(), Error> {
    for wait in [true, false] {
        let (watched, seen) = watched();
        let watched = watched.dispatcher(Broadcast::new()).start()?;
        let (consumer, records) = recorder();
        let consumer = consumer.start()?;
        let first = consumer.subscribe(&watched, Subscription::new())?;
        assert!(matches!(next(&seen), Seen::Subscribed(tag) if tag == first));
        if wait {
            consumer.subscribe(&watched, Subscription::new())?;
        } else {
            consumer.subscribe_async(&watched, Subscription::new())?;
        }
        let (second, ended) = cancelled(&records);
        assert!(second != first && matches!(ended, Ended::Cancelled(Reason::Refused(_))));
        assert!(ended.reason().to_string().contains("subscribed already"));
        assert!(matches!(next(&seen), Seen::Subscribed(tag) if tag == second));
        assert!(matches!(next(&seen), Seen::Cancelled(tag, _) if tag == second));
        // The first is as it was.
        watched.stop()?;
        assert_eq!(cancelled(&records).0, first);
        consumer.join()?;
    }
    Ok(())
}

#[test]
fn a_refusal_ends_a_consumer_that_has_nothing_else() -> Result<(), Error> {
    let parts = stage::dispatch::PartitionBy::key(2, |n: &u64| *n);
    let numbers = pushed().dispatcher(parts).start()?;
    let (consumer, _records) = record(&numbers, Subscription::new().partition(7))?;
    let error = consumer.join().unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(numbers.ended().is_none());
    numbers.stop()
}

#[test]
fn gc_05_resubscribing_in_one_step() -> Result<(), Error> {
    let (one, one_seen) = watched();
    let one = one.start()?;
    let (two, two_seen) = watched();
    let two = two.start()?;
    let (consumer, records) = recorder();
    let consumer = consumer.start()?;
    let old = consumer.subscribe(&one, Subscription::new())?;
    let reason = Reason::other("elsewhere");
    let new = consumer.resubscribe(old, reason.clone(), &two, Subscription::new())?;
    assert_ne!(old, new);
    assert!(matches!(next(&one_seen), Seen::Subscribed(tag) if tag == old));
    assert!(matches!(next(&one_seen), Seen::Cancelled(tag, Ended::Cancelled(_)) if tag == old));
    assert!(matches!(next(&two_seen), Seen::Subscribed(tag) if tag == new));
    assert_eq!(cancelled(&records).0, old);
    // The old one is unknown now; the new one goes as it came.
    let newest = consumer.resubscribe(old, reason, &two, Subscription::new())?;
    assert_ne!(newest, new);
    assert!(matches!(next(&two_seen), Seen::Subscribed(tag) if tag == newest));
    // Without waiting.
    consumer.resubscribe_async(new, Reason::other("back"), &one, Subscription::new())?;
    assert!(matches!(next(&two_seen), Seen::Cancelled(tag, _) if tag == new));
    assert!(matches!(next(&one_seen), Seen::Subscribed(_)));
    assert_eq!(cancelled(&records).0, new);
    consumer.stop()
}

#[test]
fn gc_06_demand_by_hand() -> Result<(), Error> {
    for (asking, options) in [
        (Asking::Manual, Subscription::new()),
        (Asking::Automatic, Subscription::new().manual()),
    ] {
        for at_start in [true, false] {
            let (counter, demanded) = counter();
            let counter = counter.start()?;
            let held = holder(asking);
            let consumer = if at_start {
                held.builder
                    .subscribe_to(&counter, options.clone())
                    .start()?
            } else {
                let consumer = held.builder.start()?;
                consumer.subscribe(&counter, options.clone())?;
                consumer
            };
            counter.call(Ping)?;
            nothing(&demanded);
            for start in [0, 50] {
                consumer.sync_info(Ask(50))?;
                assert_eq!(next(&held.got), Vec::from_iter(start..start + 50));
            }
            consumer.sync_info(Ask(0))?;
            counter.call(Ping)?;
            assert_eq!(demanded.try_iter().collect::<Vec<_>>(), [50, 50]);
        }
    }
    Ok(())
}

#[test]
fn gc_08_both_ends_are_told_of_a_subscription() -> Result<(), Error> {
    let (watched, seen) = watched();
    let watched = watched.start()?;
    let held = holder(Asking::Automatic);
    let consumer = held.builder.start()?;
    let tag = consumer.subscribe(&watched, Subscription::new())?;
    assert!(matches!(next(&seen), Seen::Subscribed(of) if of == tag));
    assert!(matches!(next(&held.seen), Seen::Subscribed(of) if of == tag));
    Ok(())
}

/// Ends a subscription from the consumer's side; what both ends saw of it.
fn end(cancel: Cancel, reason: Reason) -> Result<Option<Reason>, Error> {
    let (watched, seen) = watched();
    let watched = watched.start()?;
    let held = holder(Asking::Automatic);
    let consumer = held.builder.subscribe_to(&watched, mode(cancel)).start()?;
    consumer.sync_info(End(reason.clone()))?;
    let same = |ended: &Ended| {
        assert!(matches!(ended, Ended::Cancelled(of) if of.to_string() == reason.to_string()));
    };
    next(&seen);
    match next(&seen) {
        Seen::Cancelled(_, ended) => same(&ended),
        other => panic!("{other:?}"),
    }
    next(&held.seen);
    match next(&held.seen) {
        Seen::Cancelled(_, ended) => same(&ended),
        other => panic!("{other:?}"),
    }
    // The producer lives in any case; the consumer may be about to end, and answers no more then.
    watched.stop()?;
    let goes_on = consumer.sync_info(Ask(0)).is_ok();
    let stage = consumer.stage();
    drop(consumer);
    Ok(if goes_on { None } else { stage.ended() })
}

#[test]
fn gc_09_a_temporary_subscription_is_cancelled() -> Result<(), Error> {
    for reason in [Reason::Normal, Reason::other("killed")] {
        assert!(end(Cancel::Temporary, reason)?.is_none());
    }
    Ok(())
}

#[test]
fn gc_10_the_mode_says_what_a_cancel_means() -> Result<(), Error> {
    assert!(end(Cancel::Transient, Reason::Normal)?.is_none());
    assert!(end(Cancel::Transient, Reason::Shutdown)?.is_none());
    for cancel in [Cancel::Transient, Cancel::Permanent] {
        is_killed(&end(cancel, Reason::other("killed"))?.expect("it ended"));
    }
    let ended = end(Cancel::Permanent, Reason::Normal)?;
    assert!(matches!(ended, Some(Reason::Normal)));
    Ok(())
}

#[test]
fn gc_11_a_producer_dies() -> Result<(), Error> {
    use Cancel::{Permanent, Temporary, Transient};
    let killed = || Reason::other("killed");
    for (reason, cancel, goes_on) in [
        (killed(), Temporary, true),
        (killed(), Transient, false),
        (killed(), Permanent, false),
        (Reason::Shutdown, Temporary, true),
        (Reason::Shutdown, Transient, true),
        (Reason::Shutdown, Permanent, false),
    ] {
        let (watched, _seen) = watched();
        let watched = watched.start()?;
        let (consumer, records) = record(&watched, mode(cancel))?;
        let (transform, seen) = middle(1);
        let transform = transform.subscribe_to(&watched, mode(cancel)).start()?;
        watched.stop_with(reason.clone())?;
        let outcome = watched.join();
        assert_eq!(outcome.is_ok(), reason.is_good());
        for records in [&records, &seen] {
            let (_, ended) = cancelled(records);
            assert!(ended.is_down() && ended.reason().to_string() == reason.to_string());
        }
        assert_eq!(transform.call(Ping).is_ok(), goes_on);
        if goes_on {
            nothing(&records);
            consumer.stop()?;
        } else {
            assert!(matches!(next(&records), Record::Terminated(_)));
            assert_eq!(consumer.join().is_ok(), reason.is_good());
        }
    }
    Ok(())
}

#[test]
fn gc_12_a_consumer_dies() -> Result<(), Error> {
    let (watched, seen) = watched();
    let watched = watched.start()?;
    let (consumer, _records) = record(&watched, Subscription::new())?;
    consumer.stop_with(Reason::other("killed"))?;
    assert!(matches!(next(&seen), Seen::Subscribed(_)));
    match next(&seen) {
        Seen::Cancelled(_, Ended::Down(reason)) => is_killed(&reason),
        other => panic!("{other:?}"),
    }
    assert!(consumer.join().is_err());
    watched.stop()
}

#[test]
fn gc_15_terminate_runs_at_the_end() -> Result<(), Error> {
    let (watched, seen) = watched();
    watched.start()?.stop()?;
    assert!(matches!(next(&seen), Seen::Terminated(Reason::Normal)));
    let (watched, seen) = self::watched();
    drop(watched.start()?);
    assert!(matches!(next(&seen), Seen::Terminated(Reason::Shutdown)));
    Ok(())
}

#[test]
fn a_panic_is_the_end_of_that_stage_and_says_what_it_was() -> Result<(), Error> {
    let (watched, seen) = watched();
    let watched = watched.name("watched").start()?;
    let held = holder(Asking::Automatic);
    let consumer = held
        .builder
        .subscribe_to(&watched, Subscription::new())
        .start()?;
    let (temporary, records) = record(&watched, mode(Cancel::Temporary))?;
    watched.cast(Panic)?;
    let error = consumer.join().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panic);
    assert_eq!(error.stage(), Some("watched"));
    assert!(error.to_string().contains("the watched one"));
    assert_eq!(watched.join().unwrap_err().kind(), ErrorKind::Panic);
    assert!(cancelled(&records).1.is_down());
    temporary.stop()?;
    assert!(matches!(seen.iter().last(), Some(Seen::Terminated(_))));
    Ok(())
}

#[test]
fn resubscribing_loses_and_doubles_nothing() -> Result<(), Error> {
    let numbers = pushed().buffer_unbounded().start()?;
    let mut consumers = Vec::new();
    for _ in 0..3 {
        let (consumer, records) = recorder();
        let consumer = consumer.start()?;
        let tag = consumer.subscribe(&numbers, Subscription::new())?;
        consumers.push((consumer, records, tag));
    }
    for round in 0..100 {
        numbers.push(round * 50..(round + 1) * 50)?;
        for (consumer, _, tag) in &mut consumers {
            let options = demands(1 + round % 13, 0);
            *tag = consumer.resubscribe(*tag, Reason::other("again"), &numbers, options)?;
        }
    }
    // Subscribing has sent the subscriptions, so nobody comes too late.
    numbers.finish()?;
    let mut got = Vec::new();
    for (consumer, records, _) in consumers {
        consumer.join()?;
        got.extend(records.iter().filter_map(Record::events).flatten());
    }
    got.sort_unstable();
    assert_eq!(got, Vec::from_iter(0..5000));
    numbers.join()
}
