//! Ends that let go of the flow while it runs: a handle, an iterator, a scope.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::sync::Arc;
use std::vec;

use crossbeam_channel::Receiver;

use super::Flow;
use crate::edge::{AnyEdge, Batch, Edge, Inlet};
use crate::error::{Error, ErrorKind};
use crate::output::{Each, Ordered, ToCaller};
use crate::plan::End;
use crate::run::{Graph, Launched, Prepared, Report};
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'env,
{
    /// Closes the last stage over a bounded queue to the calling thread.
    pub(super) fn close_to_caller(self) -> (Graph<'env>, Arc<Edge<Batch<P::Item>>>) {
        let edge: Arc<Edge<Batch<P::Item>>> = Arc::new(Edge::default());
        let buffer = self.group.buffer;
        AnyEdge::open(&*edge, self.group.workers(), 1, 1, buffer);
        let sink = Ordered::new(ToCaller { edge: edge.clone() });
        (self.close(End::Caller { buffer }, sink), edge)
    }

    /// Runs the flow while a closure uses its items, as an iterator, on the calling thread.
    ///
    /// Unlike [`into_iter`](IntoIterator::into_iter) it works over borrowed data. When the closure returns before the
    /// items end, the flow stops. The items are plain: should the run fail, they end early, and this method returns
    /// the error in place of what the closure made.
    ///
    /// *Order* none, or that of the input after [`ordered`](Flow::ordered). *Threads* the stages'; they have ended
    /// when this returns. *Memory* bounded, see [`explain`](Flow::explain).
    ///
    /// ```
    /// use millstream::{Flow, Text};
    ///
    /// let text = Text::from("one\ntwo\nthree\n");
    /// let longest = Flow::from_lines(&text)
    ///     .map(|line| line.len())
    ///     .scope(|lengths| lengths.max())?;
    /// assert_eq!(longest, Some(5));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn scope<R>(self, during: impl FnOnce(Items<'_, P::Item>) -> R) -> Result<R, Error> {
        let (graph, edge) = self.close_to_caller();
        let run = Prepared::new(graph)?;
        let items = Items {
            queue: Queue::new(edge.receiver(0).map(Inlet::into_channel)),
            scope: PhantomData,
        };
        run.run_with(|| during(items))
    }
}

impl<P: Pipe + 'static> Flow<'static, P>
where
    P::Item: Send + 'static,
{
    /// Starts the flow on threads of its own and returns at once; its items are dropped.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let handle = Flow::from_range(0..1000).partition().start()?;
    /// let report = handle.join()?;
    /// assert_eq!(report.stages()[1].items_in(), 1000);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn start(self) -> Result<Handle, Error> {
        let run = Prepared::new(self.close(End::Result("start"), Each(drop)))?;
        Ok(Handle(run.launch()))
    }
}

/// What a flow fails with that its handle stops.
pub(super) fn stopped() -> Error {
    Error::new(
        ErrorKind::Stopped,
        "the flow was stopped by its handle before it was done",
    )
}

/// A running flow, made by [`Flow::start`]. Dropping it stops the flow and waits for its threads.
#[must_use = "dropping a handle stops the flow: keep it, or `join` it"]
pub struct Handle(pub(super) Launched);

impl Handle {
    /// Waits until the flow has ended and all its threads are gone.
    ///
    /// A [held](Flow::held) flow is let go, since nobody else could do it any more.
    pub fn join(mut self) -> Result<Report, Error> {
        self.forward();
        self.0.join()
    }

    /// Lets the sources of a [held](Flow::held) flow begin; any other flow has begun already.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let handle = Flow::from_range(0..100).held().start()?;
    /// assert_eq!(handle.report().stages()[0].items_in(), 0);
    /// handle.forward();
    /// assert_eq!(handle.join()?.stages()[0].items_in(), 100);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn forward(&self) {
        self.0.shared.forward();
    }

    /// Asks the flow to stop; [`join`](Handle::join) then gives an error of kind [`ErrorKind::Stopped`], unless the
    /// flow was done before.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let handle = Flow::from_iter(0..).start()?;
    /// handle.stop();
    /// assert!(handle.join().unwrap_err().is_stopped());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn stop(&self) {
        if self.is_finished() {
            return;
        }
        self.0.shared.fail(stopped());
    }

    /// Asks the flow to end well: its sources give nothing more, everything they gave is worked on to the end, and
    /// [`join`](Handle::join) gives the report, as if the input had ended here.
    ///
    /// Sources look before they take the next piece of their input; one that is in a call of yours looks when the call
    /// returns, and what it returned is worked on. A step that never ends what it makes of one item (an endless
    /// `flat_map`) is not cut short: that is what [`stop`](Handle::stop) is for.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let handle = Flow::from_iter(0..).partition().start()?;
    /// handle.drain();
    /// let report = handle.join()?;
    /// assert_eq!(report.stages()[0].items_in(), report.stages()[1].items_in());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn drain(&self) {
        self.0.shared.drain();
    }

    /// Whether all threads of the flow have ended.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// What the flow has done so far; workers publish their counts every few dozen chunks.
    pub fn report(&self) -> Report {
        self.0.shared.report()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Also where all workers were through: nobody asked for what is done at the end.
        self.0.shared.cut_short();
        self.0.shared.halt();
        // Nobody asks for the outcome of a flow that was dropped.
        let _ = self.0.join();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// The caller's end of the queue, a batch at a time.
pub(super) struct Queue<T> {
    /// `None` once the flow has ended.
    pub(super) receiver: Option<Receiver<Batch<T>>>,
    batch: vec::IntoIter<T>,
}

impl<T> Queue<T> {
    pub(super) fn new(receiver: Option<Receiver<Batch<T>>>) -> Self {
        Queue {
            receiver,
            batch: Vec::new().into_iter(),
        }
    }

    /// Whether the next item must be waited for.
    fn is_empty(&self) -> bool {
        self.batch.as_slice().is_empty()
    }

    pub(super) fn next(&mut self) -> Option<T> {
        loop {
            if let Some(item) = self.batch.next() {
                return Some(item);
            }
            match self.receiver.as_ref()?.recv() {
                Ok(batch) => self.batch = batch.items.into_iter(),
                Err(_) => self.receiver = None,
            }
        }
    }
}

/// The items of a flow that runs, given to the closure of [`Flow::scope`].
pub struct Items<'s, T> {
    queue: Queue<T>,
    /// The items must not outlive the scope whose threads make them.
    scope: PhantomData<&'s ()>,
}

impl<T> Iterator for Items<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.queue.next()
    }
}

impl<T> FusedIterator for Items<'_, T> {}

impl<T> fmt::Debug for Items<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").finish_non_exhaustive()
    }
}

/// The items of a flow that runs on threads of its own, made by `into_iter`. Dropping it stops the flow.
///
/// Items are results, or a failed run would look like a complete one: an error is the last item.
///
/// # Examples
/// ```
/// use millstream::Flow;
///
/// let mut squares = Vec::new();
/// for square in Flow::from_iter(0..).map(|n| n * n).ordered().into_iter().take(3) {
///     squares.push(square?);
/// }
/// assert_eq!(squares, [0, 1, 4]);
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct IntoIter<T> {
    queue: Queue<T>,
    /// `None` once the outcome has been given.
    run: Option<Launched>,
    /// Why the flow did not start.
    refused: Option<Error>,
}

impl<P: Pipe + 'static> IntoIterator for Flow<'static, P>
where
    P::Item: Send + 'static,
{
    type Item = Result<P::Item, Error>;
    type IntoIter = IntoIter<P::Item>;

    fn into_iter(self) -> IntoIter<P::Item> {
        let (graph, edge) = self.close_to_caller();
        let queue = Queue::new(edge.receiver(0).map(Inlet::into_channel));
        match Prepared::new(graph) {
            Ok(run) => IntoIter {
                queue,
                run: Some(run.launch()),
                refused: None,
            },
            Err(error) => IntoIter {
                queue: Queue {
                    receiver: None,
                    ..queue
                },
                run: None,
                refused: Some(error),
            },
        }
    }
}

impl<T> IntoIter<T> {
    /// Lets the sources of a [held](Flow::held) flow begin, as the first item that is asked for does.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let mut items = Flow::from_range(0..3).held().into_iter();
    /// items.forward();
    /// assert!(items.all(|item| item.is_ok()));
    /// ```
    pub fn forward(&self) {
        if let Some(run) = &self.run {
            run.shared.forward();
        }
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Result<T, Error>> {
        if self.queue.is_empty() {
            // Whoever waits here can do nothing else, and nobody else has the iterator.
            self.forward();
        }
        if let Some(item) = self.queue.next() {
            return Some(Ok(item));
        }
        if let Some(error) = self.refused.take() {
            return Some(Err(error));
        }
        self.run.take()?.join().err().map(Err)
    }
}

impl<T> FusedIterator for IntoIter<T> {}

impl<T> Drop for IntoIter<T> {
    fn drop(&mut self) {
        if let Some(mut run) = self.run.take() {
            // Before the workers can see that nobody takes what they have, which would look like an end to them.
            if !run.is_finished() {
                run.shared.cut_short();
            }
            self.queue.receiver = None;
            run.shared.halt();
            // Nobody asks for the outcome of a flow that was dropped.
            let _ = run.join();
        }
    }
}

impl<T> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").finish_non_exhaustive()
    }
}
