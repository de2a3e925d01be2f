//! Ends that have not run yet: what the branches of a flow end in, so that they can run together.

use std::fmt;
use std::iter::Sum;

use super::fork::Branches;
use super::graft::graft;
use super::{Flow, keeps};
use crate::edge::Shuffled;
use crate::error::{BoxError, Error};
use crate::output::{Each, Fold, Gather, Sink, Slots, TryEach};
use crate::plan::{End, Plan};
use crate::run::{Graph, Prepared};
use crate::step::Pipe;

/// A flow with its end, which has not run yet: see [`Flow::ending`].
#[must_use = "an ending is lazy and does nothing until it runs"]
pub struct Ending<'env, R> {
    graph: Graph<'env>,
    /// Makes the result of what the workers left.
    result: Box<dyn FnOnce() -> R + 'env>,
}

impl<'env, R> Ending<'env, R> {
    pub(super) fn new(graph: Graph<'env>, result: impl FnOnce() -> R + 'env) -> Self {
        Ending {
            graph,
            result: Box::new(result),
        }
    }
}

/// A flow about to be given an end that does not run yet, made by [`Flow::ending`].
#[must_use = "choose an end, such as `collect` or `for_each`"]
pub struct Unended<'env, P>(Flow<'env, P>);

impl<'env, P: Pipe + 'env> Flow<'env, P>
where
    P::Item: 'env,
{
    /// The ends of a flow once more, but lazy: the method behind `ending()` says what comes of the flow, and
    /// [`run`](Ending::run) runs it; or the [`Branches`] do, each with an ending of its own.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let total = Flow::from_range(1..5u32).ending().sum::<u32>();
    /// assert!(total.explain().contains("sum"));
    /// assert_eq!(total.run()?, 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn ending(self) -> Unended<'env, P> {
        Unended(self)
    }
}

impl<'env, P: Pipe + 'env> Unended<'env, P>
where
    P::Item: 'env,
{
    fn close<S, R>(
        self,
        method: &'static str,
        sink: S,
        result: impl FnOnce() -> R + 'env,
    ) -> Ending<'env, R>
    where
        S: Sink<P::Item> + 'env,
    {
        Ending {
            graph: self.0.close(End::Result(method), sink),
            result: Box::new(result),
        }
    }

    /// Any collection of the items, as [`Flow::collect`] makes it.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let items: Vec<u32> = Flow::from_iter([3, 1]).ordered().ending().collect().run()?;
    /// assert_eq!(items, [3, 1]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn collect<C>(mut self) -> Ending<'env, C>
    where
        C: FromIterator<P::Item>,
        P::Item: Send,
    {
        self.0.keeps.push(keeps::collected::<P::Item>());
        let parts = Slots::new();
        let sink = Gather {
            parts: parts.clone(),
        };
        self.close("collect", sink, move || super::collect::fill(parts.take()))
    }

    /// One value of all items, as [`Flow::fold`] makes it.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let least = Flow::from_iter([3, 1, 2]).ending().fold(|| 9, |a, n| a.min(n), |a, b| a.min(b));
    /// assert_eq!(least.run()?, 1);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn fold<A, N, F, M>(self, init: N, f: F, merge: M) -> Ending<'env, A>
    where
        A: Send + 'env,
        N: Fn() -> A + Send + Sync + Clone + 'env,
        F: Fn(A, P::Item) -> A + Send + Sync + 'env,
        M: FnMut(A, A) -> A + 'env,
    {
        self.fold_by("fold", init, f, merge)
    }

    fn fold_by<A, N, F, M>(self, method: &'static str, init: N, f: F, merge: M) -> Ending<'env, A>
    where
        A: Send + 'env,
        N: Fn() -> A + Send + Sync + Clone + 'env,
        F: Fn(A, P::Item) -> A + Send + Sync + 'env,
        M: FnMut(A, A) -> A + 'env,
    {
        let parts = Slots::new();
        let sink = Fold {
            init: init.clone(),
            f,
            parts: parts.clone(),
        };
        self.close(method, sink, move || {
            parts.take().into_iter().reduce(merge).unwrap_or_else(init)
        })
    }

    /// The number of items.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_range(0..100).ending().count().run()?, 100);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn count(self) -> Ending<'env, u64> {
        self.fold_by("count", || 0u64, |n, _| n + 1, |a, b| a + b)
    }

    /// The sum of the items.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_range(1..5).ending().sum::<i32>().run()?, 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn sum<S>(self) -> Ending<'env, S>
    where
        S: Sum<P::Item> + Sum<S> + Send + 'env,
    {
        // Without a sum to begin with, what a loop over a range would do.
        let add = |sum: Option<S>, item: P::Item| {
            let item: S = std::iter::once(item).sum();
            Some(match sum {
                Some(sum) => [sum, item].into_iter().sum(),
                None => item,
            })
        };
        let merge = |a: Option<S>, b: Option<S>| Some(a.into_iter().chain(b).sum());
        let sum = self.fold_by("sum", || None, add, merge);
        Ending {
            graph: sum.graph,
            result: Box::new(move || (sum.result)().into_iter().sum()),
        }
    }

    /// A closure for each item, called on the workers of the last stage, several at a time.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let seen = std::sync::Mutex::new(Vec::new());
    /// Flow::from_iter([7]).ending().for_each(|n| seen.lock().unwrap().push(n)).run()?;
    /// assert_eq!(seen.into_inner().unwrap(), [7]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn for_each<F>(self, f: F) -> Ending<'env, ()>
    where
        F: Fn(P::Item) + Send + Sync + 'env,
    {
        self.close("for_each", Each(f), || ())
    }

    /// A closure for each item until one call returns an error, which ends the run: all branches of it.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let end = Flow::from_iter([1, 2]).ending().try_for_each(|n| if n < 2 { Ok(()) } else { Err("two") });
    /// assert_eq!(end.run().unwrap_err().message(), "two");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn try_for_each<F, E>(self, f: F) -> Ending<'env, ()>
    where
        F: Fn(P::Item) -> Result<(), E> + Send + Sync + 'env,
        E: Into<BoxError>,
    {
        self.close("try_for_each", TryEach(f), || ())
    }
}

impl<'env, R> Ending<'env, R> {
    /// Runs the flow, or all branches that were given an end, and gives what comes of it.
    ///
    /// A failure anywhere ends all of it, and is the error.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let end = Flow::from_iter([1, 2]).ending().count();
    /// assert_eq!(end.run()?, 2);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn run(self) -> Result<R, Error> {
        Prepared::new(self.graph)?.run()?;
        Ok((self.result)())
    }

    /// What will run, as data: see [`Flow::plan`].
    pub fn plan(&self) -> Plan {
        self.graph.plan.clone()
    }

    /// What will run, in words: see [`Flow::explain`].
    pub fn explain(&self) -> String {
        self.plan().explain()
    }
}

/// Ends of branches so far, which give a tuple of results.
pub struct Ends<'env, R>(Box<dyn FnOnce() -> R + 'env>);

/// A tuple that can have one more element.
pub trait Append<X> {
    /// The tuple with it.
    #[doc(hidden)]
    type With;
    #[doc(hidden)]
    fn append(self, x: X) -> Self::With;
}

macro_rules! append {
    ($(($($part:ident $name:ident),*))*) => {$(
        impl<$($part,)* X> Append<X> for ($($part,)*) {
            type With = ($($part,)* X,);

            fn append(self, x: X) -> Self::With {
                let ($($name,)*) = self;
                ($($name,)* x,)
            }
        }
    )*};
}

append! {
    (A a)
    (A a, B b)
    (A a, B b, C c)
    (A a, B b, C c, D d)
    (A a, B b, C c, D d, E e)
    (A a, B b, C c, D d, E e, F f)
    (A a, B b, C c, D d, E e, F f, G g)
}

impl<'env, T: Send + 'env> Branches<'env, T> {
    /// Adds a branch with an end of its own; all run together, and their results are a tuple.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let (count, sum) = Flow::from_range(0..4u32)
    ///     .broadcast()
    ///     .end(|n| n.ending().count())
    ///     .end(|n| n.ending().sum::<u32>())
    ///     .run()?;
    /// assert_eq!((count, sum), (4, 6));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn end<R: 'env>(
        mut self,
        branch: impl FnOnce(Flow<'env, Shuffled<'env, T>>) -> Ending<'env, R>,
    ) -> Branches<'env, T, Ends<'env, (R,)>> {
        let ending = branch(self.begin());
        graft(&mut self.graph, ending.graph);
        let result = ending.result;
        self.making(|()| Ends(Box::new(move || (result(),))))
    }
}

impl<'env, T: Send + 'env, R: 'env> Branches<'env, T, Ends<'env, R>> {
    /// Adds a branch with an end of its own; all run together, and their results are a tuple.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let (count, sum) = Flow::from_range(0..4u32)
    ///     .broadcast()
    ///     .end(|n| n.ending().count())
    ///     .end(|n| n.ending().sum::<u32>())
    ///     .run()?;
    /// assert_eq!((count, sum), (4, 6));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn end<X: 'env>(
        mut self,
        branch: impl FnOnce(Flow<'env, Shuffled<'env, T>>) -> Ending<'env, X>,
    ) -> Branches<'env, T, Ends<'env, R::With>>
    where
        R: Append<X>,
        R::With: 'env,
    {
        let ending = branch(self.begin());
        graft(&mut self.graph, ending.graph);
        let result = ending.result;
        self.making(|ends| Ends(Box::new(move || ends.0().append(result()))))
    }

    /// All branches as one ending: to look at its plan, or for a branch of another flow.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let both = Flow::from_range(0..4u32).split(|n| n % 2 == 0);
    /// let both = both.end(|even| even.ending().count()).end(|odd| odd.ending().count()).ending();
    /// assert!(both.explain().contains("by `split`"));
    /// assert_eq!(both.run()?, (2, 2));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn ending(self) -> Ending<'env, R> {
        let (graph, ends) = self.join();
        Ending {
            graph,
            result: ends.0,
        }
    }

    /// Runs all branches together and gives their results, in the order in which they were added.
    ///
    /// A failure in one of them ends all.
    pub fn run(self) -> Result<R, Error> {
        self.ending().run()
    }
}

impl<R> fmt::Debug for Ending<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ending")
            .field("stages", &self.graph.plan.nodes.len())
            .finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for Unended<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unended").field(&self.0).finish()
    }
}

impl<R> fmt::Debug for Ends<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}
