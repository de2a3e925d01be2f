//! Stages as an iterator: the caller's thread is the consumer.

use std::fmt;
use std::vec;

use super::port::Emits;
use super::reason::{Ended, Reason};
use super::subscription::Subscription;
use super::taker::Taker;
use crate::error::Error;

/// Events of stages, as an iterator: see [`stream`].
pub struct Stream<E> {
    taker: Taker<E>,
    batch: vec::IntoIter<E>,
}

/// Subscribes to stages and gives their events as an iterator. The thread that takes the events is the consumer: it asks
/// for more as it takes.
///
/// The iterator ends when all subscriptions have ended. One that ends for a good reason is simply over, and the others go on;
/// one that ends for another, or whose producer had ended before, is an error that ends the iterator, unless it is
/// [temporary](crate::stage::Cancel::Temporary): then it is simply over too.
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
    let mut taker = Taker::new();
    for (output, options) in wanted {
        taker.subscribe(output, &options);
    }
    taker.begin();
    Ok(Stream {
        taker,
        batch: Vec::new().into_iter(),
    })
}

impl<E> Stream<E> {
    /// Sets its producers to forward demand, now that it has subscribed.
    pub fn forward(self) -> Self {
        self.taker.forward();
        self
    }
}

impl<E> Iterator for Stream<E> {
    type Item = Result<E, Error>;

    fn next(&mut self) -> Option<Result<E, Error>> {
        loop {
            if let Some(event) = self.batch.next() {
                return Some(Ok(event));
            }
            match self.taker.take_waiting() {
                Ok(batch) => self.batch = batch?.into_iter(),
                Err(error) => {
                    self.taker.leave(&Ended::Cancelled(Reason::Normal));
                    return Some(Err(error));
                }
            }
        }
    }
}

impl<E> fmt::Debug for Stream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("producers", &self.taker.producers())
            .field("waiting", &(self.batch.len() + self.taker.waiting()))
            .finish_non_exhaustive()
    }
}
