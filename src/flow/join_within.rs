//! Joins within windows of event time: an attribute of a join, right behind it.

use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Flow, keeps};
use crate::edge::Edge;
use crate::state::{JoinKind, Joined, JoinedWithin, Times};
use crate::window::{EventTime, JoinWindow, Nearness};

/// Why a join cannot be both.
const BUILD: &str = "`build` makes a join wait for all of one side, and `within` lets go of rows while both run: leave one of \
                     them out";
/// Why an interval cannot be.
const EMPTY: &str = "the interval of `within` ends before it begins, so that no two rows would meet: write the lesser end first";

impl<'env, K, L, R, M> Flow<'env, Joined<K, L, R, M>>
where
    K: Hash + Eq + Send + 'env,
    L: Clone + Send + 'env,
    R: Clone + Send + 'env,
    M: JoinKind<L, R>,
{
    /// Joins rows only if they are near in event time too: in the same [fixed](crate::Window::fixed) or
    /// [sliding](crate::Window::sliding) window, or with the right row's time less the left row's in a range. It goes right
    /// behind a join; the closures say when a row of either side happened, in milliseconds or as a `Duration` since an
    /// epoch.
    ///
    /// A range is of milliseconds or `Duration`s, such as `0..=5_000` for right rows up to five seconds later;
    /// [`Window::interval`](crate::Window::interval) gives it options. Each window is a join of its own: in sliding ones a
    /// pair comes once for each window that both rows are in, and a row alone once for each in which nothing matches it.
    ///
    /// ```text
    ///  auctions ─▶ by key ═▶ ┐ the least watermark of both
    ///                        ├─▶ rows of windows that are open ─▶ pairs at once, rows without a match at the end of a window
    ///  bids ─────▶ by key ═▶ ┘
    /// ```
    ///
    /// A pair comes when its second row has arrived. A row without a match, where the join gives those, comes when its
    /// last match can: at the end of the window and the lateness that is allowed, or when the watermark has passed the
    /// range. The watermark is as in [`window_by`](Flow::window_by), for each side apart, and the least of the two
    /// counts. A side does not count once it has ended, or while it and all before it are idle. Rows that come too late
    /// are dropped, and [counted](crate::StageReport::late).
    ///
    /// Of the two sides a worker takes what comes from the one that is behind in event time first. So inputs that run
    /// at different speeds stay together as far as the slower one has something to give.
    ///
    /// *Order* none. *Threads* those of the join. *Memory* the rows of both sides of windows that are open (in sliding
    /// windows, one clone a window), or those that may still meet one to come; what one side is ahead of the other
    /// counts as well. *Ends* when both flows have ended; windows that are open then end with them.
    ///
    /// ```
    /// use millstream::{Flow, Window};
    ///
    /// // People and the auctions they open in the same ten milliseconds.
    /// let people = [(1, "ann", 3), (2, "bob", 5), (1, "ann", 12)];
    /// let auctions = [(1, "lamp", 4), (2, "vase", 17)];
    /// let opened = Flow::from_iter(people)
    ///     .inner_join(Flow::from_iter(auctions), |person| person.0, |auction| auction.0)
    ///     .within(Window::fixed(10), |person| person.2, |auction| auction.2)
    ///     .map(|(person, auction)| (person.1, auction.1))
    ///     .collect_vec()?;
    /// assert_eq!(opened, [("ann", "lamp")]);
    ///
    /// // Or an auction up to twelve milliseconds after.
    /// let opened = Flow::from_iter(people)
    ///     .inner_join(Flow::from_iter(auctions), |person| person.0, |auction| auction.0)
    ///     .within(0..=12, |person| person.2, |auction| auction.2)
    ///     .map(|(person, auction)| (person.1, auction.1))
    ///     .sorted()?;
    /// assert_eq!(opened, [("ann", "lamp"), ("bob", "vase")]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn within<W, T, U, F, G>(
        self,
        window: W,
        left_time: F,
        right_time: G,
    ) -> Flow<'env, JoinedWithin<'env, K, L, R, M>>
    where
        W: JoinWindow,
        T: EventTime,
        U: EventTime,
        F: Fn(&L) -> T + Send + Sync + 'env,
        G: Fn(&R) -> U + Send + Sync + 'env,
    {
        let spec = window.join_spec();
        let (interval, empty) = match spec.nearness {
            Nearness::Windows(_) => (false, false),
            Nearness::Interval { from, to } => (true, from > to),
        };
        let gathers = [keeps::rows_to_join::<K, L>(), keeps::rows_to_join::<K, R>()];
        let left = Arc::new(Edge::default());
        let right = Arc::new(Edge::default());
        let mut flow = self;
        // The stages before are closed over the join's own edges; their ends find these in their stead.
        let told = &flow.pipe.timed;
        let _ = (told.0.set(left.clone()), told.1.set(right.clone()));
        let sides: [Arc<dyn crate::edge::AnyEdge + 'env>; 2] = [left.clone(), right.clone()];
        for (&number, edge) in flow.inputs.iter().zip(sides) {
            flow.graph.edges[number] = edge;
            for &stage in &flow.graph.plan.edges[number].from {
                let keeps = &mut flow.graph.plan.nodes[stage].keeps;
                keeps.retain(|keeps| !gathers.contains(keeps));
            }
        }
        if flow.pipe.build.is_some() {
            flow.group.refused = Some(BUILD);
        } else if empty {
            flow.group.refused = Some(EMPTY);
        }
        flow.group.timed = true;
        flow.keeps = vec![keeps::rows_within::<K, L, R>(interval)];
        flow.step("within", |_| JoinedWithin {
            left,
            right,
            times: Times {
                left: Box::new(move |row| left_time(row).millis()),
                right: Box::new(move |row| right_time(row).millis()),
            },
            spec,
            kind: PhantomData,
        })
    }
}
