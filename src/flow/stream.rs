//! Flows from async streams, and flows as async streams (feature `stream`).

use std::sync::Arc;

use futures_core::Stream;

use super::Flow;
use crate::async_stream::{Alarm, FlowStream, FromStream, Ringing};
use crate::edge::{AnyEdge, Batch, Edge};
use crate::output::{Ordered, ToCaller};
use crate::plan::End;
use crate::run::Prepared;
use crate::step::Pipe;

impl<'env, S> Flow<'env, FromStream<S>>
where
    S: Stream + Send + 'env,
    S::Item: Send + 'env,
{
    /// A flow of the items of an async stream (feature `stream`).
    ///
    /// Workers take turns to poll it, on their own threads; the waker that the stream gets wakes one of those that wait.
    ///
    /// - **Order**: chunks are numbered, so `ordered` keeps the order of the stream.
    /// - **Threads**: the stream runs on the workers of the first stage, one at a time.
    /// - **Memory**: a chunk a worker, of [`batch`](Flow::batch) items at most. The stream is not polled when the flow is
    ///   slower than it, so a bounded channel behind it holds its senders back.
    /// - **Ends**: when the stream has ended; it is not polled again. A stop is seen within five milliseconds while it
    ///   waits. A panic in the stream is an error of kind [`Panic`](crate::ErrorKind::Panic).
    ///
    /// # In tokio
    /// A channel needs no runtime around it when it is polled, and neither does a timer that was made within one. A stream
    /// that makes timers or sockets as it goes does: wrap it into one whose `poll_next` first says
    /// `let _guard = handle.enter()`, with the `Handle` of the runtime. The runtime must go on while the flow waits for it:
    /// within `async` code end the flow with [`into_stream`](Flow::into_stream), or wait for it in `spawn_blocking`.
    ///
    /// # Examples
    /// ```
    /// use futures_core::Stream;
    /// use millstream::Flow;
    /// use std::pin::Pin;
    /// use std::task::{Context, Poll};
    /// use tokio::sync::mpsc;
    ///
    /// // What `ReceiverStream` of the crate `tokio-stream` is.
    /// struct Incoming(mpsc::Receiver<u64>);
    ///
    /// impl Stream for Incoming {
    ///     type Item = u64;
    ///     fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<u64>> {
    ///         self.0.poll_recv(task)
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let (sender, receiver) = mpsc::channel(8);
    /// let flow = Flow::from_stream(Incoming(receiver)).map(|n| n * n).ordered();
    /// let mut squares = flow.into_stream();
    /// tokio::spawn(async move {
    ///     for n in 0..100 {
    ///         sender.send(n).await.expect("the flow takes all");
    ///     }
    /// });
    /// let mut sum = 0;
    /// while let Some(square) = squares.next().await {
    ///     sum += square?;
    /// }
    /// assert_eq!(sum, 328_350);
    /// # Ok::<(), millstream::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_stream(stream: S) -> Self {
        Flow::from_pipe("stream", FromStream::new(stream))
    }
}

impl<P: Pipe + 'static> Flow<'static, P>
where
    P::Item: Send + 'static,
{
    /// Starts the flow on threads of its own and gives its items as an async stream, of results (feature `stream`).
    ///
    /// The task that polls it is woken when there is something; no runtime is asked for, so any will do.
    ///
    /// - **Order**: none, or that of the input after [`ordered`](Flow::ordered).
    /// - **Threads**: the stages', and one that waits for them.
    /// - **Memory**: bounded: while nobody polls, workers wait. See [`explain`](Flow::explain).
    /// - **Ends**: with the flow; an error is the last item. Dropping the stream stops the flow and waits for nobody: its
    ///   threads end when the calls in progress have returned.
    ///
    /// # Examples
    /// ```
    /// use millstream::Flow;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let texts = ["1", "2", "x"];
    /// let mut numbers = Flow::from_iter(texts).try_map(|text| text.parse::<u32>()).into_stream();
    /// let mut failed = None;
    /// while let Some(number) = numbers.next().await {
    ///     failed = number.err();
    /// }
    /// assert!(failed.unwrap().to_string().contains("invalid digit"));
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_stream(self) -> FlowStream<P::Item> {
        let edge: Arc<Edge<Batch<P::Item>>> = Arc::default();
        let buffer = self.group.buffer;
        AnyEdge::open(&*edge, self.group.workers(), 1, 1, buffer);
        let alarm: Arc<Alarm> = Arc::default();
        let to_caller = Ordered::new(ToCaller { edge: edge.clone() });
        let sink = Ringing::new(to_caller, alarm.clone());
        let graph = self.close(End::Caller { buffer }, sink);
        FlowStream::start(Prepared::new(graph), edge.receiver(0), alarm)
    }
}
