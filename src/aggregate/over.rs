//! `Over`: the value that an aggregating method hands to its closure, with one method per ready aggregate.
//!
//! It exists so that closures infer: each method here knows the item's type, which a free function would not.

use super::{Average, Collect, Compare, Count, Distinct, First, Last, Max, Mean, Min, Sum, Top};
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::AddAssign;

/// The ready aggregates over items of type `T`: what `aggregate_by` hands to its closure.
///
/// It holds nothing and is `Copy`. Every method takes a closure that says which value of an item to aggregate,
/// and gives back an [`Aggregate`](super::Aggregate); a tuple of one to eight of them is one too.
///
/// ```
/// use millstream::Flow;
/// use std::collections::HashMap;
///
/// # fn main() -> Result<(), millstream::Error> {
/// let readings = vec![("oslo", -3.0), ("rome", 14.5), ("oslo", 5.0)];
/// let found: HashMap<&str, (f64, f64, f64)> = Flow::from_iter(readings)
///     .aggregate_by(|r| r.0, |a| (a.min(|r| r.1), a.mean(|r| r.1), a.max(|r| r.1)))
///     .collect()?;
/// assert_eq!(found["oslo"], (-3.0, 1.0, 5.0));
/// # Ok(())
/// # }
/// ```
pub struct Over<T> {
    items: PhantomData<fn(&T)>,
}

impl<T> Over<T> {
    /// The ready aggregates over `T`. Only the flow makes one: a user's closure is handed it.
    #[inline]
    pub(crate) fn new() -> Self {
        Over { items: PhantomData }
    }

    /// How many items the key has. Keeps 8 bytes a key.
    #[inline]
    pub fn count(self) -> Count {
        Count
    }

    /// The sum of a value over the items: integers, floats, durations, whatever adds with `+=`.
    ///
    /// The sum has the value's own type, so widen where it could overflow. An integer that overflows does what
    /// `+` does: it panics in a debug build, which fails the flow, and wraps in a release build. A float sum is
    /// rounded at each step, in an order that depends on how items fell to workers.
    ///
    /// ```
    /// # fn main() -> Result<(), millstream::Error> {
    /// let sizes = vec![("a", 200_u8), ("a", 100), ("b", 7)];
    /// let found = millstream::Flow::from_iter(sizes)
    ///     .aggregate_by(|size| size.0, |a| a.sum(|size| u64::from(size.1)))
    ///     .sorted()?;
    /// assert_eq!(found, [("a", 300), ("b", 7)]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn sum<V, F>(self, value: F) -> Sum<F>
    where
        V: AddAssign + Send,
        F: Fn(&T) -> V + Send + Sync,
    {
        Sum::new(value)
    }

    /// The smallest value among the items. Takes what is `Ord`, and floats: see [`Compare`].
    ///
    /// Of floats, `-0.0` is smaller than `0.0`, and a NaN with its sign set is smaller than any number.
    ///
    /// ```
    /// # fn main() -> Result<(), millstream::Error> {
    /// let words = vec!["pear", "fig", "plum", "fennel"];
    /// let found = millstream::Flow::from_iter(words)
    ///     .aggregate_by(|word| word.chars().next(), |a| a.min(|word| (word.len(), *word)))
    ///     .sorted()?;
    /// assert_eq!(found, [(Some('f'), (3, "fig")), (Some('p'), (4, "pear"))]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn min<V, F, By>(self, value: F) -> Min<F, By>
    where
        V: Compare<By> + Send,
        F: Fn(&T) -> V + Send + Sync,
    {
        Min::new(value)
    }

    /// The largest value among the items. Takes what is `Ord`, and floats: see [`Compare`].
    ///
    /// Of floats, `0.0` is larger than `-0.0`, and a NaN without a sign is larger than any number: filter NaNs
    /// out first if they are to be left out.
    ///
    /// ```
    /// # fn main() -> Result<(), millstream::Error> {
    /// let found: Vec<(bool, f64)> = millstream::Flow::from_iter(vec![1.5, 9.25, 4.0])
    ///     .aggregate_by(|_| true, |a| a.max(|x| *x))
    ///     .collect_vec()?;
    /// assert_eq!(found, [(true, 9.25)]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn max<V, F, By>(self, value: F) -> Max<F, By>
    where
        V: Compare<By> + Send,
        F: Fn(&T) -> V + Send + Sync,
    {
        Max::new(value)
    }

    /// The arithmetic mean of a number over the items, as an `f64`: see [`Average`] for what it takes.
    ///
    /// The sum of integers and booleans is kept exactly, so their mean does not depend on the order of items and
    /// cannot overflow; it is rounded when the sum becomes an `f64`, and in the division. A sum of floats is kept
    /// in an `f64` and rounded at each step, in an order that depends on how items fell to workers: its last
    /// digits may differ from run to run. Keeps 16 bytes a key, 24 for integers of 32 bits and more.
    ///
    /// ```
    /// # fn main() -> Result<(), millstream::Error> {
    /// let found = millstream::Flow::from_iter(vec![i64::MAX, i64::MAX, i64::MAX])
    ///     .aggregate_by(|_| 'x', |a| (a.mean(|n| *n), a.mean(|n| n % 2 == 0)))
    ///     .collect_vec()?;
    /// assert_eq!(found, [('x', (i64::MAX as f64, 0.0))]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn mean<V, F>(self, value: F) -> Mean<F>
    where
        V: Average,
        F: Fn(&T) -> V + Send + Sync,
    {
        Mean::new(value)
    }

    /// The value of the item that comes first in the input, whichever worker met it.
    ///
    /// Keeps 16 bytes a key beside the value.
    ///
    /// ```
    /// # fn main() -> Result<(), millstream::Error> {
    /// let visits = vec![("ann", "home"), ("bob", "help"), ("ann", "cart"), ("ann", "paid")];
    /// let found = millstream::Flow::from_iter(visits)
    ///     .aggregate_by(|visit| visit.0, |a| (a.first(|visit| visit.1), a.last(|visit| visit.1)))
    ///     .sorted()?;
    /// assert_eq!(found, [("ann", ("home", "paid")), ("bob", ("help", "help"))]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn first<V, F>(self, value: F) -> First<F>
    where
        V: Send,
        F: Fn(&T) -> V + Send + Sync,
    {
        First::new(value)
    }

    /// The value of the item that comes last in the input, whichever worker met it: the example is at
    /// [`first`](Over::first).
    ///
    /// Keeps 16 bytes a key beside the value.
    #[inline]
    pub fn last<V, F>(self, value: F) -> Last<F>
    where
        V: Send,
        F: Fn(&T) -> V + Send + Sync,
    {
        Last::new(value)
    }

    /// All values of the key, in the order of the input, whichever workers met them.
    ///
    /// Keeps every value, with 16 bytes each for its place, until the key is done; then sorts them by place,
    /// which is close to a merge, as each worker's values are in order already. Where order does not matter and
    /// the items themselves are wanted, `group_by` is cheaper.
    ///
    /// ```
    /// # fn main() -> Result<(), millstream::Error> {
    /// let found = millstream::Flow::from_iter(1..=7)
    ///     .aggregate_by(|n| n % 2, |a| a.collect(|n| n * 10))
    ///     .sorted()?;
    /// assert_eq!(found, [(0, vec![20, 40, 60]), (1, vec![10, 30, 50, 70])]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn collect<V, F>(self, value: F) -> Collect<F>
    where
        V: Send,
        F: Fn(&T) -> V + Send + Sync,
    {
        Collect::new(value)
    }

    /// The `n` largest values of the key, largest first; fewer if the key has fewer items, none if `n` is 0.
    ///
    /// Equal values each count. Takes what is `Ord`, and floats: see [`Compare`]; for the smallest values, wrap
    /// them in [`Reverse`](std::cmp::Reverse). Keeps at most `n` values a key and worker; an item that does not
    /// make it costs one comparison, one that does about log `n`.
    ///
    /// ```
    /// # fn main() -> Result<(), millstream::Error> {
    /// let scores = vec![("red", 4), ("red", 9), ("blue", 1), ("red", 7)];
    /// let found = millstream::Flow::from_iter(scores)
    ///     .aggregate_by(|score| score.0, |a| a.top(2, |score| score.1))
    ///     .sorted()?;
    /// assert_eq!(found, [("blue", vec![1]), ("red", vec![9, 7])]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn top<V, F, By>(self, n: usize, value: F) -> Top<F, By>
    where
        V: Compare<By> + Send,
        F: Fn(&T) -> V + Send + Sync,
    {
        Top::new(n, value)
    }

    /// How many different values the items have. Exact.
    ///
    /// Keeps each different value once in a hash set a key and worker: memory grows with the number of pairs of
    /// a key and a value. Floats are not `Eq`; count their `to_bits()`.
    ///
    /// ```
    /// # fn main() -> Result<(), millstream::Error> {
    /// let visits = vec![("home", "ann"), ("home", "bob"), ("home", "ann"), ("cart", "ann")];
    /// let found = millstream::Flow::from_iter(visits)
    ///     .aggregate_by(|visit| visit.0, |a| (a.count(), a.distinct(|visit| visit.1)))
    ///     .sorted()?;
    /// assert_eq!(found, [("cart", (1, 1)), ("home", (3, 2))]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn distinct<V, F>(self, value: F) -> Distinct<F>
    where
        V: Hash + Eq + Send,
        F: Fn(&T) -> V + Send + Sync,
    {
        Distinct::new(value)
    }
}

impl<T> Clone for Over<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Over<T> {}

impl<T> fmt::Debug for Over<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Over")
    }
}
