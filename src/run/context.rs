//! What a worker knows of its run: which partition it is, its options, and where it leaves failures and counts.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::counts::Counts;
use super::gate::Gate;
use super::lines::Lines;
use super::scene::Scene;
use super::stop::StopToken;
use super::timeline::Timeline;
use crate::edge::{Fronts, Marks};
use crate::error::{Error, ErrorKind, Position};
use crate::options::Group;

/// How often the workers of a held run look at the stop token, which wakes nobody.
const LOOK: Duration = Duration::from_millis(20);

/// What all workers of a run share.
pub(crate) struct Shared {
    /// Set once the run must end early, whatever the reason; every worker looks at it between chunks.
    halt: AtomicBool,
    /// Set once the sources are to give nothing more, so that the run ends as if its input had.
    drain: AtomicBool,
    /// Set when a worker ended before it was done.
    short: AtomicBool,
    /// Closed while the sources are to give nothing yet.
    gate: Gate,
    /// The first failure; later ones are its consequences and are dropped.
    failure: Mutex<Option<Error>>,
    /// What the user can stop the run by.
    token: Option<StopToken>,
    deadline: Option<Instant>,
    /// When all was done, since the start of the run.
    pub(super) over: OnceLock<Duration>,
    /// Who keeps the run over time, if anybody does.
    pub(super) timeline: OnceLock<Arc<Mutex<Timeline>>>,
    /// Whose time the run keeps.
    pub(crate) clock: Clock,
    pub(crate) started: Instant,
    /// The hasher of the run's boundaries; a seeded run has a fixed one, so that it can be replayed.
    pub(crate) hasher: ahash::RandomState,
    /// What the run is made of, and what its parts have counted.
    pub(super) scene: Scene,
}

impl Shared {
    pub(crate) fn new(
        token: Option<StopToken>,
        deadline: Option<Instant>,
        seeded: bool,
        clock: Clock,
        scene: Scene,
    ) -> Arc<Self> {
        Arc::new(Shared {
            halt: AtomicBool::new(false),
            drain: AtomicBool::new(false),
            short: AtomicBool::new(false),
            gate: Gate::default(),
            failure: Mutex::new(None),
            token,
            deadline,
            over: OnceLock::new(),
            timeline: OnceLock::new(),
            clock,
            started: Instant::now(),
            hasher: if seeded {
                ahash::RandomState::with_seeds(1, 2, 3, 4)
            } else {
                ahash::RandomState::new()
            },
            scene,
        })
    }

    /// Records a failure, unless there is an earlier one, and tells every worker to end.
    pub(crate) fn fail(&self, error: Error) {
        let mut failure = lock(&self.failure);
        if failure.is_none() {
            *failure = Some(error);
        }
        drop(failure);
        self.halt();
    }

    /// Ends the run without an error: nobody wants its results any more.
    pub(crate) fn halt(&self) {
        self.halt.store(true, Ordering::Release);
        self.gate.open();
    }

    /// Before the run: its sources are to give nothing until somebody lets them.
    pub(crate) fn hold(&self) {
        self.gate.close();
    }

    /// Lets the sources of a held run begin.
    pub(crate) fn forward(&self) {
        self.gate.open();
    }

    /// Whether the sources are to give nothing yet.
    pub(crate) fn is_held(&self) -> bool {
        self.gate.is_closed()
    }

    /// Blocks while the run is held; forwarding, draining and every way to end it end the wait.
    pub(crate) fn wait_to_begin(&self) {
        while self.is_held() && !self.must_end() {
            let token = self.token.as_ref().map(|_| LOOK);
            let deadline = self.deadline;
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            self.gate.wait(token.into_iter().chain(left).min());
        }
    }

    /// Notes that a worker ended before it was done, so that the run is not a good one even without a failure.
    pub(crate) fn cut_short(&self) {
        self.short.store(true, Ordering::Release);
    }

    /// Whether a worker ended before it was done.
    pub(crate) fn is_short(&self) -> bool {
        self.short.load(Ordering::Acquire)
    }

    /// Asks the sources to end; what they gave is worked on to its end.
    pub(crate) fn drain(&self) {
        self.drain.store(true, Ordering::Release);
        self.gate.open();
    }

    /// Whether the sources are to end; they look before they take a piece of their input.
    #[inline]
    pub(crate) fn draining(&self) -> bool {
        self.drain.load(Ordering::Acquire)
    }

    /// Whether the run is ending early, without asking the clock.
    #[inline]
    pub(crate) fn halted(&self) -> bool {
        self.halt.load(Ordering::Relaxed)
    }

    /// Whether the run must end early; looks at the token and the clock too, so once a chunk is often enough.
    pub(crate) fn must_end(&self) -> bool {
        if self.halted() {
            return true;
        }
        if self.token.as_ref().is_some_and(StopToken::is_stopped) {
            self.fail(Error::new(
                ErrorKind::Stopped,
                "the flow was stopped by its stop token before it was done",
            ));
            return true;
        }
        if self.deadline.is_some_and(|at| Instant::now() >= at) {
            self.fail(Error::new(
                ErrorKind::Deadline,
                "the deadline passed before the flow was done: allow more time, or give it less to do",
            ));
            return true;
        }
        false
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }

    /// What the run has failed with, if it has.
    pub(crate) fn failure(&self) -> Option<Error> {
        lock(&self.failure).as_ref().map(Error::copy)
    }

    /// The counters of a worker.
    fn counts(&self, stage: usize, partition: usize) -> Arc<Counts> {
        let stage = self.scene.workers.get(stage);
        let counts = stage.and_then(|workers| workers.get(partition));
        counts.cloned().unwrap_or_default()
    }

    /// Notes that all is done.
    pub(crate) fn ended(&self) {
        let _ = self.over.set(self.age());
    }

    /// Whether all is done.
    pub(crate) fn is_over(&self) -> bool {
        self.over.get().is_some()
    }

    /// How long ago the run started, by the machine's clock: what workers measure their time by.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// The time of the run, by which chunks are paced, batches linger and timers fire.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now(self.started)
    }
}

/// A lock whose holder panicked still guards consistent data here: every critical section is a plain assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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
