//! Flows of results: steps that look at one side and leave the other as it is.

use super::{Branches, Flow, Merging};
use crate::edge::Shuffled;
use crate::step::{Filter, FilterMap, FlatMap, FlatOk, Inspect, Map, Pipe};

impl<'env, P: Pipe<Item = Result<T, E>> + 'env, T, E> Flow<'env, P> {
    /// Makes another `Ok` of each `Ok`; errors pass.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_iter([Ok(1), Err("no")]).map_ok(|n| n * 2);
    /// assert_eq!(flow.sorted()?, [Ok(2), Err("no")]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map_ok<U, F>(
        self,
        f: F,
    ) -> Flow<
        'env,
        Map<P, impl Fn(Result<T, E>) -> Result<U, E> + Send + Sync + use<'env, P, T, E, U, F>>,
    >
    where
        F: Fn(T) -> U + Send + Sync + 'env,
    {
        self.step("map_ok", |pipe| Map {
            pipe,
            f: move |item: Result<T, E>| item.map(&f),
        })
    }

    /// Keeps the `Ok`s for which the closure says true; errors pass.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_iter([Ok(1), Ok(2), Err("no")]).filter_ok(|n| n % 2 == 0);
    /// assert_eq!(flow.sorted()?, [Ok(2), Err("no")]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn filter_ok<F>(
        self,
        f: F,
    ) -> Flow<'env, Filter<P, impl Fn(&Result<T, E>) -> bool + Send + Sync + use<'env, P, T, E, F>>>
    where
        F: Fn(&T) -> bool + Send + Sync + 'env,
    {
        self.step("filter_ok", |pipe| Filter {
            pipe,
            f: move |item: &Result<T, E>| item.as_ref().map_or(true, &f),
        })
    }

    /// Makes a result of each `Ok`; errors pass.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_iter([Ok("1"), Ok("x"), Err("no".to_string())])
    ///     .and_then(|text| text.parse::<u32>().map_err(|error| error.to_string()));
    /// let digit = Err("invalid digit found in string".to_string());
    /// assert_eq!(flow.sorted()?, [Ok(1), digit, Err("no".to_string())]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn and_then<U, F>(
        self,
        f: F,
    ) -> Flow<
        'env,
        Map<P, impl Fn(Result<T, E>) -> Result<U, E> + Send + Sync + use<'env, P, T, E, U, F>>,
    >
    where
        F: Fn(T) -> Result<U, E> + Send + Sync + 'env,
    {
        self.step("and_then", |pipe| Map {
            pipe,
            f: move |item: Result<T, E>| item.and_then(&f),
        })
    }

    /// Makes any number of `Ok`s of each `Ok`; errors pass.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_iter([Ok("a b"), Err(7)]).flat_map_ok(|line| line.split(' '));
    /// assert_eq!(flow.sorted()?, [Ok("a"), Ok("b"), Err(7)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn flat_map_ok<U, F>(
        self,
        f: F,
    ) -> Flow<
        'env,
        FlatMap<
            P,
            impl Fn(Result<T, E>) -> FlatOk<U::IntoIter, E> + Send + Sync + use<'env, P, T, E, U, F>,
        >,
    >
    where
        F: Fn(T) -> U + Send + Sync + 'env,
        U: IntoIterator,
    {
        self.step("flat_map_ok", |pipe| FlatMap {
            pipe,
            f: move |item: Result<T, E>| match item {
                Ok(item) => FlatOk::Made(f(item).into_iter()),
                Err(error) => FlatOk::Passed(Some(error)),
            },
        })
    }

    /// Makes another error of each error; `Ok`s pass.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_iter(["1", "x"]).map(|text| text.parse::<u32>()).map_err(|error| error.to_string());
    /// assert_eq!(flow.sorted()?, [Ok(1), Err("invalid digit found in string".to_string())]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map_err<U, F>(
        self,
        f: F,
    ) -> Flow<
        'env,
        Map<P, impl Fn(Result<T, E>) -> Result<T, U> + Send + Sync + use<'env, P, T, E, U, F>>,
    >
    where
        F: Fn(E) -> U + Send + Sync + 'env,
    {
        self.step("map_err", |pipe| Map {
            pipe,
            f: move |item: Result<T, E>| item.map_err(&f),
        })
    }

    /// Makes a result of each error, perhaps an `Ok`; `Ok`s pass.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_iter([Ok(1), Err("none"), Err("bad")])
    ///     .or_else(|error| if error == "none" { Ok(0) } else { Err(error) });
    /// assert_eq!(flow.sorted()?, [Ok(0), Ok(1), Err("bad")]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn or_else<U, F>(
        self,
        f: F,
    ) -> Flow<
        'env,
        Map<P, impl Fn(Result<T, E>) -> Result<T, U> + Send + Sync + use<'env, P, T, E, U, F>>,
    >
    where
        F: Fn(E) -> Result<T, U> + Send + Sync + 'env,
    {
        self.step("or_else", |pipe| Map {
            pipe,
            f: move |item: Result<T, E>| item.or_else(&f),
        })
    }

    /// Looks at each error on its way.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// let seen = AtomicU32::new(0);
    /// let flow = Flow::from_iter([Ok(1), Err("no")]).inspect_err(|_| { seen.fetch_add(1, Ordering::Relaxed); });
    /// assert_eq!(flow.count()?, 2);
    /// assert_eq!(seen.into_inner(), 1);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn inspect_err<F>(
        self,
        f: F,
    ) -> Flow<'env, Inspect<P, impl Fn(&Result<T, E>) + Send + Sync + use<'env, P, T, E, F>>>
    where
        F: Fn(&E) + Send + Sync + 'env,
    {
        self.step("inspect_err", |pipe| Inspect {
            pipe,
            f: move |item: &Result<T, E>| {
                if let Err(error) = item {
                    f(error);
                }
            },
        })
    }

    /// The `Ok`s alone. The errors are dropped and not counted: to count them, write
    /// [`try_items`](Flow::try_items)`().`[`on_error`](Flow::on_error)`(Skip)`.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_iter([Ok(1), Err("no")]).oks().collect_vec()?, [1]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn oks(self) -> Flow<'env, Oks<P, T, E>> {
        self.step("oks", |pipe| FilterMap {
            pipe,
            f: Result::ok as fn(Result<T, E>) -> Option<T>,
        })
    }

    /// The errors alone.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_iter([Ok(1), Err("no")]).errs().collect_vec()?, ["no"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn errs(self) -> Flow<'env, Errs<P, T, E>> {
        self.step("errs", |pipe| FilterMap {
            pipe,
            f: Result::err as fn(Result<T, E>) -> Option<E>,
        })
    }

    /// The `Ok`s into one branch, the errors into another, each as plain items; what both make is
    /// [merged](Branches::merge).
    ///
    /// Where each side has an end of its own, write `.split(|item| item.is_ok())` with [`oks`](Flow::oks) in the first
    /// branch's [`end`](Branches::end) and [`errs`](Flow::errs) in the second's.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`broadcast`](Flow::broadcast).
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let parsed = || Flow::from_iter(["7", "x", "9"]).map(|text| text.parse::<u32>());
    /// let told = parsed().partition_results(
    ///     |numbers| numbers.map(|n| format!("number {n}")),
    ///     |errors| errors.map(|error| error.to_string()),
    /// );
    /// assert_eq!(told.merge().sorted()?, ["invalid digit found in string", "number 7", "number 9"]);
    ///
    /// let (sum, errors) = parsed()
    ///     .split(|item| item.is_ok())
    ///     .end(|numbers| numbers.oks().ending().sum::<u32>())
    ///     .end(|errors| errors.errs().ending().count())
    ///     .run()?;
    /// assert_eq!((sum, errors), (16, 1));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn partition_results<A, B>(
        self,
        oks: impl FnOnce(Flow<'env, Oks<Shuffled<'env, Result<T, E>>, T, E>>) -> Flow<'env, A>,
        errs: impl FnOnce(Flow<'env, Errs<Shuffled<'env, Result<T, E>>, T, E>>) -> Flow<'env, B>,
    ) -> Branches<'env, Result<T, E>, Merging<'env, A::Item>>
    where
        T: Send + 'env,
        E: Send + 'env,
        A: Pipe + 'env,
        A::Item: Send + 'env,
        B: Pipe<Item = A::Item> + 'env,
    {
        self.split(|item| item.is_ok())
            .to(|results| oks(results.oks()))
            .to(|results| errs(results.errs()))
    }
}

/// The chain of [`Flow::oks`].
pub type Oks<P, T, E> = FilterMap<P, fn(Result<T, E>) -> Option<T>>;

/// The chain of [`Flow::errs`].
pub type Errs<P, T, E> = FilterMap<P, fn(Result<T, E>) -> Option<E>>;
