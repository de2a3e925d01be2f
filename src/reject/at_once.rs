//! Policies that decide at once: where there is nothing to try again, no other is accepted.

use super::{Fail, Policy, Rejected, Skip};
use crate::error::BoxError;

/// A policy that never asks for another try: all but [`Retry`](crate::Retry).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the policy here: there is nothing to try again",
    label = "asks for another try",
    note = "what is rejected here would be rejected again: use `Fail`, `Skip`, `DeadLetters::into(sink)` or a closure"
)]
pub trait AtOnce<T>: Policy<T> {}

impl<T> AtOnce<T> for Fail {}

impl<T> AtOnce<T> for Skip {}

impl<T, F, E> AtOnce<T> for F
where
    F: Fn(Rejected<T>) -> Result<(), E> + Send + Sync,
    E: Into<BoxError>,
{
}
