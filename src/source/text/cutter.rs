//! Hands blocks, and pieces of them, to workers.
//!
//! Without order a worker claims a whole block and cuts pieces off it alone, so that no two workers wait for the
//! same block to be read. When no block is left, workers help with those in work: sixty-four slow lines in one small
//! file keep all of them busy. In order there is one block in work at a time, and pieces are numbered as they are
//! cut. Every byte of every block is in exactly one piece, and no piece is in two blocks.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::Error;
use crate::run::lock;

/// Where blocks come from, in the order of the input.
pub(crate) trait Supply {
    /// What a worker needs to know of a block.
    type Block;
    /// The next block, with the part of its file that it is; it has at least one byte.
    fn next(&mut self) -> Result<Supplied<Self::Block>, Error>;
}

/// A block with the part of its file that it is.
pub(crate) type Supplied<B> = Option<(B, Range<u64>)>;

/// A supply of blocks that is being cut.
pub(crate) struct Cutter<S: Supply> {
    state: Mutex<State<S>>,
    /// Set while there may be blocks that nobody has claimed.
    unread: AtomicBool,
}

struct State<S: Supply> {
    supply: S,
    /// Blocks that may have pieces left.
    open: Vec<Arc<Claim<S::Block>>>,
    /// Bytes of all blocks that were claimed.
    place: u64,
    /// Pieces that were numbered.
    ticket: u64,
}

/// A block in work.
pub(crate) struct Claim<B> {
    pub(crate) block: B,
    /// The part of its file that it is.
    pub(crate) span: Range<u64>,
    /// The bytes of all blocks before it, which no two blocks share.
    pub(crate) place: u64,
    /// Where in the file the next piece begins.
    cut: AtomicU64,
}

/// A piece of a block.
pub(crate) struct Piece<B> {
    pub(crate) claim: Arc<Claim<B>>,
    /// A part of the claim's span; the lines that start in it are the piece's.
    pub(crate) range: Range<u64>,
    pub(crate) ticket: u64,
}

impl<B> Claim<B> {
    fn cut(&self, size: u64) -> Option<Range<u64>> {
        let start = self.cut.fetch_add(size, Ordering::Relaxed);
        (start < self.span.end).then(|| start..(start + size).min(self.span.end))
    }

    fn left(&self) -> u64 {
        self.span
            .end
            .saturating_sub(self.cut.load(Ordering::Relaxed))
    }
}

impl<S: Supply> Cutter<S> {
    pub(crate) fn new(supply: S) -> Self {
        Cutter {
            state: Mutex::new(State {
                supply,
                open: Vec::new(),
                place: 0,
                ticket: 0,
            }),
            unread: AtomicBool::new(true),
        }
    }

    /// Whether there may be blocks that nobody has claimed.
    pub(crate) fn unread(&self) -> bool {
        self.unread.load(Ordering::SeqCst)
    }

    /// Looks at where blocks come from.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        look(&lock(&self.state).supply)
    }

    /// How many blocks it keeps.
    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        lock(&self.state).open.len()
    }

    /// The next piece of up to `size` bytes for a worker whose block is `mine`; `None` once there is nothing left.
    pub(crate) fn take(
        &self,
        mine: &mut Option<Arc<Claim<S::Block>>>,
        size: u64,
        ordered: bool,
    ) -> Result<Option<Piece<S::Block>>, Error> {
        if ordered {
            let piece = lock(&self.state).in_order(size)?;
            self.unread.store(piece.is_some(), Ordering::SeqCst);
            return Ok(piece);
        }
        loop {
            if let Some(claim) = mine.take() {
                if let Some(range) = claim.cut(size) {
                    let ticket = claim.place + (range.start - claim.span.start);
                    *mine = Some(Arc::clone(&claim));
                    return Ok(Some(Piece {
                        claim,
                        range,
                        ticket,
                    }));
                }
            }
            let mut state = lock(&self.state);
            state.open.retain(|claim| claim.left() > 0);
            *mine = match state.claim()? {
                Some(claim) => Some(claim),
                // The one with most to do needs help most.
                None => {
                    self.unread.store(false, Ordering::SeqCst);
                    state.open.iter().max_by_key(|claim| claim.left()).cloned()
                }
            };
            if mine.is_none() {
                return Ok(None);
            }
        }
    }
}

impl<S: Supply> State<S> {
    fn claim(&mut self) -> Result<Option<Arc<Claim<S::Block>>>, Error> {
        let Some((block, span)) = self.supply.next()? else {
            return Ok(None);
        };
        let claim = Arc::new(Claim {
            block,
            place: self.place,
            cut: AtomicU64::new(span.start),
            span,
        });
        self.place += claim.span.end - claim.span.start;
        self.open.push(Arc::clone(&claim));
        Ok(Some(claim))
    }

    fn in_order(&mut self, size: u64) -> Result<Option<Piece<S::Block>>, Error> {
        loop {
            if let Some(claim) = self.open.last() {
                if let Some(range) = claim.cut(size) {
                    let ticket = self.ticket;
                    self.ticket += 1;
                    return Ok(Some(Piece {
                        claim: Arc::clone(claim),
                        range,
                        ticket,
                    }));
                }
            }
            self.open.clear();
            if self.claim()?.is_none() {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Blocks(u64);

    impl Supply for Blocks {
        type Block = ();

        fn next(&mut self) -> Result<Supplied<()>, Error> {
            self.0 += 10;
            Ok((self.0 <= 40).then_some(((), self.0 - 10..self.0)))
        }
    }

    #[test]
    fn in_order_pieces_follow_one_another() {
        let cutter = Cutter::new(Blocks(0));
        let mut at = 0;
        for n in 0.. {
            let Some(piece) = cutter.take(&mut None, 1 + n % 7, true).unwrap() else {
                break;
            };
            assert_eq!((piece.ticket, piece.range.start), (n, at));
            at = piece.range.end;
        }
        assert_eq!(at, 40);
    }

    #[test]
    fn workers_claim_blocks_of_their_own_and_then_help() {
        let cutter = Cutter::new(Blocks(0));
        let (mut quick, mut slow) = (None, None);
        let take = |mine: &mut _, size| {
            cutter
                .take(mine, size, false)
                .unwrap()
                .map(|piece| piece.range)
        };
        assert_eq!(take(&mut slow, 1), Some(0..1));
        assert_eq!(take(&mut quick, 10), Some(10..20));
        assert_eq!(take(&mut quick, 10), Some(20..30));
        assert_eq!(take(&mut quick, 10), Some(30..40));
        assert_eq!(take(&mut quick, 5), Some(1..6));
        assert_eq!(take(&mut slow, 1), Some(6..7));
        assert_eq!(take(&mut quick, 5), Some(7..10));
        assert_eq!(take(&mut quick, 5), None);
        assert_eq!(take(&mut slow, 1), None);
    }
}
