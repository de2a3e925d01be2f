//! Declared aggregates and unique items over windows.

use std::collections::HashSet;
use std::hash::Hash;
use std::ops::AddAssign;
use std::sync::Arc;

use ahash::RandomState;

use super::{FiresOnce, Flow, Unreduced, WindowFlow, keeps};
use crate::aggregate::{Aggregate, ByRef, Combine, Count, Over, Sum};
use crate::plan::Routing;
use crate::state::{CombineWindows, LatePartials, MergeWindows, Partials, ToOwner};
use crate::step::{AndEmit, OnTrigger, Pipe, Rules, Windowed};
use crate::window::{Aligned, Firing, Pane, Spec, TimeOf};

impl<'env, P: Pipe + 'env, R, M: TimeOf<P::Item> + 'env> WindowFlow<'env, P, R, Aligned, M> {
    /// Counts items by window and key.
    ///
    /// Workers count within each window before anything crosses a thread; the owner of a key adds up what they send. A
    /// window is given out once, when it is done: with lateness, when that has passed too. A window waits for the one
    /// behind it, since workers send what they have when a window is over.
    ///
    /// *Order* windows that are done come from the oldest in each worker. *Threads* one more stage. *Memory* the keys of
    /// the windows that are open. *Ends* with its input.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let hits = [(1, "/a"), (2, "/b"), (8, "/a"), (11, "/a")];
    /// let mut counts = Flow::from_iter(hits)
    ///     .window_by(Window::fixed(10), |hit| hit.0)
    ///     .count_by(|hit| hit.1)
    ///     .map(|(window, page, count)| (window.id(), page, count))
    ///     .sorted()?;
    /// assert_eq!(counts, [(0, "/a", 2), (0, "/b", 1), (10, "/a", 1)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn count_by<K, F>(
        self,
        key: F,
    ) -> Flow<'env, impl Pipe<Item = (Pane, K, u64)> + Unreduced + use<'env, P, R, M, K, F>>
    where
        R: FiresOnce,
        P::Item: Send,
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        self.by_key("count_by", key, Count)
    }

    /// Adds up a value of each item by window and key.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`count_by`](WindowFlow::count_by).
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let sales = [(1, "tea", 3), (2, "tea", 4), (11, "tea", 5)];
    /// let sums = Flow::from_iter(sales)
    ///     .window_by(Window::fixed(10), |sale| sale.0)
    ///     .sum_by(|sale| sale.1, |sale| sale.2)
    ///     .map(|(window, _, sum)| (window.id(), sum))
    ///     .sorted()?;
    /// assert_eq!(sums, [(0, 7), (10, 5)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn sum_by<K, V, F, G>(
        self,
        key: F,
        value: G,
    ) -> Flow<'env, impl Pipe<Item = (Pane, K, V)> + Unreduced + use<'env, P, R, M, K, V, F, G>>
    where
        R: FiresOnce,
        P::Item: Send,
        K: Hash + Eq + Send + 'env,
        V: AddAssign + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: Fn(&P::Item) -> V + Send + Sync + 'env,
        Sum<G>: Aggregate<P::Item, Acc = V, Out = V>,
    {
        self.by_key("sum_by", key, ByRef(Over::new().sum(value)))
    }

    /// Aggregates by window and key, as [`Flow::aggregate_by`] does by key.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`count_by`](WindowFlow::count_by).
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let readings = [(1, "attic", 20), (3, "attic", 24), (12, "attic", 18)];
    /// let spans = Flow::from_iter(readings)
    ///     .window_by(Window::fixed(10), |r| r.0)
    ///     .aggregate_by(|r| r.1, |a| (a.min(|r| r.2), a.max(|r| r.2)))
    ///     .map(|(window, room, span)| (window.id(), room, span))
    ///     .sorted()?;
    /// assert_eq!(spans, [(0, "attic", (20, 24)), (10, "attic", (18, 18))]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn aggregate_by<K, A, F, G>(
        self,
        key: F,
        aggregates: G,
    ) -> Flow<'env, impl Pipe<Item = (Pane, K, A::Out)> + Unreduced + use<'env, P, R, M, K, A, F, G>>
    where
        R: FiresOnce,
        P::Item: Send,
        K: Hash + Eq + Send + 'env,
        A: Aggregate<P::Item> + 'env,
        A::Acc: 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        G: FnOnce(Over<P::Item>) -> A,
    {
        self.by_key("aggregate_by", key, ByRef(aggregates(Over::new())))
    }

    fn by_key<K, F, C>(
        self,
        kind: &'static str,
        key: F,
        combine: C,
    ) -> Flow<'env, impl Pipe<Item = (Pane, K, C::Out)> + Unreduced + use<'env, P, R, M, K, F, C>>
    where
        R: FiresOnce,
        P::Item: Send,
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
        C: Combine<P::Item> + 'env,
        C::Acc: 'env,
    {
        let WindowFlow {
            mut flow,
            rules,
            time,
            ..
        } = self;
        let combine = Arc::new(combine);
        let owners: Spec<Partials<K, C::Acc>> = rules.spec.of_starts();
        flow.group.tickets |= C::PLACED;
        flow.group.timed |= M::TIMED;
        // Input in its order mixes times as little as can be: that is what it was asked for.
        flow.group.order_used |= M::TIMED && flow.group.ordered;
        flow.keeps.push(keeps::partials::<K, C::Acc>("window"));
        let keeps = keeps::keys_of_windows::<K, C::Acc, _>(&owners);
        let partials = flow.step("window", |pipe| CombineWindows {
            pipe,
            spec: rules.spec,
            time,
            key,
            combine: combine.clone(),
        });
        let mut flow = partials
            .send_by(kind, ToOwner, Routing::Hash)
            .weigh(Partials::weight);
        flow.group.timed = true;
        flow.group.reduced = true;
        flow.keeps.push(keeps);
        let hasher = RandomState::new();
        let merge = MergeWindows::new(combine);
        let opened = merge.clone();
        flow.step("window", |pipe| Windowed {
            pipe,
            rules: Rules {
                time: Some(Box::new(|partials: &Partials<K, C::Acc>| partials.start)),
                ..Rules::new(owners)
            },
            init: move || opened.table::<P::Item, K>(&hasher),
            step: merge.clone(),
            emit: merge,
            late: LatePartials,
        })
    }
}

impl<'env, P: Pipe + 'env, F, M: TimeOf<P::Item> + 'env> WindowFlow<'env, P, F, Aligned, M> {
    /// Drops items whose key was seen before in the same window, in the same worker: behind
    /// [`partition_by`](Flow::partition_by) that key, in the whole flow. Items that are new go on at once.
    ///
    /// *Order* that of the input in each worker. *Threads* the stage's. *Memory* the keys of the windows that are
    /// open. *Ends* with its input.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let visits = [(1, "ann"), (2, "ann"), (3, "bob"), (11, "ann")];
    /// let daily = Flow::from_iter(visits)
    ///     .stages(1) // one worker reads, so ann's first visit stays before her second
    ///     .partition_by(|visit| visit.1)
    ///     .window_by(Window::fixed(10), |visit| visit.0)
    ///     .uniq_by(|visit| visit.1)
    ///     .sorted()?;
    /// assert_eq!(daily, [(1, "ann"), (3, "bob"), (11, "ann")]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn uniq_by<K, G>(
        self,
        key: G,
    ) -> Flow<'env, impl Pipe<Item = P::Item> + Unreduced + use<'env, P, F, M, K, G>>
    where
        K: Hash + Eq + 'env,
        G: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        let keeps = keeps::keys_of_windows::<K, (), _>(&self.rules.spec);
        let seen =
            move |seen: &mut HashSet<K, RandomState>, item| seen.insert(key(&item)).then_some(item);
        let none = |_: &mut HashSet<K, RandomState>, _: &Firing| None;
        self.add(
            "emit_and_reduce",
            keeps,
            HashSet::default,
            AndEmit(seen),
            OnTrigger(none),
        )
    }
}
