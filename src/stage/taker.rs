//! The consumer's end of subscriptions without a stage around it: whoever has it is the consumer, on a thread of its own.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use ahash::RandomState;
use crossbeam_channel::{Receiver, Select, Sender, unbounded};

use super::demand::{Chunk, Demand};
use super::port::{Inlet, Join, Joining, Output};
use super::reason::{DemandMode, Ended, Reason};
use super::subscription::{Cancel, StageId, Subscription, Tag};
use crate::error::Error;

/// Subscriptions, and what has come of them. Dropping it cancels them for [`Reason::Normal`].
pub(crate) struct Taker<E> {
    id: StageId,
    inlet: Arc<dyn Inlet<E>>,
    /// Bounded by what was asked for.
    inbox: Receiver<Word<E>>,
    producers: HashMap<Tag, Producer<E>, RandomState>,
    /// Events of one message that have come and are not handed out, and whose they are.
    chunks: VecDeque<Chunk<E>>,
    from: Option<Tag>,
    /// What to ask for once the chunk handed out last is worked through.
    due: u64,
    /// How many events that chunk had.
    taken: u64,
}

struct Producer<E> {
    output: Output<E>,
    demand: Demand,
    at_end: Cancel,
    /// Whether the producer keeps events until it is told that they are taken.
    acknowledges: bool,
}

enum Word<E> {
    Events(Tag, Vec<E>),
    Ended(Tag, Ended),
}

/// What there is to be had.
pub(crate) enum Taken<E> {
    /// The next chunk; the one before is worked through.
    Chunk(Vec<E>),
    /// Nothing now.
    Nothing,
    /// Nothing any more: all subscriptions have ended.
    End,
}

struct Port<E>(Sender<Word<E>>);

impl<E: Send> Inlet<E> for Port<E> {
    fn events(&self, tag: Tag, events: Vec<E>) {
        // Whoever takes no more has cancelled.
        let _ = self.0.send(Word::Events(tag, events));
    }
    fn ended(&self, tag: Tag, ended: Ended) {
        let _ = self.0.send(Word::Ended(tag, ended));
    }
}

impl<E: Send + 'static> Taker<E> {
    pub(crate) fn new() -> Self {
        let (sender, inbox) = unbounded();
        Taker {
            id: StageId::new(),
            inlet: Arc::new(Port(sender)),
            inbox,
            producers: HashMap::with_hasher(RandomState::new()),
            chunks: VecDeque::new(),
            from: None,
            due: 0,
            taken: 0,
        }
    }

    /// Subscribes with options that were checked. Nothing comes before [`begin`](Taker::begin).
    pub(crate) fn subscribe(&mut self, output: Output<E>, options: &Subscription<E>) -> Tag {
        let tag = Tag::new();
        output.outlet.subscribe(Joining::new(Join {
            tag,
            wants: options.wants(self.id),
            inlet: self.inlet.clone(),
            redelivery: options.redelivery(),
            link: None,
        }));
        let producer = Producer {
            output,
            demand: options.demand(),
            at_end: options.at_end(),
            acknowledges: options.redelivery().is_some(),
        };
        self.producers.insert(tag, producer);
        tag
    }
}

impl<E> Taker<E> {
    /// Asks all producers for the first time.
    pub(crate) fn begin(&mut self) {
        for (tag, producer) in &mut self.producers {
            let first = producer.demand.first();
            if first > 0 {
                producer.output.outlet.ask(*tag, first);
            }
        }
    }

    /// How many subscriptions have not ended.
    pub(crate) fn producers(&self) -> usize {
        self.producers.len()
    }

    /// How many events have come in the message being handed out and are not.
    pub(crate) fn waiting(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.events.len()).sum()
    }

    /// The next chunk, if one has come; asks for more behind the one before. The end of a subscription that counts as a
    /// failure is an error, which names the producer.
    pub(crate) fn take(&mut self) -> Result<Taken<E>, Error> {
        loop {
            if let Some(chunk) = self.advance() {
                return Ok(Taken::Chunk(chunk));
            }
            if self.producers.is_empty() {
                return Ok(Taken::End);
            }
            match self.inbox.try_recv() {
                Ok(word) => self.hear(word)?,
                // It has a sender itself, so this is for now.
                Err(_) => return Ok(Taken::Nothing),
            }
        }
    }

    /// The same, but waits; there is none when all subscriptions have ended.
    pub(crate) fn take_waiting(&mut self) -> Result<Option<Vec<E>>, Error> {
        loop {
            if let Some(chunk) = self.advance() {
                return Ok(Some(chunk));
            }
            if self.producers.is_empty() {
                return Ok(None);
            }
            match self.inbox.recv() {
                Ok(word) => self.hear(word)?,
                Err(_) => return Ok(None),
            }
        }
    }

    /// Blocks until something may have come, or until then.
    pub(crate) fn wait(&self, until: Instant) {
        let mut select = Select::new();
        select.recv(&self.inbox);
        // Whether it is ready or the time has passed, the next take finds out.
        let _ = select.ready_deadline(until);
    }

    fn advance(&mut self) -> Option<Vec<E>> {
        let due = std::mem::take(&mut self.due);
        let taken = std::mem::take(&mut self.taken);
        if let Some((tag, producer)) = self
            .from
            .and_then(|tag| Some((tag, self.producers.get(&tag)?)))
        {
            let outlet = &producer.output.outlet;
            if producer.acknowledges && taken > 0 {
                outlet.acknowledge(tag, taken);
            }
            if due > 0 {
                outlet.ask(tag, due);
            }
        }
        let chunk = self.chunks.pop_front()?;
        self.due = chunk.ask;
        self.taken = chunk.events.len() as u64;
        Some(chunk.events)
    }

    fn hear(&mut self, word: Word<E>) -> Result<(), Error> {
        match word {
            Word::Events(tag, events) => {
                if let Some(producer) = self.producers.get_mut(&tag) {
                    producer.demand.cut(events, &mut self.chunks);
                    self.from = Some(tag);
                }
                Ok(())
            }
            Word::Ended(tag, ended) => self.lose(tag, &ended),
        }
    }

    fn lose(&mut self, tag: Tag, ended: &Ended) -> Result<(), Error> {
        match self.producers.remove(&tag) {
            Some(producer) if producer.at_end != Cancel::Temporary => {
                let outcome = ended.reason().outcome();
                outcome.map_err(|error| error.of_stage(producer.output.name()))
            }
            _ => Ok(()),
        }
    }

    /// Sets the producers to forward demand.
    pub(crate) fn forward(&self) {
        for producer in self.producers.values() {
            producer.output.outlet.demand(DemandMode::Forward);
        }
    }

    /// Asks the producers for the end: what was sent before still comes, then the subscriptions end.
    pub(crate) fn cancel(&self) {
        for (tag, producer) in &self.producers {
            let ended = Ended::Cancelled(Reason::Normal);
            producer.output.outlet.cancel(*tag, ended);
        }
    }

    /// Leaves: the producers are told, and nothing is taken any more.
    pub(crate) fn leave(&mut self, ended: &Ended) {
        for (tag, producer) in self.producers.drain() {
            let ended = match ended {
                // Whoever is told of a cancel waits for what is on the way to be handled; here it never is.
                Ended::Cancelled(reason) if producer.acknowledges => Ended::Down(reason.clone()),
                ended => ended.clone(),
            };
            producer.output.outlet.cancel(tag, ended);
        }
    }
}

impl<E> Drop for Taker<E> {
    fn drop(&mut self) {
        self.leave(&Ended::Cancelled(Reason::Normal));
    }
}
