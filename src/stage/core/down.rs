//! Towards consumers: subscriptions, demand, and where emitted events go.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::super::buffer::Taken;
use super::super::dispatch::InfoId;
use super::super::emit::Emit;
use super::super::gauges::Link;
use super::super::kind::Kind;
use super::super::message::Message;
use super::super::port::{Downstream, Inlet, Joining};
use super::super::reason::{DemandMode, Ended, Reason};
use super::super::subscription::Tag;
use super::unsettled::{Kept, Left};
use super::{Core, Flow};
use crate::error::{Error, ErrorKind};

/// A consumer's subscription.
pub(super) struct Down<E> {
    pub(super) line: Line<E>,
    pub(super) downstream: Downstream,
    /// What it was sent and has not handled, if that is to be kept.
    pub(super) kept: Option<Box<Kept<E>>>,
}

/// The way to a consumer.
pub(super) struct Line<E> {
    pub(super) inlet: Arc<dyn Inlet<E>>,
    /// Where what goes over it is counted.
    link: Option<Arc<Link>>,
}

impl<E> Line<E> {
    pub(super) fn events(&self, tag: Tag, events: Vec<E>) {
        if let Some(link) = &self.link {
            link.sends(events.len());
        }
        self.inlet.events(tag, events);
    }
}

impl<K: Kind> Core<K> {
    /// A consumer subscribes.
    pub(super) fn join(&mut self, joining: Joining<K::Out>) -> Flow {
        let Some(join) = joining.arrive() else {
            return ControlFlow::Continue(());
        };
        let tag = join.tag;
        if self.downs.contains_key(&tag) {
            join.inlet.ended(tag, Ended::Cancelled(Reason::Duplicate));
            return ControlFlow::Continue(());
        }
        let downstream = Downstream {
            tag,
            consumer: join.wants.consumer(),
            producer: self.me.clone(),
        };
        let inlet = join.inlet.clone();
        let (kept, seat) = match join.redelivery.map(|how| self.unsettled.keep(how)) {
            Some((kept, seat)) => (Some(kept), seat),
            None => (None, None),
        };
        self.downs.insert(
            tag,
            Down {
                line: Line {
                    inlet: join.inlet,
                    link: join.link,
                },
                downstream: downstream.clone(),
                kept,
            },
        );
        let mut out = Emit::new();
        let answer = self.kind.joined(&downstream, &mut out);
        self.answer(answer, out)?;
        // Behind the callback: from here on there may be demand.
        let seated = self.seat(tag, &join.wants, seat);
        self.flush();
        match seated {
            Ok(demand) => self.supply(demand),
            Err(why) => {
                if let Some(kept) = self.downs.remove(&tag).and_then(|down| down.kept) {
                    self.unsettled.linger(tag, kept);
                }
                let ended = Ended::Cancelled(Reason::Refused(why.into()));
                inlet.ended(tag, ended.clone());
                let mut out = Emit::new();
                let answer = self.kind.left(&downstream, &ended, &mut out);
                self.answer(answer, out)
            }
        }
    }

    /// A consumer asks for more.
    pub(super) fn ask(&mut self, tag: Tag, n: u64) -> Flow {
        if !self.downs.contains_key(&tag) && !self.unsettled.has_place(tag) {
            // It has been told of the end already.
            return ControlFlow::Continue(());
        }
        let n = n - self.give_again(tag, n);
        if n == 0 {
            return ControlFlow::Continue(());
        }
        let demand = self.dispatcher.ask(tag, n, &mut self.outbox);
        self.flush();
        self.supply(demand)
    }

    /// A subscription ends, at the wish of either side or since the consumer is gone.
    pub(super) fn leave(&mut self, tag: Tag, ended: Ended) -> Flow {
        let Some(mut down) = self.downs.remove(&tag) else {
            return self.gone(tag);
        };
        let left = self.unsettled.part(tag, down.kept.take(), &ended);
        let mut out = Emit::new();
        let answer = self.kind.left(&down.downstream, &ended, &mut out);
        if matches!(ended, Ended::Cancelled(_)) {
            down.line.inlet.ended(tag, ended);
        }
        let kept = match left {
            Left::Waited => return self.answer(answer, out),
            Left::Free(kept) => kept,
        };
        // Demand that its end sets free is asked for when the callback knows; what the callback emits goes to others.
        let demand = self.dispatcher.cancel(tag, &mut self.outbox);
        self.flush();
        if let Some(kept) = kept {
            self.redeliver(*kept)?;
        }
        self.answer(answer, out)?;
        self.supply(demand)
    }

    /// New demand: the buffer has to serve it, then the producer.
    pub(super) fn supply(&mut self, demand: u64) -> Flow {
        if demand == 0 {
            return ControlFlow::Continue(());
        }
        self.owed = self.owed.saturating_add(demand);
        if self.mode == DemandMode::Accumulate {
            self.held_demand.push_back(demand);
            return ControlFlow::Continue(());
        }
        self.forward(demand)
    }

    /// Demand that may go on at once, or waits for the rate.
    fn forward(&mut self, demand: u64) -> Flow {
        if self.gate.holds(demand) {
            return ControlFlow::Continue(());
        }
        self.pass_on(demand)
    }

    /// Lets demand go on that the rate allows; whether there was some.
    pub(super) fn release(&mut self) -> ControlFlow<Reason, bool> {
        let demand = self.gate.release();
        if demand > 0 {
            self.pass_on(demand)?;
        }
        ControlFlow::Continue(demand > 0)
    }

    fn pass_on(&mut self, demand: u64) -> Flow {
        let rest = demand - self.serve(demand)?;
        if rest == 0 || K::TAKES || self.finishing.is_some() {
            return ControlFlow::Continue(());
        }
        let mut out = Emit::new();
        let n = usize::try_from(rest).unwrap_or(usize::MAX);
        let answer = self.kind.demand(n, &mut out);
        self.answer(answer, out)
    }

    /// Gives so many events from the buffer, or as many as there are; returns how many.
    fn serve(&mut self, n: u64) -> ControlFlow<Reason, u64> {
        let mut served = 0;
        while served < n && self.buffer.len() > 0 {
            let Taken { events, infos } = self.buffer.take(n - served);
            let taken = events.len() as u64;
            let rest = self.share(events)?;
            let refused = rest.len() as u64;
            served += taken - refused;
            // Only a dispatcher that asks for events and does not take them gives some back.
            self.buffer.put_back(rest);
            for info in infos {
                self.dispatcher.info(info, &mut self.outbox);
            }
            self.flush();
            if refused > 0 {
                break;
            }
        }
        ControlFlow::Continue(served)
    }

    /// Gives events from the buffer to consumers that wait though no demand is new; whether there were some.
    pub(super) fn draw(&mut self) -> ControlFlow<Reason, bool> {
        let held = self.buffer.len() as u64;
        if held == 0 || self.mode == DemandMode::Accumulate || self.gate.is_waiting() {
            return ControlFlow::Continue(false);
        }
        let demand = self.dispatcher.draw(held);
        self.owed = self.owed.saturating_add(demand);
        if self.gate.holds(demand) {
            return ControlFlow::Continue(false);
        }
        let served = self.serve(demand)?;
        ControlFlow::Continue(served > 0)
    }

    /// Sends what a callback emitted; what nobody has asked for goes to the buffer.
    pub(super) fn emit(&mut self, events: Vec<K::Out>) -> Flow {
        if events.is_empty() {
            return ControlFlow::Continue(());
        }
        if self.mode == DemandMode::Accumulate {
            self.store(events, true);
        } else {
            self.part(events)?;
        }
        ControlFlow::Continue(())
    }

    /// Gives consumers what they have asked for, as far as the rate allows; the rest goes to the buffer.
    fn part(&mut self, mut events: Vec<K::Out>) -> Flow {
        let late = self.gate.late(&mut events, self.buffer.len());
        let mut rest = if events.is_empty() {
            events
        } else {
            self.share(events)?
        };
        rest.extend(late);
        self.store(rest, false);
        ControlFlow::Continue(())
    }

    /// Has the dispatcher share events out; returns those that nobody has asked for.
    pub(super) fn share(&mut self, events: Vec<K::Out>) -> ControlFlow<Reason, Vec<K::Out>> {
        let len = events.len() as u64;
        self.owed = self.owed.saturating_sub(len);
        self.gate.count(len);
        match self.dispatcher.dispatch(events, &mut self.outbox) {
            Ok(rest) => {
                let given = len.saturating_sub(rest.len() as u64);
                let counts = &self.me.shared.gauges.counts;
                if given > 0 {
                    counts.gives(
                        usize::try_from(given).unwrap_or(usize::MAX),
                        size_of::<K::Out>(),
                    );
                }
                self.flush();
                ControlFlow::Continue(rest)
            }
            Err(message) => {
                // What was shared out before is on its way.
                self.flush();
                let error = Error::new(ErrorKind::Stage, message).of_stage(&self.me.shared.name);
                ControlFlow::Break(Reason::failed(error))
            }
        }
    }

    /// Puts events in the buffer, or in that of events held back.
    fn store(&mut self, events: Vec<K::Out>, held: bool) {
        if events.is_empty() {
            return;
        }
        let buffer = if held {
            &mut self.held
        } else {
            &mut self.buffer
        };
        let stored = buffer.store(events);
        // A buffer that blocks takes what the callback has made already, and no more is taken in until there is room.
        for event in stored.back {
            buffer.push(event);
        }
        for info in stored.infos {
            self.dispatcher.info(info, &mut self.outbox);
        }
        self.flush();
        if stored.dropped > 0 {
            self.me.shared.gauges.drops(stored.dropped);
            self.kind.discarded(stored.dropped);
        }
    }

    /// Sends what the dispatcher wants sent.
    fn flush(&mut self) {
        for (tag, events) in self.outbox.events.drain(..) {
            if let Some(down) = self.downs.get_mut(&tag) {
                if let Some(kept) = &mut down.kept {
                    self.unsettled.sent(kept, &events);
                }
                down.line.events(tag, events);
            } else {
                self.unsettled.missed(tag, events);
            }
        }
        self.due.extend(self.outbox.infos.drain(..));
        // Through the mailbox, so that a stage that makes only events nobody wants can still be stopped.
        for (tag, n) in self.outbox.asks.drain(..) {
            self.me.post(Message::Ask(tag, n));
        }
        let demand = std::mem::take(&mut self.outbox.demand);
        if demand > 0 {
            self.me.post(Message::Demand(demand));
        }
        for notice in self.outbox.notices.drain(..) {
            self.kind.notice(&notice);
        }
    }

    /// Puts an info behind all events emitted so far.
    pub(super) fn place_behind(&mut self, info: InfoId) -> Flow {
        if !K::EMITS {
            self.due.push_back(info);
        } else if !self.held.info(info) && !self.buffer.info(info) {
            self.dispatcher.info(info, &mut self.outbox);
            self.flush();
        }
        ControlFlow::Continue(())
    }

    /// Collects demand, or forwards it and all that was collected.
    pub(super) fn set_mode(&mut self, mode: DemandMode) -> Flow {
        if Self::MIDDLE {
            return ControlFlow::Continue(());
        }
        self.mode = mode;
        if mode == DemandMode::Accumulate {
            return ControlFlow::Continue(());
        }
        while self.held.len() > 0 {
            let Taken { events, infos } = self.held.take(u64::MAX);
            self.part(events)?;
            for info in infos {
                if !self.buffer.info(info) {
                    self.dispatcher.info(info, &mut self.outbox);
                    self.flush();
                }
            }
        }
        for demand in std::mem::take(&mut self.held_demand) {
            self.forward(demand)?;
        }
        ControlFlow::Continue(())
    }
}
