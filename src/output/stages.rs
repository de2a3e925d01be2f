//! To stages: each worker is a producer of its own, with a mailbox and a dispatcher.
//!
//! A worker gives no more than was asked for, so it stands still with its consumers. The consumers are told of the end
//! when all workers have come to theirs: one whose subscriptions end with the flow has got everything by then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ahash::RandomState;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::{Output, Sink};
use crate::error::{Error, ErrorKind};
use crate::run::{Clock, Context, lock};
use crate::stage::dispatch::Dispatcher;
use crate::stage::{
    self, Cancel, DemandMode, Giver, Giving, Inlet, Input, Left, Reason, Subscription, Tag, outlet,
    tell,
};

/// How often a worker that waits for demand looks whether the run goes on: nobody may ever ask.
const LOOK: Duration = Duration::from_millis(20);

/// How often a worker without input looks for demand for what its dispatcher has queued.
const QUEUED: Duration = Duration::from_millis(1);

/// Makes a dispatcher for each worker.
pub(crate) type Dispatchers<T> = Box<dyn Fn() -> Box<dyn Dispatcher<T>> + Send + Sync>;

/// What is done when all workers have ended well and the consumers have been told.
pub(crate) type AtEnd = Box<dyn FnOnce() + Send>;

/// The workers' ends, as those outside see them.
pub(crate) struct Doors<T> {
    pub(crate) outputs: Vec<stage::Output<T>>,
    inboxes: Vec<Receiver<Giving<T>>>,
}

impl<T: Send + 'static> Doors<T> {
    pub(crate) fn new(name: &str, workers: usize) -> Self {
        let names = (0..workers).map(|worker| format!("{name}-{worker}"));
        let (outputs, inboxes) = names.map(|name| outlet(&name)).unzip();
        Doors { outputs, inboxes }
    }
}

/// Consumers of a flow, known before it starts.
pub(crate) type Consumers<T> = Vec<(Input<T>, Subscription<T>)>;

/// Starts consumers, or just names them; with what is to be done at the end.
pub(crate) type BeginConsumers<T> =
    Box<dyn FnOnce() -> Result<(Consumers<T>, Vec<AtEnd>), Error> + Send>;

/// The end of a flow at stages.
pub(crate) struct ToStages<T> {
    doors: Doors<T>,
    dispatchers: Dispatchers<T>,
    mode: DemandMode,
    /// What the end of a consumer does to the flow.
    at_leave: Cancel,
    /// The consumers that were given; each worker has them subscribe as it begins.
    begun: Mutex<Begun<T>>,
    /// How long each may take to subscribe.
    patience: Duration,
    /// Whether those behind the consumers want no more.
    is_left: Box<dyn Fn() -> bool + Send + Sync>,
    closing: Mutex<Closing<T>>,
}

/// The consumers, and whether they have subscribed to all workers before the run.
struct Begun<T> {
    begin: Option<BeginConsumers<T>>,
    consumers: Consumers<T>,
    linked: bool,
}

/// Workers that have ended, and who is to be told.
pub(crate) struct Closing<T> {
    ended: usize,
    reason: Reason,
    there: HashMap<Tag, Arc<dyn Inlet<T>>, RandomState>,
    at_end: Vec<AtEnd>,
    told: bool,
}

impl<T> Default for Closing<T> {
    fn default() -> Self {
        Closing {
            ended: 0,
            reason: Reason::Normal,
            there: HashMap::with_hasher(RandomState::new()),
            at_end: Vec::new(),
            told: false,
        }
    }
}

/// Has a consumer subscribe, and waits until it has.
pub(crate) fn subscribe<T>(
    consumer: &Input<T>,
    producer: &stage::Output<T>,
    options: &Subscription<T>,
    patience: Duration,
) -> Result<(), Error> {
    let (reply, answer) = bounded(1);
    let stage = &consumer.stage;
    // Another worker's events may have been too much for it already; then that is what went wrong.
    let failed = || stage.ended().and_then(|reason| reason.outcome().err());
    if let Err(gone) = stage.subscribe(producer.clone(), options.clone(), reply) {
        return Err(failed().unwrap_or(gone).of_stage(consumer.name()));
    }
    let (kind, why) = match answer.recv_timeout(patience) {
        Ok(_) => return Ok(()),
        Err(RecvTimeoutError::Timeout) => (
            ErrorKind::Deadline,
            format!(
                "the stage did not subscribe within {patience:?}: wait longer, or start it sooner"
            ),
        ),
        Err(RecvTimeoutError::Disconnected) => (
            ErrorKind::Stage,
            "the stage ended before it subscribed".to_owned(),
        ),
    };
    let error = failed().unwrap_or_else(|| Error::new(kind, why));
    Err(error.of_stage(consumer.name()))
}

impl<T> ToStages<T> {
    /// By demand, with what follows changed by the other methods: demand is forwarded, and the flow ends with its last
    /// consumer or the first that fails.
    pub(crate) fn new(
        doors: Doors<T>,
        dispatchers: Dispatchers<T>,
        begin: BeginConsumers<T>,
        patience: Duration,
    ) -> Self {
        ToStages {
            doors,
            dispatchers,
            mode: DemandMode::Forward,
            at_leave: Cancel::Transient,
            begun: Mutex::new(Begun {
                begin: Some(begin),
                consumers: Vec::new(),
                linked: false,
            }),
            patience,
            is_left: Box::new(|| false),
            closing: Mutex::new(Closing::default()),
        }
    }

    pub(crate) fn mode(mut self, mode: DemandMode) -> Self {
        self.mode = mode;
        self
    }

    pub(crate) fn at_leave(mut self, at_leave: Cancel) -> Self {
        self.at_leave = at_leave;
        self
    }

    pub(crate) fn until(mut self, is_left: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.is_left = Box::new(is_left);
        self
    }
}

impl<T: Send + 'static> ToStages<T> {
    /// Has the consumers subscribe to all workers before there is a run, so that starting it can fail.
    pub(crate) fn link(&self) -> Result<(), Error> {
        for worker in 0..self.doors.outputs.len() {
            self.begin(worker)?;
        }
        lock(&self.begun).linked = true;
        Ok(())
    }

    /// Has the consumers of one worker subscribe.
    fn begin(&self, worker: usize) -> Result<(), Error> {
        let mut begun = lock(&self.begun);
        if begun.linked {
            return Ok(());
        }
        if let Some(begin) = begun.begin.take() {
            let (consumers, at_end) = begin()?;
            begun.consumers = consumers;
            lock(&self.closing).at_end = at_end;
        }
        for (consumer, options) in &begun.consumers {
            let output = &self.doors.outputs[worker];
            subscribe(consumer, output, options, self.patience)?;
        }
        Ok(())
    }
}

impl<T> ToStages<T> {
    /// One worker has ended, or all that there will ever be.
    fn close(&self, giver: Option<&mut Giver<T>>, reason: Reason) {
        let mut closing = lock(&self.closing);
        if !reason.is_good() || closing.reason.is_good() {
            closing.reason = reason;
        }
        if let Some(giver) = giver {
            closing.ended += 1;
            closing.there.extend(giver.end());
            if closing.ended < self.doors.outputs.len() {
                return;
            }
        }
        if std::mem::replace(&mut closing.told, true) {
            return;
        }
        let (there, at_end) = (
            std::mem::take(&mut closing.there),
            std::mem::take(&mut closing.at_end),
        );
        let reason = closing.reason.clone();
        drop(closing);
        tell(there, &self.doors.inboxes, &reason);
        if matches!(reason, Reason::Normal) {
            at_end.into_iter().for_each(|then| then());
        }
    }
}

impl<T> Drop for ToStages<T> {
    fn drop(&mut self) {
        // If a worker never began, nobody was the last.
        self.close(None, Reason::Shutdown);
    }
}

impl<T: Send + 'static> Sink<T> for ToStages<T> {
    type Output<'s>
        = GivingOut<'s, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> GivingOut<'s, T> {
        let mut out = GivingOut {
            to: self,
            giver: Giver::new(
                self.doors.inboxes[cx.index].clone(),
                (self.dispatchers)(),
                self.mode,
            ),
            stuck: false,
            over: false,
            cx,
        };
        if let Err(error) = out.giver.start() {
            out.fail(Error::new(ErrorKind::Option, error));
        } else if let Err(error) = self.begin(cx.index) {
            cx.shared.fail(cx.locate(error));
        }
        out
    }
}

/// One worker's consumers.
pub(crate) struct GivingOut<'s, T> {
    to: &'s ToStages<T>,
    giver: Giver<T>,
    /// Whether a chunk waits for demand.
    stuck: bool,
    /// Whether nobody wants more.
    over: bool,
    cx: &'s Context,
}

impl<T> GivingOut<'_, T> {
    fn hear(&mut self) {
        let heard = self.giver.hear();
        self.check(heard);
        for left in self.giver.left() {
            self.lose(&left);
        }
        self.over |= (self.to.is_left)();
    }

    /// A consumer is gone.
    fn lose(&mut self, left: &Left) {
        let begun = lock(&self.to.begun);
        let known = begun
            .consumers
            .iter()
            .find(|(known, _)| known.id == left.consumer);
        let name = known.map(|(consumer, _)| consumer.name.clone());
        drop(begun);
        if matches!(left.reason, Reason::Refused(_)) && name.is_none() {
            // One that came on its own has been told.
            return;
        }
        match (self.to.at_leave, left.reason.outcome()) {
            (Cancel::Temporary, _) => {}
            (_, Err(error)) => {
                let error = match name {
                    Some(name) => error.of_stage(&name),
                    None => error,
                };
                self.fail(error);
            }
            (Cancel::Permanent, Ok(())) => self.over = true,
            (Cancel::Transient, Ok(())) => self.over |= self.giver.is_alone(),
        }
    }

    /// Ends the run; the worker finds out before its next step.
    fn fail(&self, error: Error) {
        self.cx.shared.fail(self.cx.locate(error));
    }

    fn check(&mut self, dispatched: Result<(), String>) {
        if let Err(why) = dispatched {
            self.fail(Error::new(ErrorKind::Stage, why));
        }
    }
}

impl<T> Output<T> for GivingOut<'_, T> {
    fn drain<I: Iterator<Item = T>>(&mut self, mut items: I) -> Option<I> {
        loop {
            self.hear();
            let most = self.cx.group.items(size_of::<T>());
            let room = usize::try_from(self.giver.room()).map_or(most, |room| room.min(most));
            if room == 0 || self.cx.shared.halted() {
                self.stuck = true;
                return Some(items);
            }
            let events: Vec<T> = items.by_ref().take(room).collect();
            let (n, full) = (events.len(), events.len() == room);
            let given = self.giver.give(events);
            self.check(given);
            if n > 0 {
                self.cx.counts.gives(n, size_of::<T>());
            }
            // One that has no more need not wait for demand to say so.
            if !full || items.size_hint().1 == Some(0) {
                return None;
            }
        }
    }

    fn deliver(&mut self) -> bool {
        self.hear();
        if self.stuck && self.giver.room() == 0 {
            return false;
        }
        self.stuck = false;
        true
    }

    fn flush(&mut self) {
        self.hear();
    }

    fn finish(&mut self) -> bool {
        self.hear();
        self.giver.is_done()
    }

    fn closed(&self) -> bool {
        self.over
    }

    fn linger(&self) -> Option<Instant> {
        let seeded = matches!(self.cx.shared.clock, Clock::Seeded(_));
        (!seeded && self.giver.has_queue()).then(|| Instant::now() + QUEUED)
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.giver
            .wait(until.unwrap_or_else(|| Instant::now() + LOOK));
    }
}

impl<T> Drop for GivingOut<'_, T> {
    fn drop(&mut self) {
        let shared = &self.cx.shared;
        let reason = Reason::of_run(shared.failure(), shared.halted());
        self.to.close(Some(&mut self.giver), reason);
    }
}
