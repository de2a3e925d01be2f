//! Steps of one's own: pieces of a flow under a name, and a step from a chunk's iterator to another.

use super::Flow;
use crate::step::{Chunk, Chunks, Pipe};

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Passes the flow through a function: pieces of a flow get a name, a place of their own, and are used again.
    ///
    /// It is what calling the function on the flow would be, in the order in which one reads.
    ///
    /// ```
    /// use millstream::{BoxFlow, Flow, Pipe};
    ///
    /// fn words<'env, P>(lines: Flow<'env, P>) -> BoxFlow<'env, String>
    /// where
    ///     P: Pipe<Item = &'env str> + 'env,
    /// {
    ///     lines.flat_map(|line| line.split(' ')).map(str::to_lowercase).boxed()
    /// }
    ///
    /// let counts = Flow::from_iter(["To be", "to do"]).through(words).count_by(String::clone);
    /// assert_eq!(counts.sorted()?, [("be".into(), 1), ("do".into(), 1), ("to".into(), 2)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn through<R>(self, f: impl FnOnce(Self) -> R) -> R {
        f(self)
    }

    /// Makes an iterator of the items of each chunk: a step of one's own, with whatever iterators can do.
    ///
    /// The closure is called once a chunk, by several workers at once. A chunk is what a worker takes at a time: from
    /// one item up to [`batch`](Flow::batch) of them or, from ranges and slices, many more; so nothing can be told from
    /// where one ends, and nothing is kept from one to the next ([`map_with`](Flow::map_with) keeps). What does not
    /// matter to the result may depend on it: a buffer used for more than one item, duplicates in a row dropped early.
    ///
    /// *Order* as the iterator gives them, within a chunk. *Threads* the stage's. *Memory* what the iterator keeps, and
    /// up to 256 items a worker on their way in. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// // Runs of equal items are counted, at least within a chunk, so less goes on to be added up.
    /// let runs = Flow::from_iter("aaabbbbaa".chars()).adapt(|chunk| {
    ///     let mut chunk = chunk.peekable();
    ///     Box::new(std::iter::from_fn(move || {
    ///         let item = chunk.next()?;
    ///         let mut times = 1u64;
    ///         while chunk.next_if_eq(&item).is_some() {
    ///             times += 1;
    ///         }
    ///         Some((item, times))
    ///     }))
    /// });
    /// let counts = runs.sum_by(|run| run.0, |run| run.1).sorted()?;
    /// assert_eq!(counts, [('a', 5), ('b', 4)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn adapt<U, F>(self, f: F) -> Flow<'env, Chunks<'env, P, F>>
    where
        F: for<'c> Fn(Chunk<'c, 'env, P::Item>) -> Box<dyn Iterator<Item = U> + 'c>
            + Send
            + Sync
            + 'env,
    {
        self.step("adapt", |pipe| Chunks::new(pipe, f))
    }
}
