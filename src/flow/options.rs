//! Options: of the stage being written and the edge in front of it, and of the whole run.

use std::sync::Arc;
use std::time::Duration;

use super::Flow;
use crate::edge::{Partitioned, Shuffled};
use crate::run::{Observer, StopToken};
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// How many workers, each a thread, the stage being written has. The default is one a core.
    ///
    /// Zero is an error when the flow starts.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let parts = Flow::from_range(0..10).partition().stages(3).collect_partitions()?;
    /// assert_eq!(parts.len(), 3);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn stages(mut self, n: usize) -> Self {
        self.group.stages = Some(n);
        self
    }

    /// How many items at most the stage being written takes at a time: the batch on the edge in front of it, or the
    /// chunk of its source. The default is 1,024.
    ///
    /// A batch also ends at [`batch_bytes`](Flow::batch_bytes), when it has [lingered](Flow::linger), and with the
    /// input. Zero is an error when the flow starts.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let report = Flow::from_range(0..100).stages(1).partition().stages(1).batch(10).run()?;
    /// assert!(report.stages()[1].workers()[0].batches_in >= 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn batch(mut self, items: usize) -> Self {
        self.group.batch = items;
        self
    }

    /// How many bytes at most the stage being written takes at a time, but at least one item. The default is 64 KiB.
    ///
    /// An item counts as its size in a batch; what it owns on the heap counts if [`weigh`](Flow::weigh) says so. Zero is
    /// an error when the flow starts.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..100u64).partition().batch_bytes(64);
    /// assert!(flow.explain().contains("8 items"));
    /// ```
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.group.batch_bytes = bytes;
        self
    }

    /// How many batches may wait in front of each worker of the stage being written. The default is 4.
    ///
    /// When they do, producers wait: this is the backpressure of a flow. Zero is an error when the flow starts.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let wide = Flow::from_range(0..10).partition().buffer(16).plan().most_in_flight();
    /// let narrow = Flow::from_range(0..10).partition().buffer(1).plan().most_in_flight();
    /// assert!(narrow < wide);
    /// ```
    pub fn buffer(mut self, batches: usize) -> Self {
        self.group.buffer = batches;
        self
    }

    /// How long a half-full batch may wait for more items before it is sent. The default is a millisecond.
    ///
    /// Producers look after each chunk of their input and while they wait for more; one whose source is slow sends
    /// what it has before it asks again.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::time::Duration;
    ///
    /// let flow = Flow::from_range(0..10).partition().linger(Duration::from_millis(20));
    /// assert_eq!(flow.count()?, 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn linger(mut self, time: Duration) -> Self {
        self.group.linger = time;
        self
    }

    /// The name of the stage being written, for errors, reports, plans and threads.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let report = Flow::from_range(0..10).name("numbers").run()?;
    /// assert_eq!(report.stages()[0].name(), "numbers");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.group.name = Some(Arc::from(name.into()));
        self
    }

    /// How many bytes an item counts for, with what it owns, on the edge in front of the stage being written.
    ///
    /// It goes right behind the boundary, where the items of the edge are at hand; the first one on an edge counts.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let lengths = Flow::from_iter(["short".to_string(), "x".repeat(100_000)])
    ///     .shuffle()
    ///     .weigh(|text| text.len())
    ///     .batch_bytes(10_000)
    ///     .map(|text| text.len());
    /// assert_eq!(lengths.sorted()?, [5, 100_000]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn weigh<F>(self, bytes: F) -> Self
    where
        P: Weighable<'env>,
        F: Fn(&P::Item) -> usize + Send + Sync + 'env,
    {
        self.pipe.set_weight(bytes);
        self
    }

    /// How long the run may take from its start; then it ends with an error of kind
    /// [`Deadline`](crate::ErrorKind::Deadline).
    ///
    /// ```
    /// use millstream::{ErrorKind, Flow};
    /// use std::time::Duration;
    ///
    /// let error = Flow::from_iter(0..).deadline(Duration::from_millis(10)).count().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Deadline);
    /// ```
    pub fn deadline(mut self, after: Duration) -> Self {
        self.graph.run.deadline = Some(after);
        self
    }

    /// A token that stops the run from outside; then it ends with an error of kind
    /// [`Stopped`](crate::ErrorKind::Stopped).
    ///
    /// ```
    /// use millstream::{Flow, StopToken};
    ///
    /// let token = StopToken::new();
    /// token.stop();
    /// assert!(Flow::from_iter(0..).stop_token(&token).count().unwrap_err().is_stopped());
    /// ```
    pub fn stop_token(mut self, token: &StopToken) -> Self {
        self.graph.run.token = Some(token.clone());
        self
    }

    /// Holds the flow after it was started: its threads are up, and its sources give nothing until
    /// [`forward`](super::Handle::forward) is called. In Elixir's words, its demand is `accumulate` first.
    ///
    /// So whoever is to see all of it can get ready while the flow already exists: subscribers of a
    /// [served](Flow::serve) flow, or a flow of which another part of the program has the handle. Workers wait without
    /// using a core. [`drain`](super::Handle::drain), [`stop`](super::Handle::stop), a stop token, a deadline (which
    /// counts from the start) and dropping the handle end the wait too; so do [`join`](super::Handle::join) and the
    /// first item asked of an iterator, behind which nobody could forward. Methods that wait for the end, such as
    /// [`collect`](Flow::collect), refuse a held flow. A seeded run is held before its first step, so what it does does
    /// not depend on when it is let go.
    ///
    /// ```
    /// use millstream::{ErrorKind, Flow};
    ///
    /// let served = Flow::from_range(0..100u32).held().serve_to_all()?;
    /// let (one, two) = (served.subscribe(), served.subscribe());
    /// served.forward();
    /// let two = std::thread::spawn(move || two.count());
    /// assert_eq!(one.count(), 100);
    /// assert_eq!(two.join().unwrap(), 100);
    ///
    /// let error = Flow::from_range(0..100).held().count().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Plan);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn held(mut self) -> Self {
        self.graph.run.held = true;
        self
    }

    /// Lets an [`Observer`] see the run: its [report](crate::Report) beside the result, and while it goes on.
    ///
    /// What it shows is counted in any case; looking costs the worker nothing.
    ///
    /// ```
    /// use millstream::{Flow, Observer};
    ///
    /// let observer = Observer::new();
    /// let sum = Flow::from_range(0..1000u64).observe(&observer).sum::<u64>()?;
    /// assert_eq!(sum, 499_500);
    /// assert_eq!(observer.report().unwrap().stages()[0].items_in(), 1000);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn observe(mut self, observer: &Observer) -> Self {
        self.graph.run.observers.push(observer.clone());
        self
    }

    /// Runs the same plan with the same workers on one thread, in an order that the seed decides.
    ///
    /// For tests: the same seed gives the same interleaving, so a rare one can be found, kept and replayed. Sources
    /// must lie inside the flow: a channel that another thread fills makes the order depend on that thread, and one
    /// that keeps every worker waiting for ten seconds is an error of kind [`Stalled`](crate::ErrorKind::Stalled).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let run = |seed| Flow::from_range(0..100).partition().stages(4).seeded(seed).collect_vec();
    /// assert_eq!(run(7)?, run(7)?);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn seeded(mut self, seed: u64) -> Self {
        self.graph.run.seed = Some(seed);
        self
    }
}

/// A chain that is nothing yet but the edge it takes from, whose items [`Flow::weigh`] can weigh.
#[diagnostic::on_unimplemented(
    message = "`weigh` must come right behind the boundary whose items it weighs",
    label = "this flow already has a step, or has no boundary in front",
    note = "write `.shuffle().weigh(|item| …)` (or `partition`, `partition_by`, `partition_with`, `merge`) before the first step"
)]
pub trait Weighable<'env>: Pipe {
    /// Says how many bytes an item counts for.
    #[doc(hidden)]
    fn set_weight(&self, bytes: impl Fn(&Self::Item) -> usize + Send + Sync + 'env);
}

impl<'env, T: Send> Weighable<'env> for Partitioned<'env, T> {
    fn set_weight(&self, bytes: impl Fn(&T) -> usize + Send + Sync + 'env) {
        self.weigher.set(bytes);
    }
}

impl<'env, T: Send> Weighable<'env> for Shuffled<'env, T> {
    fn set_weight(&self, bytes: impl Fn(&T) -> usize + Send + Sync + 'env) {
        self.weigher.set(bytes);
    }
}
