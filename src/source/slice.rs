//! A slice, cut by the same cursor as a range. Nothing is copied: the items are references into it.

use std::fmt;
use std::time::Instant;

use super::begin;
use super::cursor::{Cursor, MOST};
use crate::error::Error;
use crate::run::Context;
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull};

/// The source of [`Flow::from_slice`](crate::Flow::from_slice).
pub struct FromSlice<'a, T> {
    slice: &'a [T],
    cursor: Cursor,
}

impl<'a, T> FromSlice<'a, T> {
    pub(crate) fn new(slice: &'a [T]) -> Self {
        FromSlice {
            slice,
            cursor: Cursor::new(slice.len() as u64),
        }
    }
}

impl<'a, T: Sync> Pipe for FromSlice<'a, T> {
    type Item = &'a T;
    type Iter<'s>
        = std::slice::Iter<'a, T>
    where
        Self: 's;
    type Feed<'s>
        = SliceFeed<'s, 'a, T>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> SliceFeed<'s, 'a, T> {
        cx.counts.measure.items(|| Some(self.slice.len() as u64));
        SliceFeed {
            source: self,
            cx,
            pace: Pace::new(1, MOST),
        }
    }
}

/// One worker's end of a slice.
pub struct SliceFeed<'s, 'a, T> {
    source: &'s FromSlice<'a, T>,
    cx: &'s Context,
    pace: Pace,
}

impl<'a, T> Feed for SliceFeed<'_, 'a, T> {
    type Iter = std::slice::Iter<'a, T>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        let size = self.pace.next(self.cx.now());
        let Some((part, ticket)) = self.source.cursor.take(size, self.cx.ordered) else {
            return Ok(Pull::End);
        };
        let items = &self.source.slice[part.start as usize..part.end as usize];
        begin(self.cx, ticket, items.len());
        Ok(Pull::Chunk(items.iter()))
    }

    /// A slice is never empty for a while.
    fn wait(&mut self, _until: Option<Instant>) {}
}

impl<T> fmt::Debug for FromSlice<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromSlice")
            .field("len", &self.slice.len())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SliceFeed<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SliceFeed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::drive::{drive, numbered};

    #[test]
    fn gives_references_to_every_item_in_order_of_tickets() {
        let owned: Vec<String> = (0..3000).map(|n| n.to_string()).collect();
        for feeds in 1..4 {
            for ordered in [false, true] {
                let got = numbered(&FromSlice::new(&owned), feeds, ordered);
                assert!(got.iter().zip(&owned).all(|(a, b)| std::ptr::eq(*a, b)));
                assert_eq!(got.len(), owned.len());
            }
        }
        assert!(
            drive(&FromSlice::<u8>::new(&[]), 2, true)
                .unwrap()
                .is_empty()
        );
    }
}
