//! `validate`: an item that keeps all rules goes on as it is.

use super::tries::{Attempt, Tries};
use crate::reject::{Fail, Rejected, Validation};

/// The chain of [`Flow::validate`](crate::Flow::validate).
pub type Validate<'env, P, T, R = Fail> = Tries<P, Validation<'env, T>, R>;

impl<T, R> Attempt<T, R> for Validation<'_, T> {
    type Out = T;
    type Kept = T;

    #[inline]
    fn attempt(&self, item: T) -> Result<T, Rejected<T>> {
        self.validate(item)
    }

    fn back(item: T) -> Option<T> {
        Some(item)
    }
}
