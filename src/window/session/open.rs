//! The sessions of a worker's items that are open.

use std::fmt;
use std::sync::Arc;

use super::{Session, Spans, end, over, pane};
use crate::window::firing::{Pane, Trigger};
use crate::window::open::OpenWindows;
use crate::window::panes::{Fit, Keep};

/// The open sessions of a partition; `M` merges the accumulators of two.
#[doc(hidden)]
pub struct OpenSessions<A, M> {
    gap: i64,
    lateness: i64,
    spans: Spans<State<A>>,
    merge: Arc<M>,
}

#[derive(Debug)]
struct State<A> {
    acc: A,
    /// Items that entered since an `every` trigger fired.
    entered: u64,
    /// The last time that it had when it fired at the watermark: when a late item makes it longer, it fires again.
    passed: Option<i64>,
}

impl<A, M> OpenSessions<A, M> {
    pub(crate) fn new(gap: i64, lateness: i64, merge: Arc<M>) -> Self {
        OpenSessions {
            gap,
            lateness,
            spans: Spans::default(),
            merge,
        }
    }
}

impl<A, M: Fn(&mut A, A)> OpenWindows<A> for OpenSessions<A, M> {
    /// A session is found by any time in it, so the item's own is the id of its window.
    #[inline]
    fn windows(&self, time: i64, watermark: i64) -> Fit {
        if over(time, self.gap, self.lateness, watermark) {
            return Fit::Late;
        }
        Fit::In {
            first: time,
            last: time,
            step: 1,
        }
    }

    fn enter(&mut self, time: i64, every: Option<u64>, init: impl FnOnce() -> A) -> (&mut A, bool) {
        let fresh = |()| State {
            acc: init(),
            entered: 0,
            passed: None,
        };
        let merge = |earlier: &mut State<A>, later: State<A>| {
            (self.merge)(&mut earlier.acc, later.acc);
            earlier.entered += later.entered;
            earlier.passed = later.passed;
        };
        // The item itself is taken by the caller, who knows how.
        let (session, _) = self
            .spans
            .enter(self.gap, (time, time), (), fresh, |_, ()| {}, merge);
        let state = &mut session.acc;
        state.entered += 1;
        let due = every.is_some_and(|n| state.entered >= n);
        if due {
            state.entered = 0;
        }
        (&mut state.acc, due)
    }

    fn fire(
        &mut self,
        time: i64,
        trigger: Trigger,
        mut fire: impl FnMut(Pane, Trigger, Keep<'_, A>),
    ) {
        if let Some((first, session)) = self.spans.at(time) {
            let pane = pane(first, session.last, self.gap);
            fire(pane, trigger, Keep::Stays(&mut session.acc.acc));
        }
    }

    fn fire_all(
        &mut self,
        trigger: &Trigger,
        _init: impl Fn() -> A,
        mut fire: impl FnMut(Pane, Trigger, Keep<'_, A>),
    ) {
        for (first, session) in &mut self.spans.0 {
            let pane = pane(*first, session.last, self.gap);
            fire(pane, trigger.clone(), Keep::Stays(&mut session.acc.acc));
        }
    }

    fn advance(
        &mut self,
        watermark: i64,
        _init: impl Fn() -> A,
        mut fire: impl FnMut(Pane, Trigger, Keep<'_, A>),
    ) {
        let gap = self.gap;
        if self.lateness > 0 {
            let passed = self.spans.0.iter_mut();
            for (first, session) in passed.take_while(|(_, s)| end(s.last, gap) <= watermark) {
                let Session { last, acc: state } = session;
                if state.passed != Some(*last) {
                    state.passed = Some(*last);
                    let keep = Keep::Stays(&mut state.acc);
                    fire(pane(*first, *last, gap), Trigger::Watermark, keep);
                }
            }
        }
        while let Some(oldest) = self.spans.0.first_entry() {
            if !over(oldest.get().last, gap, self.lateness, watermark) {
                break;
            }
            let (first, done) = oldest.remove_entry();
            let keep = Keep::Ends(done.acc.acc);
            fire(pane(first, done.last, gap), Trigger::Done, keep);
        }
    }

    fn finish(&mut self, _init: impl Fn() -> A, mut fire: impl FnMut(Pane, Trigger, Keep<'_, A>)) {
        for (first, done) in std::mem::take(&mut self.spans.0) {
            let keep = Keep::Ends(done.acc.acc);
            fire(pane(first, done.last, self.gap), Trigger::Done, keep);
        }
    }
}

impl<A, M> fmt::Debug for OpenSessions<A, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSessions").finish_non_exhaustive()
    }
}
