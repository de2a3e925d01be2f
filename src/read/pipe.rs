//! The pipe of `Flow::read`, and one worker's end of it: a block at hand, of which it gives as much at a time as it works on
//! in a tenth of a millisecond.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::block::Block;
use super::records::Work;
use super::supply::{Shelf, Supply};
use super::{Files, Format, Records};
use crate::error::{Error, ErrorKind};
use crate::reject::{AtOnce, Fail, Reject};
use crate::run::Context;
use crate::source::{begin, reads};
use crate::step::{Feed, Pace, Pipe, Pull, Splits};

/// Bits of a ticket for the byte in its file; the others are for the file.
const BYTES: u32 = 42;

/// The source of [`Flow::read`](crate::Flow::read).
pub struct Read<F, R = Fail> {
    pub(super) format: F,
    policy: R,
    supply: Supply,
}

impl<F> Read<F> {
    pub(crate) fn new(files: Files, format: F) -> Self {
        Read {
            format,
            policy: Fail,
            supply: Supply::new(files),
        }
    }
}

impl<F, R> Read<F, R> {
    /// The same with another policy for records that cannot be read.
    pub(crate) fn with<N>(self, policy: N) -> Read<F, N> {
        Read {
            format: self.format,
            policy,
            supply: self.supply,
        }
    }
}

impl<F: Format, R: AtOnce<String>> Pipe for Read<F, R> {
    type Item = F::Item;
    type Iter<'s>
        = Records<'s, F, R>
    where
        Self: 's;
    type Feed<'s>
        = ReadFeed<'s, F, R>
    where
        Self: 's;

    fn open<'s>(&'s self, cx: &'s Context) -> ReadFeed<'s, F, R> {
        self.supply.measured_by(&cx.counts.measure);
        ReadFeed {
            source: self,
            cx,
            policy: Rc::new(RefCell::new(self.policy.open(cx))),
            // Sizes are bytes here: a piece of one byte holds one record.
            pace: Pace::new(1, self.supply.sizes().block),
            shelf: None,
            desk: Rc::default(),
            live: false,
            busy: false,
            parser: None,
            spare: Vec::new(),
        }
    }

    fn splits(&self) -> Option<&dyn Splits> {
        // A split that is done is not read again, so what it rejected has to be settled with it.
        let resumes = self.supply.can_resume() && self.policy.by_splits();
        resumes.then_some(self)
    }
}

impl<F: Format, R: Send + Sync> Splits for Read<F, R> {
    fn input(&self) -> Result<String, Error> {
        let (input, framing) = (self.supply.input()?, self.format.framing());
        Ok(format!("{input} of {framing}"))
    }

    fn leave_out(&self, done: BTreeSet<u64>) {
        self.supply.leave_out(done);
    }
}

/// One worker's end of files being read.
pub struct ReadFeed<'s, F: Format, R: AtOnce<String> + 's = Fail> {
    source: &'s Read<F, R>,
    cx: &'s Context,
    policy: Rc<RefCell<R::Worker<'s>>>,
    pace: Pace,
    /// The file that it takes blocks of.
    shelf: Option<Arc<Shelf>>,
    /// Where a chunk leaves its work when it is through.
    desk: Rc<Cell<Option<Work<F::Parser>>>>,
    /// Whether the last block was of an input that cannot be read again.
    live: bool,
    /// Whether a block was begun whose end has not been told.
    busy: bool,
    /// The parser of the file that was read last, by its number.
    parser: Option<(u64, F::Parser)>,
    /// A buffer that is not needed any more.
    spare: Vec<u8>,
}

impl<'s, F: Format, R: AtOnce<String>> ReadFeed<'s, F, R> {
    /// A chunk of the records up to a place in the block, or a little behind it.
    fn chunk(&self, work: Work<F::Parser>, until: usize, ticket: u64) -> Pull<Records<'s, F, R>> {
        let cx = self.cx;
        let block = &work.block;
        reads(cx, block.split(), self.source.supply.unread());
        begin(cx, ticket, 0);
        cx.counts.bytes_in.add(until.saturating_sub(work.at) as u64);
        cx.byte.set(block.byte(work.at));
        cx.file.replace(Some(Arc::clone(&block.about.name)));
        let page: Arc<Block> = Arc::clone(block);
        cx.page.replace(Some(page));
        let (desk, policy) = (Rc::clone(&self.desk), Rc::clone(&self.policy));
        Pull::Chunk(Records::new(self.source, cx, work, until, desk, policy))
    }

    /// Lets go of what has been worked through.
    fn clear(&mut self, work: Work<F::Parser>) {
        let number = work.block.about.number;
        self.parser = Some((number, work.parser));
        self.cx.page.replace(None);
        self.cx.file.replace(None);
        if let Some(block) = Arc::into_inner(work.block) {
            self.spare = block.into_buffer();
        }
    }

    /// What a part of a block is read with.
    fn work(&mut self, block: Arc<Block>, at: usize, end: usize) -> Result<Work<F::Parser>, Error> {
        let about = &block.about;
        self.live = about.live;
        let parser = match self.parser.take() {
            Some((of, parser)) if of == about.number => parser,
            _ => {
                let parser = self.source.format.parser(&about.head);
                parser.map_err(|e| Error::wrap(ErrorKind::Row, e).at(block.position(0)))?
            }
        };
        Ok(Work {
            parser,
            block,
            at,
            end,
        })
    }

    /// The next piece, in the order of the input.
    fn in_order(&mut self) -> Result<Pull<Records<'s, F, R>>, Error> {
        let supply = &self.source.supply;
        let mut size = self.pace.next(self.cx.now());
        if supply.resumes() {
            // A split is to be loaded by one worker, which says when it is complete.
            size = usize::MAX;
            self.busy = true;
        }
        let last = self.cx.shared.draining();
        let piece = supply.piece(&self.source.format, (size, last), &mut self.spare)?;
        Ok(match piece {
            Some(piece) => {
                let work = self.work(piece.block, piece.start, piece.end)?;
                self.chunk(work, piece.end, piece.ticket)
            }
            None => {
                self.busy = false;
                Pull::End
            }
        })
    }
}

impl<'s, F: Format, R: AtOnce<String>> Feed for ReadFeed<'s, F, R> {
    type Iter = Records<'s, F, R>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        let draining = self.cx.shared.draining();
        if draining && !self.live {
            return Ok(Pull::End);
        }
        let work = match self.desk.take() {
            Some(work) if work.at < work.end => work,
            done => {
                if let Some(work) = done {
                    self.clear(work);
                }
                if std::mem::take(&mut self.busy) {
                    self.policy.borrow_mut().border()?;
                    return Ok(Pull::Border);
                }
                if self.cx.ordered {
                    return self.in_order();
                }
                if draining {
                    return Ok(Pull::End);
                }
                let source = self.source;
                let format = &source.format;
                let block = source
                    .supply
                    .block(format, &mut self.shelf, &mut self.spare)?;
                let Some(block) = block else {
                    return Ok(Pull::End);
                };
                let block = block.checked_if(format.is_text());
                let (at, end) = (block.first, block.bytes().len());
                self.busy = true;
                self.work(Arc::new(block), at, end)?
            }
        };
        let size = self.pace.next(self.cx.now());
        let until = work.at.saturating_add(size).min(work.end);
        // The order of the input, and another number for each chunk.
        let block = &work.block;
        let ticket = block.about.number << BYTES | block.byte(work.at);
        Ok(self.chunk(work, until, ticket))
    }

    /// A pull waits for the file itself.
    fn wait(&mut self, _until: Option<Instant>) {}

    fn slow(&self) -> bool {
        if self.source.supply.can_resume() && !self.live {
            return false;
        }
        let work = self.desk.take();
        let at_hand = work.as_ref().is_some_and(|work| work.at < work.end);
        self.desk.set(work);
        !at_hand
    }
}

impl<F, R> fmt::Debug for Read<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read").finish_non_exhaustive()
    }
}

impl<F: Format, R: AtOnce<String>> fmt::Debug for ReadFeed<'_, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadFeed").finish_non_exhaustive()
    }
}
