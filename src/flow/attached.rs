//! The handle of a flow that stages subscribe to.

use std::fmt;
use std::time::Duration;

use super::live;
use crate::error::Error;
use crate::output::subscribe;
use crate::run::Report;
use crate::stage::{self, DemandMode, Handle, Input, Output, Stream, Subscription, Takes};

/// A running flow whose last workers are producers: made by [`start`](crate::IntoStages::start). Dropping it stops the flow and waits for
/// its threads and for the stages it has started.
///
/// # Examples
/// Late consumers: a stage, or the calling thread.
/// ```
/// use millstream::Flow;
/// use millstream::stage::{DemandMode, Input, Subscription};
///
/// let none: [(Input<u64>, _); 0] = [];
/// let running = Flow::from_range(0..100u64)
///     .stages(2)
///     .into_stages(none)
///     .demand(DemandMode::Accumulate)
///     .start()?;
/// let stream = running.stream(Subscription::new())?;
/// running.forward();
/// assert_eq!(stream.map(|event| event.unwrap()).sum::<u64>(), 4950);
/// running.join()?;
/// # Ok::<(), millstream::Error>(())
/// ```
#[must_use = "dropping a handle stops the flow: keep it, or `join` it"]
pub struct Attached<T> {
    // In this order: the flow ends first.
    pub(super) run: live::Handle,
    pub(super) outputs: Vec<Output<T>>,
    pub(super) owned: Vec<Box<dyn Owned>>,
    pub(super) patience: Duration,
}

impl<T: Send + 'static> Attached<T> {
    /// Waits until the flow has ended, and then until the stages it has started have.
    ///
    /// With events left and nobody subscribed this waits for a consumer.
    pub fn join(self) -> Result<Report, Error> {
        let report = self.run.join();
        let stopped: Vec<Result<(), Error>> =
            self.owned.into_iter().map(|stage| stage.stop()).collect();
        let report = report?;
        stopped.into_iter().collect::<Result<(), Error>>()?;
        Ok(report)
    }

    /// Has a stage subscribe to all workers; it has when this returns. A flow that has ended counts as a producer that has.
    ///
    /// # Errors
    /// Options that cannot work; a stage that has ended or does not subscribe in time.
    pub fn subscribe<C>(&self, consumer: C, options: Subscription<T>) -> Result<(), Error>
    where
        C: Takes<Event = T>,
    {
        options.check()?;
        let consumer: Input<T> = consumer.input();
        let mut outputs = self.outputs.iter();
        outputs.try_for_each(|output| subscribe(&consumer, output, &options, self.patience))
    }

    /// What comes out of the flow, as an iterator: the calling thread is a consumer. It ends with the flow; see
    /// [`stage::stream`].
    pub fn stream(&self, options: Subscription<T>) -> Result<Stream<T>, Error> {
        stage::stream(self.outputs.iter().map(|output| (output, options.clone())))
    }

    /// The workers of the last stage, as producers. A consumer subscribes to all of them.
    pub fn outputs(&self) -> &[Output<T>] {
        &self.outputs
    }

    /// Gives what was asked for, and goes on doing so, after [`DemandMode::Accumulate`].
    pub fn forward(&self) {
        for output in &self.outputs {
            output.outlet.demand(DemandMode::Forward);
        }
    }

    /// Asks the flow to stop: see [`Handle::stop`](crate::Handle::stop). Its consumers are told `Shutdown`.
    pub fn stop(&self) {
        self.run.stop();
    }

    /// Asks the flow to end well: see [`Handle::drain`](crate::Handle::drain).
    pub fn drain(&self) {
        self.run.drain();
    }

    /// Whether all threads of the flow have ended.
    pub fn is_finished(&self) -> bool {
        self.run.is_finished()
    }

    /// What the flow has done so far.
    pub fn report(&self) -> Report {
        self.run.report()
    }
}

impl<T> fmt::Debug for Attached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached")
            .field("run", &self.run)
            .field("outputs", &self.outputs.len())
            .finish_non_exhaustive()
    }
}

/// A stage that the flow has started.
pub(super) trait Owned: Send {
    /// Stops it behind all it was given; how it ended.
    fn stop(self: Box<Self>) -> Result<(), Error>;
}

impl<K: stage::Kind> Owned for Handle<K> {
    fn stop(self: Box<Self>) -> Result<(), Error> {
        Handle::stop(*self)
    }
}
