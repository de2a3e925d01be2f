//! Who reads what: files for workers, and blocks of one file for several.
//!
//! Without order a worker keeps to a file of its own while there are enough of them, so that files are read side by side; when
//! nobody has to begin another one it helps where the fewest are. A block belongs to one worker from its first record to
//! its last. In order there is one file and one block at a time, of which workers take pieces; these are numbered.
//! No lock is held while records are parsed.

use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::block::Block;
use super::files::{Files, Sizes};
use super::list::{Entry, list, print};
use super::stream::Stream;
use super::{Format, files};
use crate::error::Error;
use crate::run::{Measure, lock};

/// The files of a flow, and which of them are being read.
pub(super) struct Supply {
    state: Mutex<State>,
    /// The block that workers take pieces of, in order.
    current: Mutex<Current>,
    /// Set while there may be blocks that nobody has begun.
    unread: AtomicBool,
    /// The splits that are not to be given, in a run that goes on where another ended.
    done: OnceLock<BTreeSet<u64>>,
    /// Whether all inputs are files, which are there in another run too.
    files: bool,
    sizes: Sizes,
    raw: bool,
    /// Where it is counted how much of the files was read.
    measure: OnceLock<Arc<Measure>>,
}

struct State {
    /// What was named, until it is looked for.
    inputs: Vec<files::Input>,
    /// Why looking for it failed, until somebody is told.
    failed: Option<Error>,
    /// What nobody has begun, with its number.
    waiting: VecDeque<(u64, Entry)>,
    /// What is being read.
    shelves: Vec<Arc<Shelf>>,
}

/// A file that workers take blocks of.
pub(super) struct Shelf {
    stream: Mutex<Slot>,
    readers: AtomicUsize,
    over: AtomicBool,
}

enum Slot {
    Waiting(u64, Entry),
    Open(Box<Stream>),
    /// Read to its end, or somebody panicked or failed within it: it is never asked again.
    Over,
}

/// A piece of a block, in order.
pub(super) struct Piece {
    pub(super) block: Arc<Block>,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) ticket: u64,
}

#[derive(Default)]
struct Current {
    shelf: Option<Arc<Shelf>>,
    block: Option<Arc<Block>>,
    /// Where the next piece begins, and its number.
    at: usize,
    ticket: u64,
    /// A buffer that is not needed any more.
    spare: Vec<u8>,
}

impl Supply {
    pub(super) fn new(files: Files) -> Self {
        Supply {
            done: OnceLock::new(),
            files: files.inputs.iter().all(files::Input::is_file),
            state: Mutex::new(State {
                inputs: files.inputs,
                failed: None,
                waiting: VecDeque::new(),
                shelves: Vec::new(),
            }),
            current: Mutex::default(),
            unread: AtomicBool::new(true),
            sizes: files.sizes,
            raw: files.raw,
            measure: OnceLock::new(),
        }
    }

    /// Says how much there is to read, as it lies on the disk, and counts there what is.
    pub(super) fn measured_by(&self, measure: &Arc<Measure>) {
        let _ = self.measure.set(measure.clone());
        measure.raw_bytes(|| {
            let mut state = lock(&self.state);
            if !self.files {
                return None;
            }
            if let Err(error) = state.look() {
                // Whoever is the first to read says so.
                state.failed = Some(error);
                return None;
            }
            state.waiting.iter().map(|(_, entry)| entry.len()).sum()
        });
    }

    pub(super) fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Whether blocks are the same in every run.
    pub(super) fn can_resume(&self) -> bool {
        self.files
    }

    /// Whether blocks are told to the end one by one.
    pub(super) fn resumes(&self) -> bool {
        self.done.get().is_some()
    }

    /// Whether there may be blocks that nobody has begun.
    pub(super) fn unread(&self) -> bool {
        self.unread.load(Ordering::SeqCst)
    }

    /// The next block for a worker, of its own file while that has one; `None` once there is nothing left.
    pub(super) fn block<F: Format>(
        &self,
        format: &F,
        mine: &mut Option<Arc<Shelf>>,
        spare: &mut Vec<u8>,
    ) -> Result<Option<Block>, Error> {
        loop {
            let shelf = match mine {
                Some(shelf) => shelf,
                None => match self.shelf()? {
                    Some(shelf) => mine.insert(shelf),
                    None => return Ok(None),
                },
            };
            if let Some(block) = self.next(format, shelf, spare)? {
                return Ok(Some(block));
            }
            shelf.readers.fetch_sub(1, Ordering::Relaxed);
            *mine = None;
        }
    }

    /// The next piece of up to `size` bytes, or of one record that is longer; `None` once there is nothing left, and at the
    /// end of a block if there is to be no other.
    pub(super) fn piece<F: Format>(
        &self,
        format: &F,
        (size, last): (usize, bool),
        spare: &mut Vec<u8>,
    ) -> Result<Option<Piece>, Error> {
        let mut current = lock(&self.current);
        let current = &mut *current;
        loop {
            if let Some(block) = &current.block {
                let bytes = block.bytes();
                if current.at < bytes.len() {
                    let (start, ticket) = (current.at, current.ticket);
                    let end = end_of_piece(format, bytes, start, size);
                    (current.at, current.ticket) = (end, ticket + 1);
                    return Ok(Some(Piece {
                        block: Arc::clone(block),
                        start,
                        end,
                        ticket,
                    }));
                }
            }
            if last {
                return Ok(None);
            }
            if let Some(buffer) = current.block.take().and_then(Arc::into_inner) {
                current.spare = buffer.into_buffer();
            }
            if current.spare.capacity() == 0 {
                mem::swap(&mut current.spare, spare);
            }
            let block = self.block(format, &mut current.shelf, &mut current.spare)?;
            let Some(block) = block else {
                return Ok(None);
            };
            current.at = block.first;
            current.block = Some(Arc::new(block.checked_if(format.is_text())));
        }
    }

    /// A file for a worker: one that nobody has begun or, if there is none, one that the fewest read.
    fn shelf(&self) -> Result<Option<Arc<Shelf>>, Error> {
        let mut state = lock(&self.state);
        state.look()?;
        state
            .shelves
            .retain(|shelf| !shelf.over.load(Ordering::SeqCst));
        if let Some((number, entry)) = state.waiting.pop_front() {
            let shelf = Arc::new(Shelf {
                stream: Mutex::new(Slot::Waiting(number, entry)),
                readers: AtomicUsize::new(1),
                over: AtomicBool::new(false),
            });
            state.shelves.push(Arc::clone(&shelf));
            return Ok(Some(shelf));
        }
        let fewest = state
            .shelves
            .iter()
            .min_by_key(|shelf| shelf.readers.load(Ordering::Relaxed));
        if let Some(shelf) = fewest {
            shelf.readers.fetch_add(1, Ordering::Relaxed);
        } else {
            self.unread.store(false, Ordering::SeqCst);
        }
        Ok(fewest.cloned())
    }

    /// The next block of a file; `None` at its end.
    fn next<F: Format>(
        &self,
        format: &F,
        shelf: &Shelf,
        spare: &mut Vec<u8>,
    ) -> Result<Option<Block>, Error> {
        let mut slot = lock(&shelf.stream);
        // Taken out while the input is asked: one that panics or fails is not asked again.
        let mut stream = match mem::replace(&mut *slot, Slot::Over) {
            Slot::Open(stream) => stream,
            Slot::Waiting(number, entry) => Box::new(Stream::open(
                entry,
                number,
                self.sizes,
                (self.raw, format.is_text()),
                self.measure.get(),
            )?),
            Slot::Over => {
                shelf.over.store(true, Ordering::SeqCst);
                return Ok(None);
            }
        };
        let mut block = stream.next(format, mem::take(spare))?;
        if let Some(done) = self.done.get() {
            while let Some(loaded) = block.take_if(|block| done.contains(&block.split())) {
                block = stream.next(format, loaded.into_buffer())?;
            }
        }
        if stream.is_over() {
            shelf.over.store(true, Ordering::SeqCst);
            self.ended();
        } else {
            *slot = Slot::Open(stream);
        }
        Ok(block)
    }

    /// A file was read to its end: perhaps it was the last one.
    fn ended(&self) {
        let state = lock(&self.state);
        let begun = state.inputs.is_empty() && state.waiting.is_empty();
        let over = |shelf: &Arc<Shelf>| shelf.over.load(Ordering::SeqCst);
        if begun && state.shelves.iter().all(over) {
            self.unread.store(false, Ordering::SeqCst);
        }
    }
}

impl Supply {
    /// What the files are, and how they are cut.
    pub(super) fn input(&self) -> Result<String, Error> {
        let mut state = lock(&self.state);
        state.look()?;
        let prints = print(state.waiting.iter().map(|(_, entry)| entry))?;
        let Sizes { block, longest } = self.sizes;
        Ok(format!(
            "{prints}, in blocks of {block} up to {longest} bytes"
        ))
    }

    /// These blocks are not to be given.
    pub(super) fn leave_out(&self, done: BTreeSet<u64>) {
        // A flow runs once, so nobody has said so before.
        let _ = self.done.set(done);
    }
}

impl State {
    /// Looks for what was named, once.
    fn look(&mut self) -> Result<(), Error> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        let inputs = mem::take(&mut self.inputs);
        if !inputs.is_empty() {
            self.waiting = (0..).zip(list(inputs)?).collect();
        }
        Ok(())
    }
}

/// Where a piece of about `size` bytes ends, with a record.
fn end_of_piece<F: Format>(format: &F, bytes: &[u8], start: usize, size: usize) -> usize {
    let mut size = size.max(1);
    loop {
        let limit = start.saturating_add(size);
        if limit >= bytes.len() {
            return bytes.len();
        }
        match format.last_end(&bytes[start..limit]) {
            Some(len) if len > 0 => return start + len.min(size),
            _ => size = size.saturating_mul(2),
        }
    }
}
