//! What windows give when they fire, and what late items give.

use super::Flow;
use crate::step::{EmitState, OnLate, OnTrigger, Pipe, Windowed};
use crate::window::Firing;

impl<'env, P: Pipe + 'env, N, S> Flow<'env, Windowed<'env, P, N, S, EmitState>> {
    /// What a window emits when it fires, instead of its state; the closure may change the state, and what it leaves is
    /// kept while the window is open. It goes right behind [`reduce`](crate::WindowFlow::reduce).
    ///
    /// ```
    /// use millstream::{Flow, Trigger, Window};
    ///
    /// // Sums of ten, each from zero.
    /// let sums = Flow::from_range(1..31)
    ///     .stages(1)
    ///     .window(Window::global())
    ///     .trigger_every(10)
    ///     .reduce(|| 0, |sum, n| *sum += n)
    ///     .on_trigger(|sum, firing| match firing.trigger {
    ///         Trigger::Every(_) => Some(std::mem::take(sum)),
    ///         _ => None,
    ///     })
    ///     .collect_vec()?;
    /// assert_eq!(sums, [55, 155, 255]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn on_trigger<A, V, F>(self, f: F) -> Flow<'env, Windowed<'env, P, N, S, OnTrigger<F>>>
    where
        N: Fn() -> A,
        V: IntoIterator,
        F: Fn(&mut A, &Firing) -> V + Send + Sync + 'env,
    {
        self.step("on_trigger", |windows| Windowed {
            pipe: windows.pipe,
            rules: windows.rules,
            init: windows.init,
            step: windows.step,
            emit: OnTrigger(f),
            late: windows.late,
        })
    }
}

impl<'env, P: Pipe + 'env, N, S, E> Flow<'env, Windowed<'env, P, N, S, E>> {
    /// What an item that came too late for its window gives, if anything, among what the windows give: with an enum
    /// as the item, late ones can be told from the others behind. It goes right behind the reduction.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// let times = [1, 2, 11, 21, 3];
    /// let out = Flow::from_iter(times)
    ///     .stages(1)
    ///     .batch(1)
    ///     .window_by(Window::fixed(10), |at| *at)
    ///     .reduce(|| 0, |count, _| *count += 1)
    ///     .on_trigger(|count, _| [Ok(*count)])
    ///     .on_late(|at| Some(Err(at)))
    ///     .collect_vec()?;
    /// assert_eq!(out, [Ok(2), Ok(1), Err(3), Ok(1)]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn on_late<U, F>(self, f: F) -> Flow<'env, Windowed<'env, P, N, S, E, OnLate<F>>>
    where
        F: Fn(P::Item) -> Option<U> + Send + Sync + 'env,
    {
        self.step("on_late", |windows| Windowed {
            pipe: windows.pipe,
            rules: windows.rules,
            init: windows.init,
            step: windows.step,
            emit: windows.emit,
            late: OnLate(f),
        })
    }
}
