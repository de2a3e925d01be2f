//! Towards producers: subscriptions, and events that come.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::super::demand::Demand;
use super::super::emit::Emit;
use super::super::gauges::Link;
use super::super::kind::Kind;
use super::super::message::Request;
use super::super::port::{Join, Joining, Upstream};
use super::super::reason::{Asking, Ended, Reason};
use super::super::subscription::{Cancel, Subscription, Tag};
use super::{Core, Flow, Incoming};

/// A subscription to a producer.
pub(super) struct Up<E> {
    pub(super) upstream: Upstream<E>,
    demand: Demand,
    at_end: Cancel,
    /// Where what is handled is counted.
    link: Arc<Link>,
}

impl<K: Kind> Core<K> {
    pub(super) fn subscribe_to(&mut self, request: Request<K::In>) -> Flow {
        if let Some((old, reason)) = request.instead_of {
            if let Some(up) = self.ups.get_mut(&old) {
                up.at_end = Cancel::Temporary;
                up.upstream.cancel(reason);
            }
        }
        let tag = Tag::new();
        let upstream = Upstream {
            tag,
            output: request.producer,
            bounds: request.options.bounds(),
            acknowledges: request.options.redelivery().is_some(),
        };
        let outlet = upstream.output.outlet.clone();
        let link = Arc::new(Link::new(upstream.output.id, upstream.bounds.0));
        self.me.shared.gauges.link(tag, link.clone());
        outlet.subscribe(Joining::new(Join {
            tag,
            wants: request.options.wants(self.me.shared.id),
            inlet: self.me.clone(),
            redelivery: request.options.redelivery(),
            link: Some(link.clone()),
        }));
        let mut demand = request.options.demand();
        match self.kind.subscribed(&upstream) {
            Ok(Asking::Automatic) => {}
            Ok(Asking::Manual) => demand = Demand::manual(),
            Err(error) => {
                // It is told with the others.
                self.insert(upstream, demand, link, &request.options);
                return self.fail(error);
            }
        }
        let first = demand.first();
        if first > 0 {
            outlet.ask(tag, first);
        }
        self.insert(upstream, demand, link, &request.options);
        if let Some(reply) = request.reply {
            // Whoever waits no longer need not know.
            let _ = reply.send(tag);
        }
        ControlFlow::Continue(())
    }

    fn insert(
        &mut self,
        upstream: Upstream<K::In>,
        demand: Demand,
        link: Arc<Link>,
        options: &Subscription<K::In>,
    ) {
        self.ups.insert(
            upstream.tag,
            Up {
                upstream,
                demand,
                at_end: options.at_end(),
                link,
            },
        );
    }

    /// Events have come. In the middle they wait for demand.
    pub(super) fn arrive(&mut self, tag: Tag, events: Vec<K::In>) -> Flow {
        if Self::MIDDLE {
            self.incoming.push_back(Incoming::Events(tag, events));
            return ControlFlow::Continue(());
        }
        self.handle(tag, events)
    }

    /// A subscription has ended. In the middle this waits until the events before it are handled.
    pub(super) fn ended(&mut self, tag: Tag, ended: Ended) -> Flow {
        if !self.incoming.is_empty() {
            self.incoming.push_back(Incoming::Ended(tag, ended));
            return ControlFlow::Continue(());
        }
        self.lose(tag, ended)
    }

    /// In the middle: handles the next of what waits, if somebody has asked; whether it did.
    pub(super) fn take_in(&mut self) -> ControlFlow<Reason, bool> {
        // One that is about to end handles no events, but what stood behind them has its turn.
        let ending = self.finishing.is_some();
        if !ending && self.gate.open(self.owed) == 0 {
            return ControlFlow::Continue(false);
        }
        let Some(next) = self.incoming.pop_front() else {
            return ControlFlow::Continue(false);
        };
        match next {
            Incoming::Events(..) if ending => {}
            Incoming::Events(tag, events) => self.handle(tag, events)?,
            Incoming::Ended(tag, ended) => self.lose(tag, ended)?,
            Incoming::Info(info) => self.place_behind(info)?,
            Incoming::Orphaned(reason, mode) => self.end_for(&reason, mode)?,
        }
        ControlFlow::Continue(true)
    }

    /// Handles the events of one message, in chunks, and asks again behind each.
    fn handle(&mut self, tag: Tag, events: Vec<K::In>) -> Flow {
        let Some(up) = self.ups.get_mut(&tag) else {
            return ControlFlow::Continue(());
        };
        let mut chunks = std::mem::take(&mut self.chunks);
        up.demand.cut(events, &mut chunks);
        let upstream = up.upstream.clone();
        let link = up.link.clone();
        let acknowledges = upstream.acknowledges && !self.kind.settles();
        for chunk in chunks.drain(..) {
            self.halted()?;
            if self.finishing.is_some() {
                break;
            }
            let taken = chunk.events.len() as u64;
            link.takes(chunk.events.len());
            let counts = &self.me.shared.gauges.counts;
            counts.takes(chunk.events.len(), size_of::<K::In>());
            let mut out = Emit::new();
            let answer = self.kind.events(chunk.events, &upstream, &mut out);
            let handled = acknowledges && answer.is_ok();
            let flow = self.answer(answer, out);
            if handled && (flow.is_continue() || !K::EMITS) {
                self.handled(&upstream, taken)?;
            }
            flow?;
            if chunk.ask > 0 {
                upstream.output.outlet.ask(tag, chunk.ask);
            }
        }
        self.chunks = chunks;
        ControlFlow::Continue(())
    }

    /// A subscription is over, and all its events are handled.
    fn lose(&mut self, tag: Tag, ended: Ended) -> Flow {
        let Some(up) = self.ups.remove(&tag) else {
            return ControlFlow::Continue(());
        };
        self.me.shared.gauges.unlink(tag);
        let mut out = Emit::new();
        let answer = self.kind.lost(&up.upstream, &ended, &mut out);
        self.answer(answer, out)?;
        let reason = ended.reason();
        // A refusal is no reason to end while other subscriptions go on: this one never began.
        if matches!(reason, Reason::Refused(_)) && !self.ups.is_empty() {
            return ControlFlow::Continue(());
        }
        self.end_for(reason, up.at_end)
    }

    /// A producer is gone, and does not come again. In the middle this waits until the events before it are handled.
    pub(super) fn orphaned(&mut self, reason: Reason, mode: Cancel) -> Flow {
        if !self.incoming.is_empty() {
            self.incoming.push_back(Incoming::Orphaned(reason, mode));
            return ControlFlow::Continue(());
        }
        self.end_for(&reason, mode)
    }

    /// Ends the stage if the end of a subscription for this reason does that.
    fn end_for(&mut self, reason: &Reason, mode: Cancel) -> Flow {
        let ends = match mode {
            Cancel::Permanent => true,
            Cancel::Transient => !reason.is_good(),
            Cancel::Temporary => false,
        };
        match ends {
            false => ControlFlow::Continue(()),
            // What was made of the events that came is given away first.
            true if reason.is_good() => self.finish(reason.clone()),
            true => ControlFlow::Break(reason.clone()),
        }
    }
}
