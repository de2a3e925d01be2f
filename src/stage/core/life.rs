//! A stage's life on its thread: init, work, and telling all others of the end.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ahash::RandomState;
use crossbeam_channel::{Receiver, Sender};

use super::super::buffer::{Buffer, Keep};
use super::super::dispatch::{Dispatcher, Outbox};
use super::super::kind::Kind;
use super::super::message::{Mailbox, Message, Request};
use super::super::reason::{DemandMode, Ended, Init, Reason};
use super::super::reference::StageRef;
use super::unsettled::Unsettled;
use super::{Core, Gate};
use crate::error::{Error, ErrorKind};

/// All a stage is started with.
pub(crate) struct Setup<K: Kind> {
    pub(crate) kind: K,
    pub(crate) dispatcher: Box<dyn Dispatcher<K::Out>>,
    /// The size of the buffer; `None` is without bound.
    pub(crate) buffer: Option<usize>,
    pub(crate) keep: Keep,
    pub(crate) mode: DemandMode,
    pub(crate) gate: Gate,
    pub(crate) subscribe_to: Vec<Request<K::In>>,
    /// Told of the end, when all others have been; not of a start that failed.
    pub(crate) on_end: Option<OnEnd>,
}

/// Who is told why a stage ended.
pub(crate) type OnEnd = Box<dyn FnOnce(Reason) + Send>;

/// Lives a stage's life. `started` learns whether it began.
pub(crate) fn live<K: Kind>(
    setup: Setup<K>,
    me: Arc<Mailbox<K>>,
    inbox: Receiver<Message<K>>,
    started: Sender<Result<(), Error>>,
) {
    let shared = me.shared.clone();
    // Set once a stage: nobody else knows the cell.
    let _ = shared.thread.set(std::thread::current().id());
    let gauges = &shared.gauges;
    gauges.begin();
    let panicked = |payload: Box<dyn Any + Send>| {
        gauges.counts.panics.add(1);
        Error::panicked(payload).of_stage(&shared.name)
    };

    let mut kind = setup.kind;
    let this = StageRef {
        mailbox: me.clone(),
    };
    let refused = match catch_unwind(AssertUnwindSafe(|| kind.init(&this))) {
        Ok(Ok(Init::Run)) => None,
        Ok(Ok(Init::Ignore)) => {
            let message = "init declined to start: there is nothing to do for this stage";
            Some(Error::new(ErrorKind::Ignored, message).of_stage(&shared.name))
        }
        Ok(Err(error)) => Some(Error::wrap(ErrorKind::Stage, error).of_stage(&shared.name)),
        Err(payload) => Some(panicked(payload)),
    };
    if let Some(error) = refused {
        let error = Arc::new(error);
        let _ = shared.ended.set(Reason::Failed(error.clone()));
        // Nobody waits for the reply of a start but the one who starts.
        let _ = started.send(Err(error.again()));
        // A panic of the user's `drop` has nobody left to go to.
        let _ = catch_unwind(AssertUnwindSafe(|| drop((kind, inbox))));
        return;
    }

    let buffer = || match setup.buffer {
        Some(size) => Buffer::new(size, setup.keep),
        None => Buffer::unbounded(),
    };
    let mut core = Core {
        kind,
        me,
        inbox,
        ups: HashMap::with_hasher(RandomState::new()),
        incoming: VecDeque::new(),
        chunks: VecDeque::new(),
        downs: HashMap::with_hasher(RandomState::new()),
        dispatcher: setup.dispatcher,
        outbox: Outbox::default(),
        buffer: buffer(),
        keep: setup.keep,
        owed: 0,
        gate: setup.gate,
        mode: setup.mode,
        held: buffer(),
        held_demand: VecDeque::new(),
        infos: HashMap::with_hasher(RandomState::new()),
        next_info: 0,
        due: VecDeque::new(),
        deferred: VecDeque::new(),
        finishing: None,
        unsettled: Unsettled::new(Core::<K>::MIDDLE),
    };
    core.gate.watch(&core.me);
    let requests = setup.subscribe_to;
    let lived = catch_unwind(AssertUnwindSafe(|| {
        for request in requests {
            if let ControlFlow::Break(reason) = core.subscribe_to(request) {
                let _ = started.send(reason.outcome());
                return reason;
            }
        }
        let _ = started.send(Ok(()));
        core.work()
    }));
    let reason = lived.unwrap_or_else(|payload| Reason::failed(panicked(payload)));
    let reason = match catch_unwind(AssertUnwindSafe(|| core.kind.terminate(&reason))) {
        Err(payload) if reason.is_good() => Reason::failed(panicked(payload)),
        _ => reason,
    };
    gauges.end();
    // First the outcome, so that whoever is told finds it.
    let _ = shared.ended.set(reason.clone());
    for (tag, up) in &core.ups {
        let ended = Ended::Down(reason.clone());
        up.upstream.output.outlet.cancel(*tag, ended);
    }
    // Subscriptions that were cancelled, but whose events are not done with.
    for (tag, upstream) in core.unsettled.owed() {
        if !core.ups.contains_key(&tag) {
            upstream
                .output
                .outlet
                .cancel(tag, Ended::Down(reason.clone()));
        }
    }
    for (tag, down) in &core.downs {
        down.line.inlet.ended(*tag, Ended::Down(reason.clone()));
    }
    // Subscriptions still in the mailbox are told as they are dropped with it.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(core)));
    if let Some(on_end) = setup.on_end {
        on_end(reason);
    }
}
