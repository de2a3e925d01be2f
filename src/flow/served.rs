//! Several consumers of one running flow: they subscribe when they like, and share its items or each get all of them.

use std::fmt;
use std::iter::FusedIterator;
use std::sync::{Arc, Mutex, OnceLock};

use crossbeam_channel::Receiver;

use super::Flow;
use super::live::{Queue, stopped};
use crate::edge::{Batch, Inlet};
use crate::error::Error;
use crate::output::{Hub, Ordered, ToSubscribers};
use crate::plan::End;
use crate::run::{Launched, Prepared, Report, Shared, lock};
use crate::step::Pipe;

impl<P: Pipe + 'static> Flow<'static, P>
where
    P::Item: Send + 'static,
{
    /// Starts the flow on threads of its own for several consumers, which share its items: each item goes to one of
    /// them, a batch at a time to whoever takes next.
    ///
    /// Consumers [subscribe](Served::subscribe) while it runs. Before the first one, and whenever there is none, the flow
    /// waits by its bounded queues, so a late consumer misses nothing that nobody has taken. One that is dropped takes
    /// with it what was left of its last batch; `batch(1)` on the last stage makes that nothing. Where each consumer is
    /// to have every item, there is [`serve_to_all`](Flow::serve_to_all).
    ///
    /// *Order* none; after [`ordered`](Flow::ordered) that of the input in each consumer. *Threads* the stages'.
    /// *Memory* one queue of [`buffer`](Flow::buffer) batches, and a batch a consumer. *Ends* with its input, or when the
    /// [`Served`] is dropped.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let served = Flow::from_range(0..10_000u64).map(|n| n * 2).serve()?;
    /// let workers: Vec<_> = (0..3)
    ///     .map(|_| served.subscribe())
    ///     .map(|items| std::thread::spawn(move || items.map(|item| item.unwrap()).sum::<u64>()))
    ///     .collect();
    /// let sums = workers.into_iter().map(|worker| worker.join().unwrap());
    /// assert_eq!(sums.sum::<u64>(), 99_990_000);
    /// served.join()?;
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn serve(self) -> Result<Served<P::Item>, Error> {
        let (graph, edge) = self.close_to_caller();
        let run = Prepared::new(graph)?;
        let queue = edge.receiver(0).map(Inlet::into_channel);
        Ok(Served::new(run.launch(), Give::Share(queue)))
    }

    /// Starts the flow on threads of its own for several consumers, each of which gets every item that the flow gives from
    /// when it [subscribed](Served::subscribe) on.
    ///
    /// The slowest consumer is the pace of all, since nothing is dropped and nothing grows; while there is none, the flow
    /// waits. So the first one misses nothing. For that to be so of all of them, [hold](Flow::held) the flow until the
    /// last has subscribed. One that is dropped is skipped from then on.
    ///
    /// *Order* none; after [`ordered`](Flow::ordered) that of the input. *Threads* the stages', which copy the items.
    /// *Memory* a queue of [`buffer`](Flow::buffer) batches a consumer, and in each worker up to a batch a consumer on its
    /// way. *Ends* with its input, or when the [`Served`] is dropped.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let served = Flow::from_range(1..101u64).ordered().held().serve_to_all()?;
    /// let (sum, last) = (served.subscribe(), served.subscribe());
    /// served.forward();
    /// let sum = std::thread::spawn(move || sum.sum::<Result<u64, _>>());
    /// assert_eq!(last.last().unwrap()?, 100);
    /// assert_eq!(sum.join().unwrap()?, 5050);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn serve_to_all(self) -> Result<Served<P::Item>, Error>
    where
        P::Item: Clone,
    {
        let (workers, buffer) = (self.group.workers(), self.group.buffer);
        let hub = Hub::new(workers, buffer);
        let sink = Ordered::new(ToSubscribers { hub: hub.clone() });
        let run = Prepared::new(self.close(End::Caller { buffer }, sink))?;
        Ok(Served::new(run.launch(), Give::All(hub)))
    }
}

/// A running flow with several consumers, made by [`Flow::serve`] and [`Flow::serve_to_all`].
///
/// Dropping it stops the flow and waits for its threads; a consumer that has not seen the end by then gets an error of kind
/// [`Stopped`](crate::ErrorKind::Stopped), since it did not get all.
#[must_use = "dropping it stops the flow: keep it, or `join` it"]
pub struct Served<T> {
    run: Arc<Run>,
    give: Give<T>,
}

/// How the items get to the consumers.
enum Give<T> {
    /// From one queue, whose end is kept so that the flow waits while nobody else has it.
    Share(Option<Receiver<Batch<T>>>),
    /// To each of them.
    All(Arc<Hub<T>>),
}

/// A run whose end several wait for.
struct Run {
    shared: Arc<Shared>,
    threads: Mutex<Launched>,
    outcome: OnceLock<Result<Report, Error>>,
}

impl Run {
    /// Waits until all threads are gone.
    fn outcome(&self) -> Result<Report, Error> {
        let outcome = self.outcome.get_or_init(|| lock(&self.threads).join());
        match outcome {
            Ok(report) => Ok(report.clone()),
            Err(error) => Err(error.again()),
        }
    }

    fn is_finished(&self) -> bool {
        // Where the lock is taken, somebody is waiting for the threads.
        self.outcome.get().is_some()
            || (self.threads.try_lock()).is_ok_and(|threads| threads.is_finished())
    }

    fn stop(&self) {
        if !self.is_finished() {
            self.shared.fail(stopped());
        }
    }
}

impl<T> Served<T> {
    fn new(launched: Launched, give: Give<T>) -> Self {
        Served {
            run: Arc::new(Run {
                shared: launched.shared.clone(),
                threads: Mutex::new(launched),
                outcome: OnceLock::new(),
            }),
            give,
        }
    }

    /// One more consumer, for this thread or another. Behind the end of the flow it gets what nobody has taken, and the
    /// error if the flow failed.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let served = Flow::from_range(0..100).serve()?;
    /// assert_eq!(served.subscribe().take(10).count(), 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn subscribe(&self) -> Subscriber<T> {
        let (receiver, place) = match &self.give {
            Give::Share(queue) => (queue.clone(), None),
            Give::All(hub) => {
                let (number, receiver) = hub.enter();
                (Some(receiver), Some((hub.clone(), number)))
            }
        };
        Subscriber {
            queue: Queue::new(receiver),
            run: Some(self.run.clone()),
            place,
        }
    }

    /// Lets the sources of a [held](Flow::held) flow begin; any other flow has begun already.
    pub fn forward(&self) {
        self.run.shared.forward();
    }

    /// Asks the flow to stop: every consumer then gets an error of kind [`Stopped`](crate::ErrorKind::Stopped) behind what
    /// lies in its queue, unless the flow was done before.
    pub fn stop(&self) {
        self.run.stop();
    }

    /// Asks the flow to end well, as [`Handle::drain`](crate::Handle::drain) does: consumers get all that its sources gave
    /// until now, and see the end.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let served = Flow::from_iter(0..).serve()?;
    /// let mut items = served.subscribe();
    /// assert!(items.next().is_some());
    /// served.drain();
    /// assert!(items.all(|item| item.is_ok()));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn drain(&self) {
        self.run.shared.drain();
    }

    /// Whether all threads of the flow have ended; what they left in the queues can still be taken.
    pub fn is_finished(&self) -> bool {
        self.run.is_finished()
    }

    /// What the flow has done so far.
    pub fn report(&self) -> Report {
        self.run.shared.report()
    }

    /// Waits until the flow has ended and all its threads are gone.
    ///
    /// Consumers that are subscribed go on; nobody else can come, so a flow that has none any more ends, and what is
    /// left of its items is dropped. A held flow is let go.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let served = Flow::from_range(0..1000u64).serve()?;
    /// let items = served.subscribe();
    /// let count = std::thread::spawn(move || items.count());
    /// let report = served.join()?;
    /// assert_eq!(count.join().unwrap(), 1000);
    /// assert_eq!(report.stages()[0].items_in(), 1000);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn join(mut self) -> Result<Report, Error> {
        match &mut self.give {
            Give::Share(queue) => *queue = None,
            Give::All(hub) => hub.seal(),
        }
        self.forward();
        self.run.outcome()
    }
}

impl<T> Drop for Served<T> {
    fn drop(&mut self) {
        self.run.stop();
        // Whoever asks for the outcome is a consumer.
        let _ = self.run.outcome();
    }
}

impl<T> fmt::Debug for Served<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// One of several consumers of a flow that runs, made by [`Served::subscribe`]: an iterator, for any thread.
///
/// Items are results, or a failed run would look like a complete one: each consumer gets the error as its last item.
pub struct Subscriber<T> {
    queue: Queue<T>,
    /// `None` once the outcome has been given.
    run: Option<Arc<Run>>,
    /// Its number, where each consumer gets all items.
    place: Option<(Arc<Hub<T>>, u64)>,
}

impl<T> Iterator for Subscriber<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Result<T, Error>> {
        if let Some(item) = self.queue.next() {
            return Some(Ok(item));
        }
        self.run.take()?.outcome().err().map(Err)
    }
}

impl<T> FusedIterator for Subscriber<T> {}

impl<T> Drop for Subscriber<T> {
    fn drop(&mut self) {
        self.queue.receiver = None;
        if let Some((hub, number)) = self.place.take() {
            hub.leave(number);
        }
    }
}

impl<T> fmt::Debug for Subscriber<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").finish_non_exhaustive()
    }
}
