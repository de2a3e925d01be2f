//! Steps within a stage: each item passes them on the thread that pulled it.

use super::Flow;
use crate::step::{
    Filter, FilterMap, FlatMap, Inspect, Map, MapBatch, MapWith, Pipe, Take, WithOrigin,
};

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Makes one item of each item.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_range(0..4).map(|n| n * 2).sorted()?, [0, 2, 4, 6]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map<U, F>(self, f: F) -> Flow<'env, Map<P, F>>
    where
        F: Fn(P::Item) -> U + Send + Sync + 'env,
    {
        self.step("map", |pipe| Map { pipe, f })
    }

    /// Keeps the items for which the closure says true.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_range(0..10).filter(|n| n % 3 == 0).sorted()?, [0, 3, 6, 9]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn filter<F>(self, f: F) -> Flow<'env, Filter<P, F>>
    where
        F: Fn(&P::Item) -> bool + Send + Sync + 'env,
    {
        self.step("filter", |pipe| Filter { pipe, f })
    }

    /// Drops the items for which the closure says true.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_range(0..6).reject(|n| n % 2 == 0).sorted()?, [1, 3, 5]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn reject<F>(
        self,
        f: F,
    ) -> Flow<'env, Filter<P, impl Fn(&P::Item) -> bool + Send + Sync + use<'env, P, F>>>
    where
        F: Fn(&P::Item) -> bool + Send + Sync + 'env,
    {
        self.step("reject", |pipe| Filter {
            pipe,
            f: move |item: &P::Item| !f(item),
        })
    }

    /// Makes one item or none of each item.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let numbers = Flow::from_iter(["1", "x", "3"]).filter_map(|s| s.parse::<u32>().ok());
    /// assert_eq!(numbers.sorted()?, [1, 3]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn filter_map<U, F>(self, f: F) -> Flow<'env, FilterMap<P, F>>
    where
        F: Fn(P::Item) -> Option<U> + Send + Sync + 'env,
    {
        self.step("filter_map", |pipe| FilterMap { pipe, f })
    }

    /// Makes any number of items of each item, one at a time: however many they are, none is buffered here.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let words = Flow::from_iter(["a b", "c"]).flat_map(|line| line.split(' '));
    /// assert_eq!(words.sorted()?, ["a", "b", "c"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn flat_map<U, F>(self, f: F) -> Flow<'env, FlatMap<P, F>>
    where
        F: Fn(P::Item) -> U + Send + Sync + 'env,
        U: IntoIterator,
    {
        self.step("flat_map", |pipe| FlatMap { pipe, f })
    }

    /// Maps the second of each pair.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let pairs = Flow::from_iter([("a", 1), ("b", 2)]).map_values(|n| n * 10);
    /// assert_eq!(pairs.sorted()?, [("a", 10), ("b", 20)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map_values<K, V, U, F>(
        self,
        f: F,
    ) -> Flow<'env, Map<P, impl Fn((K, V)) -> (K, U) + Send + Sync + use<'env, P, K, V, U, F>>>
    where
        P: Pipe<Item = (K, V)>,
        F: Fn(V) -> U + Send + Sync + 'env,
    {
        self.step("map_values", |pipe| Map {
            pipe,
            f: move |(key, value)| (key, f(value)),
        })
    }

    /// Looks at each item on its way.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// let seen = AtomicU32::new(0);
    /// Flow::from_range(0..10).inspect(|_| { seen.fetch_add(1, Ordering::Relaxed); }).run()?;
    /// assert_eq!(seen.into_inner(), 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn inspect<F>(self, f: F) -> Flow<'env, Inspect<P, F>>
    where
        F: Fn(&P::Item) + Send + Sync + 'env,
    {
        self.step("inspect", |pipe| Inspect { pipe, f })
    }

    /// Gives each item with the place in the input that it came from: the file, and the byte it begins at.
    ///
    /// It belongs right behind the source, in its stage: files that are read, lines of texts, lines over TCP. There a place is
    /// a key that no other item has and that is the same in every run, which makes a load by upsert repeatable.
    /// Items of other sources, and behind a boundary, have no place.
    ///
    /// *Order* kept. *Threads* the stage's. *Memory* none. *Ends* with its input.
    ///
    /// ```
    /// use millstream::read::{Files, Lines};
    /// use millstream::Flow;
    ///
    /// let log = Files::reader("log", "one\ntwo\n".as_bytes());
    /// let lines = Flow::read(log, Lines).ordered().with_origin();
    /// let lines = lines.map(|(origin, line)| (origin.byte(), line)).collect_vec()?;
    /// assert_eq!(lines, [(0, "one".to_string()), (4, "two".to_string())]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn with_origin(self) -> Flow<'env, WithOrigin<P>> {
        self.step("with_origin", |pipe| WithOrigin { pipe })
    }

    /// Makes any number of items of a batch of items: for work that is cheaper by the hundred, such as a query.
    ///
    /// A batch has up to [`batch`](Flow::batch) items (or [`batch_bytes`](Flow::batch_bytes)); fewer when the input
    /// idles, when one of several iterators ends, and at the end. Under [`ordered`](Flow::ordered) no batch spans two
    /// chunks of the input.
    ///
    /// *Order* kept. *Threads* the stage's. *Memory* one batch a worker. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let sums = Flow::from_iters([vec![1, 2, 3], vec![4, 5, 6]])
    ///     .map_batch(|batch| [batch.iter().sum::<i32>()]);
    /// assert_eq!(sums.sorted()?, [6, 15]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map_batch<U, F>(self, f: F) -> Flow<'env, MapBatch<P, F>>
    where
        F: Fn(Vec<P::Item>) -> U + Send + Sync + 'env,
        U: IntoIterator,
    {
        self.step("map_batch", |pipe| MapBatch { pipe, f })
    }

    /// Maps with a mutable value of the worker's own: a connection, a buffer, a random generator.
    ///
    /// `init` is called once in each worker with its number and the number of workers of the stage; the value lives
    /// as long as the worker.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* one value a worker. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let numbered = Flow::from_iter(["a", "b", "c"]).stages(1).map_with(
    ///     |_index, _of| 0,
    ///     |n, item| {
    ///         *n += 1;
    ///         (*n, item)
    ///     },
    /// );
    /// assert_eq!(numbered.sorted()?, [(1, "a"), (2, "b"), (3, "c")]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn map_with<S, U, N, F>(self, init: N, f: F) -> Flow<'env, MapWith<P, N, F>>
    where
        N: Fn(usize, usize) -> S + Send + Sync + 'env,
        F: Fn(&mut S, P::Item) -> U + Send + Sync + 'env,
    {
        self.step("map_with", |pipe| MapWith { pipe, init, f })
    }

    /// Ends the flow after `n` items: any `n`, or the first `n` if [`ordered`](Flow::ordered) stands before it.
    ///
    /// The source is not asked again once the count is used up; an endless source ends.
    ///
    /// *Order* kept within a chunk. *Threads* the stage's. *Memory* none; under `ordered` up to `n` items a worker.
    /// *Ends* after `n` items or with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// assert_eq!(Flow::from_iter(0..).take(3).count()?, 3);
    /// assert_eq!(Flow::from_iter(0..).map(|n| n * n).ordered().take(3).collect_vec()?, [0, 1, 4]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn take(mut self, n: usize) -> Flow<'env, Take<P>> {
        let ordered = self.group.ordered;
        self.group.order_used |= ordered;
        self.step("take", |pipe| Take::new(pipe, n, ordered))
    }

    /// Keeps what the stage emits, and the stages behind a [`shuffle`](Flow::shuffle), in the order of the input.
    ///
    /// Steps still run on all workers at once; chunks are numbered at the source and wait at the stage's end for
    /// those before them. Order ends at a boundary by key or hash, and the flow refuses to run if one follows (sort
    /// the result instead), unless a `take` stands between. What a [`reduce`](Flow::reduce) emits has no order: behind
    /// one, in the same stage, `ordered` changes nothing.
    ///
    /// *Order* that of the input. *Threads* the stage's. *Memory* up to [`batch`](Flow::batch) items a worker that
    /// wait for their turn. *Ends* with its input.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let squares = Flow::from_range(0..1000).map(|n| n * n).ordered().collect_vec()?;
    /// assert!(squares.is_sorted());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn ordered(mut self) -> Self {
        // A reduction consumes its chunks, and what it emits at the end has no number among them to wait for.
        if !self.group.reduced {
            self.group.ordered = true;
            self.group.tickets = true;
        }
        self.steps.push("ordered");
        self
    }
}
