//! Who looks at the run of a flow, and what it is called by them.

use std::sync::Arc;

use super::Flow;
#[cfg(feature = "metrics")]
use crate::observe::Metrics;
#[cfg(feature = "progress")]
use crate::observe::Progress;
use crate::run::{Watch, Watcher};
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// What the flow is called by those who look at it: watchers, a progress bar, telemetry. It need not be the only one
    /// with that name. ([`name`](Flow::name) is that of a stage.)
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..10).flow_name("nightly load");
    /// assert_eq!(flow.count()?, 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn flow_name(mut self, name: impl Into<String>) -> Self {
        self.graph.run.name = Some(Arc::from(name.into()));
        self
    }

    /// Tells somebody when the run begins and when it has ended: see [`Watch`], which has an example. A flow may have
    /// several; they are told in the order in which they were given.
    pub fn watch(mut self, watcher: impl Watch + 'static) -> Self {
        self.graph.run.watchers.push(Watcher::new(watcher));
        self
    }

    /// Shows on the standard error, if that is a terminal, how far the run has come (feature `progress`): a bar with the rate
    /// and the time that is left where the sources know how much there is, a counting spinner where they do not.
    ///
    /// Files and texts have a bar of bytes; ranges, slices, vectors and Parquet files one of items; queries that are cut by a
    /// key one of their ranges, or of rows if they are counted first (`counted`) or you say how many there are (`about`).
    /// Channels, connections, streams and whole queries have a spinner.
    ///
    /// *Cost* one thread that looks at the counters ten times a second; none where it is not shown.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let sum = Flow::from_range(0..1000u64).progress().sum::<u64>()?;
    /// assert_eq!(sum, 499_500);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[cfg(feature = "progress")]
    pub fn progress(self) -> Self {
        self.progress_with(Progress::new())
    }

    /// The same with a name, in another place, or with a bar of one's own: see [`Progress`].
    #[cfg(feature = "progress")]
    pub fn progress_with(self, progress: Progress) -> Self {
        self.watch(progress)
    }

    /// Gives the run to the recorder of the crate `metrics` that the program has installed (feature `metrics`): counters,
    /// gauges and histograms of stages, workers and edges, once a second and at the end. Their names are in
    /// `docs/telemetry.md`.
    ///
    /// *Cost* one thread that looks at the counters once a second.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// // Without a recorder this goes nowhere.
    /// let sum = Flow::from_range(0..1000u64).flow_name("sum").metrics().sum::<u64>()?;
    /// assert_eq!(sum, 499_500);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[cfg(feature = "metrics")]
    pub fn metrics(self) -> Self {
        self.metrics_with(Metrics::new())
    }

    /// The same to a recorder of one's own, or more often: see [`Metrics`].
    #[cfg(feature = "metrics")]
    pub fn metrics_with(self, metrics: Metrics) -> Self {
        self.watch(metrics)
    }
}
