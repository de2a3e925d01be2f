//! The inside of a running stage: one loop that takes a message, calls a callback, and sends what follows from it. The
//! same for all three kinds; state, dispatcher, buffer and subscriptions belong to it alone.

mod down;
mod gate;
mod life;
mod redeliver;
mod unsettled;
mod up;

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ahash::RandomState;
use crossbeam_channel::Receiver;

use super::buffer::{Buffer, Keep};
use super::demand::Chunk;
use super::dispatch::{Dispatcher, InfoId, Outbox};
use super::emit::Emit;
use super::kind::Kind;
use super::message::{Mailbox, Message, Run};
use super::reason::{Answer, DemandMode, Ended, Next, Reason};
use super::subscription::{Cancel, Tag};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::Doing;

use down::Down;
pub(super) use gate::Gate;
pub(super) use life::{OnEnd, Setup, live};
use unsettled::Unsettled;
use up::Up;

/// Whether the stage goes on, or why it ends.
type Flow = ControlFlow<Reason>;

/// What a stage in the middle has got and not handled, in its order.
enum Incoming<E> {
    Events(Tag, Vec<E>),
    Ended(Tag, Ended),
    Info(InfoId),
    Orphaned(Reason, Cancel),
}

/// A running stage.
pub(super) struct Core<K: Kind> {
    kind: K,
    me: Arc<Mailbox<K>>,
    inbox: Receiver<Message<K>>,

    // Towards producers.
    ups: HashMap<Tag, Up<K::In>, RandomState>,
    /// In the middle only: what waits for demand. Bounded by what the stage has asked for.
    incoming: VecDeque<Incoming<K::In>>,
    /// Empty between messages; kept for its memory.
    chunks: VecDeque<Chunk<K::In>>,

    // Towards consumers.
    downs: HashMap<Tag, Down<K::Out>, RandomState>,
    dispatcher: Box<dyn Dispatcher<K::Out>>,
    outbox: Outbox<K::Out>,
    /// Events that nobody has asked for.
    buffer: Buffer<K::Out>,
    keep: Keep,
    /// Events that the dispatcher was promised and has not got.
    owed: u64,
    /// Where demand waits for the rate the stage has, if it has one.
    gate: Gate,
    mode: DemandMode,
    /// While demand is collected: events emitted and demand, each as it came.
    held: Buffer<K::Out>,
    held_demand: VecDeque<u64>,

    infos: HashMap<InfoId, Run<K>, RandomState>,
    next_info: u64,
    /// Infos whose turn it is.
    due: VecDeque<InfoId>,
    /// Messages of the user's that wait for room in a buffer that blocks.
    deferred: VecDeque<Message<K>>,
    /// The stage ends for this reason once its buffer is taken.
    finishing: Option<Reason>,
    /// Sent events that are kept, and in the middle what was made of which.
    unsettled: Unsettled<K::In, K::Out>,
}

impl<K: Kind> Core<K> {
    /// Whether it is a stage in the middle.
    const MIDDLE: bool = K::TAKES && K::EMITS;

    /// Takes messages until the stage ends.
    fn work(&mut self) -> Reason {
        loop {
            let Some(message) = self.next() else {
                // It has a sender itself.
                return Reason::Shutdown;
            };
            if let ControlFlow::Break(reason) = self.step(message) {
                return reason;
            }
        }
    }

    /// The next message; waits for it.
    fn next(&mut self) -> Option<Message<K>> {
        if let Some(message) = self.ready() {
            return Some(message);
        }
        if let Ok(message) = self.inbox.try_recv() {
            return Some(message);
        }
        let gauges = &self.me.shared.gauges;
        gauges.does(self.waits());
        let message = self.gate.receive(&self.inbox);
        gauges.does(Doing::Working);
        message
    }

    /// What it is that the stage does while it waits for a message.
    fn waits(&self) -> Doing {
        let held = match Self::MIDDLE {
            true => !self.incoming.is_empty(),
            false => {
                let unasked = self.mode == DemandMode::Accumulate || self.gate.open(self.owed) == 0;
                K::EMITS && unasked
            }
        };
        match held {
            true => Doing::Blocked,
            false if self.kind.works() => Doing::Working,
            false => Doing::Starved,
        }
    }

    /// Ends the stage if its owner wants it no more.
    fn halted(&self) -> Flow {
        match self.me.shared.halted.load(Ordering::Acquire) {
            true => ControlFlow::Break(Reason::Shutdown),
            false => ControlFlow::Continue(()),
        }
    }

    /// A message that had to wait and need not any more.
    fn ready(&mut self) -> Option<Message<K>> {
        if self.deferred.is_empty() || self.is_blocked() {
            return None;
        }
        self.deferred.pop_front()
    }

    /// Whether the buffer is full and drops nothing: no more is taken that could make events.
    fn is_blocked(&self) -> bool {
        self.keep == Keep::Block && self.buffer.len() > 0 && self.buffer.room() == 0
    }

    fn step(&mut self, message: Message<K>) -> Flow {
        self.halted()?;
        match message {
            Message::Subscribe(joining) => self.join(joining)?,
            Message::Ask(tag, n) => self.ask(tag, n)?,
            Message::Cancel(tag, ended) => self.leave(tag, ended)?,
            Message::Acknowledge(tag, n) => self.acknowledged(tag, n),
            Message::Demand(n) => self.supply(n)?,
            Message::Events(tag, events) => self.arrive(tag, events)?,
            Message::Ended(tag, ended) => self.ended(tag, ended)?,
            Message::SubscribeTo(request) => self.subscribe_to(*request)?,
            Message::Orphaned(reason, mode) => self.orphaned(reason, mode)?,
            Message::Run(run) if self.is_blocked() => {
                self.deferred.push_back(Message::Run(run));
            }
            Message::Run(run) => self.run(run)?,
            Message::Info(run, placed) => {
                self.place(run)?;
                let flow = self.settle();
                if let Some(placed) = placed {
                    // Whoever waits no longer need not know.
                    let _ = placed.send(());
                }
                return flow;
            }
            Message::SetDemand(mode) => self.set_mode(mode)?,
            Message::GetDemand(to) => {
                let _ = to.send(self.mode);
            }
            Message::Buffered(to) => {
                let _ = to.send(self.buffer.len() + self.held.len());
            }
            Message::Look => {}
            Message::Finish => self.finish(Reason::Normal)?,
            Message::Stop(reason) => return ControlFlow::Break(reason),
        }
        self.settle()
    }

    /// Does what a message made possible, until nothing is left: infos whose turn has come, buffered events for consumers
    /// that wait, events that wait for demand, demand that waits for the rate, and the end.
    fn settle(&mut self) -> Flow {
        loop {
            if let Some(info) = self.due.pop_front() {
                match self.infos.remove(&info) {
                    Some(run) => self.run(run)?,
                    None => self.marked(info),
                }
            } else if !self.draw()? && !self.take_in()? && !self.release()? {
                break;
            }
        }
        let gauges = &self.me.shared.gauges;
        let buffered = self.buffer.len() + self.held.len();
        gauges.buffered.set(buffered as u64);
        gauges.waiting.set(self.incoming.len() as u64);
        match &self.finishing {
            Some(reason) if self.is_drained() => ControlFlow::Break(reason.clone()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn is_drained(&self) -> bool {
        self.buffer.len() == 0
            && self.held.len() == 0
            && self.infos.is_empty()
            && self.deferred.is_empty()
            && self.dispatcher.queued() == 0
            && self.unsettled.is_empty()
    }

    /// No more events are made; the stage ends when those it has are taken.
    fn finish(&mut self, reason: Reason) -> Flow {
        if !K::EMITS {
            return ControlFlow::Break(reason);
        }
        self.finishing.get_or_insert(reason);
        ControlFlow::Continue(())
    }

    /// Handles a message of the user's. Its reply goes out behind its events.
    fn run(&mut self, run: Run<K>) -> Flow {
        let mut out = Emit::new();
        let (answer, after) = run(&mut self.kind, &mut out);
        let after = after.filter(|_| answer.is_ok());
        let flow = self.answer(answer, out);
        if let Some(after) = after {
            after();
        }
        flow
    }

    /// Does what a callback said.
    fn answer(&mut self, answer: Answer, out: Emit<K::Out>) -> Flow {
        match answer {
            Ok(next) => {
                self.emit(out.into_events())?;
                match next {
                    Next::Go => ControlFlow::Continue(()),
                    Next::Done => self.finish(Reason::Normal),
                    Next::Stop(reason) => ControlFlow::Break(reason),
                }
            }
            Err(error) => self.fail(error),
        }
    }

    /// Ends the stage for an error of a callback.
    fn fail(&self, error: BoxError) -> Flow {
        let error = Error::wrap(ErrorKind::Stage, error).of_stage(&self.me.shared.name);
        ControlFlow::Break(Reason::failed(error))
    }

    /// Puts an info in its place: behind all events that are here.
    fn place(&mut self, run: Run<K>) -> Flow {
        let info = InfoId(self.next_info);
        self.next_info += 1;
        self.infos.insert(info, run);
        if !self.incoming.is_empty() {
            self.incoming.push_back(Incoming::Info(info));
            return ControlFlow::Continue(());
        }
        self.place_behind(info)
    }
}

#[cfg(test)]
mod tests;
