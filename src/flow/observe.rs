//! Who looks at the run of a flow, and what it is called by them.

use std::sync::Arc;

use super::Flow;
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
}
