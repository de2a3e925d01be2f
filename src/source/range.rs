//! A range of integers, cut into ranges. The chunk is std's own range, so that a fused fold over it costs what a
//! loop costs, or nothing where the compiler knows the sum.

use std::fmt;
use std::ops::Range;
use std::time::Instant;

use super::begin;
use super::cursor::{Cursor, MOST};
use crate::error::Error;
use crate::run::Context;
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull};

mod sealed {
    pub trait Sealed {}
}

/// The integers that [`Flow::from_range`](crate::Flow::from_range) counts through: all primitive ones up to 64 bits.
///
/// It is sealed: only this crate implements it.
///
/// # Examples
/// ```
/// use millstream::Flow;
///
/// assert_eq!(Flow::from_range(-3i8..4).count()?, 7);
/// assert_eq!(Flow::from_range(i64::MIN..i64::MIN + 5).count()?, 5);
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait Integer: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The range of these integers as an iterator.
    #[doc(hidden)]
    type Piece: Iterator<Item = Self>;
    /// How many integers lie in a range.
    #[doc(hidden)]
    fn distance(range: &Range<Self>) -> u64;
    /// The part of a range between two offsets from its start.
    #[doc(hidden)]
    fn piece(range: &Range<Self>, part: Range<u64>) -> Self::Piece;
}

macro_rules! integers {
    ($($int:ty)*) => {$(
        impl sealed::Sealed for $int {}

        impl Integer for $int {
            type Piece = Range<$int>;

            // Both ways through 64 bits wrap, and undo each other, for signed and unsigned integers alike.
            fn distance(range: &Range<$int>) -> u64 {
                match range.is_empty() {
                    true => 0,
                    false => (range.end as u64).wrapping_sub(range.start as u64),
                }
            }

            fn piece(range: &Range<$int>, part: Range<u64>) -> Range<$int> {
                let at = |offset: u64| (range.start as u64).wrapping_add(offset) as $int;
                at(part.start)..at(part.end)
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

/// The source of [`Flow::from_range`](crate::Flow::from_range).
pub struct FromRange<T> {
    range: Range<T>,
    cursor: Cursor,
}

impl<T: Integer> FromRange<T> {
    pub(crate) fn new(range: Range<T>) -> Self {
        FromRange {
            cursor: Cursor::new(T::distance(&range)),
            range,
        }
    }
}

impl<T: Integer> Pipe for FromRange<T> {
    type Item = T;
    type Iter<'s>
        = T::Piece
    where
        Self: 's;
    type Feed<'s>
        = RangeFeed<'s, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> RangeFeed<'s, T> {
        RangeFeed {
            source: self,
            cx,
            pace: Pace::new(1, MOST),
        }
    }
}

/// One worker's end of a range.
pub struct RangeFeed<'s, T> {
    source: &'s FromRange<T>,
    cx: &'s Context,
    pace: Pace,
}

impl<T: Integer> Feed for RangeFeed<'_, T> {
    type Iter = T::Piece;

    fn pull(&mut self) -> Result<Pull<T::Piece>, Error> {
        if self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        let size = self.pace.next(self.cx.now());
        let Some((part, ticket)) = self.source.cursor.take(size, self.cx.ordered) else {
            return Ok(Pull::End);
        };
        begin(self.cx, ticket, (part.end - part.start) as usize);
        Ok(Pull::Chunk(T::piece(&self.source.range, part)))
    }

    /// A range is never empty for a while.
    fn wait(&mut self, _until: Option<Instant>) {}
}

impl<T> fmt::Debug for FromRange<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromRange").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for RangeFeed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RangeFeed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::drive::{drive, numbered};

    #[test]
    fn gives_every_number_once() {
        for feeds in 1..4 {
            assert_eq!(
                numbered(&FromRange::new(-5000i32..7000), feeds, true),
                (-5000..7000).collect::<Vec<_>>()
            );
            assert_eq!(
                numbered(&FromRange::new(0u16..u16::MAX), feeds, false),
                (0..u16::MAX).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn reaches_both_ends_of_every_type() {
        assert_eq!(i8::distance(&(i8::MIN..i8::MAX)), 255);
        assert_eq!(i64::distance(&(i64::MIN..i64::MAX)), u64::MAX);
        assert_eq!(u64::distance(&(0..u64::MAX)), u64::MAX);
        assert_eq!(i8::piece(&(i8::MIN..i8::MAX), 0..255), i8::MIN..i8::MAX);
        assert_eq!(
            i64::piece(&(i64::MIN..i64::MAX), u64::MAX - 1..u64::MAX),
            i64::MAX - 1..i64::MAX
        );
        assert_eq!(
            numbered(&FromRange::new(-100i8..127), 2, true),
            (-100..127).collect::<Vec<i8>>()
        );
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges)]
    fn an_empty_or_reversed_range_gives_nothing() {
        assert!(drive(&FromRange::new(5..5), 2, true).unwrap().is_empty());
        assert!(drive(&FromRange::new(5..-5), 2, false).unwrap().is_empty());
    }
}
