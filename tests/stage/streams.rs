//! Stages as an iterator, and iterators as stages.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use millstream::stage::testing::pushed;
use millstream::stage::{
    self, Answer, Cancel, DemandMode, Downstream, Emit, Next, OnCancel, Producer, Reason,
    Subscription,
};
use millstream::{Error, ErrorKind};

use crate::common::{Ping, counter, demands, record};

#[test]
fn st_01_taking_some_leaves_nothing_behind() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.start()?;
    for (options, n) in [(Subscription::new(), 10), (demands(100, 50), 300)] {
        let start = stage::stream([(&counter, options.clone())])?
            .next()
            .expect("an event")?;
        let stream = stage::stream([(&counter, options)])?;
        let got: Vec<u64> = stream.take(n).collect::<Result<_, _>>()?;
        assert_eq!(got.len(), n);
        assert!(got[0] > start && got.windows(2).all(|pair| pair[0] < pair[1]));
    }
    Ok(())
}

#[test]
fn st_02_a_stream_has_an_inbox_of_its_own() -> Result<(), Error> {
    let (sender, inbox) = mpsc::channel();
    sender.send("mine").expect("a receiver");
    let letters = stage::from_iter('a'..='c').start()?;
    let stream = stage::stream([(&letters, Subscription::new())])?;
    assert_eq!(stream.collect::<Result<String, _>>()?, "abc");
    assert_eq!(inbox.try_recv(), Ok("mine"));
    Ok(())
}

/// Ends each subscription as it comes, and then itself, or not.
struct Unfriendly {
    ends: bool,
}

impl Producer for Unfriendly {
    type Event = u32;
    fn handle_demand(&mut self, _: usize, _: &mut Emit<u32>) -> Answer {
        Ok(Next::Go)
    }
    fn handle_subscribe(&mut self, consumer: &Downstream, _: &mut Emit<u32>) -> Answer {
        let reason = Reason::other("not you");
        if self.ends {
            return Ok(Next::Stop(reason));
        }
        consumer.cancel(reason);
        Ok(Next::Go)
    }
}

#[test]
fn st_03_producers_that_give_nothing() -> Result<(), Error> {
    let producer = pushed::<u32>().start()?;
    let dead = producer.stage();
    producer.stop()?;
    for cancel in [Cancel::Permanent, Cancel::Transient, Cancel::Temporary] {
        let options = Subscription::new().cancel(cancel);
        let unfriendly = stage::producer(Unfriendly { ends: false }).start()?;
        let dying = stage::producer(Unfriendly { ends: true }).start()?;
        for (stream, says) in [
            (stage::stream([(&dead, options.clone())])?, "had ended"),
            (stage::stream([(&unfriendly, options.clone())])?, "not you"),
            (stage::stream([(&dying, options.clone())])?, "not you"),
        ] {
            let all: Vec<Result<u32, Error>> = stream.collect();
            if cancel == Cancel::Temporary {
                assert!(all.is_empty());
                continue;
            }
            let [Err(error)] = &all[..] else {
                panic!("one error was expected, not {all:?}");
            };
            assert_eq!(error.kind(), ErrorKind::Stage);
            assert!(error.to_string().contains(says), "{error}");
        }
        unfriendly.stop()?;
        assert!(dying.join().is_err());
    }
    Ok(())
}

#[test]
fn st_04_endless_and_finite_sources() -> Result<(), Error> {
    let options = || Subscription::new().cancel(Cancel::Transient);
    let endless = stage::from_iter(0..).start()?;
    let stream = stage::stream([(&endless, options())])?;
    let ten: Vec<i32> = stream.take(10).collect::<Result<_, _>>()?;
    assert_eq!(ten, Vec::from_iter(0..10));
    assert!(endless.ended().is_none());
    endless.estimate_buffered_count()?;

    let finite = stage::from_iter(0..10).start()?;
    let stream = stage::stream([(&finite, options())])?;
    let all: Vec<i32> = stream.collect::<Result<_, _>>()?;
    assert_eq!(all, Vec::from_iter(0..10));
    finite.join()
}

#[test]
fn st_05_options_that_cannot_work_name_the_producer() -> Result<(), Error> {
    let producer = pushed::<u32>().name("source").start()?;
    let error = stage::stream([(&producer, demands(0, 0))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
    assert_eq!(error.stage(), Some("source"));
    assert!(error.to_string().contains("at least 1"), "{error}");
    Ok(())
}

#[test]
fn st_06_a_producer_of_an_iterator() -> Result<(), Error> {
    for on_cancel in [OnCancel::Continue, OnCancel::Stop] {
        let cycle = stage::from_iter([1, 2, 3].into_iter().cycle())
            .name("cycle")
            .on_cancel(on_cancel)
            .start()?;
        assert_eq!(cycle.name(), "cycle");
        let stream = stage::stream([(&cycle, demands(5, 0))])?;
        let five: Vec<i32> = stream.take(5).collect::<Result<_, _>>()?;
        assert_eq!(five, [1, 2, 3, 1, 2]);
        match on_cancel {
            OnCancel::Continue => {
                assert!(cycle.estimate_buffered_count().is_ok());
                cycle.stop()?;
            }
            OnCancel::Stop => cycle.join()?,
        }
    }
    Ok(())
}

#[test]
fn an_iterator_gives_exactly_what_is_asked_for() -> Result<(), Error> {
    let pulled = Arc::new(AtomicUsize::new(0));
    let counts = pulled.clone();
    let numbers = (0..100).inspect(move |_| {
        counts.fetch_add(1, Ordering::Relaxed);
    });
    let numbers = stage::from_iter(numbers).start()?;
    let mut stream = stage::stream([(&numbers, demands(7, 0))])?;
    assert_eq!(stream.next().expect("an event")?, 0);
    numbers.estimate_buffered_count()?;
    assert_eq!(pulled.load(Ordering::Relaxed), 7);
    Ok(())
}

#[test]
fn a_stream_of_several_goes_on_when_one_has_ended() -> Result<(), Error> {
    let short = stage::from_iter(0..3).start()?;
    let long = stage::from_iter(100..2100).start()?;
    let both = [&short, &long].map(|stage| (stage, Subscription::new()));
    let mut all: Vec<i32> = stage::stream(both)?.collect::<Result<_, _>>()?;
    all.sort_unstable();
    assert_eq!(all, Vec::from_iter((0..3).chain(100..2100)));
    Ok(())
}

#[test]
fn a_stream_can_set_its_producers_free() -> Result<(), Error> {
    let (counter, _demands) = counter();
    let counter = counter.demand(DemandMode::Accumulate).start()?;
    let stream = stage::stream([(&counter, demands(4, 0))])?.forward();
    let four: Vec<u64> = stream.take(4).collect::<Result<_, _>>()?;
    assert_eq!(four, [0, 1, 2, 3]);
    counter.call(Ping)
}

#[test]
fn an_iterator_that_panics_is_an_error_of_its_stage() -> Result<(), Error> {
    let bad = (0..10).map(|n| if n == 7 { panic!("seven") } else { n });
    let bad = stage::from_iter(bad).name("bad").start()?;
    let (consumer, _records) = record(&bad, Subscription::new())?;
    let error = consumer.join().unwrap_err();
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::Panic, Some("bad"))
    );
    assert!(bad.join().unwrap_err().to_string().contains("seven"));
    Ok(())
}
