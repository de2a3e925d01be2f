//! Looking at a run from outside, while it goes on and after it.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::{Report, Shared, lock};

/// Somebody who looks at a run, for [`Flow::observe`](crate::Flow::observe): clones look at the same.
///
/// It keeps the counters of the latest run that it was given, nothing else of the flow.
///
/// # Examples
/// ```
/// use millstream::{Flow, Observer};
///
/// let observer = Observer::new();
/// assert!(observer.report().is_none());
/// let words = Flow::from_iter(["a", "b", "a"])
///     .observe(&observer)
///     .count_by(|word| *word)
///     .collect_vec()?;
/// assert_eq!(words.len(), 2);
/// let report = observer.report().unwrap();
/// assert_eq!(report.stages()[1].keys(), 2);
/// assert!(!observer.is_running());
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Observer(Arc<Mutex<Option<Arc<Shared>>>>);

impl Observer {
    /// An observer that has seen no run yet.
    pub fn new() -> Self {
        Observer::default()
    }

    /// What the run has done so far, or did; `None` before one was started.
    pub fn report(&self) -> Option<Report> {
        self.run().map(|shared| shared.report())
    }

    /// Whether a run has begun and is not over yet.
    pub fn is_running(&self) -> bool {
        self.run().is_some_and(|shared| !shared.is_over())
    }

    /// Looks at a run from now on.
    pub(super) fn looks_at(&self, run: &Arc<Shared>) {
        *lock(&self.0) = Some(run.clone());
    }

    fn run(&self) -> Option<Arc<Shared>> {
        lock(&self.0).clone()
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("running", &self.is_running())
            .finish_non_exhaustive()
    }
}
