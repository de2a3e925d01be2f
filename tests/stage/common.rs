//! What the tests share: stages that count, double and forward, and waiting with a guard against hanging.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use millstream::Error;
use millstream::stage::testing::{Record, Recorder, recorder};
use millstream::stage::{
    self, Answer, Builder, Call, Caller, Consumes, Emit, Emits, Ended, Handle, Info, Kind, Next,
    Producer, ProducerConsumer, Reason, Subscription, Tag, Taking, Transforms, Upstream,
};

/// Long enough that only a test that hangs gets there.
pub(crate) const GUARD: Duration = Duration::from_secs(10);

/// The next of a channel; a panic if there is none within the guard.
#[track_caller]
pub(crate) fn next<T>(from: &Receiver<T>) -> T {
    from.recv_timeout(GUARD)
        .expect("something within the guard")
}

/// The next record, which has to be a batch.
#[track_caller]
pub(crate) fn batch<E: std::fmt::Debug>(from: &Receiver<Record<E>>) -> Vec<E> {
    match next(from) {
        Record::Events(events) => events,
        other => panic!("a batch was expected, not {other:?}"),
    }
}

/// The next record, which has to be the end of a subscription.
#[track_caller]
pub(crate) fn cancelled<E: std::fmt::Debug>(from: &Receiver<Record<E>>) -> (Tag, Ended) {
    match next(from) {
        Record::Cancelled(tag, ended) => (tag, ended),
        other => panic!("the end of a subscription was expected, not {other:?}"),
    }
}

/// Nothing is there; meaningful only behind a call that came back through the stages that could send.
#[track_caller]
pub(crate) fn nothing<T: std::fmt::Debug>(from: &Receiver<T>) {
    if let Ok(there) = from.try_recv() {
        panic!("nothing was expected, not {there:?}");
    }
}

/// Options with these demands.
pub(crate) fn demands<E>(max: u64, min: u64) -> Subscription<E> {
    Subscription::new().max_demand(max).min_demand(min)
}

/// Waits until a message has gone through a stage's mailbox, and so all that was sent before it.
pub(crate) struct Ping;

/// Counts on from a number for ever; each demand is reported.
pub(crate) struct Counter {
    pub(crate) next: u64,
    pub(crate) demands: Sender<usize>,
}

impl Producer for Counter {
    type Event = u64;

    fn handle_demand(&mut self, n: usize, out: &mut Emit<u64>) -> Answer {
        let _ = self.demands.send(n);
        out.extend(self.next..self.next + n as u64);
        self.next += n as u64;
        Ok(Next::Go)
    }
}

impl Call<Ping> for Counter {
    type Reply = ();
    type Event = u64;
    fn handle_call(&mut self, _: Ping, caller: &mut Caller<()>, _: &mut Emit<u64>) -> Answer {
        caller.reply(());
        Ok(Next::Go)
    }
}

/// A counter that is not started, and the demands it gets.
pub(crate) fn counter() -> (Builder<stage::Produces<Counter>>, Receiver<usize>) {
    let (demands, receiver) = channel();
    (stage::producer(Counter { next: 0, demands }), receiver)
}

/// Emits what a function makes of each event, and reports what it was given.
pub(crate) struct Middle {
    pub(crate) seen: Sender<Record<u64>>,
    pub(crate) times: usize,
}

impl ProducerConsumer for Middle {
    type In = u64;
    type Out = u64;

    fn handle_events(&mut self, batch: Vec<u64>, _: &Upstream<u64>, out: &mut Emit<u64>) -> Answer {
        out.extend(
            batch
                .iter()
                .flat_map(|n| std::iter::repeat_n(*n, self.times)),
        );
        let _ = self.seen.send(Record::Events(batch));
        Ok(Next::Go)
    }

    fn handle_cancel(
        &mut self,
        producer: &Upstream<u64>,
        ended: &Ended,
        _: &mut Emit<u64>,
    ) -> Answer {
        let _ = self
            .seen
            .send(Record::Cancelled(producer.tag(), ended.clone()));
        Ok(Next::Go)
    }
}

impl Call<Ping> for Middle {
    type Reply = ();
    type Event = u64;
    fn handle_call(&mut self, _: Ping, caller: &mut Caller<()>, _: &mut Emit<u64>) -> Answer {
        caller.reply(());
        Ok(Next::Go)
    }
}

/// An info is reported as if it were an end.
impl Info<()> for Middle {
    type Event = u64;
    fn handle_info(&mut self, _: (), _: &mut Emit<u64>) -> Answer {
        let _ = self.seen.send(Record::Terminated(Reason::Normal));
        Ok(Next::Go)
    }
}

/// A stage that emits each event so many times, and what it is given.
pub(crate) fn middle(times: usize) -> (Builder<Transforms<Middle>>, Receiver<Record<u64>>) {
    let (seen, receiver) = channel();
    (stage::producer_consumer(Middle { seen, times }), receiver)
}

/// Each of some numbers twice.
pub(crate) fn doubled(numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.flat_map(|n| [n, n]).collect()
}

/// A recorder subscribed to a stage.
pub(crate) fn record<P>(
    producer: P,
    options: Subscription<P::Event>,
) -> Result<
    (
        Handle<Consumes<Recorder<P::Event>>>,
        Receiver<Record<P::Event>>,
    ),
    Error,
>
where
    P: Emits<Event: Send + 'static>,
{
    let (consumer, records) = recorder();
    Ok((consumer.subscribe_to(producer, options).start()?, records))
}

/// Waits until one of the next thousand batches is this one.
#[track_caller]
pub(crate) fn until(from: &Receiver<Record<u64>>, wanted: &[u64]) {
    for _ in 0..1000 {
        if batch(from) == wanted {
            return;
        }
    }
    panic!("no batch is {wanted:?}");
}

/// A consumer that shows each batch and handles it when it is let go on. Once `go` is dropped it runs free.
pub(crate) fn gated<P>(
    producer: P,
    options: Subscription<P::Event>,
) -> Result<Gated<P::Event, impl Taking<In = P::Event>>, Error>
where
    P: Emits<Event: Send + 'static>,
{
    let (entered, batches) = channel();
    let (go, wait) = channel::<()>();
    let consumer = stage::for_each_batch(move |batch: Vec<P::Event>| {
        let _ = entered.send(batch);
        let _ = wait.recv();
        Ok(Next::Go)
    });
    Ok(Gated {
        batches,
        go,
        _stage: consumer.subscribe_to(producer, options).start()?,
    })
}

/// See [`gated`]. In this order, so that the stage is free to end when it is dropped.
pub(crate) struct Gated<E, K: Kind> {
    pub(crate) batches: Receiver<Vec<E>>,
    pub(crate) go: Sender<()>,
    pub(crate) _stage: Handle<K>,
}
