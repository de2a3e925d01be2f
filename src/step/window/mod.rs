//! Windows in a chain: items enter the windows that are open, and windows fire.
//!
//! Every reduction over windows is the same three: an accumulator a window ([`Accumulate`]: with or without something
//! emitted for an item), what a firing gives ([`OnFiring`]), and the rules that say which windows there are and when
//! they fire ([`Rules`]). What fires at a watermark is looked at when a batch has been worked through.

mod emit;
mod reach;
mod rules;
mod timer;

use std::fmt;
use std::iter::Flatten;
use std::time::{Duration, Instant};
use std::vec;

pub use emit::{
    Accumulate, AndEmit, Bridging, DropLate, EmitState, Given, LateItem, OnFiring, OnLate,
    OnTrigger, Quiet,
};
pub(crate) use reach::Reach;
pub use rules::Punctuation;
pub(crate) use rules::Rules;

use super::{Feed, Pipe, Pull, Release};
use crate::error::Error;
use crate::run::{Context, bump};
use crate::window::{Firing, Fit, Keep, Kind, OpenWindows, Pane, Trigger};
use rules::Punctuate;
use timer::Timer;

/// Items that are worked through before what they gave goes on.
const PIECE: usize = 4096;

/// The chain of a reduction over windows; made by [`WindowFlow`](crate::WindowFlow).
pub struct Windowed<'env, P: Pipe, N, S, E, L = DropLate> {
    pub(crate) pipe: P,
    pub(crate) rules: Rules<'env, P::Item>,
    pub(crate) init: N,
    pub(crate) step: S,
    pub(crate) emit: E,
    pub(crate) late: L,
}

impl<P, A, N, S, E, L> Pipe for Windowed<'_, P, N, S, E, L>
where
    P: Pipe,
    N: Fn() -> A + Send + Sync,
    S: Accumulate<A, P::Item, E::Item>,
    E: OnFiring<A>,
    L: LateItem<P::Item, E::Item>,
{
    type Item = E::Item;
    type Iter<'s>
        = Flatten<vec::IntoIter<Given<S::Out, E::Out, E::Item>>>
    where
        Self: 's;
    type Feed<'s>
        = Windower<'s, P, S::Open, N, S, E, L>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        let rules = &self.rules;
        let now = cx.now();
        let spec = &rules.spec;
        let mut timers: Vec<Timer> = rules.periods.iter().map(|p| Timer::new(*p, now)).collect();
        if let Kind::Period(period) = spec.kind {
            timers.push(Timer::ending(period, now));
        }
        Windower {
            feed: self.pipe.open(cx),
            rest: None,
            over: false,
            panes: self.step.open(spec),
            reach: Reach::new(spec.disorder, cx),
            punctuate: rules.punctuate.as_ref().map(|custom| custom.worker()),
            timers,
            heard: rules.signals.iter().map(|signal| signal.count()).collect(),
            of: Shared {
                rules,
                init: &self.init,
                step: &self.step,
                emit: &self.emit,
                late: &self.late,
                cx,
            },
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// What the workers of the stage share.
struct Shared<'s, T, N, S, E, L> {
    rules: &'s Rules<'s, T>,
    init: &'s N,
    step: &'s S,
    emit: &'s E,
    late: &'s L,
    cx: &'s Context,
}

/// One worker's windows.
pub struct Windower<'s, P: Pipe + 's, O, N, S, E, L> {
    feed: P::Feed<'s>,
    /// What is left of a chunk that gave much.
    rest: Option<P::Iter<'s>>,
    /// Whether the input has ended and everything was fired.
    over: bool,
    panes: O,
    reach: Reach<'s>,
    punctuate: Option<Punctuate<'s, P::Item>>,
    timers: Vec<Timer>,
    /// How often each signal had fired when it was looked at.
    heard: Vec<u64>,
    of: Shared<'s, P::Item, N, S, E, L>,
}

/// What came of a piece of the input.
type Out<S, A, T, E> = Vec<
    Given<
        <S as Accumulate<A, T, <E as OnFiring<A>>::Item>>::Out,
        <E as OnFiring<A>>::Out,
        <E as OnFiring<A>>::Item,
    >,
>;

impl<'s, T, N, S, E, L> Shared<'s, T, N, S, E, L> {
    /// A closure that fires windows into `out`.
    fn firing<'o, A>(
        &self,
        out: &'o mut Out<S, A, T, E>,
    ) -> impl FnMut(Pane, Trigger, Keep<'_, A>) + use<'o, 's, A, T, N, S, E, L>
    where
        S: Accumulate<A, T, E::Item>,
        E: OnFiring<A>,
    {
        let (cx, emit) = (self.cx, self.emit);
        move |window, trigger, keep| {
            let firing = Firing {
                partition: cx.index,
                partitions: cx.of,
                window,
                trigger,
            };
            out.push(Given::Fired(match keep {
                Keep::Stays(acc) => emit.fires(acc, &firing),
                Keep::Ends(acc) => {
                    bump(&cx.counts.keys, emit.keys(&acc) as u64);
                    emit.ends(acc, &firing)
                }
            }));
        }
    }
}

impl<'s, P, A, N, S, E, L> Windower<'s, P, S::Open, N, S, E, L>
where
    P: Pipe,
    N: Fn() -> A,
    S: Accumulate<A, P::Item, E::Item>,
    E: OnFiring<A>,
    L: LateItem<P::Item, E::Item>,
{
    /// Timers that are due, and signals that were fired.
    fn outside(&mut self, out: &mut Out<S, A, P::Item, E>) {
        let init = self.of.init;
        for (signal, heard) in self.of.rules.signals.iter().zip(&mut self.heard) {
            let count = signal.count();
            if count != *heard {
                *heard = count;
                let trigger = Trigger::Named(signal.shared_name());
                self.panes.fire_all(&trigger, init, self.of.firing(out));
            }
        }
        if self.timers.is_empty() {
            return;
        }
        let now = self.of.cx.now();
        for timer in &mut self.timers {
            if !timer.comes_round(now) {
                continue;
            }
            if timer.ends {
                self.panes.turn(init, self.of.firing(out));
            } else {
                let trigger = Trigger::Periodically(timer.period);
                self.panes.fire_all(&trigger, init, self.of.firing(out));
            }
        }
    }

    /// Works through a piece of a chunk; keeps the rest of it.
    fn chunk(&mut self, mut chunk: P::Iter<'s>, out: &mut Out<S, A, P::Item, E>) {
        let mut left = PIECE;
        if self.punctuate.is_some() {
            let piece: Vec<P::Item> = chunk.by_ref().take(PIECE).collect();
            left -= piece.len();
            self.punctuated(piece, out);
        } else {
            while left > 0 {
                let Some(item) = chunk.next() else { break };
                self.enter(item, out);
                left -= 1;
            }
        }
        self.rest = (left == 0).then_some(chunk);
    }

    /// Asks the custom trigger what to do with a piece.
    fn punctuated(&mut self, piece: Vec<P::Item>, out: &mut Out<S, A, P::Item, E>) {
        let mut piece = piece;
        loop {
            let Some(punctuate) = &mut self.punctuate else {
                return;
            };
            let (before, fire, after) = match punctuate(piece) {
                Punctuation::Take(items) => (items, None, Vec::new()),
                Punctuation::Fire {
                    name,
                    before,
                    after,
                } => (before, Some(name), after),
            };
            for item in before {
                self.enter(item, out);
            }
            let Some(name) = fire else { return };
            let trigger = Trigger::Named(name.into());
            self.panes
                .fire_all(&trigger, self.of.init, self.of.firing(out));
            // An empty rest may be asked about for ever.
            if after.is_empty() || self.of.cx.shared.halted() {
                return;
            }
            piece = after;
        }
    }

    /// One item into its windows.
    fn enter(&mut self, item: P::Item, out: &mut Out<S, A, P::Item, E>) {
        let rules = self.of.rules;
        let mut time = 0;
        if let Some(at) = &rules.time {
            time = at(&item);
            self.reach.see(time);
        }
        match self.panes.windows(time, self.reach.at()) {
            Fit::Between => {}
            Fit::Late => {
                bump(&self.of.cx.counts.late, self.of.late.items(&item));
                out.extend(
                    self.of
                        .late
                        .late(item)
                        .map(|given| Given::Late(Some(given))),
                );
            }
            Fit::In {
                mut first,
                last,
                step,
            } => {
                if let Some(copy) = rules.spec.copy {
                    while first < last {
                        self.put(first, copy(&item), out);
                        first += step;
                    }
                }
                self.put(last, item, out);
            }
        }
    }

    /// One item into one window.
    fn put(&mut self, id: i64, item: P::Item, out: &mut Out<S, A, P::Item, E>) {
        let (init, every) = (self.of.init, self.of.rules.every);
        let (acc, due) = self.panes.enter(id, every, init);
        let given = self.of.step.take(acc, item);
        if given.size_hint().1 != Some(0) {
            out.push(Given::Item(given));
        }
        if let (true, Some(n)) = (due, every) {
            self.panes.fire(id, Trigger::Every(n), self.of.firing(out));
        }
        if self.panes.is_full() {
            self.panes.turn(init, self.of.firing(out));
        }
    }

    /// Moves the watermark on, and fires what it passed.
    fn advance(&mut self, out: &mut Out<S, A, P::Item, E>) {
        if self.of.rules.time.is_none() {
            return;
        }
        let at = self.reach.advance();
        self.panes.advance(at, self.of.init, self.of.firing(out));
    }
}

impl<'s, P, A, N, S, E, L> Feed for Windower<'s, P, S::Open, N, S, E, L>
where
    P: Pipe,
    N: Fn() -> A,
    S: Accumulate<A, P::Item, E::Item>,
    E: OnFiring<A>,
    L: LateItem<P::Item, E::Item>,
{
    type Iter = Flatten<vec::IntoIter<Given<S::Out, E::Out, E::Item>>>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if self.over {
            return Ok(Pull::End);
        }
        let mut out = Vec::new();
        self.outside(&mut out);
        if !out.is_empty() {
            return Ok(Pull::Chunk(out.into_iter().flatten()));
        }
        let pulled = match self.rest.take() {
            Some(rest) => Pull::Chunk(rest),
            None => self.feed.pull()?,
        };
        match pulled {
            Pull::Chunk(chunk) => {
                self.chunk(chunk, &mut out);
                if self.rest.is_none() && self.reach.is_time() {
                    self.advance(&mut out);
                }
            }
            Pull::Again | Pull::Border => {}
            Pull::Pending => {
                // Producers that went idle no longer hold the watermark back.
                self.advance(&mut out);
                if out.is_empty() {
                    return Ok(Pull::Pending);
                }
            }
            // The end of an input that failed is no end: nothing must be given out as if it were whole.
            Pull::End if self.of.cx.shared.halted() => return Ok(Pull::End),
            Pull::End => {
                self.over = true;
                self.panes.finish(self.of.init, self.of.firing(&mut out));
            }
        }
        Ok(if out.is_empty() {
            Pull::Again
        } else {
            Pull::Chunk(out.into_iter().flatten())
        })
    }

    fn wait(&mut self, until: Option<Instant>) {
        // Nobody wakes a worker when a signal is fired.
        const LOOK: Duration = Duration::from_millis(5);
        let look = (!self.heard.is_empty()).then(|| Instant::now() + LOOK);
        self.feed.wait([until, look].into_iter().flatten().min());
    }

    fn slow(&self) -> bool {
        self.feed.slow()
    }

    fn timer(&self) -> Option<Instant> {
        let due = self.timers.iter().filter_map(|timer| timer.due);
        due.chain(self.feed.timer()).min()
    }
}

impl<P: Pipe, N, S, E, L> fmt::Debug for Windowed<'_, P, N, S, E, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windowed").finish_non_exhaustive()
    }
}

impl<P: Pipe, O, N, S, E, L> fmt::Debug for Windower<'_, P, O, N, S, E, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windower").finish_non_exhaustive()
    }
}
