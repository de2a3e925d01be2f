//! A running flow as an async stream: what a task polls, and the thread that waits for the flow on its behalf.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::vec;

use crossbeam_channel::TryRecvError;
use futures_core::Stream;
use futures_core::stream::FusedStream;

use super::Alarm;
use crate::edge::{Batch, Inlet};
use crate::error::Error;
use crate::run::{Prepared, Report, Shared, cannot_spawn};

/// The thread that waits for the others.
const WAITING: &str = "flow:stream";

/// After so many items in a row the task lets others have their turn.
const TURN: usize = 1024;

/// The items of a flow that runs on threads of its own, as an async stream: see
/// [`Flow::into_stream`](crate::Flow::into_stream).
///
/// Items are results, or a failed run would look like a complete one: an error is the last item.
///
/// It blocks nobody, also where it is dropped: that stops the flow at once, whose threads end when the calls in progress
/// have returned, and are waited for by a thread of the flow. To see that they are gone, poll it to its end.
#[must_use = "dropping the stream stops the flow: poll it"]
pub struct FlowStream<T> {
    /// `None` once all items are here.
    receiver: Option<Inlet<Batch<T>>>,
    batch: vec::IntoIter<T>,
    alarm: Arc<Alarm>,
    /// `None` if the flow did not start.
    shared: Option<Arc<Shared>>,
    /// Items given since the task had to wait.
    given: usize,
    /// Whether the outcome has been given.
    over: bool,
}

/// Nothing in it is pinned.
impl<T> Unpin for FlowStream<T> {}

impl<T> FlowStream<T> {
    /// Starts a run whose last stage sends to the receiver and rings the alarm.
    pub(crate) fn start(
        run: Result<Prepared<'static>, Error>,
        receiver: Option<Inlet<Batch<T>>>,
        alarm: Arc<Alarm>,
    ) -> Self {
        let mut stream = FlowStream {
            receiver: None,
            batch: Vec::new().into_iter(),
            alarm,
            shared: None,
            given: 0,
            over: false,
        };
        match run.and_then(|run| launch(run, stream.alarm.clone())) {
            Ok(shared) => {
                stream.shared = Some(shared);
                stream.receiver = receiver;
            }
            Err(error) => stream.alarm.end(Err(error)),
        }
        stream
    }

    /// The next item, for whoever has no trait for it at hand. The future may be dropped at any time: no item is lost.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut squares = Flow::from_range(1..4).map(|n| n * n).ordered().into_stream();
    /// while let Some(square) = squares.next().await {
    ///     assert!([1, 4, 9].contains(&square?));
    /// }
    /// # Ok::<(), millstream::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|task| Pin::new(&mut *self).poll_next(task)).await
    }

    /// Lets the sources of a [held](crate::Flow::held) flow begin, as the first item that is asked for does.
    pub fn forward(&self) {
        if let Some(shared) = &self.shared {
            shared.forward();
        }
    }

    /// Asks the flow to end well: its sources give nothing more, and the stream ends behind what they gave.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let mut endless = Flow::from_iter(0..).stages(1).into_stream();
    /// endless.drain();
    /// while let Some(item) = endless.next().await {
    ///     item?;
    /// }
    /// # Ok::<(), millstream::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&self) {
        if let Some(shared) = &self.shared {
            shared.drain();
        }
    }

    /// What the flow has done so far; `None` if it did not start.
    pub fn report(&self) -> Option<Report> {
        self.shared.as_ref().map(|shared| shared.report())
    }

    /// The next item that is here; `Pending` while it may still come.
    fn item(&mut self) -> Poll<Option<T>> {
        loop {
            if let Some(item) = self.batch.next() {
                return Poll::Ready(Some(item));
            }
            let Some(receiver) = &self.receiver else {
                return Poll::Ready(None);
            };
            match receiver.try_recv() {
                Ok(batch) => self.batch = batch.items.into_iter(),
                Err(TryRecvError::Empty) => return Poll::Pending,
                Err(TryRecvError::Disconnected) => self.receiver = None,
            }
        }
    }

    /// What can be said now.
    fn now(&mut self) -> Poll<Option<Result<T, Error>>> {
        match self.item() {
            Poll::Ready(Some(item)) => Poll::Ready(Some(Ok(item))),
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => match self.alarm.outcome() {
                Some(outcome) => {
                    self.over = true;
                    Poll::Ready(outcome.err().map(Err))
                }
                None => Poll::Pending,
            },
        }
    }
}

/// Starts the run, and a thread that waits for all of its threads.
fn launch(run: Prepared<'static>, alarm: Arc<Alarm>) -> Result<Arc<Shared>, Error> {
    let shared = run.shared.clone();
    let waiting = thread::Builder::new().name(WAITING.to_owned());
    let started = waiting.spawn(move || {
        // What is left of the flow may be dropped here, and destructors are the user's code.
        let ended = catch_unwind(AssertUnwindSafe(|| run.launch().join()));
        alarm.end(match ended {
            Ok(outcome) => outcome.map(drop),
            Err(payload) => Err(Error::panicked(payload)),
        });
    });
    match started {
        Ok(_) => Ok(shared),
        Err(error) => Err(cannot_spawn(WAITING, error)),
    }
}

impl<T> Stream for FlowStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        if this.given >= TURN {
            this.given = 0;
            task.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.given += 1;
        if let ready @ Poll::Ready(_) = this.now() {
            return ready;
        }
        // Whoever waits here has the only end of it.
        this.forward();
        this.alarm.set(task.waker());
        // What was sent before the waker was left rang for nobody.
        let now = this.now();
        if now.is_pending() {
            this.given = 0;
        }
        now
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.batch.len(), self.over.then_some(0))
    }
}

impl<T> FusedStream for FlowStream<T> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<T> Drop for FlowStream<T> {
    fn drop(&mut self) {
        self.receiver = None;
        if let (Some(shared), false) = (&self.shared, self.over) {
            shared.halt();
        }
    }
}

impl<T> fmt::Debug for FlowStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowStream")
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
