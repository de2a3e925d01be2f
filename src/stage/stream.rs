//! Stages as an iterator: the caller's thread is the consumer.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::vec;

use ahash::RandomState;
use crossbeam_channel::{Receiver, Sender, unbounded};

use super::demand::{Chunk, Demand};
use super::port::{Emits, Inlet, Join, Joining, Output};
use super::reason::{DemandMode, Ended, Reason};
use super::subscription::{Cancel, StageId, Subscription, Tag};
use crate::error::Error;

/// Events of stages, as an iterator: see [`stream`].
pub struct Stream<E> {
    inbox: Receiver<Word<E>>,
    producers: HashMap<Tag, Producer<E>, RandomState>,
    /// Events that have come and are not handed out.
    chunks: VecDeque<Chunk<E>>,
    batch: vec::IntoIter<E>,
    /// Whose chunks these are, and what to ask for behind the batch.
    from: Option<Tag>,
    ask: u64,
    /// How many events the batch had.
    len: u64,
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

struct Port<E>(Sender<Word<E>>);

impl<E: Send> Inlet<E> for Port<E> {
    fn events(&self, tag: Tag, events: Vec<E>) {
        // A stream that is dropped has cancelled.
        let _ = self.0.send(Word::Events(tag, events));
    }
    fn ended(&self, tag: Tag, ended: Ended) {
        let _ = self.0.send(Word::Ended(tag, ended));
    }
}

/// Subscribes to stages and gives their events as an iterator. The thread that takes the events is the consumer: it asks
/// for more as it takes.
///
/// The iterator ends when all subscriptions have ended. One that ends for a good reason is simply over, and the others go on;
/// one that ends for another, or whose producer had ended before, is an error that ends the iterator, unless it is
/// [temporary](Cancel::Temporary): then it is simply over too.
///
/// An error is the last item. Dropping the iterator cancels the subscriptions. Producers that collect demand go on doing so:
/// see [`forward`](Stream::forward).
///
/// # Errors
/// Options that cannot work; the message names the producer.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Subscription};
///
/// let letters = stage::from_iter('a'..='c').start()?;
/// let stream = stage::stream([(&letters, Subscription::new())])?;
/// assert_eq!(stream.collect::<Result<String, _>>()?, "abc");
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn stream<E, P>(
    subscriptions: impl IntoIterator<Item = (P, Subscription<E>)>,
) -> Result<Stream<E>, Error>
where
    E: Send + 'static,
    P: Emits<Event = E>,
{
    let mut wanted = Vec::new();
    for (producer, options) in subscriptions {
        let output = producer.output();
        options
            .check()
            .map_err(|error| error.of_stage(output.name()))?;
        wanted.push((output, options));
    }
    let (sender, inbox) = unbounded();
    let inlet: Arc<dyn Inlet<E>> = Arc::new(Port(sender));
    let id = StageId::new();
    let mut producers = HashMap::with_hasher(RandomState::new());
    for (output, options) in wanted {
        let tag = Tag::new();
        output.outlet.subscribe(Joining::new(Join {
            tag,
            wants: options.wants(id),
            inlet: inlet.clone(),
            redelivery: options.redelivery(),
        }));
        let mut demand = options.demand();
        let first = demand.first();
        if first > 0 {
            output.outlet.ask(tag, first);
        }
        let at_end = options.at_end();
        producers.insert(
            tag,
            Producer {
                output,
                demand,
                at_end,
                acknowledges: options.redelivery().is_some(),
            },
        );
    }
    Ok(Stream {
        inbox,
        producers,
        chunks: VecDeque::new(),
        batch: Vec::new().into_iter(),
        from: None,
        ask: 0,
        len: 0,
    })
}

impl<E> Stream<E> {
    /// Sets its producers to forward demand, now that it has subscribed.
    pub fn forward(self) -> Self {
        for producer in self.producers.values() {
            producer.output.outlet.demand(DemandMode::Forward);
        }
        self
    }

    /// The next batch of those that have come; asks for more behind the one before.
    fn advance(&mut self) -> bool {
        if let Some(tag) = self.from {
            let ask = std::mem::take(&mut self.ask);
            let taken = std::mem::take(&mut self.len);
            if let Some(producer) = self.producers.get(&tag) {
                let outlet = &producer.output.outlet;
                if producer.acknowledges && taken > 0 {
                    outlet.acknowledge(tag, taken);
                }
                if ask > 0 {
                    outlet.ask(tag, ask);
                }
            }
        }
        match self.chunks.pop_front() {
            Some(chunk) => {
                self.ask = chunk.ask;
                self.len = chunk.events.len() as u64;
                self.batch = chunk.events.into_iter();
                true
            }
            None => false,
        }
    }

    /// The error that the end of a subscription is.
    fn lose(&mut self, tag: Tag, ended: &Ended) -> Option<Error> {
        let producer = self.producers.remove(&tag)?;
        if producer.at_end == Cancel::Temporary {
            return None;
        }
        let error = ended.reason().outcome().err()?;
        Some(error.of_stage(producer.output.name()))
    }

    fn cancel(&mut self) {
        for (tag, producer) in self.producers.drain() {
            let ended = match producer.acknowledges {
                // Whoever is told of a cancel waits for what is on the way to be handled; here it never is.
                true => Ended::Down(Reason::Normal),
                false => Ended::Cancelled(Reason::Normal),
            };
            producer.output.outlet.cancel(tag, ended);
        }
    }
}

impl<E> Iterator for Stream<E> {
    type Item = Result<E, Error>;

    fn next(&mut self) -> Option<Result<E, Error>> {
        loop {
            if let Some(event) = self.batch.next() {
                return Some(Ok(event));
            }
            if self.advance() {
                continue;
            }
            if self.producers.is_empty() {
                return None;
            }
            match self.inbox.recv().ok()? {
                Word::Events(tag, events) => {
                    if let Some(producer) = self.producers.get_mut(&tag) {
                        producer.demand.cut(events, &mut self.chunks);
                        self.from = Some(tag);
                    }
                }
                Word::Ended(tag, ended) => {
                    if let Some(error) = self.lose(tag, &ended) {
                        self.cancel();
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}

impl<E> Drop for Stream<E> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<E> fmt::Debug for Stream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("producers", &self.producers.len())
            .field("waiting", &(self.batch.len() + self.chunks.len()))
            .finish_non_exhaustive()
    }
}
