//! The order that `min`, `max` and `top` go by: `Ord` where a type has it, `total_cmp` for floats.
//!
//! A trait that is implemented for every `Ord` type and for floats would overlap, as far as the compiler may
//! assume. The parameter keeps the two apart: each type has exactly one, which the compiler finds.

use std::cmp::Ordering;

/// Values that `min`, `max` and `top` can compare: every type that is `Ord`, and `f32` and `f64`.
///
/// Floats compare by [`total_cmp`](f64::total_cmp), which orders all of them: a NaN with its sign set, then
/// -∞ to -0.0, then 0.0 to +∞, then a NaN without. The parameter says which of the two orders it is; the compiler
/// finds it, no program writes it.
///
/// A value with a float inside, such as `(f64, u32)`, has no such order by itself: make it a type of your own
/// that is `Ord`, or make the float an integer (`(x * 100.0) as i64`).
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be compared to find the smallest or largest",
    label = "the closure's value must be `Ord`, an `f32` or an `f64`",
    note = "for another type, implement `Ord` for it, or give a value of the item that is `Ord`"
)]
pub trait Compare<By> {
    /// How this value stands to another.
    fn compare(&self, other: &Self) -> Ordering;
}

/// Says that values compare by their own `Ord`: see [`Compare`].
#[derive(Debug)]
pub struct ByOrd;

/// Says that values are floats and compare by `total_cmp`: see [`Compare`].
#[derive(Debug)]
pub struct ByTotalOrder;

impl<V: Ord> Compare<ByOrd> for V {
    #[inline]
    fn compare(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

impl Compare<ByTotalOrder> for f32 {
    #[inline]
    fn compare(&self, other: &Self) -> Ordering {
        self.total_cmp(other)
    }
}

impl Compare<ByTotalOrder> for f64 {
    #[inline]
    fn compare(&self, other: &Self) -> Ordering {
        self.total_cmp(other)
    }
}
