//! Calls that wait, several at a time over the whole flow.

use std::sync::Arc;

use super::Flow;
use crate::edge::{Edge, Shuffled, Weigher};
use crate::step::{MapConcurrent, Pipe};

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'env,
{
    /// Makes one item of each item by a call that waits (a request, a query), `k` calls at a time over the whole flow.
    ///
    /// It is a [`shuffle`](Flow::shuffle) to `k` threads that take one item each, so one slow call holds up no item
    /// behind it, and a result goes on before its thread makes the next call. Steps behind it run on the same `k`
    /// threads; for work that computes, write `shuffle()` first. Calls that can fail return a `Result`, with
    /// [`try_map`](Flow::try_map) behind; a limit to their rate is `rate_limit` in front (feature `rate`). Zero
    /// threads is an error when the flow starts.
    ///
    /// *Order* none, or that of the input after [`ordered`](Flow::ordered): then a thread keeps its result until those
    /// before it are there, so up to `k` calls are under way or done, and a slow one holds up the others in time.
    /// *Threads* `k` new ones. *Memory* an item a thread, and [`buffer`](Flow::buffer) items a thread that wait.
    /// *Ends* when all producers have ended and the last call has returned; a stop waits for the calls in progress.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let ask = |id: u32| format!("the answer to {id}");
    /// let answers = Flow::from_range(0..100).ordered().map_concurrent(16, ask).collect_vec()?;
    /// assert_eq!(answers[99], "the answer to 99");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map_concurrent<U, F>(
        self,
        k: usize,
        f: F,
    ) -> Flow<'env, MapConcurrent<Shuffled<'env, P::Item>, F>>
    where
        F: Fn(P::Item) -> U + Send + Sync + 'env,
    {
        let mut flow = self.share("map_concurrent", Arc::new(Edge::default()), Weigher::none());
        flow.group.stages = Some(k);
        flow.group.batch = 1;
        flow.under(|pipe| MapConcurrent::new(pipe, f))
    }
}
