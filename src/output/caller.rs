//! To the calling thread: the end of `into_iter` and `scope`, one bounded queue for all workers.

use std::sync::Arc;
use std::time::Duration;

use super::{Only, Routed, Sink};
use crate::edge::{AnyEdge, Batch, Edge};
use crate::run::Context;

/// How often a worker that waits for the caller looks at the stop flag: the caller may never take anything again.
const LOOK: Duration = Duration::from_millis(5);

/// A stage's end on the caller's queue; batches are as large as the stage's own.
pub(crate) struct ToCaller<T> {
    pub(crate) edge: Arc<Edge<Batch<T>>>,
}

impl<T: Send> Sink<T> for ToCaller<T> {
    type Output<'s>
        = Routed<'s, T, Only>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Output<'s> {
        Routed::new(self.edge.clone(), &Only, None, &cx.group, cx).patient(LOOK)
    }

    fn abandon(&self) {
        AnyEdge::abandon(&*self.edge);
    }
}
