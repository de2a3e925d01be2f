//! The two policies that need nothing of the item: the run ends, or the item is dropped and counted.

use super::{Policy, Reject, Rejected, Verdict};
use crate::run::Context;

/// The policy that ends the run with the first rejected item: what a fallible step does unless told otherwise.
///
/// The error has the stage, the partition, and the file and line where they are known.
///
/// # Examples
/// ```
/// use millstream::{Fail, Flow};
///
/// let parsed = Flow::from_iter(["1", "two"]).try_map(|text| text.parse::<u32>()).on_error(Fail);
/// assert!(parsed.count().unwrap_err().message().contains("invalid digit"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fail;

impl<T> Policy<T> for Fail {
    type Worker<'s> = Fail;

    fn open<'s>(&'s self, _cx: &'s Context) -> Fail {
        Fail
    }

    fn singles_out(&self) -> bool {
        false
    }
}

impl<T> Reject<T> for Fail {
    fn reject(&mut self, rejected: Rejected<T>) -> Verdict<T> {
        // The runner adds stage, partition and position.
        Verdict::Fail(rejected.into_error())
    }
}

/// The policy that drops rejected items and counts them, under their rule, in the [report](crate::Report::rejected).
///
/// # Examples
/// ```
/// use millstream::{Flow, Skip};
///
/// let report = Flow::from_iter(["1", "two", "three"])
///     .try_map(|text| text.parse::<u32>())
///     .on_error(Skip)
///     .run()?;
/// assert_eq!(report.rejected()["try_map"], 2);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skip;

impl<T> Policy<T> for Skip {
    type Worker<'s> = Counted<'s>;

    fn open<'s>(&'s self, cx: &'s Context) -> Counted<'s> {
        Counted(cx)
    }
}

/// One worker's end of [`Skip`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Counted<'s>(&'s Context);

impl<T> Reject<T> for Counted<'_> {
    fn reject(&mut self, rejected: Rejected<T>) -> Verdict<T> {
        self.0.count_rejected(rejected.rule());
        Verdict::Settled
    }
}
