//! Stages from closures and iterators, for when a trait is too much.

use std::fmt;
use std::marker::PhantomData;

use super::emit::Emit;
use super::kind::{Consumes, Produces, Transforms};
use super::port::{Downstream, Upstream};
use super::reason::{Answer, Ended, Next, Reason};
use super::start::{self, Builder};
use super::{Consumer, Producer, ProducerConsumer};

/// The producer of [`from_fn`].
pub struct FromFn<E, F> {
    emit: F,
    events: PhantomData<fn() -> E>,
}

impl<E: Send + 'static, F> Producer for FromFn<E, F>
where
    F: FnMut(usize, &mut Emit<E>) -> Answer + Send + 'static,
{
    type Event = E;

    fn handle_demand(&mut self, n: usize, out: &mut Emit<E>) -> Answer {
        (self.emit)(n, out)
    }
}

impl<E, F> fmt::Debug for FromFn<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").finish_non_exhaustive()
    }
}

/// A producer from a closure that is told how many events are wanted, as
/// [`handle_demand`](Producer::handle_demand) is.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Next, Subscription};
///
/// let mut line = 0;
/// let lines = stage::from_fn(move |n, out| {
///     for _ in 0..n {
///         line += 1;
///         out.push(format!("line {line}"));
///     }
///     Ok(Next::Go)
/// });
/// let lines = lines.start()?;
/// let mut stream = stage::stream([(&lines, Subscription::new().max_demand(2))])?;
/// assert_eq!(stream.next().unwrap()?, "line 1");
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn from_fn<E, F>(emit: F) -> Builder<Produces<FromFn<E, F>>>
where
    E: Send + 'static,
    F: FnMut(usize, &mut Emit<E>) -> Answer + Send + 'static,
{
    start::producer(FromFn {
        emit,
        events: PhantomData,
    })
}

/// What a producer from an iterator does when the last of its consumers is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnCancel {
    /// It waits for others, and goes on where it was.
    #[default]
    Continue,
    /// It ends normally.
    Stop,
}

/// The producer of [`from_iter`].
pub struct FromIter<I> {
    iter: I,
    consumers: usize,
    on_cancel: OnCancel,
}

impl<I> Producer for FromIter<I>
where
    I: Iterator<Item: Send> + Send + 'static,
{
    type Event = I::Item;

    fn handle_demand(&mut self, n: usize, out: &mut Emit<I::Item>) -> Answer {
        out.extend(self.iter.by_ref().take(n));
        Ok(if out.len() < n { Next::Done } else { Next::Go })
    }

    fn handle_subscribe(&mut self, _: &Downstream, _: &mut Emit<I::Item>) -> Answer {
        self.consumers += 1;
        Ok(Next::Go)
    }

    fn handle_cancel(&mut self, _: &Downstream, _: &Ended, _: &mut Emit<I::Item>) -> Answer {
        self.consumers -= 1;
        let stops = self.consumers == 0 && self.on_cancel == OnCancel::Stop;
        Ok(match stops {
            true => Next::Stop(Reason::Normal),
            false => Next::Go,
        })
    }
}

impl<I> fmt::Debug for FromIter<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromIter")
            .field("consumers", &self.consumers)
            .field("on_cancel", &self.on_cancel)
            .finish_non_exhaustive()
    }
}

/// A producer of an iterator's items. It takes exactly as many as are demanded, and ends normally when there are no more
/// and the last are taken.
///
/// It hands over what was demanded at once: if the iterator waits for its items, ask for few at a time
/// ([`max_demand`](super::Subscription::max_demand)), or nothing flows until so many are there.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Subscription};
///
/// let words = stage::from_iter(["a", "b", "c"]).start()?;
/// let stream = stage::stream([(&words, Subscription::new())])?;
/// assert_eq!(stream.collect::<Result<String, _>>()?, "abc");
/// words.join()?;
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn from_iter<I>(items: I) -> Builder<Produces<FromIter<I::IntoIter>>>
where
    I: IntoIterator<Item: Send, IntoIter: Send + 'static>,
{
    start::producer(FromIter {
        iter: items.into_iter(),
        consumers: 0,
        on_cancel: OnCancel::default(),
    })
}

impl<I> Builder<Produces<FromIter<I>>>
where
    I: Iterator<Item: Send> + Send + 'static,
{
    /// What the producer does when the last of its consumers is gone.
    pub fn on_cancel(mut self, on_cancel: OnCancel) -> Self {
        self.kind.0.on_cancel = on_cancel;
        self
    }
}

/// The producer-consumer of [`map_events`] and [`map_batches`].
pub struct MapBatches<In, Out, F> {
    map: F,
    events: PhantomData<fn(In) -> Out>,
}

impl<In, Out, F> ProducerConsumer for MapBatches<In, Out, F>
where
    In: Send + 'static,
    Out: Send + 'static,
    F: FnMut(Vec<In>, &mut Emit<Out>) -> Answer + Send + 'static,
{
    type In = In;
    type Out = Out;

    fn handle_events(&mut self, batch: Vec<In>, _: &Upstream<In>, out: &mut Emit<Out>) -> Answer {
        (self.map)(batch, out)
    }
}

impl<In, Out, F> fmt::Debug for MapBatches<In, Out, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapBatches").finish_non_exhaustive()
    }
}

/// A producer-consumer from a closure that is given batches, as
/// [`handle_events`](ProducerConsumer::handle_events) is.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Next, Subscription};
///
/// let numbers = stage::from_iter(0..10).start()?;
/// let even = stage::map_batches(|batch: Vec<i32>, out| {
///     out.extend(batch.into_iter().filter(|n| n % 2 == 0));
///     Ok(Next::Go)
/// });
/// let even = even.subscribe_to(&numbers, Subscription::new()).start()?;
/// let stream = stage::stream([(&even, Subscription::new())])?;
/// assert_eq!(stream.collect::<Result<Vec<_>, _>>()?, [0, 2, 4, 6, 8]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn map_batches<In, Out, F>(map: F) -> Builder<Transforms<MapBatches<In, Out, F>>>
where
    In: Send + 'static,
    Out: Send + 'static,
    F: FnMut(Vec<In>, &mut Emit<Out>) -> Answer + Send + 'static,
{
    start::producer_consumer(MapBatches {
        map,
        events: PhantomData,
    })
}

/// A producer-consumer that makes one event of each.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Subscription};
///
/// let numbers = stage::from_iter(1..4).start()?;
/// let texts = stage::map_events(|n: i32| n.to_string())
///     .subscribe_to(&numbers, Subscription::new())
///     .start()?;
/// let stream = stage::stream([(&texts, Subscription::new())])?;
/// assert_eq!(stream.collect::<Result<String, _>>()?, "123");
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn map_events<In, Out, F>(
    mut map: F,
) -> Builder<
    Transforms<MapBatches<In, Out, impl FnMut(Vec<In>, &mut Emit<Out>) -> Answer + Send + 'static>>,
>
where
    In: Send + 'static,
    Out: Send + 'static,
    F: FnMut(In) -> Out + Send + 'static,
{
    map_batches(move |batch: Vec<In>, out: &mut Emit<Out>| {
        out.extend(batch.into_iter().map(&mut map));
        Ok(Next::Go)
    })
}

/// The consumer of [`for_each`] and [`for_each_batch`].
pub struct ForEachBatch<E, F> {
    each: F,
    events: PhantomData<fn(E)>,
}

impl<E, F> Consumer for ForEachBatch<E, F>
where
    E: Send + 'static,
    F: FnMut(Vec<E>) -> Answer + Send + 'static,
{
    type Event = E;

    fn handle_events(&mut self, batch: Vec<E>, _: &Upstream<E>) -> Answer {
        (self.each)(batch)
    }
}

impl<E, F> fmt::Debug for ForEachBatch<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForEachBatch").finish_non_exhaustive()
    }
}

/// A consumer from a closure that is given batches, as [`handle_events`](Consumer::handle_events) is.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Next, Subscription};
/// use std::sync::mpsc::channel;
///
/// let (sender, sizes) = channel();
/// let numbers = stage::from_iter(0..10).start()?;
/// let consumer = stage::for_each_batch(move |batch: Vec<i32>| {
///     sender.send(batch.len())?;
///     Ok(Next::Go)
/// });
/// let few = Subscription::new().max_demand(4).min_demand(0);
/// consumer.subscribe_to(&numbers, few).start()?.join()?;
/// assert_eq!(sizes.iter().collect::<Vec<_>>(), [4, 4, 2]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn for_each_batch<E, F>(each: F) -> Builder<Consumes<ForEachBatch<E, F>>>
where
    E: Send + 'static,
    F: FnMut(Vec<E>) -> Answer + Send + 'static,
{
    start::consumer(ForEachBatch {
        each,
        events: PhantomData,
    })
}

/// A consumer from a closure that is given event after event.
///
/// # Examples
/// ```
/// use millstream::stage::{self, Subscription};
/// use std::sync::mpsc::channel;
///
/// let (sender, received) = channel();
/// let numbers = stage::from_iter(0..3).start()?;
/// let consumer = stage::for_each(move |n: i32| sender.send(n).unwrap());
/// consumer.subscribe_to(&numbers, Subscription::new()).start()?.join()?;
/// assert_eq!(received.iter().collect::<Vec<_>>(), [0, 1, 2]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn for_each<E, F>(
    mut each: F,
) -> Builder<Consumes<ForEachBatch<E, impl FnMut(Vec<E>) -> Answer + Send + 'static>>>
where
    E: Send + 'static,
    F: FnMut(E) + Send + 'static,
{
    for_each_batch(move |batch: Vec<E>| {
        batch.into_iter().for_each(&mut each);
        Ok(Next::Go)
    })
}
