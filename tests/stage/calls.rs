//! Starting, calls, and what stops a stage.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use millstream::stage::dispatch::PartitionBy;
use millstream::stage::testing::{Record, recorder};
use millstream::stage::{
    self, Answer, Call, Caller, Consumer, Consumes, Emit, Init, Never, Next, Producer,
    ProducerConsumer, ProducerRef, Reason, StageRef, Subscription, Transforms, Upstream,
};
use millstream::{BoxError, Error, ErrorKind};

use crate::common::{GUARD, batch, demands, next, record};

/// What `init` is to do.
#[derive(Clone, Copy)]
enum At {
    Ignore,
    Fail,
    Panic,
}

impl At {
    fn init(self) -> Result<Init, BoxError> {
        match self {
            At::Ignore => Ok(Init::Ignore),
            At::Fail => Err("no way in".into()),
            At::Panic => panic!("a bad start"),
        }
    }
}

struct Starts(At);

impl Producer for Starts {
    type Event = u64;
    fn init(&mut self, _: &ProducerRef<Self>) -> Result<Init, BoxError> {
        self.0.init()
    }
    fn handle_demand(&mut self, _: usize, _: &mut Emit<u64>) -> Answer {
        Ok(Next::Go)
    }
}

impl ProducerConsumer for Starts {
    type In = u64;
    type Out = u64;
    fn init(&mut self, _: &StageRef<Transforms<Self>>) -> Result<Init, BoxError> {
        self.0.init()
    }
    fn handle_events(&mut self, _: Vec<u64>, _: &Upstream<u64>, _: &mut Emit<u64>) -> Answer {
        Ok(Next::Go)
    }
}

impl Consumer for Starts {
    type Event = u64;
    fn init(&mut self, _: &StageRef<Consumes<Self>>) -> Result<Init, BoxError> {
        self.0.init()
    }
    fn handle_events(&mut self, _: Vec<u64>, _: &Upstream<u64>) -> Answer {
        Ok(Next::Go)
    }
}

#[test]
fn gc_07_a_start_that_fails_is_an_error() {
    for (at, kind, says) in [
        (At::Ignore, ErrorKind::Ignored, "declined"),
        (At::Fail, ErrorKind::Stage, "no way in"),
        (At::Panic, ErrorKind::Panic, "a bad start"),
    ] {
        for error in [
            stage::producer(Starts(at)).name("x").start().map(drop),
            stage::producer_consumer(Starts(at))
                .name("x")
                .start()
                .map(drop),
            stage::consumer(Starts(at)).name("x").start().map(drop),
        ] {
            let error = error.unwrap_err();
            assert_eq!((error.kind(), error.stage()), (kind, Some("x")));
            assert!(error.to_string().contains(says), "{error}");
        }
    }
    let bad_name = stage::from_iter(0..3).name("a\0b").start();
    assert_eq!(bad_name.unwrap_err().kind(), ErrorKind::Option);
    let bad_dispatcher = stage::from_iter(0..3u64)
        .dispatcher(PartitionBy::key(0, |n: &u64| *n))
        .start();
    assert_eq!(bad_dispatcher.unwrap_err().kind(), ErrorKind::Option);
}

#[test]
fn a_stage_has_a_thread_of_its_name() -> Result<(), Error> {
    let (sender, names) = channel();
    let numbers = stage::from_iter(0..1).start()?;
    let consumer = stage::for_each(move |_: i32| {
        let _ = sender.send(std::thread::current().name().map(str::to_owned));
    });
    let consumer = consumer
        .name("sink")
        .subscribe_to(&numbers, Subscription::new())
        .start()?;
    assert_eq!(consumer.name(), "sink");
    consumer.join()?;
    assert_eq!(next(&names).as_deref(), Some("sink"));
    Ok(())
}

/// Emits and replies as it is told.
struct Switch {
    waiting: Vec<Caller<u32>>,
    this: Option<ProducerRef<Switch>>,
    reports: Sender<Result<u32, ErrorKind>>,
}

enum Please {
    Reply,
    ReplyFirst,
    /// Waits in the middle of the call, with the reply given already.
    ReplyAndHang(std::sync::mpsc::Receiver<()>),
    Stop,
    Fail,
    Never,
    Later,
    AnswerAll,
    CallYourself,
}

impl Producer for Switch {
    type Event = u32;
    fn init(&mut self, this: &ProducerRef<Self>) -> Result<Init, BoxError> {
        self.this = Some(this.clone());
        Ok(Init::Run)
    }
    fn handle_demand(&mut self, _: usize, _: &mut Emit<u32>) -> Answer {
        Ok(Next::Go)
    }
}

impl Call<Please> for Switch {
    type Reply = u32;
    type Event = u32;
    fn handle_call(
        &mut self,
        please: Please,
        caller: &mut Caller<u32>,
        out: &mut Emit<u32>,
    ) -> Answer {
        match please {
            Please::Reply => {
                out.push(1);
                caller.reply(1);
            }
            Please::ReplyFirst => {
                out.push(2);
                caller.reply_now(2);
                caller.reply(3);
            }
            Please::ReplyAndHang(wait) => {
                out.push(4);
                caller.reply_now(4);
                let _ = wait.recv();
            }
            Please::Stop => {
                out.push(5);
                caller.reply(5);
                return Ok(Next::Stop(Reason::Normal));
            }
            Please::Fail => {
                caller.reply(6);
                return Err("as you wish".into());
            }
            Please::Never => {}
            Please::Later => self.waiting.push(caller.later()),
            Please::AnswerAll => {
                for mut caller in self.waiting.drain(..) {
                    caller.reply_now(7);
                }
                caller.reply(8);
            }
            Please::CallYourself => {
                let this = self.this.as_ref().ok_or("no init")?;
                self.reports
                    .send(this.call(Please::Reply).map_err(|error| error.kind()))?;
                caller.reply(9);
            }
        }
        Ok(Next::Go)
    }
}

#[test]
fn gc_13_events_of_a_call_come_before_its_reply() -> Result<(), Error> {
    let (reports, reported) = channel();
    let switch = stage::producer(Switch {
        waiting: Vec::new(),
        this: None,
        reports,
    });
    let switch = switch.name("switch").start()?;

    // A stream subscribed by hand of this thread sees in its channel what is sent before the reply.
    let (consumer, records) = recorder();
    let consumer = consumer
        .subscribe_to(&switch, Subscription::new())
        .start()?;
    assert_eq!(switch.call(Please::Reply)?, 1);
    assert_eq!(batch(&records), [1]);
    assert_eq!(switch.call(Please::ReplyFirst)?, 2);
    assert_eq!(batch(&records), [2]);

    // The reply is here though the event cannot be: the callback has not returned.
    let (go, wait) = channel();
    assert_eq!(switch.call(Please::ReplyAndHang(wait))?, 4);
    assert!(records.try_recv().is_err());
    drop(go);
    assert_eq!(batch(&records), [4]);

    let error = switch.call(Please::Never).unwrap_err();
    assert!(error.to_string().contains("without a reply"), "{error}");
    let caller = switch.stage();
    let later = std::thread::spawn(move || caller.call(Please::Later));
    while switch.call(Please::AnswerAll)? == 8 && !later.is_finished() {}
    assert_eq!(later.join().expect("no panic")?, 7);
    let quick = switch.call_within(Please::Later, Duration::ZERO);
    assert_eq!(quick.unwrap_err().kind(), ErrorKind::Deadline);
    assert_eq!(switch.call_within(Please::AnswerAll, GUARD)?, 8);

    assert_eq!(switch.call(Please::CallYourself)?, 9);
    assert_eq!(next(&reported), Err(ErrorKind::Stage));

    assert_eq!(switch.call(Please::Stop)?, 5);
    assert_eq!(batch(&records), [5]);
    let gone = switch.stage();
    switch.join()?;
    assert!(gone.call(Please::Reply).is_err());
    consumer.join()
}

#[test]
fn an_error_of_a_callback_ends_the_stage() -> Result<(), Error> {
    let (reports, _reported) = channel();
    let switch = stage::producer(Switch {
        waiting: Vec::new(),
        this: None,
        reports,
    });
    let switch = switch.name("switch").start()?;
    let (consumer, records) = record(&switch, Subscription::new())?;
    assert!(switch.call(Please::Fail).is_err());
    let error = switch.join().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stage);
    assert_eq!(error.to_string(), "as you wish (stage switch)");
    assert!(matches!(next(&records), Record::Cancelled(..)));
    assert_eq!(consumer.join().unwrap_err().stage(), Some("switch"));
    Ok(())
}

#[test]
fn finish_gives_away_what_was_accepted() -> Result<(), Error> {
    let producer = stage::testing::pushed().start()?;
    producer.push(0..2500u32)?;
    producer.finish()?;
    let stream = stage::stream([(&producer, Subscription::new())])?;
    let got: Vec<u32> = stream.collect::<Result<_, _>>()?;
    assert_eq!(got, Vec::from_iter(0..2500));
    producer.join()
}

/// Drops its own handle with the first batch: it cannot wait for itself, and does not try.
struct Quitter {
    own: std::sync::mpsc::Receiver<stage::Handle<Consumes<Quitter>>>,
    seen: Sender<Vec<u32>>,
}

impl Consumer for Quitter {
    type Event = u32;
    fn handle_events(&mut self, batch: Vec<u32>, _: &Upstream<u32>) -> Answer {
        drop(self.own.recv()?);
        self.seen.send(batch)?;
        Ok(Next::Go)
    }
}

#[test]
fn a_dropped_handle_ends_its_stage_when_the_callback_returns() -> Result<(), Error> {
    let (sender, own) = channel();
    let (seen, batches) = channel();
    let quitter = stage::consumer(Quitter { own, seen }).start()?;
    let stage = quitter.stage();
    let producer = stage::testing::pushed().start()?;
    // Ten batches of one are on their way.
    stage.subscribe(&producer, demands(10, 9))?;
    producer.push(0..10)?;
    sender.send(quitter).expect("a receiver");
    assert_eq!(next(&batches), [0]);
    assert!(batches.recv_timeout(GUARD).is_err(), "one batch alone");
    assert!(matches!(stage.ended(), Some(Reason::Shutdown)));
    producer.stop()
}

/// Waits for its own end, which is refused.
struct Narcissus {
    own: std::sync::mpsc::Receiver<stage::Handle<Consumes<Narcissus>>>,
    report: Sender<Option<ErrorKind>>,
}

impl Consumer for Narcissus {
    type Event = u32;
    fn handle_events(&mut self, _: Vec<u32>, _: &Upstream<u32>) -> Answer {
        let joined = self.own.recv()?.join();
        self.report.send(joined.err().map(|error| error.kind()))?;
        Ok(Next::Go)
    }
}

#[test]
fn a_stage_does_not_wait_for_itself() -> Result<(), Error> {
    let (sender, own) = channel();
    let (report, reported) = channel();
    let narcissus = stage::consumer(Narcissus { own, report }).start()?;
    let producer = stage::testing::pushed().start()?;
    narcissus.subscribe(&producer, Subscription::new())?;
    producer.push([1])?;
    sender.send(narcissus).expect("a receiver");
    assert_eq!(next(&reported), Some(ErrorKind::Stage));
    producer.stop()
}

#[test]
fn consumers_emit_nothing() {
    // There is no value of the type of their events.
    assert_eq!(size_of::<Vec<Never>>(), size_of::<Vec<u32>>());
    assert_eq!(size_of::<Option<Never>>(), 0);
}
