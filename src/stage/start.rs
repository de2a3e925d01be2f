//! Starting stages: what a stage is started with, checked before there is a thread.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::thread;

use crossbeam_channel::{bounded, unbounded};

use super::buffer::Keep;
use super::core::{Gate, OnEnd, Setup, live};
use super::dispatch::{DemandDispatch, Dispatcher};
use super::gauges::Gauges;
use super::graph::Graph;
use super::handle::Handle;
use super::kind::{Consumes, Emitting, Kind, Produces, Taking, Transforms};
use super::message::{Mailbox, Request, Shared};
use super::port::{Emits, Output};
use super::reason::DemandMode;
use super::reference::StageRef;
use super::subscription::{StageId, Subscription};
use super::{Consumer, Producer, ProducerConsumer};
use crate::error::{Error, ErrorKind};

/// How many events the buffer of a producer has room for, if nothing else is said.
const BUFFER: usize = 10_000;

/// A stage that is not started yet, with its options. Nothing runs before [`start`](Builder::start).
///
/// # Examples
/// ```
/// use millstream::stage::dispatch::Broadcast;
/// use millstream::stage::{self, DemandMode, Keep, Subscription};
///
/// let numbers = stage::from_iter(0..4)
///     .name("numbers")
///     .dispatcher(Broadcast::new())
///     .buffer(100, Keep::Block)
///     .demand(DemandMode::Accumulate)
///     .start()?;
/// let odd = Subscription::new().selector(|n: &i32| n % 2 == 1);
/// let odd = stage::stream([(&numbers, odd)])?;
/// let all = stage::stream([(&numbers, Subscription::new())])?;
/// numbers.set_demand(DemandMode::Forward)?;
/// let odd = std::thread::spawn(move || odd.collect::<Result<Vec<i32>, _>>());
/// assert_eq!(all.collect::<Result<Vec<i32>, _>>()?, [0, 1, 2, 3]);
/// assert_eq!(odd.join().unwrap()?, [1, 3]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[must_use = "a stage does nothing before it is started"]
pub struct Builder<K: Kind> {
    pub(super) kind: K,
    name: Option<String>,
    dispatcher: Option<Box<dyn Dispatcher<K::Out>>>,
    /// `None` is without bound.
    buffer: Option<usize>,
    keep: Keep,
    mode: DemandMode,
    gate: Gate,
    subscribe_to: Vec<(Output<K::In>, Subscription<K::In>)>,
    graphs: Vec<Graph>,
}

/// A producer to be started.
///
/// See [`Producer`] for an example. [`from_fn`](super::from_fn) and [`from_iter`](super::from_iter) make producers without
/// a trait.
pub fn producer<S: Producer>(stage: S) -> Builder<Produces<S>> {
    Builder::new(Produces(stage), Some(BUFFER))
}

/// A producer-consumer to be started.
///
/// See [`ProducerConsumer`] for an example. [`map_events`](super::map_events) makes one without a trait.
///
/// Its buffer has no bound of its own: of what comes from producers it holds no more than was made of one message, which has at
/// most `max_demand` events. What is made of casts is not bounded so: give it a [`buffer`](Builder::buffer) then.
pub fn producer_consumer<S: ProducerConsumer>(stage: S) -> Builder<Transforms<S>> {
    Builder::new(Transforms(stage), None)
}

/// A consumer to be started.
///
/// See [`Consumer`] for an example. [`for_each`](super::for_each) and [`for_each_batch`](super::for_each_batch) make
/// consumers without a trait.
pub fn consumer<S: Consumer>(stage: S) -> Builder<Consumes<S>> {
    Builder::new(Consumes(stage), Some(0))
}

impl<K: Kind> Builder<K> {
    fn new(kind: K, buffer: Option<usize>) -> Self {
        Builder {
            kind,
            name: None,
            dispatcher: None,
            buffer,
            keep: Keep::default(),
            mode: DemandMode::default(),
            gate: Gate::default(),
            subscribe_to: Vec::new(),
            graphs: Vec::new(),
        }
    }

    /// The stage's name: that of its thread, and in errors. Names need not differ.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The name it was given.
    pub(crate) fn named(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Has the stage looked at together with others: see [`Graph`].
    pub fn graph(mut self, graph: &Graph) -> Self {
        self.graphs.push(graph.clone());
        self
    }

    /// Starts the stage on a thread of its own, and returns when `init` has and the stage has subscribed.
    ///
    /// # Errors
    /// [`ErrorKind::Option`] for options that cannot work; [`ErrorKind::Ignored`] if `init` declines; what `init`
    /// returned or panicked with; [`ErrorKind::Spawn`] if there is no thread to be had.
    pub fn start(self) -> Result<Handle<K>, Error> {
        self.start_watched(None)
    }

    /// As [`subscribe_to`](Builder::subscribe_to), for any kind; what emits alone has no events it could take.
    pub(super) fn also_subscribe(&mut self, output: Output<K::In>, options: Subscription<K::In>) {
        self.subscribe_to.push((output, options));
    }

    /// Starts the stage, and has somebody told of its end.
    pub(super) fn start_watched(self, on_end: Option<OnEnd>) -> Result<Handle<K>, Error> {
        let id = StageId::new();
        let name = self
            .name
            .unwrap_or_else(|| format!("stage-{}", id.number()));
        if name.contains('\0') {
            let message = "name: a thread's name cannot have a NUL character in it; leave it out";
            return Err(Error::new(ErrorKind::Option, message));
        }
        let in_option = |message| Error::new(ErrorKind::Option, message).of_stage(&name);
        let mut dispatcher = self
            .dispatcher
            .unwrap_or_else(|| Box::new(DemandDispatch::new()));
        dispatcher.start().map_err(in_option)?;
        let mut requests = Vec::with_capacity(self.subscribe_to.len());
        for (producer, options) in self.subscribe_to {
            options.check()?;
            requests.push(Request {
                producer,
                options,
                instead_of: None,
                reply: None,
            });
        }
        let setup = Setup {
            kind: self.kind,
            dispatcher,
            buffer: self.buffer,
            keep: self.keep,
            mode: self.mode,
            gate: self.gate,
            subscribe_to: requests,
            on_end,
        };
        let (sender, inbox) = unbounded();
        let mailbox = Arc::new(Mailbox {
            sender,
            shared: Arc::new(Shared {
                id,
                name: name.as_str().into(),
                ended: OnceLock::new(),
                thread: OnceLock::new(),
                halted: AtomicBool::new(false),
                gauges: Gauges::new(),
            }),
        });
        let (started, wait) = bounded(1);
        let me = mailbox.clone();
        let thread = thread::Builder::new()
            .name(name.clone())
            .spawn(move || live(setup, me, inbox, started))
            .map_err(|error| {
                let message = format!("cannot start a thread for a stage: {error}");
                Error::new(ErrorKind::Spawn, message).of_stage(&name)
            })?;
        let handle = Handle {
            stage: StageRef { mailbox },
            thread: Some(thread),
        };
        match wait.recv() {
            Ok(Ok(())) => {
                self.graphs.iter().for_each(|graph| graph.add(&handle));
                Ok(handle)
            }
            // Dropping the handle waits for the thread, which is at its end.
            Ok(Err(error)) => Err(error),
            Err(_) => Err(handle.stage.mailbox.gone()),
        }
    }
}

impl<K: Emitting> Builder<K> {
    /// Who gets which events: see [`dispatch`](super::dispatch). By demand, if nothing else is said.
    pub fn dispatcher(mut self, dispatcher: impl Dispatcher<K::Out> + 'static) -> Self {
        self.dispatcher = Some(Box::new(dispatcher));
        self
    }

    /// How many events that nobody has asked for have room, and what happens to those that do not.
    ///
    /// With [`Keep::First`] and [`Keep::Last`] some are dropped: the stage's `handle_discarded` gets the count, and
    /// [`StageRef::discarded`] has the sum. With [`Keep::Block`] none are: what a callback has made already is kept, and
    /// calls and casts wait until there is room. So whoever pushes events by calls is slowed down, while casts
    /// wait in the mailbox, which is not bounded.
    ///
    /// A producer has room for 10,000 and keeps the last.
    pub fn buffer(mut self, events: usize, keep: Keep) -> Self {
        self.buffer = Some(events);
        self.keep = keep;
        self
    }

    /// Limits how fast the stage gives events to its consumers (feature `rate`): see [`Rate`](super::Rate).
    #[cfg(feature = "rate")]
    pub fn rate(mut self, rate: &super::Rate) -> Self {
        self.gate = Gate::new(rate);
        self
    }

    /// A buffer without bound: for stages that make no more events than they are asked for by some other way.
    pub fn buffer_unbounded(mut self) -> Self {
        self.buffer = None;
        self
    }
}

impl<S: Producer> Builder<Produces<S>> {
    /// Whether demand goes to the producer at once, or is collected until
    /// [`set_demand`](StageRef::set_demand) says so.
    pub fn demand(mut self, mode: DemandMode) -> Self {
        self.mode = mode;
        self
    }
}

impl<K: Taking> Builder<K> {
    /// Subscribes the stage as it starts; for each producer once.
    pub fn subscribe_to<P>(mut self, producer: P, options: Subscription<K::In>) -> Self
    where
        P: Emits<Event = K::In>,
    {
        self.subscribe_to.push((producer.output(), options));
        self
    }
}

impl<K: Kind> fmt::Debug for Builder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("buffer", &self.buffer)
            .field("keep", &self.keep)
            .field("mode", &self.mode)
            .field("subscribe_to", &self.subscribe_to)
            .finish_non_exhaustive()
    }
}
