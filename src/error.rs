//! What can go wrong, as one opaque value: a kind to match on, a message that says what to do, and where it happened.

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::run::Report;

/// An error of any type that a user's closure or source may give.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a flow could not be built, did not start, or did not finish.
///
/// Every terminal method of [`Flow`](crate::Flow) returns `Result<_, Error>`; a flow that failed never
/// gives a partial result. What was done until then is in [`Error::report`].
///
/// # Examples
/// ```
/// use millstream::{ErrorKind, Flow};
///
/// let error = Flow::from_iter(["1", "2", "three"])
///     .name("parse")
///     .try_map(|text| text.parse::<u32>())
///     .sum::<u32>()
///     .unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Step);
/// assert_eq!(error.stage(), Some("parse"));
/// assert!(error.to_string().contains("invalid digit"));
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    stage: Option<String>,
    partition: Option<usize>,
    position: Option<Position>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// What the panicking closure threw; behind a lock only because a payload need not be `Sync`.
    payload: Arc<Mutex<Option<Box<dyn Any + Send>>>>,
    report: Option<Report>,
}

/// What sort of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A closure given to a step, a source, a reducer or a sink panicked.
    Panic,
    /// A fallible step (`try_map`, `try_flat_map`, `try_for_each`) returned an error.
    Step,
    /// A source reported an error.
    Source,
    /// A [sink](crate::sink) refused to open, to take a row, or to commit.
    Sink,
    /// The operating system refused to open or read a file.
    Io,
    /// The input is not UTF-8; the position is that of the first bad byte.
    Utf8,
    /// A row or record of the input does not parse; the position is where it begins.
    Row,
    /// An option has a value that cannot work, such as zero stages.
    Option,
    /// The steps of the flow contradict each other, such as `ordered` before a hash boundary.
    Plan,
    /// A stop token, or the handle of the flow, asked it to stop.
    Stopped,
    /// The deadline passed before the flow was done.
    Deadline,
    /// The operating system refused to start a thread.
    Spawn,
    /// No worker of a seeded run can go on.
    Stalled,
    /// A callback of a [stage](crate::stage) returned an error, or a stage that was needed has ended.
    Stage,
    /// The `init` of a [stage](crate::stage) declined to start: no failure, but there is no stage.
    Ignored,
}

/// Where in the input something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Position {
    /// The file, if the input is one.
    pub file: Option<PathBuf>,
    /// Bytes from the start of the file.
    pub byte: u64,
    /// The line, counted from one; found only when an error is made, by counting line ends.
    pub line: Option<u64>,
}

impl Position {
    /// A position in a file, in bytes from its start.
    pub fn in_file(file: impl AsRef<Path>, byte: u64) -> Self {
        Position {
            file: Some(file.as_ref().to_owned()),
            byte,
            line: None,
        }
    }

    /// A position in bytes from the start of something that is not a file.
    pub(crate) fn in_input(byte: u64) -> Self {
        Position {
            file: None,
            byte,
            line: None,
        }
    }

    /// The same position with its line, counted from one.
    pub fn with_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}, ", file.display())?;
        }
        if let Some(line) = self.line {
            write!(f, "line {line}, ")?;
        }
        write!(f, "byte {}", self.byte)
    }
}

impl Error {
    /// Makes an error of a kind with a message; for sources of one's own, which add a position with [`Error::at`].
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            stage: None,
            partition: None,
            position: None,
            source: None,
            payload: Arc::default(),
            report: None,
        }))
    }

    /// Wraps an error that a closure or a source returned; an `Error` of this crate stays as it is.
    pub(crate) fn wrap(kind: ErrorKind, source: impl Into<BoxError>) -> Self {
        match source.into().downcast::<Error>() {
            Ok(own) => *own,
            Err(source) => Error::new(kind, source.to_string()).because(source),
        }
    }

    /// An error of the operating system about a file.
    pub(crate) fn io(doing: &str, path: &Path, error: std::io::Error) -> Self {
        Error::new(
            ErrorKind::Io,
            format!("cannot {doing} {}: {error}", path.display()),
        )
        .because(Box::new(error))
    }

    /// What a caught panic becomes.
    pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        let said = payload
            .downcast_ref::<&'static str>()
            .map(|s| s.to_string())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a value that is not text".to_owned());
        let mut error = Error::new(ErrorKind::Panic, format!("a closure panicked: {said}"));
        error.0.payload = Arc::new(Mutex::new(Some(payload)));
        error
    }

    /// The same error with its cause.
    pub(crate) fn because(mut self, source: BoxError) -> Self {
        self.0.source = Some(Arc::from(source));
        self
    }

    /// The same error with its cause, which others have too.
    pub(crate) fn caused_by(mut self, source: Arc<dyn std::error::Error + Send + Sync>) -> Self {
        self.0.source = Some(source);
        self
    }

    /// The same error with the position it happened at.
    pub fn at(mut self, position: Position) -> Self {
        self.0.position = Some(position);
        self
    }

    /// The same error with the place of the worker it happened in, unless it names one already.
    pub(crate) fn in_stage(mut self, stage: &str, partition: usize) -> Self {
        if self.0.stage.is_none() {
            self.0.stage = Some(stage.to_owned());
            self.0.partition = Some(partition);
        }
        self
    }

    /// The same error with the name of the [stage](crate::stage) it happened in, unless it names one already.
    pub(crate) fn of_stage(mut self, stage: &str) -> Self {
        self.0.stage.get_or_insert_with(|| stage.to_owned());
        self
    }

    pub(crate) fn with_report(mut self, report: Report) -> Self {
        self.0.report = Some(report);
        self
    }

    /// The same error once more, for several that wait for one run; of what a closure panicked with there is one, which
    /// the first that asks gets.
    pub(crate) fn again(&self) -> Self {
        let inner = &*self.0;
        Error(Box::new(Inner {
            kind: inner.kind,
            message: inner.message.clone(),
            stage: inner.stage.clone(),
            partition: inner.partition,
            position: inner.position.clone(),
            source: inner.source.clone(),
            payload: inner.payload.clone(),
            report: inner.report.clone(),
        }))
    }

    /// The same error for somebody else: without what a closure panicked with, and without the report.
    pub(crate) fn copy(&self) -> Self {
        let mut error = self.again();
        error.0.payload = Arc::default();
        error.0.report = None;
        error
    }

    /// What sort of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone, without stage and position.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The name of the stage it happened in.
    pub fn stage(&self) -> Option<&str> {
        self.0.stage.as_deref()
    }

    /// The partition (the number of the worker within its stage) it happened in.
    pub fn partition(&self) -> Option<usize> {
        self.0.partition
    }

    /// Where in the input it happened, where that is known.
    pub fn position(&self) -> Option<&Position> {
        self.0.position.as_ref()
    }

    /// What the run had done when it failed; `None` when it never started.
    pub fn report(&self) -> Option<&Report> {
        self.0.report.as_ref()
    }

    /// Whether somebody asked the flow to stop: a token, a handle, or a deadline that passed.
    pub fn is_stopped(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Stopped | ErrorKind::Deadline)
    }

    /// What the closure panicked with, for [`std::panic::resume_unwind`]; the error itself if it is of another kind.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let error = Flow::from_range(0..10)
    ///     .map(|n| if n == 7 { std::panic::panic_any(n) } else { n })
    ///     .count()
    ///     .unwrap_err();
    /// assert_eq!(*error.into_panic().unwrap().downcast::<i32>().unwrap(), 7);
    /// ```
    pub fn into_panic(self) -> Result<Box<dyn Any + Send>, Error> {
        let payload = self.0.payload.lock().ok().and_then(|mut p| p.take());
        payload.ok_or(self)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(position) = &inner.position {
            write!(f, "{position}: ")?;
        }
        f.write_str(&inner.message)?;
        match (&inner.stage, inner.partition) {
            (Some(stage), Some(partition)) => {
                write!(f, " (stage {stage}, partition {partition})")
            }
            (Some(stage), None) => write!(f, " (stage {stage})"),
            (None, _) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("stage", &self.0.stage)
            .field("partition", &self.0.partition)
            .field("position", &self.0.position)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}
