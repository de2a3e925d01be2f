//! The free forms of reduction: an accumulator of any type a worker.

use super::{Flow, Unreduced, keeps};
use crate::step::{Emit, FlatMap, Pipe, Reduce};

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Folds the items of each worker into one accumulator, and emits the accumulators when the input ends.
    ///
    /// There is one accumulator a worker, no more: behind a [`partition`](Flow::partition) it has everything of its
    /// keys. Workers that got nothing emit what `init` makes. Steps behind act on the emitted accumulators; to spread
    /// them, use [`events`](Flow::events). A second `reduce` of the accumulators themselves does not compile; to bring
    /// those of all workers together, use [`departition`](Flow::departition).
    ///
    /// For counts, sums, extremes and their kind the declared forms ([`count_by`](Flow::count_by),
    /// [`aggregate_by`](Flow::aggregate_by), …) are much faster: they combine before items cross threads.
    ///
    /// *Order* none. *Threads* the stage's. *Memory* the accumulators. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::collections::HashMap;
    ///
    /// let counts: HashMap<char, u32> = Flow::from_iter("mississippi".chars())
    ///     .partition()
    ///     .reduce(HashMap::new, |counts, letter| *counts.entry(letter).or_default() += 1)
    ///     .events()
    ///     .collect()?;
    /// assert_eq!(counts[&'s'], 4);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn reduce<A, N, F>(mut self, init: N, f: F) -> Flow<'env, Reduce<P, N, F>>
    where
        N: Fn() -> A + Send + Sync + 'env,
        F: Fn(&mut A, P::Item) + Send + Sync + 'env,
        P: Unreduced,
    {
        self.group.ordered = false;
        self.group.reduced = true;
        self.keeps.push(keeps::accumulators::<A>("reduce"));
        self.step("reduce", |pipe| Reduce { pipe, init, f })
    }

    /// Folds the items of each worker into one accumulator, emitting while it goes and once more at the end.
    ///
    /// *Order* that of the input within a chunk. *Threads* the stage's. *Memory* the accumulators. *Ends* with its
    /// input, after what `finish` emits.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// // Running sums of one worker, and the total at the end.
    /// let sums = Flow::from_iter([1, 2, 3])
    ///     .stages(1)
    ///     .emit_and_reduce(
    ///         || 0,
    ///         |sum, n| {
    ///             *sum += n;
    ///             Some(*sum)
    ///         },
    ///         |total| [total * 100],
    ///     );
    /// assert_eq!(sums.sorted()?, [1, 3, 6, 600]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn emit_and_reduce<A, U, V, N, F, E>(
        mut self,
        init: N,
        f: F,
        finish: E,
    ) -> Flow<'env, Emit<P, N, F, E>>
    where
        N: Fn() -> A + Send + Sync + 'env,
        F: Fn(&mut A, P::Item) -> U + Send + Sync + 'env,
        U: IntoIterator,
        E: Fn(A) -> V + Send + Sync + 'env,
        V: IntoIterator<Item = U::Item>,
        P: Unreduced,
    {
        self.group.ordered = false;
        self.group.reduced = true;
        self.keeps.push(keeps::accumulators::<A>("emit_and_reduce"));
        self.step("emit_and_reduce", |pipe| Emit {
            pipe,
            init,
            f,
            finish,
        })
    }

    /// Spreads items that are collections: the states of a [`reduce`](Flow::reduce) into their elements.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_iter([vec![1, 2], vec![3]]).events().sorted()?, [1, 2, 3]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn events(self) -> Flow<'env, FlatMap<P, fn(P::Item) -> P::Item>>
    where
        P::Item: IntoIterator,
    {
        self.step("events", |pipe| FlatMap {
            pipe,
            f: std::convert::identity as fn(P::Item) -> P::Item,
        })
    }
}
