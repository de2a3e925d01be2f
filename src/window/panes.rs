//! The windows of one partition that are open, in the order of their ends.

use std::collections::BTreeMap;

use super::firing::{Pane, Trigger};
use super::kinds::Kind;
use super::open::OpenWindows;

/// The open windows and their states.
#[doc(hidden)]
#[derive(Debug)]
pub struct Panes<A> {
    kind: Kind,
    lateness: i64,
    gaps: u64,
    /// By the id of the window: its start, or a running number.
    open: BTreeMap<i64, State<A>>,
    /// The running number of the window that is open now, where windows have one.
    number: i64,
    /// The start of the window behind the last one that fired at a watermark or ended, where gaps are wanted.
    after: Option<i64>,
}

#[derive(Debug)]
struct State<A> {
    acc: A,
    /// Items that entered since an `every` trigger fired.
    entered: u64,
    /// All items that entered.
    items: u64,
    /// Whether it fired at the watermark.
    passed: bool,
}

/// Where an item belongs.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Into the windows with these ids.
    In {
        /// The first of them.
        first: i64,
        /// The last.
        last: i64,
        /// From one to the next.
        step: i64,
    },
    /// Its windows have ended.
    Late,
    /// Into none: windows that slide by more than their size leave holes.
    Between,
}

/// What becomes of a window's state when it fires.
#[doc(hidden)]
#[derive(Debug)]
pub enum Keep<'a, A> {
    /// It stays.
    Stays(&'a mut A),
    /// It is given away, since the window has ended.
    Ends(A),
}

impl<A> Panes<A> {
    /// Bytes that an open window takes, beside what its state owns.
    pub(crate) const BYTES: usize = size_of::<(i64, State<A>)>();

    pub(crate) fn new(kind: Kind, lateness: i64, gaps: u64) -> Self {
        Panes {
            kind,
            lateness,
            gaps,
            open: BTreeMap::new(),
            number: 0,
            after: None,
        }
    }

    /// How many windows are open.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    fn ended(&self, start: i64, watermark: i64) -> bool {
        let Some((size, _)) = self.times() else {
            return false;
        };
        start.saturating_add(size).saturating_add(self.lateness) <= watermark
    }

    fn open_number(&mut self, init: impl FnOnce() -> A) {
        if self.times().is_none() {
            self.open
                .entry(self.number)
                .or_insert_with(|| State::new(init()));
        }
    }

    /// Opens the windows that nothing fell into, from the oldest open one or the last that was over, up to `end`.
    fn fill_gaps(&mut self, end: i64, init: &impl Fn() -> A) {
        let Some((_, slide)) = self.times() else {
            return;
        };
        let first = self.open.first_key_value().map(|(first, _)| *first);
        let mut at = match (self.after, first) {
            (Some(after), Some(first)) => after.min(first),
            (Some(start), None) | (None, Some(start)) => start,
            (None, None) => return,
        };
        self.after = Some(self.after.map_or(end, |after| after.max(end)));
        let mut row = 0;
        while at < end {
            if self.open.contains_key(&at) {
                row = 0;
            } else if row < self.gaps {
                row += 1;
                self.open.insert(at, State::new(init()));
            } else {
                // On to the next window that something fell into.
                match self.open.range(at..end).next() {
                    Some((next, _)) => {
                        at = *next;
                        continue;
                    }
                    None => break,
                }
            }
            at = at.saturating_add(slide);
        }
    }

    /// Size and slide of windows of event time.
    fn times(&self) -> Option<(i64, i64)> {
        match self.kind {
            Kind::Time { size, slide } => Some((size, slide)),
            Kind::Start { size } => Some((size, 1)),
            Kind::Global | Kind::Count(_) | Kind::Period(_) => None,
        }
    }

    fn pane(&self, id: i64) -> Pane {
        pane(self.kind, id)
    }
}

impl<A> OpenWindows<A> for Panes<A> {
    #[inline]
    fn windows(&self, time: i64, watermark: i64) -> Fit {
        if let Kind::Start { .. } = self.kind {
            if self.ended(time, watermark) {
                return Fit::Late;
            }
            return Fit::In {
                first: time,
                last: time,
                step: 1,
            };
        }
        let Kind::Time { size, slide } = self.kind else {
            return Fit::In {
                first: self.number,
                last: self.number,
                step: 1,
            };
        };
        // The latest window that begins at or before the time, and the earliest that has not ended by then.
        let last = floor(time, slide);
        let mut first = floor(time.saturating_sub(size), slide).saturating_add(slide);
        if first > last {
            return Fit::Between;
        }
        while first <= last && self.ended(first, watermark) {
            first = first.saturating_add(slide);
        }
        if first > last {
            return Fit::Late;
        }
        Fit::In {
            first,
            last,
            step: slide,
        }
    }

    fn enter(&mut self, id: i64, every: Option<u64>, init: impl FnOnce() -> A) -> (&mut A, bool) {
        let state = self.open.entry(id).or_insert_with(|| State::new(init()));
        state.entered += 1;
        state.items += 1;
        let due = every.is_some_and(|n| state.entered >= n);
        if due {
            state.entered = 0;
        }
        (&mut state.acc, due)
    }

    fn is_full(&self) -> bool {
        match self.kind {
            Kind::Count(most) => self.open.get(&self.number).is_some_and(|s| s.items >= most),
            _ => false,
        }
    }

    fn turn(&mut self, init: impl FnOnce() -> A, mut fire: impl FnMut(Pane, Trigger, Keep<'_, A>)) {
        let state = self.open.remove(&self.number);
        let acc = state.map_or_else(init, |state| state.acc);
        fire(self.pane(self.number), Trigger::Done, Keep::Ends(acc));
        self.number += 1;
    }

    fn fire(
        &mut self,
        id: i64,
        trigger: Trigger,
        mut fire: impl FnMut(Pane, Trigger, Keep<'_, A>),
    ) {
        let pane = self.pane(id);
        if let Some(state) = self.open.get_mut(&id) {
            fire(pane, trigger, Keep::Stays(&mut state.acc));
        }
    }

    fn fire_all(
        &mut self,
        trigger: &Trigger,
        init: impl Fn() -> A,
        mut fire: impl FnMut(Pane, Trigger, Keep<'_, A>),
    ) {
        self.open_number(init);
        let kind = self.kind;
        for (id, state) in &mut self.open {
            fire(
                pane(kind, *id),
                trigger.clone(),
                Keep::Stays(&mut state.acc),
            );
        }
    }

    fn advance(
        &mut self,
        watermark: i64,
        init: impl Fn() -> A,
        mut fire: impl FnMut(Pane, Trigger, Keep<'_, A>),
    ) {
        let Some((size, slide)) = self.times() else {
            return;
        };
        let passed = watermark.saturating_sub(size);
        if self
            .open
            .first_key_value()
            .is_none_or(|(first, _)| *first > passed)
        {
            return;
        }
        // Up to the first window that is not over yet.
        self.fill_gaps(floor(passed, slide).saturating_add(slide), &init);
        let kind = self.kind;
        if self.lateness > 0 {
            for (id, state) in self.open.range_mut(..=passed) {
                if !state.passed {
                    state.passed = true;
                    fire(
                        pane(kind, *id),
                        Trigger::Watermark,
                        Keep::Stays(&mut state.acc),
                    );
                }
            }
        }
        while let Some(first) = self.open.first_entry() {
            let id = *first.key();
            if id.saturating_add(size).saturating_add(self.lateness) > watermark {
                break;
            }
            fire(
                pane(kind, id),
                Trigger::Done,
                Keep::Ends(first.remove().acc),
            );
        }
    }

    fn finish(&mut self, init: impl Fn() -> A, mut fire: impl FnMut(Pane, Trigger, Keep<'_, A>)) {
        self.open_number(&init);
        if let Some((last, _)) = self.open.last_key_value() {
            self.fill_gaps(*last, &init);
        }
        let kind = self.kind;
        for (id, state) in std::mem::take(&mut self.open) {
            fire(pane(kind, id), Trigger::Done, Keep::Ends(state.acc));
        }
    }
}

impl<A> State<A> {
    fn new(acc: A) -> Self {
        State {
            acc,
            entered: 0,
            items: 0,
            passed: false,
        }
    }
}

fn pane(kind: Kind, id: i64) -> Pane {
    match kind {
        Kind::Global => Pane::Global,
        Kind::Time { size, .. } | Kind::Start { size } => Pane::Time {
            start: id,
            end: id.saturating_add(size),
        },
        Kind::Count(_) => Pane::Count(id),
        Kind::Period(_) => Pane::Period(id),
    }
}

/// The greatest multiple of `step` at or below a time; negative times too.
fn floor(time: i64, step: i64) -> i64 {
    time.saturating_sub(time.rem_euclid(step))
}
