//! Bad rows: what a step that can fail does about an item it cannot take.
//!
//! A fallible step makes a [`Rejected`] of the item and its error, and hands it to its *policy*, which is a type:
//! [`Fail`] unless [`Flow::on_error`](crate::Flow::on_error) put in another. [`Policy`] is what the workers of a stage
//! share, [`Reject`] one worker's end of it. A policy answers with a [`Verdict`], and it counts: what was rejected is in
//! the report under the name of its rule. What a policy still holds, it writes when its worker's end is dropped.
//!
//! A step, a reader or a sink that has the item in hand asks for `R: Policy<T>`. A step that gives the item away to
//! a closure before it knows asks for [`Keeps`] besides, which says what has to be kept of the item meanwhile.

mod at_once;
mod closure;
#[cfg(feature = "serde")]
mod columns;
mod fail;
mod keeps;
mod letters;
mod rejected;
mod retry;
mod rules;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use at_once::AtOnce;
pub use fail::{Fail, Skip};
pub use keeps::Keeps;
pub use letters::DeadLetters;
pub use rejected::Rejected;
pub use retry::Retry;
pub use rules::Validation;

use crate::error::Error;
use crate::run::{After, Context};

/// What is done about rejected items of type `T`: [`Fail`], [`Skip`], [`Retry`], [`DeadLetters`](crate::DeadLetters), or a
/// closure.
///
/// It is implemented by this crate alone; a policy of one's own is a closure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no policy for rejected items of type `{T}`",
    label = "not a policy for these items",
    note = "policies are `Fail`, `Skip`, `Retry::times(n)`, `DeadLetters::into(sink)` with a sink of `Rejected<{T}>`, and closures \
            `|rejected: Rejected<{T}>| -> Result<(), E>`"
)]
pub trait Policy<T>: Send + Sync {
    /// One worker's end of the policy.
    #[doc(hidden)]
    type Worker<'s>: Reject<T>
    where
        Self: 's;

    /// Opens one worker's end, on the worker's thread. What cannot be opened is left with the worker as an error.
    #[doc(hidden)]
    fn open<'s>(&'s self, cx: &'s Context) -> Self::Worker<'s>;

    /// Whether it matters which item of a batch was rejected, so that it pays to find out.
    #[doc(hidden)]
    fn singles_out(&self) -> bool {
        true
    }

    /// What a worker keeps in memory for it, in words.
    #[doc(hidden)]
    fn keeps(&self) -> Option<String> {
        None
    }

    /// Whether a split that is done has all that it rejected settled, so that it need not be read again.
    #[doc(hidden)]
    fn by_splits(&self) -> bool {
        true
    }

    /// What is left to do for it after the run.
    #[doc(hidden)]
    fn after<'e>(&self) -> Option<AfterRun<'e>>
    where
        Self: 'e,
        T: 'e,
    {
        None
    }
}

/// What is left to do after a run.
#[doc(hidden)]
pub struct AfterRun<'e>(pub(crate) Arc<dyn After + 'e>);

impl fmt::Debug for AfterRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterRun").finish_non_exhaustive()
    }
}

/// One worker's end of a policy.
#[doc(hidden)]
pub trait Reject<T> {
    /// Deals with a rejected item, and counts it, or says what to do.
    fn reject(&mut self, rejected: Rejected<T>) -> Verdict<T>;

    /// A split of the input is complete: what it rejected is to be settled before anybody notes that it is done.
    fn border(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// What a step is to do after an item was rejected.
#[doc(hidden)]
#[derive(Debug)]
pub enum Verdict<T> {
    /// Go on without it: it has been dealt with.
    Settled,
    /// End the run with this error.
    Fail(Error),
    /// Try this item again after a time; a policy that is [`AtOnce`] never says so.
    Again {
        /// The item, as it was rejected.
        item: T,
        /// How long to wait, in the time of the run.
        after: Duration,
    },
}
