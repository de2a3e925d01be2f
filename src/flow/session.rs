//! Sessions: reductions over the sessions of a worker's items, and declared aggregates over those of each key.

use std::hash::Hash;
use std::ops::AddAssign;
use std::sync::Arc;

use super::{FiresOnce, Flow, Unreduced, WindowFlow, keeps};
use crate::aggregate::{Aggregate, ByRef, Combine, Count, Over, Sum};
use crate::plan::Routing;
use crate::state::{
    BySession, CombineWindows, MergeSessions, Partials, Span, Spanning, ToOwner, UniqSessions,
};
use crate::step::{AndEmit, Bridging, EmitState, FlatMap, Map, OnTrigger, Pipe, Quiet, Windowed};
use crate::window::{By, Firing, Pane, Sessions, TimeOf};

impl<'env, P: Pipe + 'env, F, T: TimeOf<P::Item> + 'env> WindowFlow<'env, P, F, Sessions, T> {
    /// Folds the items of each session, in each worker, into an accumulator, and emits it when the session fires: a
    /// clone while it stays open, itself when it is done.
    ///
    /// The sessions are those of all items of a worker together; for sessions of each key use
    /// [`count_by`](WindowFlow::count_by), `aggregate_by` and the like. An item out of order may lie between two sessions and
    /// make them one: `merge` adds the accumulator of the later one to that of the earlier.
    /// [`on_trigger`](Flow::on_trigger) and [`on_late`](Flow::on_late) go right behind it.
    ///
    /// *Order* sessions that are done come from the oldest. *Threads* the stage's. *Memory* an accumulator a session
    /// that is open, in each worker. *Ends* with its input; what is open then is done.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let times = [1, 2, 30, 31, 12, 22];
    /// let sessions = Flow::from_iter(times)
    ///     .stages(1)
    ///     .window_by(Window::session(10).out_of_order(20), |at| *at)
    ///     .reduce(Vec::new, |seen, at| seen.push(at), |seen, mut later| seen.append(&mut later))
    ///     .collect_vec()?;
    /// assert_eq!(sessions, [vec![1, 2], vec![12], vec![30, 31, 22]]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn reduce<A, N, G, M>(
        self,
        init: N,
        f: G,
        merge: M,
    ) -> Flow<'env, Windowed<'env, P, N, Bridging<Quiet<G>, M>, EmitState>>
    where
        N: Fn() -> A + Send + Sync + 'env,
        G: Fn(&mut A, P::Item) + Send + Sync + 'env,
        M: Fn(&mut A, A) + Send + Sync + 'env,
    {
        let step = Bridging::new(Quiet(f), merge);
        self.add("reduce", keeps::sessions::<A>(), init, step, EmitState)
    }

    /// Folds the items of each session like [`reduce`](WindowFlow::reduce), and emits while it goes; the last closure
    /// says what a firing emits.
    ///
    /// *Order*, *threads*, *memory* and *end* as there.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let out = Flow::from_iter([1, 2, 30])
    ///     .stages(1)
    ///     .window_by(Window::session(10), |at| *at)
    ///     .emit_and_reduce(
    ///         || 0,
    ///         |sum, at| { *sum += at; [at] },
    ///         |sum, later| *sum += later,
    ///         |sum, _| [*sum * 100],
    ///     )
    ///     .collect_vec()?;
    /// assert_eq!(out, [1, 2, 30, 300, 3000]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn emit_and_reduce<A, U, V, N, G, M, E>(
        self,
        init: N,
        f: G,
        merge: M,
        fire: E,
    ) -> Flow<'env, Windowed<'env, P, N, Bridging<AndEmit<G>, M>, OnTrigger<E>>>
    where
        U: IntoIterator,
        V: IntoIterator<Item = U::Item>,
        N: Fn() -> A + Send + Sync + 'env,
        G: Fn(&mut A, P::Item) -> U + Send + Sync + 'env,
        M: Fn(&mut A, A) + Send + Sync + 'env,
        E: Fn(&mut A, &Firing) -> V + Send + Sync + 'env,
    {
        let step = Bridging::new(AndEmit(f), merge);
        self.add(
            "emit_and_reduce",
            keeps::sessions::<A>(),
            init,
            step,
            OnTrigger(fire),
        )
    }
}

impl<'env, P: Pipe + 'env, R, T: TimeOf<P::Item> + 'env> WindowFlow<'env, P, R, Sessions, T> {
    /// Counts the items of each session of each key.
    ///
    /// Workers count what lies close together before anything crosses a thread; the owner of a key puts the sessions
    /// together. A session is given out once, when it is done: with lateness, when that has passed too. It waits until
    /// each worker has seen a time about two gaps behind it, since workers send what they have a gap at a time.
    ///
    /// *Order* sessions that are done come in the order of their ends in each worker. *Threads* one more stage. *Memory*
    /// the sessions that are open, with their keys. *Ends* with its input.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let hits = [("ann", 1), ("bob", 3), ("ann", 9), ("ann", 19), ("bob", 12)];
    /// let mut visits = Flow::from_iter(hits)
    ///     .window_by(Window::session(10).out_of_order(10), |hit| hit.1)
    ///     .count_by(|hit| hit.0)
    ///     .map(|(session, user, hits)| (user, session.id(), hits))
    ///     .sorted()?;
    /// assert_eq!(visits, [("ann", 1, 2), ("ann", 19, 1), ("bob", 3, 2)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn count_by<K, F>(
        self,
        key: F,
    ) -> Flow<'env, impl Pipe<Item = (Pane, K, u64)> + Unreduced + use<'env, P, T, R, K, F>>
    where
        R: FiresOnce,
        P::Item: Send,
        K: Hash + Eq + Send + 'env,
        F: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        self.by_key("count_by", key, Count)
    }

    /// Adds up a value of the items of each session of each key.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`count_by`](WindowFlow::count_by).
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let sales = [(1, "tea", 3), (9, "tea", 4), (31, "tea", 5)];
    /// let sums = Flow::from_iter(sales)
    ///     .window_by(Window::session(10), |sale| sale.0)
    ///     .sum_by(|sale| sale.1, |sale| sale.2)
    ///     .map(|(session, _, sum)| (session.id(), sum))
    ///     .sorted()?;
    /// assert_eq!(sums, [(1, 7), (31, 5)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn sum_by<K, V, F, G>(
        self,
        key: F,
        value: G,
    ) -> Flow<'env, impl Pipe<Item = (Pane, K, V)> + Unreduced + use<'env, P, T, R, K, V, F, G>>
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

    /// Aggregates the items of each session of each key, as [`Flow::aggregate_by`] does by key.
    ///
    /// *Order*, *threads*, *memory* and *end* as in [`count_by`](WindowFlow::count_by).
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let readings = [(1, "attic", 20), (3, "attic", 24), (13, "attic", 18)];
    /// let spans = Flow::from_iter(readings)
    ///     .window_by(Window::session(10), |r| r.0)
    ///     .aggregate_by(|r| r.1, |a| (a.min(|r| r.2), a.max(|r| r.2)))
    ///     .map(|(session, room, span)| (session.id(), room, span))
    ///     .sorted()?;
    /// assert_eq!(spans, [(1, "attic", (20, 24)), (13, "attic", (18, 18))]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn aggregate_by<K, A, F, G>(
        self,
        key: F,
        aggregates: G,
    ) -> Flow<'env, impl Pipe<Item = (Pane, K, A::Out)> + Unreduced + use<'env, P, T, R, K, A, F, G>>
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
    ) -> Flow<'env, impl Pipe<Item = (Pane, K, C::Out)> + Unreduced + use<'env, P, T, R, K, F, C>>
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
        let combine = Arc::new(Spanning(combine));
        let (spec, rule) = (rules.spec.of_others(), (&rules.spec).into());
        flow.group.tickets |= C::PLACED;
        flow.group.timed = true;
        // Input in its order mixes times as little as can be: that is what it was asked for.
        flow.group.order_used |= flow.group.ordered;
        flow.keeps
            .push(keeps::partials::<K, Span<C::Acc>>("gap of time"));
        let partials = flow.step("session", |pipe| CombineWindows {
            pipe: Map {
                pipe,
                f: move |item| (time.at(&item), item),
            },
            spec,
            time: By::new(|(at, _): &(i64, P::Item)| *at),
            key: move |(_, item): &(i64, P::Item)| key(item),
            combine: combine.clone(),
        });
        let mut flow = partials
            .send_by(kind, ToOwner, Routing::Hash)
            .weigh(Partials::weight);
        flow.group.timed = true;
        flow.group.reduced = true;
        flow.keeps.push(keeps::sessions_of_keys::<K, C::Acc>());
        flow.step("session", |pipe| BySession {
            pipe: FlatMap {
                pipe,
                f: Partials::each,
            },
            rule,
            of: MergeSessions::<P::Item, K, C>::new(combine),
        })
    }

    /// Drops items whose key was seen before in the same session of that key, in the same worker: behind
    /// [`partition_by`](Flow::partition_by) that key, in the whole flow. Items that are new go on at once: the first of
    /// each burst.
    ///
    /// Where an item out of order makes one of two sessions, an item of each has gone on.
    ///
    /// *Order* that of the input in each worker. *Threads* the stage's. *Memory* the keys of the sessions that are
    /// open. *Ends* with its input.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let alarms = [(1, "door"), (2, "fire"), (8, "door"), (15, "door"), (40, "door")];
    /// let first = Flow::from_iter(alarms)
    ///     .stages(1) // one worker reads, so they stay in their order
    ///     .partition_by(|alarm| alarm.1)
    ///     .window_by(Window::session(10), |alarm| alarm.0)
    ///     .uniq_by(|alarm| alarm.1)
    ///     .sorted()?;
    /// assert_eq!(first, [(1, "door"), (2, "fire"), (40, "door")]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn uniq_by<K, G>(
        self,
        key: G,
    ) -> Flow<'env, impl Pipe<Item = P::Item> + Unreduced + use<'env, P, T, R, K, G>>
    where
        R: FiresOnce,
        K: Hash + Eq + 'env,
        G: Fn(&P::Item) -> K + Send + Sync + 'env,
    {
        let WindowFlow {
            mut flow,
            rules,
            time,
            ..
        } = self;
        flow.group.timed = true;
        flow.keeps.push(keeps::sessions_of_keys::<K, ()>());
        flow.steps.push("session");
        flow.step("uniq_by", |pipe| BySession {
            pipe,
            rule: (&rules.spec).into(),
            of: UniqSessions { time, key },
        })
    }
}
