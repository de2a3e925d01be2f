//! Steps that can fail, and what is done about the items they reject.

use super::Flow;
use crate::error::BoxError;
use crate::read::{Format, Read};
use crate::reject::{AfterRun, AtOnce, Fail, Keeps, Policy, Validation};
use crate::step::{
    ByReference, ByValue, Pipe, Spread, Tries, TryFlatMap, TryItems, TryMap, TryMapRef, Unwrapped,
    Validate,
};

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Makes one item of each item, or rejects it with an error.
    ///
    /// The first error ends the run, unless [`on_error`](Flow::on_error) right behind says otherwise. It comes out of the
    /// terminal method with the stage, the partition and, for lines of files, the file, line and byte.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input or the first error.
    ///
    /// ```
    /// use millstream::{Flow, Text};
    ///
    /// let text = Text::from("1\n2\nthree\n");
    /// let error = Flow::from_lines(&text)
    ///     .try_map(|line| line.parse::<u32>())
    ///     .sum::<u32>()
    ///     .unwrap_err();
    /// assert!(error.message().contains("invalid digit"));
    /// ```
    pub fn try_map<U, E, F>(self, f: F) -> Flow<'env, TryMap<P, F>>
    where
        F: Fn(P::Item) -> Result<U, E> + Send + Sync + 'env,
        E: Into<BoxError>,
    {
        self.tries("try_map", ByValue::new("try_map", f))
    }

    /// Makes one item of each item by looking at it, or rejects it with an error: as [`try_map`](Flow::try_map), but a
    /// policy gets the item itself, which need not be `Clone`.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input or the first error.
    ///
    /// ```
    /// use millstream::{Flow, Rejected};
    /// use std::sync::Mutex;
    ///
    /// let bad = Mutex::new(Vec::new());
    /// let lines = ["1".to_string(), "two".to_string()];
    /// let sum: u32 = Flow::from_iter(lines)
    ///     .try_map_ref(|line| line.parse::<u32>())
    ///     .on_error(|rejected: Rejected<String>| {
    ///         bad.lock().unwrap().push(rejected.into_item());
    ///         Ok::<(), std::io::Error>(())
    ///     })
    ///     .sum()?;
    /// assert_eq!((sum, bad.into_inner().unwrap()), (1, vec!["two".to_string()]));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn try_map_ref<U, E, F>(self, f: F) -> Flow<'env, TryMapRef<P, F>>
    where
        F: Fn(&P::Item) -> Result<U, E> + Send + Sync + 'env,
        E: Into<BoxError>,
    {
        self.tries("try_map_ref", ByReference(f))
    }

    /// Makes any number of items of each item, or rejects it with an error.
    ///
    /// The first error ends the run, unless [`on_error`](Flow::on_error) right behind says otherwise.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input or the first error.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let total: u32 = Flow::from_iter(["1 2", "3"])
    ///     .try_flat_map(|line| line.split(' ').map(str::parse).collect::<Result<Vec<u32>, _>>())
    ///     .sum()?;
    /// assert_eq!(total, 6);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn try_flat_map<U, E, F>(self, f: F) -> Flow<'env, TryFlatMap<P, F>>
    where
        F: Fn(P::Item) -> Result<U, E> + Send + Sync + 'env,
        U: IntoIterator,
        E: Into<BoxError>,
    {
        let name = "try_flat_map";
        self.tries(name, ByValue::new(name, f)).under(Spread)
    }

    /// Lets the items go on that keep all rules, and rejects the others under the name of the first rule they break.
    ///
    /// The first of those ends the run, unless [`on_error`](Flow::on_error) right behind says otherwise.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input or the first error.
    ///
    /// ```
    /// use millstream::{Flow, Skip, Validation};
    ///
    /// let rules = Validation::new().rule("rating in 1..=5", |rating: &u32| (1..=5).contains(rating));
    /// let report = Flow::from_iter([1, 9, 5]).validate(rules).on_error(Skip).run()?;
    /// assert_eq!(report.rejected()["rating in 1..=5"], 1);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn validate(
        self,
        rules: Validation<'env, P::Item>,
    ) -> Flow<'env, Validate<'env, P, P::Item>> {
        self.tries("validate", rules)
    }

    /// What the fallible step right before does about items that it rejects, instead of ending the run.
    ///
    /// | policy | what happens to a rejected item |
    /// |---|---|
    /// | [`Fail`] | it ends the run (what happens without this method) |
    /// | [`Skip`](crate::Skip) | it is dropped, and counted |
    /// | [`DeadLetters`](crate::DeadLetters) | it is written into a sink, with its error, rule and position |
    /// | [`Retry`](crate::Retry) | it is tried again after a time, and then left to another policy |
    /// | `\|rejected: Rejected<T>\| -> Result<(), E>` | a closure of yours gets it; an error of the closure ends the run |
    ///
    /// Fallible are `read`, whose items are rejected as the text they have in the file, `try_map`, `try_map_ref`, `try_flat_map`, `try_items` and `validate`. What was rejected is in the
    /// [report](crate::Report::rejected) by the name of the rule or step. Policies that need the item keep a clone of it
    /// while the closure of `try_map` or `try_flat_map` has it; [`Fail`] and [`Skip`](crate::Skip) keep nothing.
    ///
    /// *Order* kept. *Threads* the stage's. *Memory* what the policy keeps, see [`explain`](Flow::explain). *Ends* with its
    /// input, or when the policy ends the run.
    ///
    /// ```
    /// use millstream::{Flow, Skip};
    ///
    /// let numbers = Flow::from_iter(["1", "two", "3"]).try_map(|text| text.parse::<u32>()).on_error(Skip);
    /// assert_eq!(numbers.sorted()?, [1, 3]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn on_error<R, W>(mut self, policy: R) -> Flow<'env, W>
    where
        P: Fallible<R, With = W>,
        R: 'env,
        W: Pipe,
    {
        self.keeps.extend(P::keeps(&policy).map(Into::into));
        self.graph
            .afters
            .extend(P::after(&policy).map(|after| after.0));
        self.step("on_error", |pipe| pipe.with(policy))
    }

    fn tries<A>(self, kind: &'static str, attempt: A) -> Flow<'env, Tries<P, A>> {
        self.step(kind, |pipe| Tries {
            pipe,
            attempt,
            policy: Fail,
        })
    }
}

impl<'env, P: Pipe<Item = Result<T, E>> + 'env, T, E: Into<BoxError>> Flow<'env, P> {
    /// Lets the items go on that are `Ok`, and rejects the errors: so an iterator of results is a source.
    ///
    /// The first error ends the run, unless [`on_error`](Flow::on_error) right behind says otherwise. A policy gets a
    /// `Rejected<()>`: there is nothing but the error.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input or the first error.
    ///
    /// ```
    /// use millstream::{Flow, Skip};
    /// use std::io::{BufRead, Cursor};
    ///
    /// let lines = Cursor::new("one\ntwo\n").lines();
    /// assert_eq!(Flow::from_iter(lines).try_items().count()?, 2);
    ///
    /// let parsed = Flow::from_iter(["1", "x"]).map(|text| text.parse::<u32>());
    /// assert_eq!(parsed.try_items().on_error(Skip).collect_vec()?, [1]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn try_items(self) -> Flow<'env, TryItems<P>> {
        self.tries("try_items", Unwrapped)
    }
}

/// A chain that ends in a step that can fail and has no policy yet: [`Flow::on_error`] gives it the policy `R`.
#[diagnostic::on_unimplemented(
    message = "`on_error` must come right behind a step that can fail, once",
    label = "the step before cannot fail, or has a policy already",
    note = "write `.try_map(…).on_error(…)` (or `read`, `try_map_ref`, `try_flat_map`, `try_items`, `validate`), and put other steps behind"
)]
pub trait Fallible<R>: Pipe {
    /// The same chain with the policy.
    type With: Pipe;

    /// Puts the policy in.
    #[doc(hidden)]
    fn with(self, policy: R) -> Self::With;

    /// What a worker keeps for it, in words.
    #[doc(hidden)]
    fn keeps(policy: &R) -> Option<String>;

    /// What is left to do for it after the run.
    #[doc(hidden)]
    fn after<'e>(policy: &R) -> Option<AfterRun<'e>>
    where
        Self: 'e,
        R: 'e;
}

/// Steps whose policy is asked for items of a type.
macro_rules! fallible {
    ($([$($of:tt)*] $step:ty, $kept:ty, where [$($bounds:tt)*], with $with:ty;)*) => {$(
        impl<$($of)*> Fallible<R> for $step
        where
            Self: Pipe,
            $with: Pipe,
            $($bounds)*
        {
            type With = $with;

            fn with(self, policy: R) -> Self::With {
                Tries {
                    pipe: self.pipe,
                    attempt: self.attempt,
                    policy,
                }
            }

            fn keeps(policy: &R) -> Option<String> {
                Policy::<$kept>::keeps(policy)
            }

            fn after<'e>(policy: &R) -> Option<AfterRun<'e>>
            where
                Self: 'e,
                R: 'e,
            {
                Policy::<$kept>::after(policy)
            }
        }
    )*};
}

fallible! {
    [P: Pipe, F, R] TryMap<P, F>, <R as Keeps<P::Item>>::Kept,
        where [R: Keeps<P::Item> + Policy<<R as Keeps<P::Item>>::Kept>], with TryMap<P, F, R>;
    [P: Pipe, F, R] TryMapRef<P, F>, P::Item, where [R: Policy<P::Item>], with TryMapRef<P, F, R>;
    [P: Pipe, R] TryItems<P>, (), where [R: AtOnce<()>], with TryItems<P, R>;
    ['env, P: Pipe, R] Validate<'env, P, P::Item>, P::Item,
        where [R: Policy<P::Item>], with Validate<'env, P, P::Item, R>;
}

impl<P: Pipe, R> Fallible<R> for Spread<P>
where
    Self: Pipe,
    P: Fallible<R>,
    Spread<P::With>: Pipe,
{
    type With = Spread<P::With>;

    fn with(self, policy: R) -> Self::With {
        Spread(self.0.with(policy))
    }

    fn keeps(policy: &R) -> Option<String> {
        P::keeps(policy)
    }

    fn after<'e>(policy: &R) -> Option<AfterRun<'e>>
    where
        Self: 'e,
        R: 'e,
    {
        P::after(policy)
    }
}

impl<F: Format, R: AtOnce<String>> Fallible<R> for Read<F> {
    type With = Read<F, R>;

    fn with(self, policy: R) -> Self::With {
        Read::with(self, policy)
    }

    fn keeps(policy: &R) -> Option<String> {
        Policy::<String>::keeps(policy)
    }

    fn after<'e>(policy: &R) -> Option<AfterRun<'e>>
    where
        Self: 'e,
        R: 'e,
    {
        Policy::<String>::after(policy)
    }
}
