//! Those who look at runs: they are told when one begins and when it has ended.
//!
//! Whatever they do, a run does what it would without them: a watcher that panics is left out of the rest of that run. Each
//! that was told of a beginning, and did not panic, is told of the end once, however the run ends.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::{Report, Shared, Timeline, lock};
use crate::error::{Error, ErrorKind};
use crate::observe::Trace;

/// Somebody who is told when a run begins and when it has ended, for [`Flow::watch`](crate::Flow::watch).
///
/// One watcher can be given to many flows, which may run at the same time: what it has to know of one of them is in the
/// [`Watching`] that it returns.
///
/// # Panics
/// A watcher that panics neither stops the flow nor makes it fail: it is not told of the rest of that run, and
/// [`Report::observer_panics`] counts it.
///
/// # Examples
/// ```
/// use millstream::{Error, Flow, Watch, Watched, Watching};
/// use std::sync::{Arc, Mutex};
///
/// #[derive(Default)]
/// struct Log(Arc<Mutex<Vec<String>>>);
///
/// impl Watch for Log {
///     fn begin(&self, run: &Watched) -> Box<dyn Watching> {
///         let (log, run) = (self.0.clone(), run.clone());
///         log.lock().unwrap().push(format!("{} began", run.name().unwrap_or("a flow")));
///         Box::new(move |outcome: Result<(), &Error>| {
///             let items = run.report().stages()[0].items_in();
///             log.lock().unwrap().push(format!("ended well: {}, {items} items", outcome.is_ok()));
///         })
///     }
/// }
///
/// let log = Log::default();
/// let lines = log.0.clone();
/// Flow::from_range(0..10).flow_name("ten").watch(log).run()?;
/// assert_eq!(*lines.lock().unwrap(), ["ten began", "ended well: true, 10 items"]);
/// # Ok::<(), Error>(())
/// ```
pub trait Watch: Send + Sync {
    /// A run is about to begin: its threads are started when this returns. Called by the thread that starts it.
    fn begin(&self, run: &Watched) -> Box<dyn Watching>;
}

/// Somebody who watches one run: made by [`Watch::begin`]. A closure with the same argument is one.
pub trait Watching: Send {
    /// The run has ended, and no thread of it is left; what its sinks commit is committed.
    ///
    /// It is called by the thread that waits for the run, before that thread gets the result, so it should not take long. A
    /// run that nobody wanted to its end (a dropped iterator, a handle) counts as stopped.
    fn end(self: Box<Self>, outcome: Result<(), &Error>);
}

impl<F: FnOnce(Result<(), &Error>) + Send> Watching for F {
    fn end(self: Box<Self>, outcome: Result<(), &Error>) {
        self(outcome);
    }
}

impl<W: Watch + ?Sized> Watch for Arc<W> {
    fn begin(&self, run: &Watched) -> Box<dyn Watching> {
        (**self).begin(run)
    }
}

/// A run that is watched: clones are the same run. It keeps the counters of the run, nothing else of the flow.
#[derive(Clone)]
pub struct Watched(Arc<Shared>);

impl Watched {
    /// The number of the run: no two runs of a process have the same, and later ones have larger ones.
    pub fn number(&self) -> u64 {
        self.0.scene.number
    }

    /// What [`Flow::flow_name`](crate::Flow::flow_name) was given.
    pub fn name(&self) -> Option<&str> {
        self.0.scene.name.as_deref()
    }

    /// What the run has done so far, or did.
    pub fn report(&self) -> Report {
        self.0.report()
    }

    /// The same without the time line, which is being made of these.
    pub(crate) fn report_now(&self) -> Report {
        self.0.report_now()
    }

    /// Says where the run's time line is kept; false if somebody keeps it already.
    pub(crate) fn keep(&self, line: Arc<Mutex<Timeline>>) -> bool {
        self.0.timeline.set(line).is_ok()
    }

    /// Where those are counted who look at the run and panic.
    pub(crate) fn lost(&self) -> Lost {
        self.0.scene.lost.clone()
    }

    /// Whether the run has ended.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("number", &self.number())
            .field("name", &self.name())
            .field("over", &self.is_over())
            .finish_non_exhaustive()
    }
}

/// A number that no other run of the process has, and no other graph of stages.
pub(crate) fn next_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// Counts those who look at one run and panic.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lost(Arc<AtomicU64>);

impl Lost {
    /// One of them has panicked.
    pub(crate) fn one_more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Report {
    /// How many of those who looked at the run panicked: watchers, and what they look for, such as a recorder of metrics, and a
    /// subscriber of `tracing`. Each was told of nothing more of the run, so what it shows of it is not all.
    ///
    /// The report that a flow returns is made before they are told of the end; one of an [`Observer`](crate::Observer) that is
    /// made later also has those who panicked then.
    ///
    /// ```
    /// use millstream::{Flow, Observer, Watch, Watched, Watching};
    ///
    /// struct Broken;
    /// impl Watch for Broken {
    ///     fn begin(&self, _run: &Watched) -> Box<dyn Watching> {
    ///         panic!("broken")
    ///     }
    /// }
    /// let report = Flow::from_range(0..10).watch(Broken).run()?;
    /// assert_eq!(report.observer_panics(), 1);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn observer_panics(&self) -> u64 {
        self.lost
    }
}

/// A watcher among the options of a run.
#[derive(Clone)]
pub(crate) struct Watcher {
    /// There until it is dropped.
    watch: Option<Arc<dyn Watch>>,
    /// What it needs before a run can start.
    ready: Option<Arc<dyn Fn() -> Result<(), Error> + Send + Sync>>,
}

impl Watcher {
    pub(crate) fn new(watch: impl Watch + 'static) -> Self {
        Watcher {
            watch: Some(Arc::new(watch)),
            ready: None,
        }
    }

    /// One without which the run does not start: an error of `ready` is that of the run.
    #[cfg(feature = "dashboard")]
    pub(crate) fn with(
        watch: impl Watch + 'static,
        ready: impl Fn() -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        Watcher {
            watch: Some(Arc::new(watch)),
            ready: Some(Arc::new(ready)),
        }
    }

    /// Called before the run starts.
    pub(super) fn ready(&self) -> Result<(), Error> {
        self.ready.as_ref().map_or(Ok(()), |ready| ready())
    }
}

impl Drop for Watcher {
    /// Its destructor may panic as its methods may, and is no business of the flow either.
    fn drop(&mut self) {
        let watch = self.watch.take();
        let _ = quietly(|| drop(watch));
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}

/// All who watch one run.
pub(super) struct Watchers {
    all: Vec<Watcher>,
    /// The run, while they have not been told of its end.
    run: Mutex<Option<Watched>>,
    /// Those who know that it has begun.
    watching: Mutex<Vec<Box<dyn Watching>>>,
    /// The spans and events of the run.
    pub(super) trace: Trace,
    lost: Lost,
}

impl Watchers {
    pub(super) fn new(all: Vec<Watcher>, lost: Lost) -> Self {
        Watchers {
            all,
            run: Mutex::default(),
            watching: Mutex::default(),
            trace: Trace::here(lost.clone()),
            lost,
        }
    }

    /// Tells them that the run begins.
    pub(super) fn begin(&self, run: &Arc<Shared>) {
        let run = Watched(run.clone());
        self.trace.begin(run.number(), run.name(), || run.report());
        let watchers = self.all.iter().filter_map(|watcher| watcher.watch.as_ref());
        let told = watchers.filter_map(|watch| self.tell(|| watch.begin(&run)));
        // Called before the lock is taken.
        let told: Vec<_> = told.collect();
        *lock(&self.watching) = told;
        *lock(&self.run) = Some(run);
    }

    /// Tells them that it has ended; nobody is told twice.
    pub(super) fn end(&self, outcome: Result<(), &Error>) {
        let Some(run) = lock(&self.run).take() else {
            return;
        };
        let watching = std::mem::take(&mut *lock(&self.watching));
        for one in watching {
            self.tell(|| one.end(outcome));
        }
        self.trace.end(|| run.report(), outcome);
    }

    /// Calls a watcher, and counts it if it panics.
    fn tell<R>(&self, call: impl FnOnce() -> R) -> Option<R> {
        let told = quietly(call);
        if told.is_none() {
            self.lost.one_more();
        }
        told
    }
}

impl Drop for Watchers {
    /// Whoever waited for the run panicked, and will not say how it ended.
    fn drop(&mut self) {
        if lock(&self.run).is_some() {
            let error = Error::new(
                ErrorKind::Stopped,
                "the flow was stopped: the thread that used its items panicked",
            );
            self.end(Err(&error));
        }
    }
}

/// The error of a run that was cut short without a failure.
pub(super) fn unwanted() -> Error {
    Error::new(
        ErrorKind::Stopped,
        "the flow ended before it was done: nobody wanted the rest",
    )
}

/// Calls somebody else's code, whose panic is nobody's business but its own.
pub(crate) fn quietly<R>(call: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(made) => Some(made),
        Err(payload) => {
            forget(payload);
            None
        }
    }
}

/// Drops what a panic left; if its drop panics too, what that left is not dropped any more.
fn forget(payload: Box<dyn Any + Send>) {
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    if let Err(again) = dropped {
        std::mem::forget(again);
    }
}
