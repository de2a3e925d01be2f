//! `take`: the flow ends after so many items; any so many, or the first so many under `ordered`.
//!
//! Workers draw from one shared count. Under `ordered` a worker holds at most `n` items of its chunk until the
//! chunks before have drawn. When the count is used up the input is closed, so that producers end too.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::vec;

use super::{Feed, Pipe, Pull, Release};
use crate::edge::Turn;
use crate::error::Error;
use crate::run::Context;

/// The chain of [`Flow::take`](crate::Flow::take).
#[derive(Debug)]
pub struct Take<P> {
    pub(crate) pipe: P,
    /// Items that may still pass.
    left: AtomicUsize,
    /// Whose turn it is to draw, under `ordered`.
    turn: Option<Turn>,
}

impl<P> Take<P> {
    pub(crate) fn new(pipe: P, n: usize, ordered: bool) -> Self {
        Take {
            pipe,
            left: AtomicUsize::new(n),
            turn: ordered.then(Turn::default),
        }
    }
}

impl<P: Pipe> Pipe for Take<P> {
    type Item = P::Item;
    type Iter<'s>
        = Taken<'s, P, P::Iter<'s>>
    where
        Self: 's;
    type Feed<'s>
        = Taker<'s, P, P::Feed<'s>>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> Self::Feed<'s> {
        Taker {
            feed: self.pipe.open(cx),
            take: self,
            held: None,
            cx,
        }
    }

    fn release(&self, how: Release) {
        self.pipe.release(how);
    }
}

/// One worker's end of the count.
pub struct Taker<'s, P, D: Feed> {
    feed: D,
    take: &'s Take<P>,
    /// The chunk that waits for its turn, with its ticket.
    held: Option<Held<<D::Iter as Iterator>::Item>>,
    cx: &'s Context,
}

/// A chunk that waits for its turn to draw.
struct Held<T> {
    ticket: u64,
    items: Vec<T>,
    /// Whether it was cut: then its rest has the same ticket, and the turn stays.
    cut: bool,
}

impl<'s, P: Pipe, D: Feed> Feed for Taker<'s, P, D> {
    type Iter = Taken<'s, P, D::Iter>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let left = &self.take.left;
        if let (Some(turn), Some(held)) = (&self.take.turn, self.held.take()) {
            if !turn.is(held.ticket) {
                self.held = Some(held);
                return Ok(Pull::Pending);
            }
            let Held {
                ticket,
                mut items,
                cut,
            } = held;
            let draw = items.len().min(left.load(Ordering::Acquire));
            items.truncate(draw);
            let rest = left.fetch_sub(draw, Ordering::AcqRel) - draw;
            // Nobody comes for the rest of a chunk once the count is used up.
            let cut = cut && rest > 0;
            self.cx.cut.set(cut);
            if !cut {
                turn.pass(ticket);
            }
            if rest == 0 {
                self.take.pipe.release(Release::Close);
            }
            return Ok(Pull::Chunk(Taken::Drawn(items.into_iter())));
        }
        if left.load(Ordering::Acquire) == 0 {
            self.take.pipe.release(Release::Close);
            return Ok(Pull::End);
        }
        Ok(match self.feed.pull()? {
            Pull::Chunk(chunk) if self.take.turn.is_some() => {
                let most = left.load(Ordering::Acquire);
                self.held = Some(Held {
                    ticket: self.cx.ticket.get(),
                    items: chunk.take(most).collect(),
                    cut: self.cx.cut.get(),
                });
                Pull::Again
            }
            pulled => pulled.map(|chunk| Taken::Drawing {
                chunk,
                take: self.take,
            }),
        })
    }

    fn wait(&mut self, until: Option<Instant>) {
        match (&self.take.turn, &self.held) {
            (Some(turn), Some(held)) => turn.wait(held.ticket, until),
            _ => self.feed.wait(until),
        }
    }

    fn slow(&self) -> bool {
        self.feed.slow()
    }

    fn timer(&self) -> Option<Instant> {
        self.feed.timer()
    }
}

/// The items of a chunk that may pass.
pub enum Taken<'s, P, I: Iterator> {
    /// Each item draws from the count as it passes.
    Drawing {
        /// The chunk.
        chunk: I,
        /// The shared count.
        take: &'s Take<P>,
    },
    /// Items that have drawn in their turn.
    Drawn(vec::IntoIter<I::Item>),
}

impl<P: Pipe, I: Iterator> Iterator for Taken<'_, P, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        match self {
            Taken::Drawn(items) => items.next(),
            Taken::Drawing { chunk, take } => {
                // Looking before pulling keeps an endless slow chunk from being asked once too often.
                if take.left.load(Ordering::Acquire) == 0 {
                    return None;
                }
                let item = chunk.next()?;
                let drawn = take
                    .left
                    .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                        left.checked_sub(1)
                    });
                match drawn {
                    Ok(1) => {
                        take.pipe.release(Release::Close);
                        Some(item)
                    }
                    Ok(_) => Some(item),
                    Err(_) => None,
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Taken::Drawn(items) => items.size_hint(),
            Taken::Drawing { chunk, .. } => (0, chunk.size_hint().1),
        }
    }
}

impl<P, D: Feed> fmt::Debug for Taker<'_, P, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taker").finish_non_exhaustive()
    }
}

impl<P, I: Iterator> fmt::Debug for Taken<'_, P, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken").finish_non_exhaustive()
    }
}
