//! The two ends of a subscription as each sees the other: typed by the event, whatever the stage behind.

use std::fmt;
use std::sync::Arc;

use super::gauges::Link;
use super::reason::{DemandMode, Ended, Reason};
use super::redelivery::Redelivery;
use super::subscription::{StageId, Tag, Wants};

/// A consumer as its producers see it.
pub(crate) trait Inlet<E>: Send + Sync {
    /// Events it asked for. What a consumer that is gone gets is dropped.
    fn events(&self, tag: Tag, events: Vec<E>);
    /// The end of a subscription; nothing comes after it.
    fn ended(&self, tag: Tag, ended: Ended);
}

/// A producer as its consumers see it. One that is gone ignores all, but answers a subscription with its end.
pub(crate) trait Outlet<E>: Send + Sync {
    fn subscribe(&self, joining: Joining<E>);
    fn ask(&self, tag: Tag, n: u64);
    fn cancel(&self, tag: Tag, ended: Ended);
    fn demand(&self, mode: DemandMode);
    /// The consumer is done with so many more events; only for subscriptions with redelivery.
    fn acknowledge(&self, tag: Tag, n: u64) {
        let _ = (tag, n);
    }
}

/// What a producer needs to know of a consumer.
pub(crate) struct Join<E> {
    pub(crate) tag: Tag,
    pub(crate) wants: Wants<E>,
    pub(crate) inlet: Arc<dyn Inlet<E>>,
    /// Whether the producer keeps what it sends until it is acknowledged.
    pub(crate) redelivery: Option<Redelivery<E>>,
    /// Where what is sent is counted, if somebody may look.
    pub(crate) link: Option<Arc<Link>>,
}

/// A subscription on its way. If it never comes to a stage (the mailbox it lies in is dropped), the consumer is told.
pub(crate) struct Joining<E>(Option<Join<E>>);

impl<E> Joining<E> {
    pub(crate) fn new(join: Join<E>) -> Self {
        Joining(Some(join))
    }

    /// It came to a stage, which now has to tell the consumer of its end.
    pub(crate) fn arrive(mut self) -> Option<Join<E>> {
        self.0.take()
    }
}

impl<E> Drop for Joining<E> {
    fn drop(&mut self) {
        if let Some(join) = self.0.take() {
            join.inlet.ended(join.tag, Ended::Down(Reason::NoStage));
        }
    }
}

/// Where events of one type can be had: a producer or producer-consumer, whatever its own type. It does not own the
/// stage, and clones are cheap.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Emits, Output, Subscription};
///
/// let numbers = stage::from_iter(0..3u64).start()?;
/// let squares = stage::from_iter((0..3u64).map(|n| n * n)).start()?;
/// let both: Vec<Output<u64>> = vec![numbers.output(), squares.output()];
/// let events = stage::stream(both.iter().map(|output| (output, Subscription::new())))?;
/// assert_eq!(events.map(|event| event.unwrap()).sum::<u64>(), 3 + 5);
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Output<E> {
    pub(crate) id: StageId,
    pub(crate) name: Arc<str>,
    pub(crate) outlet: Arc<dyn Outlet<E>>,
}

impl<E> Output<E> {
    /// The stage's name in this process.
    pub fn id(&self) -> StageId {
        self.id
    }

    /// The name the stage was given.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<E> Clone for Output<E> {
    fn clone(&self) -> Self {
        Output {
            id: self.id,
            name: self.name.clone(),
            outlet: self.outlet.clone(),
        }
    }
}

impl<E> fmt::Debug for Output<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("stage", &self.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What consumers can subscribe to: references and handles of producers and producer-consumers, and [`Output`]s.
pub trait Emits {
    /// The events to be had.
    type Event;
    /// Where to have them.
    fn output(&self) -> Output<Self::Event>;
}

impl<E> Emits for Output<E> {
    type Event = E;
    fn output(&self) -> Output<E> {
        self.clone()
    }
}

impl<T: Emits> Emits for &T {
    type Event = T::Event;
    fn output(&self) -> Output<T::Event> {
        (**self).output()
    }
}

/// A subscription as the consumer sees it: what its callbacks get as the origin of events.
///
/// Clones are cheap and may go to other threads, such as one that asks at its own pace.
///
/// # Examples
/// ```
/// use millstream::BoxError;
/// use millstream::stage::{self, Answer, Asking, Consumer, Next, Upstream, Subscription};
/// use std::sync::mpsc::{Sender, channel};
///
/// /// Hands its subscription to somebody else, who asks.
/// struct Remote(Sender<Upstream<u64>>, Sender<Vec<u64>>);
///
/// impl Consumer for Remote {
///     type Event = u64;
///     fn handle_subscribe(&mut self, producer: &Upstream<u64>) -> Result<Asking, BoxError> {
///         self.0.send(producer.clone())?;
///         Ok(Asking::Manual)
///     }
///     fn handle_events(&mut self, batch: Vec<u64>, _: &Upstream<u64>) -> Answer {
///         self.1.send(batch)?;
///         Ok(Next::Go)
///     }
/// }
///
/// let ((buttons, button), (batches, received)) = (channel(), channel());
/// let numbers = stage::from_iter(0..100u64).start()?;
/// let remote = stage::consumer(Remote(buttons, batches))
///     .subscribe_to(&numbers, Subscription::new())
///     .start()?;
/// let button = button.recv().unwrap();
/// button.ask(3);
/// assert_eq!(received.recv().unwrap(), [0, 1, 2]);
/// button.ask(1);
/// assert_eq!(received.recv().unwrap(), [3]);
/// remote.stop()?;
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Upstream<E> {
    pub(crate) tag: Tag,
    pub(crate) output: Output<E>,
    /// The subscription's `max_demand` and `min_demand`.
    pub(crate) bounds: (u64, u64),
    /// Whether the producer keeps events until it is told that they are handled.
    pub(crate) acknowledges: bool,
}

impl<E> Upstream<E> {
    /// The name of the subscription.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// The producer.
    pub fn producer(&self) -> &Output<E> {
        &self.output
    }

    /// The subscription's `max_demand`.
    pub fn max_demand(&self) -> u64 {
        self.bounds.0
    }

    /// The subscription's `min_demand`.
    pub fn min_demand(&self) -> u64 {
        self.bounds.1
    }

    /// Asks for so many more events; for subscriptions with [`Asking::Manual`](super::Asking::Manual). None, or an
    /// ended subscription, is no error: nothing happens.
    pub fn ask(&self, n: usize) {
        if n > 0 {
            self.output.outlet.ask(self.tag, n as u64);
        }
    }

    /// Ends the subscription. Both ends get it in `handle_cancel`: the producer first, then, behind the events
    /// under way, the consumer, which then does what its subscription's `cancel` says.
    pub fn cancel(&self, reason: Reason) {
        let ended = Ended::Cancelled(reason);
        self.output.outlet.cancel(self.tag, ended);
    }
}

impl<E> Clone for Upstream<E> {
    fn clone(&self) -> Self {
        Upstream {
            tag: self.tag,
            output: self.output.clone(),
            bounds: self.bounds,
            acknowledges: self.acknowledges,
        }
    }
}

impl<E> fmt::Debug for Upstream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("tag", &self.tag)
            .field("producer", &self.output.name)
            .finish()
    }
}

/// Ends subscriptions of a producer, whatever its events.
pub(crate) trait Cuts: Send + Sync {
    fn cut(&self, tag: Tag, ended: Ended);
}

/// A subscription as the producer sees it.
#[derive(Clone)]
pub struct Downstream {
    pub(crate) tag: Tag,
    pub(crate) consumer: StageId,
    pub(crate) producer: Arc<dyn Cuts>,
}

impl Downstream {
    /// The name of the subscription.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// The consumer.
    pub fn consumer(&self) -> StageId {
        self.consumer
    }

    /// Ends the subscription, as [`Upstream::cancel`] does from the other side.
    pub fn cancel(&self, reason: Reason) {
        self.producer.cut(self.tag, Ended::Cancelled(reason));
    }
}

impl fmt::Debug for Downstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Downstream")
            .field("tag", &self.tag)
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}
