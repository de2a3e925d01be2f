//! The number of items. Values are not looked at, so one type counts items of every type.

use super::{Aggregate, Place};

/// How many items a key has: what [`Over::count`](super::Over::count) gives back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count;

impl<T> Aggregate<T> for Count {
    type Acc = u64;
    type Out = u64;

    #[inline]
    fn first(&self, _: &T, _: Place) -> u64 {
        1
    }

    #[inline]
    fn fold(&self, acc: &mut u64, _: &T, _: Place) {
        *acc += 1;
    }

    #[inline]
    fn merge(&self, acc: &mut u64, other: u64) {
        *acc += other;
    }

    #[inline]
    fn finish(&self, acc: u64) -> u64 {
        acc
    }
}
