//! Spans and events of a run, by the crate `tracing` (feature `tracing`): what `docs/telemetry.md` promises.
//!
//! Nothing here is done for each item. Where nobody listens, a batch costs one look at a number (`LevelFilter::current`). Whoever
//! listened where the flow was started listens on its threads too, and the span that was entered there is the parent of the
//! run's. A subscriber that panics is not told of the rest of that run; the run goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Instant;

use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::span::Id;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Level, Span, dispatcher, event, span};

use crate::error::Error;
use crate::run::{Lost, Report, WorkerReport, lock, quietly};

/// The target of all spans and events.
const TARGET: &str = "millstream";

/// The spans and events of one run; nothing where nobody listened when it was started.
#[derive(Debug)]
pub(crate) struct Trace(Option<Arc<Live>>);

#[derive(Debug)]
struct Live {
    /// Who listened where the run was started.
    dispatch: Dispatch,
    /// Set once the subscriber has panicked.
    silent: AtomicBool,
    lost: Lost,
    /// The span that was entered there, until the run begins; then that of the run, until it has ended.
    span: Mutex<Option<Span>>,
}

impl Drop for Live {
    fn drop(&mut self) {
        let span = lock(&self.span).take();
        self.let_go(|| drop(span));
    }
}

impl Live {
    /// Calls the subscriber, with nothing that it would be told of again if it panicked: two panics at a time would end the
    /// process.
    fn tell<R>(&self, call: impl FnOnce() -> R) -> Option<R> {
        if self.silent.load(Ordering::Relaxed) {
            return None;
        }
        let told = quietly(|| dispatcher::with_default(&self.dispatch, call));
        if told.is_none() {
            self.silence();
        }
        told
    }

    /// Calls it even if it has panicked: what it was given has to be let go of.
    fn let_go(&self, call: impl FnOnce()) {
        if quietly(call).is_none() {
            self.silence();
        }
    }

    /// It has panicked; that counts once.
    fn silence(&self) {
        if !self.silent.swap(true, Ordering::Relaxed) {
            self.lost.one_more();
        }
    }
}

impl Trace {
    /// Notes who listens on this thread, and the span that it is in. A run may begin on another one.
    pub(crate) fn here(lost: Lost) -> Self {
        let dispatch = dispatcher::get_default(Dispatch::clone);
        if dispatch.is::<NoSubscriber>() {
            return Trace(None);
        }
        let live = Live {
            dispatch,
            silent: AtomicBool::new(false),
            lost,
            span: Mutex::new(None),
        };
        let span = live.tell(Span::current);
        *lock(&live.span) = span;
        Trace(Some(Arc::new(live)))
    }

    /// A run begins.
    pub(crate) fn begin(&self, run: u64, name: Option<&str>, report: impl Fn() -> Report) {
        let Some(live) = &self.0 else {
            return;
        };
        let report = report();
        let stages = report.stages().len();
        let workers: usize = report.stages().iter().map(|s| s.workers().len()).sum();
        let outer = lock(&live.span).take();
        let of = outer.as_ref().and_then(Span::id);
        let span = live.tell(|| match of {
            Some(of) => span!(target: TARGET, parent: of, Level::INFO, "flow", run, flow = name),
            // A subscriber that keeps to itself which span is entered still knows it on that thread.
            None => span!(target: TARGET, Level::INFO, "flow", run, flow = name),
        });
        live.let_go(|| drop(outer));
        *lock(&live.span) = span;
        let span = lock(&live.span).as_ref().and_then(Span::id);
        live.tell(|| {
            event!(
                name: "millstream.run.start",
                target: TARGET,
                parent: span,
                Level::INFO,
                run,
                flow = name,
                stages,
                workers,
                "run started"
            );
        });
    }

    /// It has ended.
    pub(crate) fn end(&self, report: impl Fn() -> Report, outcome: Result<(), &Error>) {
        let Some(live) = &self.0 else {
            return;
        };
        let span = lock(&live.span).take();
        live.tell(|| {
            let report = report();
            let parent = span.as_ref().and_then(Span::id);
            let duration_us = report.elapsed().as_micros() as u64;
            let rejected: u64 = report.rejected().values().sum();
            match outcome {
                Ok(()) => event!(
                    name: "millstream.run.stop",
                    target: TARGET,
                    parent: parent.clone(),
                    Level::INFO,
                    duration_us,
                    rejected,
                    "run ended"
                ),
                Err(error) if error.is_stopped() => event!(
                    name: "millstream.run.stopped",
                    target: TARGET,
                    parent: parent.clone(),
                    Level::WARN,
                    duration_us,
                    rejected,
                    kind = ?error.kind(),
                    error = %error,
                    "run stopped"
                ),
                Err(error) => event!(
                    name: "millstream.run.exception",
                    target: TARGET,
                    parent: parent.clone(),
                    Level::ERROR,
                    duration_us,
                    rejected,
                    kind = ?error.kind(),
                    stage = error.stage(),
                    partition = error.partition(),
                    error = %error,
                    "run failed"
                ),
            }
        });
        live.let_go(|| drop(span));
    }

    /// A worker of the run begins, on its thread.
    pub(crate) fn worker(&self, stage: &str, partition: usize) -> WorkerTrace {
        let live = self.0.clone();
        let span = live.as_ref().and_then(|live| {
            let of = lock(&live.span).as_ref().and_then(Span::id);
            live.tell(|| span!(target: TARGET, parent: of, Level::INFO, "worker", stage, partition))
        });
        let worker = WorkerTrace { live, span };
        worker.tell(|span| {
            event!(
                name: "millstream.worker.start",
                target: TARGET,
                parent: span,
                Level::DEBUG,
                stage,
                partition,
                "worker started"
            );
        });
        worker
    }
}

/// The span of one worker.
#[derive(Debug)]
pub(crate) struct WorkerTrace {
    live: Option<Arc<Live>>,
    span: Option<Span>,
}

impl WorkerTrace {
    /// From here on this thread is in the span.
    pub(crate) fn enter(&self) -> Inside {
        let live = self.live.as_ref();
        let listens = live.map(|live| dispatcher::set_default(&live.dispatch));
        let span = self.span.as_ref().and_then(Span::id);
        if let (Some(live), Some(span)) = (live, &span) {
            live.tell(|| live.dispatch.enter(span));
        }
        Inside {
            live: self.live.clone(),
            span,
            _listens: listens,
        }
    }

    /// What the worker's counters tell of batches from now on.
    pub(crate) fn tap(&self, tap: &Tap) {
        if let Some(live) = &self.live {
            let _ = tap.0.set(Arc::downgrade(live));
        }
    }

    /// It has failed.
    pub(crate) fn failed(&self, error: &Error) {
        self.tell(|span| {
            event!(
                name: "millstream.worker.exception",
                target: TARGET,
                parent: span,
                Level::WARN,
                stage = error.stage(),
                partition = error.partition(),
                kind = ?error.kind(),
                error = %error,
                "worker failed"
            );
        });
    }

    /// It has ended.
    pub(crate) fn ended(&self, report: impl FnOnce() -> WorkerReport) {
        self.tell(|span| {
            if LevelFilter::current() < Level::DEBUG {
                return;
            }
            let report = report();
            let rejected: u64 = report.rejected.values().sum();
            event!(
                name: "millstream.worker.stop",
                target: TARGET,
                parent: span,
                Level::DEBUG,
                items_in = report.items_in,
                items_out = report.items_out,
                batches_in = report.batches_in,
                batches_out = report.batches_out,
                bytes_in = report.bytes_in,
                bytes_out = report.bytes_out,
                rejected,
                late = report.late,
                keys = report.keys,
                busy_us = report.busy.as_micros() as u64,
                starved_us = report.waiting_input.as_micros() as u64,
                blocked_us = report.waiting_output.as_micros() as u64,
                "worker ended"
            );
        });
    }

    fn tell(&self, call: impl FnOnce(&Span)) {
        if let (Some(live), Some(span)) = (&self.live, &self.span) {
            live.tell(|| call(span));
        }
    }
}

impl Drop for WorkerTrace {
    fn drop(&mut self) {
        if let (Some(live), Some(span)) = (&self.live, self.span.take()) {
            live.let_go(|| drop(span));
        }
    }
}

/// A thread in the span of a worker.
pub(crate) struct Inside {
    live: Option<Arc<Live>>,
    span: Option<Id>,
    _listens: Option<DefaultGuard>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let (Some(live), Some(span)) = (&self.live, &self.span) {
            live.let_go(|| live.dispatch.exit(span));
        }
    }
}

/// Where the counters of a worker tell of its batches. Counters outlive the run, for an observer; who listened need not.
#[derive(Debug, Default)]
pub(crate) struct Tap(OnceLock<Weak<Live>>);

/// Whether somebody may listen to batches.
#[inline]
fn listens() -> bool {
    STATIC_MAX_LEVEL >= Level::TRACE && LevelFilter::current() >= Level::TRACE
}

impl Tap {
    /// A batch or chunk was taken in.
    #[inline]
    pub(crate) fn taken(&self, items: usize, bytes: usize) {
        if listens() {
            self.say_taken(items, bytes);
        }
    }

    /// A batch was handed on.
    #[inline]
    pub(crate) fn given(&self, items: usize, bytes: usize) {
        if listens() {
            self.say_given(items, bytes);
        }
    }

    /// A chunk is about to be worked on.
    #[inline]
    pub(crate) fn begun(&self) -> Begun {
        Begun(listens().then(Instant::now))
    }

    /// It has been worked on, and what came of it is on its way.
    #[inline]
    pub(crate) fn done(&self, begun: &mut Begun) {
        if let Some(since) = begun.0.take() {
            self.say_done(since);
        }
    }

    #[cold]
    fn say_taken(&self, items: usize, bytes: usize) {
        self.tell(|| {
            event!(
                name: "millstream.batch.in",
                target: TARGET,
                Level::TRACE,
                items,
                bytes,
                "batch taken"
            );
        });
    }

    #[cold]
    fn say_given(&self, items: usize, bytes: usize) {
        self.tell(|| {
            event!(
                name: "millstream.batch.out",
                target: TARGET,
                Level::TRACE,
                items,
                bytes,
                "batch handed on"
            );
        });
    }

    #[cold]
    fn say_done(&self, since: Instant) {
        self.tell(|| {
            event!(
                name: "millstream.batch.stop",
                target: TARGET,
                Level::TRACE,
                duration_us = since.elapsed().as_micros() as u64,
                "batch worked on"
            );
        });
    }

    fn tell(&self, call: impl FnOnce()) {
        if let Some(live) = self.0.get().and_then(Weak::upgrade) {
            live.tell(call);
        }
    }
}

/// When a chunk was begun, if somebody listens.
#[derive(Debug, Default)]
pub(crate) struct Begun(Option<Instant>);
