//! Ends that fold or consume: `fold`, `count`, `sum`, `for_each`, `try_for_each`, `run`. The first three are lazy ends
//! (`ending`) that run at once.

use std::iter::Sum;

use super::Flow;
use crate::error::{BoxError, Error};
use crate::output::{Each, TryEach};
use crate::run::Report;
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: 'env,
{
    /// Runs the flow and folds its items: each worker from an `init` of its own, then the workers' results are merged.
    ///
    /// The accumulator goes by value, so a chain of cheap steps over a range becomes one loop.
    ///
    /// *Order* of merging: by worker. *Memory* one accumulator a worker.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let largest = Flow::from_iter([3, 9, 4]).fold(|| 0, |a, n| a.max(n), |a, b| a.max(b))?;
    /// assert_eq!(largest, 9);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn fold<A, N, F, M>(self, init: N, f: F, merge: M) -> Result<A, Error>
    where
        A: Send + 'env,
        N: Fn() -> A + Send + Sync + Clone + 'env,
        F: Fn(A, P::Item) -> A + Send + Sync + 'env,
        M: FnMut(A, A) -> A + 'env,
    {
        self.ending().fold(init, f, merge).run()
    }

    /// Runs the flow and counts its items.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_range(0..1000).filter(|n| n % 7 == 0).count()?, 143);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn count(self) -> Result<u64, Error> {
        self.ending().count().run()
    }

    /// Runs the flow and adds its items up.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_range(1..101u32).sum::<u32>()?, 5050);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn sum<S>(self) -> Result<S, Error>
    where
        S: Sum<P::Item> + Sum<S> + Send + 'env,
    {
        self.ending().sum().run()
    }

    /// Runs the flow and calls a closure for each item, on the workers of the last stage, several at a time.
    ///
    /// Nothing is sent on and nothing is kept.
    ///
    /// *Order* that of each worker. *Memory* none.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// let sum = AtomicU64::new(0);
    /// Flow::from_range(0..10u64).for_each(|n| { sum.fetch_add(n, Ordering::Relaxed); })?;
    /// assert_eq!(sum.into_inner(), 45);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn for_each<F>(self, f: F) -> Result<Report, Error>
    where
        F: Fn(P::Item) + Send + Sync + 'env,
    {
        self.finish("for_each", Each(f))
    }

    /// Runs the flow and calls a closure for each item until one call returns an error, which ends the run.
    ///
    /// *Order* that of each worker. *Memory* none.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let error = Flow::from_range(0..10)
    ///     .try_for_each(|n| if n < 5 { Ok(()) } else { Err(format!("{n} is too large")) })
    ///     .unwrap_err();
    /// assert!(error.message().ends_with("too large"));
    /// ```
    pub fn try_for_each<F, E>(self, f: F) -> Result<Report, Error>
    where
        F: Fn(P::Item) -> Result<(), E> + Send + Sync + 'env,
        E: Into<BoxError>,
    {
        self.finish("try_for_each", TryEach(f))
    }

    /// Runs the flow for what its steps do; its items are dropped.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let report = Flow::from_range(0..1000).partition().run()?;
    /// assert_eq!(report.stages()[1].items_in(), 1000);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn run(self) -> Result<Report, Error> {
        self.finish("run", Each(drop))
    }
}
