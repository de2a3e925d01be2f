//! Events that were sent and not yet acknowledged, and what a stage in the middle owes its producers meanwhile.
//!
//! Towards consumers: each subscription with redelivery has a queue of copies, which acknowledgements shorten. When the
//! consumer is gone, the rest is shared out again, or waits for a subscription of the same name. Until then the
//! dispatcher is not told: the *place* of the consumer is kept, with the demand it had, and what comes for it waits
//! with the rest. So a broadcast waits for it too, and nothing passes by.
//!
//! Towards producers, in the middle: an event may be acknowledged when all that was made of it is. So behind each chunk
//! that was handled an info, the *mark*, goes through the buffer and the dispatcher; when its turn comes, all events
//! emitted before it have been sent. Marks divide what is sent into *spans*; a span is settled when its mark has come,
//! and what was sent in it and in those before is acknowledged. Then the chunk is.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ahash::RandomState;

use super::super::dispatch::InfoId;
use super::super::port::Upstream;
use super::super::reason::{Ended, Reason};
use super::super::redelivery::Redelivery;
use super::super::subscription::Tag;

/// Copies of events that were sent together, or are to be sent again.
pub(super) struct Batch<E> {
    pub(super) events: VecDeque<E>,
    /// The span they were first sent in.
    pub(super) span: u64,
}

/// What the consumer of one subscription has got and not acknowledged.
pub(super) struct Kept<E> {
    pub(super) how: Redelivery<E>,
    pub(super) sent: VecDeque<Batch<E>>,
    /// What another of the same name had not handled: given to this one before anything new.
    pub(super) again: VecDeque<Batch<E>>,
}

/// What a consumer leaves behind.
pub(super) enum Left<E> {
    /// The dispatcher is told of its end; what is here goes to others.
    Free(Option<Box<Kept<E>>>),
    /// Its place is kept until it comes again.
    Waited,
}

/// The place of a consumer that is gone and comes again.
struct Place<E> {
    name: Arc<str>,
    /// Whether the dispatcher still gives it events.
    seated: bool,
    waiting: VecDeque<Batch<E>>,
}

/// What was sent between two marks.
pub(super) struct Span<E> {
    /// Chunks to acknowledge when it is settled.
    pub(super) handled: Vec<(Upstream<E>, u64)>,
    /// Batches that are not acknowledged.
    open: usize,
}

impl<E> Span<E> {
    fn new() -> Self {
        Span {
            handled: Vec::new(),
            open: 0,
        }
    }
}

/// All of a stage that waits for acknowledgements.
pub(super) struct Unsettled<In, Out> {
    middle: bool,
    /// How many batches are kept, by whoever.
    pub(super) batches: usize,
    /// Subscriptions that were cancelled and whose consumers handle what is on the way.
    pub(super) lingering: HashMap<Tag, Box<Kept<Out>>, RandomState>,
    /// Consumers that are gone and waited for, by the subscriptions they had.
    places: HashMap<Tag, Place<Out>, RandomState>,

    // In the middle. The last span is that of the next mark.
    pub(super) spans: VecDeque<Span<In>>,
    /// The number of the first span, and of the one that what is sent now belongs to.
    first: u64,
    pub(super) current: u64,
    pub(super) marks: HashMap<InfoId, u64, RandomState>,
}

impl<In, Out> Unsettled<In, Out> {
    pub(super) fn new(middle: bool) -> Self {
        Unsettled {
            middle,
            batches: 0,
            lingering: HashMap::with_hasher(RandomState::new()),
            places: HashMap::with_hasher(RandomState::new()),
            spans: VecDeque::from([Span::new()]),
            first: 0,
            current: 0,
            marks: HashMap::with_hasher(RandomState::new()),
        }
    }

    /// Whether all that was sent to be acknowledged is.
    pub(super) fn is_empty(&self) -> bool {
        self.batches == 0
    }

    /// A new subscription; it takes over the place that waits for its name longest. If the dispatcher knows that place,
    /// the tag it knows it by is given too.
    pub(super) fn keep(&mut self, how: Redelivery<Out>) -> (Box<Kept<Out>>, Option<Tag>) {
        let places = self.places.iter();
        let named = places.filter(|(_, place)| how.to.as_ref() == Some(&place.name));
        let first = named.map(|(tag, _)| *tag).min();
        let place = first.and_then(|tag| self.places.remove(&tag));
        let seat = first.filter(|_| place.as_ref().is_some_and(|place| place.seated));
        let kept = Kept {
            how,
            sent: VecDeque::new(),
            again: place.map(|place| place.waiting).unwrap_or_default(),
        };
        (Box::new(kept), seat)
    }

    /// Whether this is the place of a consumer that is waited for.
    pub(super) fn has_place(&self, tag: Tag) -> bool {
        self.places.contains_key(&tag)
    }

    /// Events for a consumer that is not there: they wait for it, if it has a place.
    pub(super) fn missed(&mut self, tag: Tag, events: Vec<Out>) {
        let span = self.current;
        if let Some(place) = self.places.get_mut(&tag) {
            let events = events.into();
            place.waiting.push_back(Batch { events, span });
            self.batches += 1;
            self.open(span);
        }
    }

    /// Keeps the place of a consumer that is gone, if it comes again; gives back what is not for its restart.
    pub(super) fn hold(
        &mut self,
        tag: Tag,
        mut kept: Box<Kept<Out>>,
        seated: bool,
    ) -> Option<Box<Kept<Out>>> {
        let Some(name) = kept.how.to.clone() else {
            return Some(kept);
        };
        kept.sent.append(&mut kept.again);
        let place = Place {
            name,
            seated,
            waiting: kept.sent,
        };
        if seated || !place.waiting.is_empty() {
            self.places.insert(tag, place);
        }
        None
    }

    /// Nobody is to get what a consumer had not handled: it wanted no more.
    fn give_up(&mut self, kept: Kept<Out>) {
        for batch in kept.sent.into_iter().chain(kept.again) {
            self.batches -= 1;
            self.close(batch.span);
        }
        self.release();
    }

    /// Events go out to a consumer.
    pub(super) fn sent(&mut self, kept: &mut Kept<Out>, events: &[Out]) {
        self.batches += 1;
        let span = self.current;
        self.open(span);
        let events = (kept.how.copy)(events);
        kept.sent.push_back(Batch { events, span });
    }

    /// A subscription has ended, and what its consumer has not handled goes where it has to.
    pub(super) fn part(
        &mut self,
        tag: Tag,
        kept: Option<Box<Kept<Out>>>,
        ended: &Ended,
    ) -> Left<Out> {
        let Some(kept) = kept else {
            return Left::Free(None);
        };
        match ended {
            Ended::Cancelled(_) => self.linger(tag, kept),
            // It wanted no more, so it is not waited for.
            Ended::Down(Reason::Normal) if kept.how.to.is_some() => self.give_up(*kept),
            Ended::Down(_) => {
                return match self.hold(tag, kept, true) {
                    Some(kept) => Left::Free(Some(kept)),
                    None => Left::Waited,
                };
            }
        }
        Left::Free(None)
    }

    /// A subscription is cancelled, but its consumer is there and handles what is on the way.
    pub(super) fn linger(&mut self, tag: Tag, mut kept: Box<Kept<Out>>) {
        if !kept.again.is_empty() {
            // Not sent yet: no acknowledgement will come. It waits under a tag of its own.
            let again = Kept {
                how: kept.how.clone(),
                sent: std::mem::take(&mut kept.again),
                again: VecDeque::new(),
            };
            self.hold(Tag::new(), Box::new(again), false);
        }
        if !kept.sent.is_empty() {
            self.lingering.insert(tag, kept);
        }
    }

    /// The consumer has handled so many more.
    pub(super) fn acknowledged(&mut self, kept: &mut Kept<Out>, n: u64) {
        let mut left = usize::try_from(n).unwrap_or(usize::MAX);
        while let Some(batch) = kept.sent.front_mut() {
            if batch.events.len() > left {
                batch.events.drain(..left);
                break;
            }
            left -= batch.events.len();
            let span = batch.span;
            kept.sent.pop_front();
            self.batches -= 1;
            self.close(span);
        }
        self.release();
    }

    pub(super) fn open(&mut self, span: u64) {
        if let Some(span) = self.span(span) {
            span.open += 1;
        }
    }

    pub(super) fn close(&mut self, span: u64) {
        if let Some(span) = self.span(span) {
            span.open -= 1;
        }
    }

    fn span(&mut self, number: u64) -> Option<&mut Span<In>> {
        if !self.middle {
            return None;
        }
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.spans.get_mut(index)
    }

    /// Puts chunks behind all that is emitted so far; the mark has to go there too.
    pub(super) fn mark(&mut self, info: InfoId, mut handled: Vec<(Upstream<In>, u64)>) {
        let number = self.first + self.spans.len() as u64 - 1;
        self.marks.insert(info, number);
        if let Some(span) = self.spans.back_mut() {
            span.handled.append(&mut handled);
        }
        self.spans.push_back(Span::new());
    }

    /// Acknowledges the chunks of spans that are settled.
    pub(super) fn release(&mut self) {
        while self.first < self.current && self.spans.front().is_some_and(|span| span.open == 0) {
            self.first += 1;
            for (upstream, n) in self.spans.pop_front().into_iter().flat_map(|s| s.handled) {
                upstream.output.outlet.acknowledge(upstream.tag, n);
            }
        }
    }

    /// Whoever is owed an acknowledgement, by subscription.
    pub(super) fn owed(&self) -> HashMap<Tag, &Upstream<In>, RandomState> {
        let handled = self.spans.iter().flat_map(|span| &span.handled);
        handled
            .map(|(upstream, _)| (upstream.tag, upstream))
            .collect()
    }
}
