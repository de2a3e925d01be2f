//! `hottest_keys`: which keys come most often, for the report.

use std::fmt::Debug;
use std::hash::Hash;

use super::Flow;
use crate::step::{HottestKeys, Pipe};

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Notes for the report which keys come most often, up to `n` of them, and passes each item on.
    ///
    /// It looks at about one item in 64, chosen at random, and keeps a bounded number of keys, so what it says is an estimate; see
    /// [`StageReport::hottest`](crate::StageReport::hottest). Write it in front of an aggregate by key (`count_by`), or right behind
    /// `partition_by`, with the same key. Where a partition takes most of the items,
    /// [`explain_analyze`](crate::Report::explain_analyze) names the key. A stage that has the step twice counts both in one.
    ///
    /// *Order* kept. *Threads* the stage's. *Memory* eight keys for each that is asked for, at least 64 and at most 1,024, as
    /// text, a worker. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::iter::repeat_n;
    ///
    /// let words = repeat_n("the", 50_000).chain(repeat_n("mill", 10_000));
    /// let report = Flow::from_iter(words)
    ///     .partition_by(|word| *word)
    ///     .hottest_keys(3, |word| *word)
    ///     .run()?;
    /// assert_eq!(report.stages()[1].hottest()[0].0, "\"the\"");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn hottest_keys<K, F>(self, n: usize, key: F) -> Flow<'env, HottestKeys<P, F>>
    where
        K: Hash + Debug,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        self.step("hottest_keys", |pipe| HottestKeys { pipe, n, key })
    }
}
