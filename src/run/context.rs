//! What a worker knows of its run: which partition it is, its options, and where it leaves failures and counts.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counts::Counts;
use super::lines::Lines;
use super::shared::Shared;
use crate::edge::{Fronts, Marks};
use crate::error::{Error, ErrorKind, Position};
use crate::options::Group;

/// One worker's view of the run it belongs to.
///
/// It never leaves the thread that drives the worker, so everything in it is a plain cell. It is public only
/// because the sealed traits behind [`Flow`](crate::Flow)'s bounds mention it.
pub struct Context {
    pub(crate) shared: Arc<Shared>,
    /// The name of the stage, for errors.
    pub(crate) name: Arc<str>,
    /// Which of the stage's workers this is, from zero.
    pub(crate) index: usize,
    /// How many workers the stage has.
    pub(crate) of: usize,
    pub(crate) group: Group,
    /// The options of the edge that the stage sends over: its consumer's.
    pub(crate) next: Group,
    /// The same of each edge, where the stage sends over several.
    pub(crate) branches: Vec<Group>,
    /// Whether chunks must be numbered in the order of the input.
    pub(crate) ordered: bool,
    /// The error a step in the chain met; the worker looks here after each chunk.
    fault: RefCell<Option<Error>>,
    /// Bytes from the start of `file` of the item that the chain pulled last.
    pub(crate) byte: Cell<u64>,
    /// The file that `byte` is in; `None` where the source has no positions.
    pub(crate) file: RefCell<Option<Arc<Path>>>,
    /// The lines of `file` that were asked for.
    lines: RefCell<Lines>,
    /// What knows the lines of the chunk being worked on, where they are not to be counted in the file.
    pub(crate) page: RefCell<Option<Arc<dyn Page>>>,
    /// The number of the chunk being worked on, in the order of the input.
    pub(crate) ticket: Cell<u64>,
    /// The split of the source that the chunk is from.
    pub(crate) split: Cell<u64>,
    /// Whether splits that nobody has begun may hold older items than any seen so far.
    pub(crate) unread: Cell<bool>,
    /// What is known of the edge that the stage takes from.
    pub(crate) input: Input,
    /// Whether a step has cut the chunk being worked on: its rest comes as another chunk of the same number.
    pub(crate) cut: Cell<bool>,
    pub(crate) counts: Arc<Counts>,
}

/// A part of the input whose lines can be counted without the file: it may be compressed, or gone by.
pub(crate) trait Page: Send + Sync {
    /// The line of a byte of the file, counted from one.
    fn line_of(&self, byte: u64) -> Option<u64>;
}

/// The edge that a worker takes from, for what wants to know who sent a chunk.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// What the producers say of themselves, and the channel of this worker; `None` behind a source.
    marks: RefCell<Option<(Arc<Marks>, usize)>>,
    /// The producer and the split that the chunk comes from.
    pub(crate) from: Cell<(usize, u64)>,
    /// All edges that it takes from.
    fronts: RefCell<Fronts>,
    /// Whether the chunk is the last of what came with it.
    pub(crate) whole: Cell<bool>,
}

impl Context {
    pub(crate) fn new(
        shared: Arc<Shared>,
        stage: usize,
        name: Arc<str>,
        (index, of): (usize, usize),
        group: Group,
        next: Group,
        ordered: bool,
    ) -> Self {
        let counts = shared.counts(stage, index);
        Context {
            shared,
            name,
            index,
            of,
            group,
            next,
            branches: Vec::new(),
            ordered,
            fault: RefCell::new(None),
            byte: Cell::new(0),
            file: RefCell::new(None),
            lines: RefCell::default(),
            page: RefCell::new(None),
            ticket: Cell::new(0),
            split: Cell::new(0),
            unread: Cell::new(false),
            input: Input::default(),
            cut: Cell::new(false),
            counts,
        }
    }

    /// The time of the run.
    pub(crate) fn now(&self) -> Instant {
        self.shared.now()
    }

    /// Notes the edge that this worker takes from.
    pub(crate) fn takes_from(&self, marks: Arc<Marks>, channel: usize) {
        self.waits_for(marks.clone(), channel);
        *self.input.marks.borrow_mut() = Some((marks, channel));
    }

    /// Notes an edge that this worker waits for when it is idle.
    pub(crate) fn waits_for(&self, marks: Arc<Marks>, channel: usize) {
        self.input.fronts.borrow_mut().push((marks, channel));
    }

    /// The edges that this worker waits for when it is idle.
    pub(crate) fn fronts(&self) -> Fronts {
        self.input.fronts.borrow().clone()
    }

    /// Notes that this worker takes from several edges, which say nothing together.
    pub(crate) fn takes_from_several(&self) {
        *self.input.marks.borrow_mut() = None;
    }

    /// Notes that a chunk was taken from the edge, the last one of its batch or not.
    pub(crate) fn took(&self, whole: bool) {
        self.input.whole.set(whole);
        if whole {
            if let Some((marks, channel)) = &*self.input.marks.borrow() {
                marks.took(self.input.from.get().0, *channel);
            }
        }
    }

    /// Whether the stage takes from an edge, and not from a source.
    pub(crate) fn has_edge(&self) -> bool {
        self.input.marks.borrow().is_some()
    }

    /// What is known of the producers in front, with the channel of this worker; `None` behind a source.
    pub(crate) fn marks(&self) -> Option<(Arc<Marks>, usize)> {
        self.input.marks.borrow().clone()
    }

    /// How long the run has taken, by its own time.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now().saturating_duration_since(self.shared.started)
    }

    /// Counts an item that a rule rejected.
    #[cold]
    pub(crate) fn count_rejected(&self, rule: &str) {
        self.counts.reject(rule, 1);
    }

    /// Leaves an error for the worker to find; the first one counts.
    #[cold]
    pub(crate) fn fault(&self, error: Error) {
        self.fault.borrow_mut().get_or_insert(error);
    }

    pub(crate) fn take_fault(&self) -> Option<Error> {
        self.fault.borrow_mut().take()
    }

    /// Where the item is that the chain pulled last, if its source knows.
    pub(crate) fn position(&self) -> Option<Position> {
        let file = self.file.borrow();
        file.as_ref().map(|file| {
            let byte = self.byte.get();
            let position = Position::in_file(file, byte);
            let line = match &*self.page.borrow() {
                Some(page) => page.line_of(byte),
                None => self.lines.borrow_mut().of(file, byte),
            };
            match line {
                Some(line) => position.with_line(line),
                None => position,
            }
        })
    }

    /// Completes an error with stage, partition and, where the source knows it, the position.
    pub(crate) fn locate(&self, error: Error) -> Error {
        let error = match (error.position().is_none(), self.position()) {
            (true, Some(position))
                if matches!(error.kind(), ErrorKind::Panic | ErrorKind::Step) =>
            {
                error.at(position)
            }
            _ => error,
        };
        error.in_stage(&self.name, self.index)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("stage", &self.name)
            .field("partition", &self.index)
            .field("of", &self.of)
            .finish_non_exhaustive()
    }
}
