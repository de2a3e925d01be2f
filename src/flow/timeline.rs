//! `timeline`: the run over time, for the report.

use std::time::Duration;

use super::Flow;
use crate::observe::Timekeeper;
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Keeps a time line of the run for its [report](crate::Report::timeline): what each stage had done, and how full each edge was, at moments
    /// that are `every` apart.
    ///
    /// One thread of the run reads its counters, the workers do nothing for it. It keeps at most 512 moments: a longer run is looked
    /// at less often. Less than a millisecond counts as one. [`Report::to_html`](crate::Report::to_html) draws it.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::time::Duration;
    ///
    /// let report = Flow::from_range(0..1000u64).timeline(Duration::from_millis(5)).run()?;
    /// let line = report.timeline().unwrap();
    /// assert_eq!(line.moments().last().unwrap().at(), report.elapsed());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn timeline(self, every: Duration) -> Self {
        self.watch(Timekeeper::every(every))
    }
}
