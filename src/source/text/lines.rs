//! The pipe over a [`Text`]: pieces of its blocks, as iterators over lines that borrow from it.
//!
//! The iterator notes where each line begins in the context before it hands the line on, so that an error in a step
//! knows its position.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use super::Text;
use super::cutter::{Claim, Cutter, Supplied, Supply};
use super::form::Form;
use super::span::first_line;
use crate::error::Error;
use crate::run::Context;
use crate::source::{begin, reads};
use crate::step::Pace;
use crate::step::{Feed, Pipe, Pull};

/// The source of [`Flow::from_lines`](crate::Flow::from_lines) (of `str`) and
/// [`Flow::from_byte_lines`](crate::Flow::from_byte_lines) (of `[u8]`).
pub struct FromText<'t, F: ?Sized> {
    text: &'t Text,
    cutter: Cutter<Blocks>,
    form: PhantomData<fn() -> Box<F>>,
}

impl<'t, F: Form + ?Sized> FromText<'t, F> {
    pub(crate) fn new(text: &'t Text) -> Self {
        let blocks = Blocks {
            lens: text.lens(),
            size: text.block,
            part: 0,
            at: 0,
        };
        FromText {
            text,
            cutter: Cutter::new(blocks),
            form: PhantomData,
        }
    }
}

/// The blocks of files of known lengths; a block is named by the number of its file.
///
/// It holds no reference into the text, which would make flows over it invariant.
#[derive(Debug)]
struct Blocks {
    lens: Vec<u64>,
    size: u64,
    part: usize,
    at: u64,
}

impl Supply for Blocks {
    type Block = usize;

    fn next(&mut self) -> Result<Supplied<usize>, Error> {
        while let Some(&len) = self.lens.get(self.part) {
            if self.at < len {
                let start = self.at;
                self.at = (start + self.size).min(len);
                return Ok(Some((self.part, start..self.at)));
            }
            self.part += 1;
            self.at = 0;
        }
        Ok(None)
    }
}

impl<'t, F: Form + ?Sized> Pipe for FromText<'t, F> {
    type Item = &'t F;
    type Iter<'s>
        = Lines<'s, 't, F>
    where
        Self: 's;
    type Feed<'s>
        = TextFeed<'s, 't, F>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> TextFeed<'s, 't, F> {
        cx.counts.measure.bytes(|| Some(self.text.len()));
        TextFeed {
            source: self,
            cx,
            // Sizes are bytes here: a piece of one byte holds one line at most.
            pace: Pace::new(1, self.text.block as usize),
            mine: None,
        }
    }
}

/// One worker's end of a text.
pub struct TextFeed<'s, 't, F: ?Sized> {
    source: &'s FromText<'t, F>,
    cx: &'s Context,
    pace: Pace,
    mine: Option<Arc<Claim<usize>>>,
}

impl<'s, 't, F: Form + ?Sized> Feed for TextFeed<'s, 't, F> {
    type Iter = Lines<'s, 't, F>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        let size = self.pace.next(self.cx.now()) as u64;
        let cutter = &self.source.cutter;
        let Some(piece) = cutter.take(&mut self.mine, size, self.cx.ordered)? else {
            return Ok(Pull::End);
        };
        let text = self.source.text;
        let part = piece.claim.block;
        let (at, rest) = text.piece::<F>(part, &piece.claim.span, &piece.range)?;
        // Lines are not counted: that would be a second look at each of them.
        reads(self.cx, piece.claim.place, cutter.unread());
        begin(self.cx, piece.ticket, 0);
        let read = piece.range.end - piece.range.start;
        self.cx.counts.bytes_in.add(read);
        self.cx.byte.set(at);
        self.cx.file.replace(text.name(part).cloned());
        Ok(Pull::Chunk(Lines {
            cx: self.cx,
            rest,
            at,
        }))
    }

    /// A text is never empty for a while.
    fn wait(&mut self, _until: Option<Instant>) {}
}

/// Lines that borrow from a text.
pub struct Lines<'s, 't, F: ?Sized> {
    cx: &'s Context,
    rest: &'t F,
    /// Where in the file the rest begins.
    at: u64,
}

impl<'t, F: Form + ?Sized> Iterator for Lines<'_, 't, F> {
    type Item = &'t F;

    #[inline]
    fn next(&mut self) -> Option<&'t F> {
        let rest = self.rest;
        let len = rest.bytes().len();
        if len == 0 {
            return None;
        }
        self.cx.byte.set(self.at);
        let (line, with_end) = first_line(rest.bytes());
        self.rest = rest.part(with_end..len);
        self.at += with_end as u64;
        Some(rest.part(0..line))
    }

    /// A line has at least one byte.
    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let bytes = self.rest.bytes().len();
        (bytes.min(1), Some(bytes))
    }

    #[inline]
    fn fold<A, G: FnMut(A, &'t F) -> A>(self, init: A, mut step: G) -> A {
        let Lines { cx, rest, at } = self;
        let len = rest.bytes().len();
        let mut done = 0;
        let mut acc = init;
        while done < len {
            cx.byte.set(at + done as u64);
            let (line, with_end) = first_line(&rest.bytes()[done..]);
            acc = step(acc, rest.part(done..done + line));
            done += with_end;
        }
        acc
    }
}

impl<F: ?Sized> fmt::Debug for FromText<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromText")
            .field("text", self.text)
            .finish_non_exhaustive()
    }
}

impl<F: ?Sized> fmt::Debug for TextFeed<'_, '_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextFeed").finish_non_exhaustive()
    }
}

impl<F: ?Sized> fmt::Debug for Lines<'_, '_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
