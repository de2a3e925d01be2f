//! Boundaries with two inputs of which one may have to wait for the other: `concat` and `zip`.

use std::sync::Arc;

use super::Flow;
use super::graft::take_from_both;
use crate::edge::{Concat, Edge, Shuffled, Weigher, Zip};
use crate::step::Pipe;

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: Send + 'env,
{
    /// All items of this flow, then all of the other: both run at once into the workers of a new stage, which takes
    /// from the second when the first has ended.
    ///
    /// Meanwhile the second runs ahead as far as its buffers allow. Two branches of one
    /// [`broadcast`](Flow::broadcast), [`split`](Flow::split) or [`route`](Flow::route) cannot be put one behind the
    /// other: the one that waits would hold the other back, so the flow refuses to run; [`merge`](Flow::merge) them.
    /// Options of the run are shared as in `merge`.
    ///
    /// *Order* that of the input if both flows are [`ordered`](Flow::ordered), else none. *Threads*
    /// [`stages`](Flow::stages) new ones. *Memory* bounded, see [`explain`](Flow::explain). *Ends* when both have ended.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let header = Flow::from_iter(["name,age"]).ordered();
    /// let rows = Flow::from_iter(["Ada,36", "Alan,41"]).ordered();
    /// assert_eq!(header.concat(rows).collect_vec()?, ["name,age", "Ada,36", "Alan,41"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn concat<Q>(self, other: Flow<'env, Q>) -> Flow<'env, Concat<'env, P::Item>>
    where
        Q: Pipe<Item = P::Item> + 'env,
    {
        let first = self.share("concat", Arc::new(Edge::default()), Weigher::none());
        let second = other.share("concat", Arc::new(Edge::default()), Weigher::none());
        first.beside(second, |first, second| Concat { first, second })
    }

    /// Pairs of an item of this flow and one of the other, in the order of both.
    ///
    /// Both flows must be [`ordered`](Flow::ordered), or pairs would be any two: the flow refuses to run otherwise, and
    /// if both are branches of one [`broadcast`](Flow::broadcast), [`split`](Flow::split) or [`route`](Flow::route).
    /// Options of the run are shared as in [`merge`](Flow::merge).
    ///
    /// *Order* that of the inputs. *Threads* [`stages`](Flow::stages) new ones, which pair a piece at a time. *Memory*
    /// bounded, see [`explain`](Flow::explain). *Ends* with the shorter flow, and stops the longer one.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let names = Flow::from_iter(["a", "b", "c"]).ordered();
    /// let numbers = Flow::from_iter(1..).ordered();
    /// assert_eq!(names.zip(numbers).collect_vec()?, [("a", 1), ("b", 2), ("c", 3)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn zip<Q>(self, other: Flow<'env, Q>) -> Flow<'env, Zip<P::Item, Q::Item>>
    where
        Q: Pipe + 'env,
        Q::Item: Send + 'env,
    {
        let first = self.share("zip", Arc::new(Edge::default()), Weigher::none());
        let second = other.share("zip", Arc::new(Edge::default()), Weigher::none());
        first.beside(second, |left, right| Zip::new(left.edge, right.edge))
    }
}

impl<'env, A: Send + 'env> Flow<'env, Shuffled<'env, A>> {
    /// One stage that takes from the edges of two that were just begun.
    fn beside<B: Send + 'env, Q>(
        mut self,
        other: Flow<'env, Shuffled<'env, B>>,
        both: impl FnOnce(Shuffled<'env, A>, Shuffled<'env, B>) -> Q,
    ) -> Flow<'env, Q> {
        let theirs = other.group.clone();
        let right = take_from_both(&mut self, other);
        let mut group = self.group;
        group.ordered &= theirs.ordered;
        group.order_used = group.ordered && (group.order_used || theirs.order_used);
        group.tickets = group.ordered;
        Flow {
            graph: self.graph,
            pipe: both(self.pipe, right),
            group,
            steps: self.steps,
            keeps: self.keeps,
            inputs: self.inputs,
        }
    }
}
