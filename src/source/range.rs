//! A range of integers, cut into ranges. The chunk is std's own half-open range, so that a fused fold over it costs
//! what a loop costs, or nothing where the compiler knows the sum.
//!
//! The last number of an inclusive range may have no successor in its type, so the chunk that reaches it is a
//! half-open range and that number. Offsets are counted in 64 bits; the one range with 2^64 numbers is cut as if it
//! had one fewer, and its last piece has one more.

use std::fmt;
use std::ops::{Range, RangeInclusive};
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
    /// The half-open range of these integers as an iterator.
    #[doc(hidden)]
    type Piece: Iterator<Item = Self>;
    /// How far the second lies above the first.
    #[doc(hidden)]
    fn distance(from: Self, to: Self) -> u64;
    /// The integer that lies so far above this one.
    #[doc(hidden)]
    fn above(self, distance: u64) -> Self;
    /// The integers from this one on that lie below another.
    #[doc(hidden)]
    fn below(self, end: Self) -> Self::Piece;
}

macro_rules! integers {
    ($($int:ty)*) => {$(
        impl sealed::Sealed for $int {}
        impl sealed::Sealed for Range<$int> {}
        impl sealed::Sealed for RangeInclusive<$int> {}

        impl Integer for $int {
            type Piece = Range<$int>;

            // Both ways through 64 bits wrap, and undo each other, for signed and unsigned integers alike.
            fn distance(from: $int, to: $int) -> u64 {
                (to as u64).wrapping_sub(from as u64)
            }

            fn above(self, distance: u64) -> $int {
                (self as u64).wrapping_add(distance) as $int
            }

            fn below(self, end: $int) -> Range<$int> {
                self..end
            }
        }
    )*};
}

integers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

/// What [`Flow::from_range`](crate::Flow::from_range) takes: `a..b`, without its end, or `a..=b`, with it.
///
/// It is sealed: only this crate implements it.
///
/// # Examples
/// ```
/// use millstream::Flow;
///
/// assert_eq!(Flow::from_range(1..4).sorted()?, [1, 2, 3]);
/// assert_eq!(Flow::from_range(1..=4).sorted()?, [1, 2, 3, 4]);
/// assert_eq!(Flow::from_range(u8::MIN..=u8::MAX).count()?, 256);
/// # Ok::<(), millstream::Error>(())
/// ```
pub trait Integers: sealed::Sealed {
    /// What it counts through.
    type Of: Integer;
    /// Its first number and its last, if it has any.
    #[doc(hidden)]
    fn ends(self) -> Option<(Self::Of, Self::Of)>;
}

impl<T: Integer + PartialOrd> Integers for Range<T>
where
    Range<T>: sealed::Sealed,
{
    type Of = T;

    fn ends(self) -> Option<(T, T)> {
        let last = || self.start.above(T::distance(self.start, self.end) - 1);
        (!self.is_empty()).then(|| (self.start, last()))
    }
}

impl<T: Integer + PartialOrd> Integers for RangeInclusive<T>
where
    RangeInclusive<T>: sealed::Sealed,
{
    type Of = T;

    fn ends(self) -> Option<(T, T)> {
        (!self.is_empty()).then(|| (*self.start(), *self.end()))
    }
}

/// The source of [`Flow::from_range`](crate::Flow::from_range).
pub struct FromRange<T> {
    /// The first and the last number; `None` where there is none.
    ends: Option<(T, T)>,
    /// How many numbers there are; one fewer of 2^64.
    len: u64,
    cursor: Cursor,
}

impl<T: Integer> FromRange<T> {
    pub(crate) fn new(range: impl Integers<Of = T>) -> Self {
        let ends = range.ends();
        let len = ends.map_or(0, |(first, last)| {
            T::distance(first, last).saturating_add(1)
        });
        FromRange {
            ends,
            len,
            cursor: Cursor::new(len),
        }
    }

    /// The part between two offsets from the first number.
    fn piece(&self, part: Range<u64>) -> Option<Numbers<T>> {
        let (first, last) = self.ends?;
        let from = first.above(part.start);
        Some(if part.end == self.len {
            Numbers {
                range: from.below(last),
                last: Some(last),
            }
        } else {
            Numbers {
                range: from.below(first.above(part.end)),
                last: None,
            }
        })
    }
}

/// A piece of a range.
#[derive(Debug)]
pub struct Numbers<T: Integer> {
    range: T::Piece,
    /// The last number of all, if it is in this piece.
    last: Option<T>,
}

impl<T: Integer> Iterator for Numbers<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.range.next().or_else(|| self.last.take())
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let more = usize::from(self.last.is_some());
        let (least, most) = self.range.size_hint();
        (
            least.saturating_add(more),
            most.and_then(|most| most.checked_add(more)),
        )
    }

    #[inline]
    fn fold<B, F: FnMut(B, T) -> B>(self, init: B, mut f: F) -> B {
        let folded = self.range.fold(init, &mut f);
        self.last.into_iter().fold(folded, f)
    }
}

impl<T: Integer> Pipe for FromRange<T> {
    type Item = T;
    type Iter<'s>
        = Numbers<T>
    where
        Self: 's;
    type Feed<'s>
        = RangeFeed<'s, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> RangeFeed<'s, T> {
        cx.counts.measure.items(|| Some(self.len));
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
    type Iter = Numbers<T>;

    fn pull(&mut self) -> Result<Pull<Numbers<T>>, Error> {
        if self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        let size = self.pace.next(self.cx.now());
        let taken = self.source.cursor.take(size, self.cx.ordered);
        let Some((ticket, piece)) =
            taken.and_then(|(part, ticket)| Some((ticket, self.source.piece(part)?)))
        else {
            return Ok(Pull::End);
        };
        begin(self.cx, ticket, piece.size_hint().0);
        Ok(Pull::Chunk(piece))
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
    fn an_inclusive_range_has_its_end() {
        for ordered in [false, true] {
            assert_eq!(
                numbered(&FromRange::new(-50i32..=70), 2, ordered),
                (-50..=70).collect::<Vec<_>>()
            );
            assert_eq!(numbered(&FromRange::new(7u64..=7), 2, ordered), [7]);
            assert_eq!(
                numbered(&FromRange::new(u64::MAX..=u64::MAX), 2, ordered),
                [u64::MAX]
            );
            let all: Vec<i8> = (i8::MIN..=i8::MAX).collect();
            assert_eq!(
                numbered(&FromRange::new(i8::MIN..=i8::MAX), 3, ordered),
                all
            );
            let all: Vec<u16> = (0..=u16::MAX).collect();
            assert_eq!(numbered(&FromRange::new(0..=u16::MAX), 2, ordered), all);
        }
    }

    #[test]
    fn reaches_both_ends_of_every_type() {
        fn last<T: Integer>(source: &FromRange<T>, of: u64) -> Vec<T> {
            let part = source.len - of..source.len;
            source.piece(part).expect("a piece").collect()
        }
        fn first<T: Integer>(source: &FromRange<T>, of: u64) -> Vec<T> {
            source.piece(0..of).expect("a piece").collect()
        }
        let half_open = FromRange::new(i64::MIN..i64::MAX);
        assert_eq!(half_open.len, u64::MAX);
        assert_eq!(first(&half_open, 2), [i64::MIN, i64::MIN + 1]);
        assert_eq!(last(&half_open, 2), [i64::MAX - 2, i64::MAX - 1]);
        assert_eq!(last(&FromRange::new(0..u64::MAX), 1), [u64::MAX - 1]);
        // One number more than 64 bits can count: it is in the last piece.
        let full = FromRange::new(i64::MIN..=i64::MAX);
        assert_eq!(full.len, u64::MAX);
        assert_eq!(first(&full, 2), [i64::MIN, i64::MIN + 1]);
        assert_eq!(last(&full, 1), [i64::MAX - 1, i64::MAX]);
        let full = FromRange::new(0..=u64::MAX);
        assert_eq!(last(&full, 2), [u64::MAX - 2, u64::MAX - 1, u64::MAX]);
        let piece = full.piece(u64::MAX - 2..u64::MAX).expect("a piece");
        assert_eq!(piece.size_hint(), (3, Some(3)));
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
        assert!(drive(&FromRange::new(5..=4), 2, true).unwrap().is_empty());
        let mut used = 0..=0u8;
        used.next();
        assert!(drive(&FromRange::new(used), 2, false).unwrap().is_empty());
    }
}
