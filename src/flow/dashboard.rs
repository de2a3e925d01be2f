//! `dashboard`: a page in the browser that shows the flow while it runs.

use super::Flow;
use crate::dashboard::{Dashboard, DashboardOptions, Own};
use crate::run::Watcher;
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Serves a page that shows the run while it goes on, at an address such as `127.0.0.1:8080` (feature `dashboard`). It is there from the start
    /// of the run to its end; a [`Dashboard`] with [`show_on`](Flow::show_on) outlives it, shows several, and says its port if the
    /// system has chosen it.
    ///
    /// # Errors
    /// Those of [`Dashboard::bind`], when the flow starts: then nothing has run.
    ///
    /// ```
    /// use millstream::{ErrorKind, Flow};
    ///
    /// let sum = Flow::from_range(0..1000u64).dashboard("127.0.0.1:0").sum::<u64>()?;
    /// assert_eq!(sum, 499_500);
    /// // For everybody, only if asked: see `DashboardOptions::anywhere`.
    /// let error = Flow::from_range(0..1000u64).dashboard("0.0.0.0:0").run().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Option);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn dashboard(mut self, at: impl Into<DashboardOptions>) -> Self {
        self.graph.run.watchers.push(Own::watcher(at.into()));
        self
    }

    /// Shows the run on a [`Dashboard`], which has an example (feature `dashboard`).
    pub fn show_on(mut self, dashboard: &Dashboard) -> Self {
        let watcher = Watcher::new(dashboard.watcher());
        self.graph.run.watchers.push(watcher);
        self
    }
}
