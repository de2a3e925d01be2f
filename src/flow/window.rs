//! Windows and triggers: attributes of a reduction, written in front of it.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::{Flow, keeps};
use crate::run::ManualClock;
use crate::step::{
    AndEmit, DropLate, EmitState, OnTrigger, Pipe, Punctuation, Quiet, Rules, Windowed,
};
use crate::window::{
    Aligned, By, EventTime, EventWindow, Firing, PlainWindow, Signal, Spec, TimeOf, Timeless,
};

impl<'env, P: Pipe + 'env> Flow<'env, P> {
    /// Windows without event time for the reduction that follows: [global](crate::Window::global), of a
    /// [number](crate::Window::count) of items, or of a [period](crate::Window::periodic) of processing time.
    ///
    /// Each worker has windows of its own. The items that enter are those of the chain as it stands here.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let sums = Flow::from_range(1..101)
    ///     .stages(1)
    ///     .window(Window::count(50))
    ///     .reduce(|| 0, |sum, n| *sum += n)
    ///     .collect_vec()?;
    /// assert_eq!(sums, [1275, 3775, 0]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn window<W: PlainWindow<P::Item>>(self, window: W) -> WindowFlow<'env, P, Early> {
        WindowFlow::new(self, window.spec(), Timeless)
    }

    /// Windows of event time for the reduction that follows: [fixed](crate::Window::fixed),
    /// [sliding](crate::Window::sliding), or [sessions](crate::Window::session). The closure says when an item happened, in
    /// milliseconds or as a `Duration` since an epoch.
    ///
    /// A window is done when the *watermark* has passed its end: the least of the latest times that the producers in
    /// front have sent, less what [`out_of_order`](crate::Fixed::out_of_order) allows. Input in the order of time
    /// loses nothing, however many workers read it. A producer that has nothing under way does not count. Where a
    /// source has splits (files, blocks of a file, iterators) that nobody has begun, the watermark waits, since they may hold
    /// older items, unless the source is declared to be [in the order of time](Flow::in_time_order). What comes after its
    /// windows are done is late: it is [counted](crate::StageReport::late), and dropped or [given out](Flow::on_late).
    ///
    /// The watermark is looked at after each batch, so within a batch what is behind is still taken.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let clicks = [("ann", 10), ("bob", 20), ("ann", 1_010), ("ann", 1_020)];
    /// let mut busy = Flow::from_iter(clicks)
    ///     .partition_by(|click| click.0)
    ///     .window_by(Window::fixed(1_000), |click| click.1)
    ///     .reduce(|| 0, |count, _| *count += 1)
    ///     .on_trigger(|count, firing| [(firing.window.id(), *count)])
    ///     .sorted()?;
    /// assert_eq!(busy.iter().filter(|w| w.0 == 0).map(|w| w.1).sum::<i32>(), 2);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn window_by<W, M, F>(
        self,
        window: W,
        time: F,
    ) -> WindowFlow<'env, P, Whole, W::Shape, impl TimeOf<P::Item> + use<'env, P, W, M, F>>
    where
        W: EventWindow<P::Item>,
        M: EventTime + 'env,
        F: Fn(&P::Item) -> M + Send + Sync + 'env,
    {
        WindowFlow::new(self, window.spec(), By::new(time))
    }

    /// Declares that the source gives its items in the order of event time across its splits, so that windows need
    /// not wait for splits that nobody has begun. It goes on the stage of the source.
    ///
    /// ```
    /// use millstream::{Flow, Text, Window};
    ///
    /// let log = Text::from("1\n2\n11\n12\n");
    /// let counts = Flow::from_lines(&log)
    ///     .in_time_order()
    ///     .map(|line| line.parse::<i64>().unwrap_or(0))
    ///     .stages(1)
    ///     .window_by(Window::fixed(10), |at| *at)
    ///     .reduce(|| 0, |count, _| *count += 1)
    ///     .collect_vec()?;
    /// assert_eq!(counts, [2, 2]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn in_time_order(mut self) -> Self {
        self.group.in_time_order = true;
        self
    }

    /// Takes the time of windows, triggers and linger from a clock that a test moves.
    ///
    /// A [seeded](Flow::seeded) run without such a clock moves its own: to the next timer, whenever nothing else can be done.
    ///
    /// ```
    /// use millstream::{Flow, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// assert_eq!(Flow::from_range(0..10).clock(&clock).count()?, 10);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn clock(mut self, clock: &ManualClock) -> Self {
        self.graph.run.clock = Some(clock.clone());
        self
    }
}

/// A flow whose next step is a reduction over windows: made by [`Flow::window`] and [`Flow::window_by`].
///
/// Every window fires when it is done. Triggers make it fire earlier as well; then declared aggregates, which give a window
/// once, are not at hand.
///
/// # Examples
/// ```
/// use millstream::{Flow, Window};
///
/// let sums = Flow::from_range(1..21)
///     .stages(1)
///     .window(Window::global())
///     .trigger_every(10)
///     .reduce(|| 0, |sum, n| *sum += n)
///     .collect_vec()?;
/// assert_eq!(sums, [55, 210, 210]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[must_use = "windows do nothing without a reduction: go on with `.reduce(…)` or `.emit_and_reduce(…)`"]
pub struct WindowFlow<'env, P: Pipe, F = Whole, W = Aligned, M = Timeless> {
    pub(super) flow: Flow<'env, P>,
    /// All but the time.
    pub(super) rules: Rules<'env, P::Item>,
    pub(super) time: M,
    fires: PhantomData<F>,
    shape: PhantomData<W>,
}

/// Windows of event time that fire when they are done, and not before: declared aggregates need no more.
#[derive(Debug, Clone, Copy)]
pub enum Whole {}

/// Windows that a declared aggregate can have: of event time, given once, when they are done.
#[diagnostic::on_unimplemented(
    message = "these windows have a trigger or no event time, and what comes next gives a window of event time once, when it is done",
    note = "leave the trigger out, or go on with `.reduce(…)`, which gives its state whenever the window fires",
    note = "windows of event time are those of `.window_by(window, |item| item.time)`"
)]
pub trait FiresOnce {}

impl FiresOnce for Whole {}

/// Windows that fire earlier too, or that have no event time.
#[derive(Debug, Clone, Copy)]
pub enum Early {}

impl<'env, P: Pipe + 'env, F, W, M: TimeOf<P::Item> + 'env> WindowFlow<'env, P, F, W, M> {
    fn new(flow: Flow<'env, P>, spec: Spec<P::Item>, time: M) -> Self {
        WindowFlow {
            flow,
            rules: Rules::new(spec),
            time,
            fires: PhantomData,
            shape: PhantomData,
        }
    }

    fn early(self) -> WindowFlow<'env, P, Early, W, M> {
        WindowFlow {
            flow: self.flow,
            rules: self.rules,
            time: self.time,
            fires: PhantomData,
            shape: PhantomData,
        }
    }

    /// Fires a window whenever so many items have entered it since it last did. Zero counts as one.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let seen = Flow::from_range(1..6)
    ///     .stages(1)
    ///     .window(Window::global())
    ///     .trigger_every(2)
    ///     .reduce(Vec::new, |seen, n| seen.push(n))
    ///     .on_trigger(|seen, _| [std::mem::take(seen)])
    ///     .collect_vec()?;
    /// assert_eq!(seen, [vec![1, 2], vec![3, 4], vec![5]]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn trigger_every(mut self, items: u64) -> WindowFlow<'env, P, Early, W, M> {
        self.rules.every = Some(items.max(1));
        self.early()
    }

    /// Fires all open windows of a worker whenever so much processing time has passed. It may be given several times.
    ///
    /// ```
    /// use millstream::{Flow, ManualClock, Window};
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let hands = clock.clone();
    /// let second = Duration::from_secs(1);
    /// let sums = Flow::from_iter(1..5)
    ///     .stages(1)
    ///     .batch(1)
    ///     .inspect(move |n| if *n == 2 { hands.advance(second) })
    ///     .window(Window::global())
    ///     .trigger_periodically(second)
    ///     .reduce(|| 0, |sum, n| *sum += n)
    ///     .clock(&clock)
    ///     .collect_vec()?;
    /// assert_eq!(sums, [3, 10]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn trigger_periodically(mut self, period: Duration) -> WindowFlow<'env, P, Early, W, M> {
        self.rules.periods.push(period);
        self.early()
    }

    /// Fires all open windows when a [`Signal`] is fired, from inside the flow or outside.
    ///
    /// ```
    /// use millstream::{Flow, Signal, Window};
    ///
    /// let signal = Signal::new("now");
    /// let flow = Flow::from_range(0..10)
    ///     .window(Window::global())
    ///     .trigger_on(&signal)
    ///     .reduce(|| 0, |sum, n| *sum += n);
    /// assert!(flow.count()? >= 1);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn trigger_on(mut self, signal: &Signal) -> WindowFlow<'env, P, Early, W, M> {
        self.rules.signals.push(signal.clone());
        self.early()
    }

    /// A custom trigger: a closure that sees the items before they are reduced, a piece at a time, with a state of its
    /// own in each worker, and says which to take and when to fire. See [`Punctuation`] for its answers.
    ///
    /// ```
    /// use millstream::{Flow, Punctuation, Window};
    ///
    /// // Sentences end with a full stop.
    /// let words = ["roses", "are", "red.", "violets", "are", "blue."];
    /// let sentences = Flow::from_iter(words)
    ///     .stages(1)
    ///     .window(Window::global())
    ///     .trigger(|| (), |_, mut words| match words.iter().position(|w| w.ends_with('.')) {
    ///         None => Punctuation::Take(words),
    ///         Some(at) => {
    ///             let after = words.split_off(at + 1);
    ///             Punctuation::Fire { name: "stop".to_string(), before: words, after }
    ///         }
    ///     })
    ///     .reduce(|| 0, |count, _| *count += 1)
    ///     .on_trigger(|count, firing| (!firing.trigger.is_last()).then(|| std::mem::take(count)))
    ///     .collect_vec()?;
    /// assert_eq!(sentences, [3, 3]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn trigger<B, N, G>(mut self, init: N, f: G) -> WindowFlow<'env, P, Early, W, M>
    where
        B: 'env,
        N: Fn() -> B + Send + Sync + 'env,
        G: Fn(&mut B, Vec<P::Item>) -> Punctuation<P::Item> + Send + Sync + 'env,
    {
        self.rules.set_punctuate(init, f);
        self.early()
    }

    pub(super) fn add<N, S, E>(
        self,
        kind: &'static str,
        keeps: keeps::Keep,
        init: N,
        step: S,
        emit: E,
    ) -> Flow<'env, Windowed<'env, P, N, S, E>> {
        let WindowFlow {
            mut flow,
            mut rules,
            time,
            ..
        } = self;
        if M::TIMED {
            flow.group.timed = true;
            rules.time = Some(Box::new(move |item| time.at(item)));
        }
        flow.group.ordered = false;
        flow.group.reduced = true;
        flow.keeps.push(keeps);
        flow.steps.push("window");
        flow.step(kind, |pipe| Windowed {
            pipe,
            rules,
            init,
            step,
            emit,
            late: DropLate,
        })
    }
}

impl<'env, P: Pipe + 'env, F, M: TimeOf<P::Item> + 'env> WindowFlow<'env, P, F, Aligned, M> {
    /// Folds the items of each window, in each worker, into an accumulator, and emits it when the window fires: a clone
    /// while the window stays open, itself when it is done.
    ///
    /// [`on_trigger`](Flow::on_trigger) right behind it says what to emit instead, and whether to keep the state.
    ///
    /// *Order* windows that are done come from the oldest. *Threads* the stage's. *Memory* an accumulator a window that
    /// is open, in each worker. *Ends* with its input; what is open then is done.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let sums = Flow::from_range(0..30_i64)
    ///     .stages(1)
    ///     .window_by(Window::sliding(20, 10), |n| *n)
    ///     .reduce(|| 0, |sum, n| *sum += n)
    ///     .collect_vec()?;
    /// assert_eq!(sums, [45, 190, 390, 245]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn reduce<A, N, G>(
        self,
        init: N,
        f: G,
    ) -> Flow<'env, Windowed<'env, P, N, Quiet<G>, EmitState>>
    where
        N: Fn() -> A + Send + Sync + 'env,
        G: Fn(&mut A, P::Item) + Send + Sync + 'env,
    {
        let keeps = keeps::windows::<A, _>(&self.rules.spec);
        self.add("reduce", keeps, init, Quiet(f), EmitState)
    }

    /// Folds the items of each window like [`reduce`](WindowFlow::reduce), and emits while it goes; the last closure
    /// says what a firing emits.
    ///
    /// *Order*, *threads*, *memory* and *end* as there.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let out = Flow::from_range(1..5)
    ///     .stages(1)
    ///     .window(Window::count(2))
    ///     .emit_and_reduce(|| 0, |sum, n| { *sum += n; [n] }, |sum, _| [*sum * 100])
    ///     .collect_vec()?;
    /// assert_eq!(out, [1, 2, 300, 3, 4, 700, 0]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn emit_and_reduce<A, U, V, N, G, E>(
        self,
        init: N,
        f: G,
        fire: E,
    ) -> Flow<'env, Windowed<'env, P, N, AndEmit<G>, OnTrigger<E>>>
    where
        U: IntoIterator,
        V: IntoIterator<Item = U::Item>,
        N: Fn() -> A + Send + Sync + 'env,
        G: Fn(&mut A, P::Item) -> U + Send + Sync + 'env,
        E: Fn(&mut A, &Firing) -> V + Send + Sync + 'env,
    {
        let keeps = keeps::windows::<A, _>(&self.rules.spec);
        self.add("emit_and_reduce", keeps, init, AndEmit(f), OnTrigger(fire))
    }
}

impl<P: Pipe, F, W, M> fmt::Debug for WindowFlow<'_, P, F, W, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowFlow").finish_non_exhaustive()
    }
}
