//! Redelivery: options of a subscription by which the producer keeps what it sends until the consumer is done with it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::subscription::Subscription;

/// How the producer's end of a subscription keeps events. The copying is a function pointer, so that only who asks for
/// redelivery needs events that can be cloned.
pub(crate) struct Redelivery<E> {
    pub(crate) copy: fn(&[E]) -> VecDeque<E>,
    /// Who gets what is left: the next subscription of this name, or whoever the dispatcher chooses.
    pub(crate) to: Option<Arc<str>>,
}

impl<E> Clone for Redelivery<E> {
    fn clone(&self) -> Self {
        Redelivery {
            copy: self.copy,
            to: self.to.clone(),
        }
    }
}

impl<E> fmt::Debug for Redelivery<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redelivery").field("to", &self.to).finish()
    }
}

fn copied<E: Clone>(events: &[E]) -> VecDeque<E> {
    events.iter().cloned().collect()
}

/// Redelivery: at least once instead of at most once.
impl<E: Clone> Subscription<E> {
    /// Events that the consumer got and had not handled when it ended go to others: the producer's dispatcher shares them
    /// out again, before newer ones. Without this they are lost.
    ///
    /// The producer keeps a clone of each event it sends until the consumer says that it is done with it. For dear
    /// events take an [`Arc`] of them. A subscription without this costs nothing for it.
    ///
    /// **When an event is done with.** In a consumer, when the call of `handle_events` that it was given to has
    /// returned `Ok`. In a producer-consumer, when moreover all that the stage had emitted up to then has been sent,
    /// and done with by those of its consumers that have redelivery themselves. So with redelivery on every
    /// subscription of a pipeline, an event stays with the first producer until the last consumer is done with what was
    /// made of it. In a [stream](super::stream), when the item behind its batch is taken.
    ///
    /// **What may be seen twice.** Of a consumer that ended: the events of the one call of `handle_events` that did not
    /// return `Ok`, if it had done something with them. Of a producer-consumer that ended: also events whose results
    /// had been sent and were not done with. Nothing is seen twice if no stage fails. The order of events is kept but
    /// for those that come again.
    ///
    /// **What can still be lost.** What a producer has in its buffer, or keeps, when it ends itself: its restart knows
    /// nothing of it; a source that must lose nothing keeps its position outside of the stage. What a
    /// buffer drops that is full, which is counted. What a producer-consumer holds in its own fields. Events a callback
    /// drops. An event that fails every consumer is tried again for ever, or until a supervisor has had enough.
    ///
    /// A producer that is [done](super::Next::Done) ends when all is done with, so its consumers can fail until the
    /// last event. With a [`Broadcast`](super::dispatch::Broadcast) all consumers get again what one of them had not
    /// handled: use [`redeliver_to`](Subscription::redeliver_to) there.
    ///
    /// # Examples
    /// ```
    /// use millstream::stage::{self, Cancel, Next, Subscription};
    /// use std::sync::mpsc::channel;
    ///
    /// let numbers = stage::from_iter(1..=6u64).start()?;
    /// let few = Subscription::new().max_demand(2).redeliver();
    ///
    /// // Fails at the second batch.
    /// let mut batches = 0;
    /// let fails = stage::for_each_batch(move |_: Vec<u64>| {
    ///     batches += 1;
    ///     if batches == 2 { Err("no more".into()) } else { Ok(Next::Go) }
    /// });
    /// let fails = fails.subscribe_to(&numbers, few.clone()).start()?;
    /// assert!(fails.join().is_err());
    ///
    /// // One event a batch: the first was handled, the second and third come again.
    /// let rest = stage::stream([(&numbers, few)])?;
    /// assert_eq!(rest.collect::<Result<Vec<_>, _>>()?, [2, 3, 4, 5, 6]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn redeliver(self) -> Self {
        self.with_redelivery(Redelivery {
            copy: copied,
            to: None,
        })
    }

    /// As [`redeliver`](Subscription::redeliver), but what is left waits for the next subscription of this name to the
    /// same producer, and is the first that it gets: for consumers that have events of their own, as those of a
    /// broadcast or of a partition have, and that are restarted.
    ///
    /// Until then the consumer's place is kept: it gets what it had asked for, at most `max_demand` events that wait
    /// with the rest, and then a broadcast waits for it as it waits for its slowest. So nothing passes by, and if
    /// nobody of that name comes, a broadcast waits for ever, and so does a producer that is done. Only a consumer that
    /// ended with [`Reason::Normal`](super::Reason::Normal) wanted no more: its place is given up, and what it had not
    /// handled is dropped.
    ///
    /// # Examples
    /// ```
    /// use millstream::stage::dispatch::Broadcast;
    /// use millstream::stage::{self, Answer, DemandMode, Subscription};
    ///
    /// let numbers = stage::from_iter(0..5u64)
    ///     .dispatcher(Broadcast::new())
    ///     .demand(DemandMode::Accumulate)
    ///     .start()?;
    /// let two = |name| Subscription::new().max_demand(2).redeliver_to(name);
    /// let fails = stage::for_each_batch(|_: Vec<u64>| -> Answer { Err("not today".into()) });
    /// let fails = fails.subscribe_to(&numbers, two("a")).start()?;
    /// let b = stage::stream([(&numbers, two("b"))])?;
    /// numbers.set_demand(DemandMode::Forward)?;
    /// assert!(fails.join().is_err());
    ///
    /// // Its restart misses nothing, and the other gets nothing twice.
    /// let a = stage::stream([(&numbers, two("a"))])?;
    /// let b = std::thread::spawn(move || b.collect::<Result<Vec<_>, _>>());
    /// assert_eq!(a.collect::<Result<Vec<_>, _>>()?, [0, 1, 2, 3, 4]);
    /// assert_eq!(b.join().unwrap()?, [0, 1, 2, 3, 4]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn redeliver_to(self, name: impl AsRef<str>) -> Self {
        self.with_redelivery(Redelivery {
            copy: copied,
            to: Some(name.as_ref().into()),
        })
    }
}
