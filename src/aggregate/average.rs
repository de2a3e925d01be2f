//! What a mean can be taken of, and the sum it keeps meanwhile.
//!
//! The sum of integers is exact: no number of items that a program can process overflows it. Values of up to 16
//! bits would need 2⁴⁷ items to overflow an `i64`, values of up to 64 bits 2⁶³ items to overflow an `i128`.

use std::fmt;
use std::ops::AddAssign;

/// Numbers that [`Over::mean`](super::Over::mean) can take the mean of.
///
/// These are the integers of up to 64 bits and the floats. A `bool` counts as 0 or 1, so the mean is the share of
/// `true`. For a number type of your own, say what its sum is kept in:
///
/// ```
/// use millstream::{Average, Flow};
///
/// #[derive(Clone, Copy)]
/// struct Cents(i32);
///
/// impl Average for Cents {
///     type Sum = i64;
///     fn to_sum(self) -> i64 {
///         i64::from(self.0)
///     }
///     /// In whole euros.
///     fn mean(sum: i64, count: u64) -> f64 {
///         sum as f64 / count as f64 / 100.0
///     }
/// }
///
/// # fn main() -> Result<(), millstream::Error> {
/// let found = Flow::from_iter(vec![("tea", Cents(150)), ("tea", Cents(350))])
///     .aggregate_by(|sale| sale.0, |a| a.mean(|sale| sale.1))
///     .collect_vec()?;
/// assert_eq!(found, [("tea", 2.5)]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "there is no mean of values of type `{Self}`",
    label = "the closure's value must be a `bool`, an integer of up to 64 bits, an `f32` or an `f64`",
    note = "turn the value into one of these, or implement `Average` for it"
)]
pub trait Average {
    /// What the sum of the values is kept in.
    type Sum: AddAssign + Send;
    /// A value as a sum of one.
    fn to_sum(self) -> Self::Sum;
    /// The mean of `count` values with that sum. `count` is never 0.
    fn mean(sum: Self::Sum, count: u64) -> f64;
}

macro_rules! average_in {
    ($sum:ty: $($value:ty)+) => {$(
        impl Average for $value {
            type Sum = $sum;

            #[inline]
            fn to_sum(self) -> $sum {
                <$sum>::from(self)
            }

            #[inline]
            fn mean(sum: $sum, count: u64) -> f64 {
                sum as f64 / count as f64
            }
        }
    )+};
}

average_in!(i64: bool i8 i16 u8 u16);
average_in!(f64: f32 f64);

macro_rules! average_wide {
    ($($value:ty)+) => {$(
        impl Average for $value {
            type Sum = WideSum;

            #[inline]
            fn to_sum(self) -> WideSum {
                // No integer of 64 bits or fewer is changed by this; `From` lacks `usize` and `isize`.
                WideSum(self as i128)
            }

            #[inline]
            fn mean(sum: WideSum, count: u64) -> f64 {
                let WideSum(sum) = sum;
                sum as f64 / count as f64
            }
        }
    )+};
}

average_wide!(i32 i64 isize u32 u64 usize);

/// The exact sum of integers of 32 or 64 bits.
///
/// An `i128` that is aligned as an `i64` is: an accumulator of this and a count takes 24 bytes instead of 32.
#[derive(Clone, Copy)]
#[repr(Rust, packed(8))]
pub struct WideSum(i128);

impl AddAssign for WideSum {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = WideSum({ self.0 } + { other.0 });
    }
}

impl fmt::Debug for WideSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WideSum(sum) = *self;
        f.debug_tuple("WideSum").field(&sum).finish()
    }
}
