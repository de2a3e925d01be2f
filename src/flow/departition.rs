//! From many workers back to one: the states of a stage merged into one item.

use std::sync::Arc;

use super::{Flow, keeps};
use crate::edge::{Edge, Shuffled, Weigher};
use crate::step::{Departition, Pipe};

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'env,
{
    /// Gathers what every worker of this stage emits in one worker, merges it, and gives one item at the end.
    ///
    /// `init` makes what is merged into, `merge` adds an item, and `finish` makes the result of it all, when the last
    /// worker has ended. It goes behind a [`reduce`](Flow::reduce), whose accumulators it merges, or behind an
    /// [`emit_and_reduce`](Flow::emit_and_reduce) that emits a state from time to time: one that keeps its state must
    /// not emit sums that count the same items again. Steps behind it run in the same single worker. Where the
    /// result is wanted by the caller alone, [`fold`](Flow::fold) needs no further thread.
    ///
    /// *Order* that in which the states arrive, or that of the input behind [`ordered`](Flow::ordered). *Threads* one.
    /// *Memory* what is merged; states on their way as [`explain`](Flow::explain) says. *Ends* with its input, after
    /// the one item; a failed run calls no `finish`.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let sums = Flow::from_range(1..11)
    ///     .partition()
    ///     .stages(4)
    ///     .reduce(|| 0, |sum, n| *sum += n)
    ///     .departition(Vec::new, |all, sum| all.push(sum), |all| (all.len(), all.iter().sum::<i32>()));
    /// assert_eq!(sums.collect_vec()?, [(4, 55)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn departition<B, C, N, M, F>(
        self,
        init: N,
        merge: M,
        finish: F,
    ) -> Flow<'env, Departition<Shuffled<'env, P::Item>, N, M, F>>
    where
        N: Fn() -> B + Send + Sync + 'env,
        M: Fn(&mut B, P::Item) + Send + Sync + 'env,
        F: Fn(B) -> C + Send + Sync + 'env,
    {
        self.into_one("departition", init, merge, finish)
    }

    /// [`departition`](Flow::departition) under the name of the method that is made of it.
    pub(super) fn into_one<B, C, N, M, F>(
        self,
        kind: &'static str,
        init: N,
        merge: M,
        finish: F,
    ) -> Flow<'env, Departition<Shuffled<'env, P::Item>, N, M, F>>
    where
        N: Fn() -> B + Send + Sync + 'env,
        M: Fn(&mut B, P::Item) + Send + Sync + 'env,
        F: Fn(B) -> C + Send + Sync + 'env,
    {
        let mut flow = self.share(kind, Arc::new(Edge::default()), Weigher::none());
        flow.group.stages = Some(1);
        flow.group.single = Some(kind);
        // The one item at the end has no number among those it was made of.
        flow.group.ordered = false;
        flow.group.reduced = true;
        flow.keeps.push(keeps::merged::<B>());
        flow.under(|pipe| Departition::new(pipe, init, merge, finish))
    }
}
