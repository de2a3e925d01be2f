//! What is left to do when all workers of a run have ended: sinks commit what was written, or take it back.
//!
//! It is done by the thread that waits for the run, after the last worker, and told how the run ended. A run that was
//! cut short, by a failure or because nobody wanted it any more, is not a good one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::shared::Shared;
use crate::error::Error;

/// Something to do after all workers of a run.
pub(crate) trait After: Send + Sync {
    /// All workers have ended, and so far all is well, or not.
    fn after(&self, good: bool) -> Result<(), Error>;
}

/// All that is to be done after a run, in the order in which the builder met it.
pub(crate) type Afters<'env> = Vec<Arc<dyn After + 'env>>;

/// Does it; gives the first failure, of the run or of one of these.
pub(super) fn settle(shared: &Shared, afters: &[Arc<dyn After + '_>]) -> Option<Error> {
    let mut failure = shared.take_failure();
    for after in afters {
        let good = failure.is_none() && !shared.is_short();
        let done = catch_unwind(AssertUnwindSafe(|| after.after(good)));
        let failed = match done {
            Ok(done) => done.err(),
            Err(payload) => Some(Error::panicked(payload)),
        };
        failure = failure.or(failed);
    }
    failure
}
