//! What a reduction asks of the windows that a worker has open, of whatever shape they are.

use super::firing::{Pane, Trigger};
use super::panes::{Fit, Keep};

/// The windows of one partition that are open, each with an accumulator.
#[doc(hidden)]
pub trait OpenWindows<A> {
    /// The windows that an item of this time belongs to; `time` counts for windows of event time only.
    fn windows(&self, time: i64, watermark: i64) -> Fit;

    /// The accumulator of a window, opened if it is not; counts an item in. The second value is set when that was the
    /// `every`-th since the last such firing.
    fn enter(&mut self, id: i64, every: Option<u64>, init: impl FnOnce() -> A) -> (&mut A, bool);

    /// Whether the running window is full; only count windows ever are.
    fn is_full(&self) -> bool {
        false
    }

    /// Ends the running window and begins the next, where there is such a thing.
    fn turn(&mut self, _init: impl FnOnce() -> A, _fire: impl FnMut(Pane, Trigger, Keep<'_, A>)) {}

    /// Fires one window, without ending it.
    fn fire(&mut self, id: i64, trigger: Trigger, fire: impl FnMut(Pane, Trigger, Keep<'_, A>));

    /// Fires all open windows, from the oldest, without ending them; a window with a running number is always open.
    fn fire_all(
        &mut self,
        trigger: &Trigger,
        init: impl Fn() -> A,
        fire: impl FnMut(Pane, Trigger, Keep<'_, A>),
    );

    /// Fires and ends what the watermark has passed, from the oldest.
    fn advance(
        &mut self,
        watermark: i64,
        init: impl Fn() -> A,
        fire: impl FnMut(Pane, Trigger, Keep<'_, A>),
    );

    /// Fires and ends everything, from the oldest: the input has ended.
    fn finish(&mut self, init: impl Fn() -> A, fire: impl FnMut(Pane, Trigger, Keep<'_, A>));
}
