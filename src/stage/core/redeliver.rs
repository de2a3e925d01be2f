//! Redelivery in a running stage: acknowledgements that come and go, and consumers that are gone or come again. What is
//! kept for it is in `unsettled`.

use std::ops::ControlFlow;

use super::super::dispatch::InfoId;
use super::super::kind::Kind;
use super::super::port::Upstream;
use super::super::subscription::{Tag, Wants};
use super::unsettled::{Batch, Kept};
use super::{Core, Flow};

impl<K: Kind> Core<K> {
    /// Events of a subscription that acknowledges were handled, and what they made is emitted.
    pub(super) fn handled(&mut self, upstream: &Upstream<K::In>, n: u64) -> Flow {
        if !Self::MIDDLE {
            upstream.output.outlet.acknowledge(upstream.tag, n);
            return ControlFlow::Continue(());
        }
        self.mark(vec![(upstream.clone(), n)])
    }

    fn mark(&mut self, handled: Vec<(Upstream<K::In>, u64)>) -> Flow {
        let info = InfoId(self.next_info);
        self.next_info += 1;
        self.unsettled.mark(info, handled);
        self.place_behind(info)
    }

    /// An info's turn has come that is none of the user's: all that was emitted before a mark has been sent.
    pub(super) fn marked(&mut self, info: InfoId) {
        let unsettled = &mut self.unsettled;
        if let Some(number) = unsettled.marks.remove(&info) {
            unsettled.current = unsettled.current.max(number + 1);
            unsettled.release();
        }
    }

    /// A consumer is done with so many more events.
    pub(super) fn acknowledged(&mut self, tag: Tag, n: u64) {
        if let Some(down) = self.downs.get_mut(&tag) {
            if let Some(kept) = &mut down.kept {
                self.unsettled.acknowledged(kept, n);
            }
        } else if let Some(mut kept) = self.unsettled.lingering.remove(&tag) {
            self.unsettled.acknowledged(&mut kept, n);
            self.unsettled.linger(tag, kept);
        }
    }

    /// Gives a consumer what another of its name had not handled, as far as it has asked; returns how much.
    pub(super) fn give_again(&mut self, tag: Tag, n: u64) -> u64 {
        let Some(down) = self.downs.get_mut(&tag) else {
            return 0;
        };
        let Some(kept) = &mut down.kept else {
            return 0;
        };
        let mut given = 0;
        while given < n {
            let Some(mut batch) = kept.again.pop_front() else {
                break;
            };
            let room = usize::try_from(n - given).unwrap_or(usize::MAX);
            if batch.events.len() > room {
                let rest = batch.events.split_off(room);
                kept.again.push_front(Batch {
                    events: rest,
                    span: batch.span,
                });
                self.unsettled.batches += 1;
                self.unsettled.open(batch.span);
            }
            given += batch.events.len() as u64;
            let events = (kept.how.copy)(batch.events.make_contiguous());
            kept.sent.push_back(batch);
            down.line.events(tag, events.into());
        }
        given
    }

    /// A subscription that is over already: its consumer, which was to handle what is on the way, is gone.
    pub(super) fn gone(&mut self, tag: Tag) -> Flow {
        match self.unsettled.lingering.remove(&tag) {
            Some(kept) => match self.unsettled.hold(tag, kept, false) {
                Some(kept) => self.redeliver(*kept),
                None => ControlFlow::Continue(()),
            },
            None => ControlFlow::Continue(()),
        }
    }

    /// Has the dispatcher take a consumer, which may be the restart of one that has a place there. Returns the new
    /// demand.
    pub(super) fn seat(
        &mut self,
        tag: Tag,
        wants: &Wants<K::Out>,
        seat: Option<Tag>,
    ) -> Result<u64, String> {
        let Some(old) = seat else {
            return self.dispatcher.subscribe(tag, wants);
        };
        // The old one goes when the new one is there, so that a broadcast does not pass by; but a partition has only one.
        match self.dispatcher.subscribe(tag, wants) {
            Ok(demand) => Ok(demand.saturating_add(self.dispatcher.cancel(old, &mut self.outbox))),
            Err(_) => {
                let freed = self.dispatcher.cancel(old, &mut self.outbox);
                let demand = self.dispatcher.subscribe(tag, wants)?;
                Ok(demand.saturating_add(freed))
            }
        }
    }

    /// The consumer is gone: others get what it has not handled.
    pub(super) fn redeliver(&mut self, kept: Kept<K::Out>) -> Flow {
        let unsettled = &mut self.unsettled;
        let mut events = Vec::new();
        for batch in kept.sent {
            unsettled.batches -= 1;
            unsettled.close(batch.span);
            events.extend(batch.events);
        }
        if events.is_empty() {
            return ControlFlow::Continue(());
        }
        let rest = self.share(events)?;
        self.buffer.put_back(rest);
        // What they were made of is settled when they are: it goes behind a new mark, with all that came since.
        let spans = self.unsettled.spans.iter_mut();
        let handled: Vec<_> = spans.flat_map(|span| span.handled.drain(..)).collect();
        if handled.is_empty() {
            return ControlFlow::Continue(());
        }
        self.mark(handled)
    }
}
