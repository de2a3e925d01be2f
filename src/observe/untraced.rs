//! What stands for tracing where the feature is off: nothing, and the compiler sees it.

use crate::error::Error;
use crate::run::{Lost, Report, WorkerReport};

#[derive(Debug)]
pub(crate) struct Trace(());

impl Trace {
    pub(crate) fn here(_lost: Lost) -> Self {
        Trace(())
    }

    pub(crate) fn begin(&self, _run: u64, _name: Option<&str>, _report: impl Fn() -> Report) {}

    pub(crate) fn end(&self, _report: impl Fn() -> Report, _outcome: Result<(), &Error>) {}

    pub(crate) fn worker(&self, _stage: &str, _partition: usize) -> WorkerTrace {
        WorkerTrace
    }
}

#[derive(Debug)]
pub(crate) struct WorkerTrace;

impl WorkerTrace {
    pub(crate) fn enter(&self) -> Inside {
        Inside(())
    }

    pub(crate) fn tap(&self, _tap: &Tap) {}

    pub(crate) fn failed(&self, _error: &Error) {}

    pub(crate) fn ended(&self, _report: impl FnOnce() -> WorkerReport) {}
}

#[derive(Debug)]
pub(crate) struct Inside(());

impl Drop for Inside {
    /// Said to be let go of, as the other is.
    fn drop(&mut self) {}
}

#[derive(Debug, Default)]
pub(crate) struct Tap(());

impl Tap {
    #[inline]
    pub(crate) fn taken(&self, _items: usize, _bytes: usize) {}

    #[inline]
    pub(crate) fn given(&self, _items: usize, _bytes: usize) {}

    #[inline]
    pub(crate) fn begun(&self) -> Begun {
        Begun(())
    }

    #[inline]
    pub(crate) fn done(&self, _begun: &mut Begun) {}
}

#[derive(Debug, Default)]
pub(crate) struct Begun(());
