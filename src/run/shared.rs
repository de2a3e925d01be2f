//! What all workers of a run share: how it is told to end, to drain or to begin, its first failure, and its time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::counts::Counts;
use super::gate::Gate;
use super::scene::Scene;
use super::stop::StopToken;
use super::timeline::Timeline;
use crate::error::{Error, ErrorKind};

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
    pub(super) fn counts(&self, stage: usize, partition: usize) -> Arc<Counts> {
        let stage = self.scene.workers.get(stage);
        let counts = stage.and_then(|workers| workers.get(partition));
        counts.cloned().unwrap_or_default()
    }

    /// Notes that all is done.
    pub(crate) fn ended(&self) {
        let _ = self.over.set(self.scene.took(self.age()));
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
