//! A table in memory, as a sink: what is committed, what happened to it in which order, and failures on request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use millstream::BoxError;
use millstream::sink::{Mark, Marks, Sink, Writer};

/// A table whose rows are visible once they are committed.
#[derive(Clone, Default)]
pub(crate) struct Table(Arc<Inner>);

#[derive(Default)]
struct Inner {
    rows: Mutex<Vec<u64>>,
    marks: Mutex<Vec<Mark>>,
    /// Calls by name.
    calls: Mutex<BTreeMap<&'static str, usize>>,
    /// The call, of all with this name, that fails.
    failing: Mutex<Option<(&'static str, usize)>>,
    /// Rows that it refuses, as many times as said.
    refused: Mutex<BTreeMap<u64, usize>>,
    panics: AtomicBool,
    open: AtomicUsize,
    repeatable: bool,
    no_marks: bool,
}

impl Table {
    /// A table that keeps no marks, and takes rows again without harm or not.
    pub(crate) fn plain(repeatable: bool) -> Self {
        Table(Arc::new(Inner {
            repeatable,
            no_marks: true,
            ..Inner::default()
        }))
    }

    /// A table that takes rows again without harm, and keeps marks.
    pub(crate) fn upserting() -> Self {
        Table(Arc::new(Inner {
            repeatable: true,
            ..Inner::default()
        }))
    }

    /// Lets the `n`th call of a name fail, counted from zero.
    pub(crate) fn fails_at(self, call: &'static str, n: usize) -> Self {
        *self.0.failing.lock().unwrap() = Some((call, n));
        self
    }

    /// Lets it panic instead.
    pub(crate) fn panics_at(self, call: &'static str, n: usize) -> Self {
        self.0.panics.store(true, Ordering::Relaxed);
        self.fails_at(call, n)
    }

    /// Refuses a row so many times.
    pub(crate) fn refuses(self, row: u64, times: usize) -> Self {
        self.0.refused.lock().unwrap().insert(row, times);
        self
    }

    pub(crate) fn mend(&self) {
        *self.0.failing.lock().unwrap() = None;
    }

    /// The committed rows, in order of their values.
    pub(crate) fn rows(&self) -> Vec<u64> {
        let mut rows = self.0.rows.lock().unwrap().clone();
        rows.sort_unstable();
        rows
    }

    pub(crate) fn calls(&self, name: &str) -> usize {
        self.0.calls.lock().unwrap().get(name).copied().unwrap_or(0)
    }

    pub(crate) fn marks(&self) -> Vec<Mark> {
        self.0.marks.lock().unwrap().clone()
    }

    /// Writers that were neither dropped nor are gone otherwise.
    pub(crate) fn open_writers(&self) -> usize {
        self.0.open.load(Ordering::SeqCst)
    }

    fn call(&self, name: &'static str) -> Result<(), BoxError> {
        let mut calls = self.0.calls.lock().unwrap();
        let count = calls.entry(name).or_default();
        let this = *count;
        *count += 1;
        drop(calls);
        if *self.0.failing.lock().unwrap() == Some((name, this)) {
            assert!(
                !self.0.panics.load(Ordering::Relaxed),
                "the table is on fire"
            );
            return Err(format!("no {name} today").into());
        }
        Ok(())
    }
}

impl Sink<u64> for Table {
    type Writer = Part;

    fn open(&self, _partition: usize) -> Result<Part, BoxError> {
        self.call("open")?;
        self.0.open.fetch_add(1, Ordering::SeqCst);
        Ok(Part {
            of: self.clone(),
            written: Vec::new(),
            marks: Vec::new(),
        })
    }

    fn commit(&self) -> Result<(), BoxError> {
        self.call("commit of all")
    }

    fn abort(&self) {
        let _ = self.call("abort of all");
    }

    fn repeatable(&self) -> bool {
        self.0.repeatable
    }

    fn marks(&self) -> Option<&dyn Marks> {
        (!self.0.no_marks).then_some(self as &dyn Marks)
    }
}

impl Marks for Table {
    fn of(&self, job: &str) -> Result<Vec<Mark>, BoxError> {
        self.call("marks")?;
        let marks = self.0.marks.lock().unwrap();
        Ok(marks.iter().filter(|m| m.job == job).cloned().collect())
    }
}

pub(crate) struct Part {
    of: Table,
    written: Vec<u64>,
    marks: Vec<Mark>,
}

impl Writer<u64> for Part {
    fn write(&mut self, rows: &[u64]) -> Result<(), BoxError> {
        self.of.call("write")?;
        let mut refused = self.of.0.refused.lock().unwrap();
        for row in rows {
            if let Some(times) = refused.get_mut(row).filter(|times| **times > 0) {
                *times -= 1;
                return Err(format!("{row} is not wanted").into());
            }
        }
        self.written.extend(rows);
        Ok(())
    }

    fn prepare(&mut self) -> Result<(), BoxError> {
        self.of.call("prepare")
    }

    fn commit(&mut self) -> Result<(), BoxError> {
        self.of.call("commit")?;
        let mut rows = self.of.0.rows.lock().unwrap();
        rows.append(&mut self.written);
        if self.of.0.repeatable {
            rows.sort_unstable();
            rows.dedup();
        }
        self.of.0.marks.lock().unwrap().append(&mut self.marks);
        Ok(())
    }

    fn abort(&mut self) {
        let _ = self.of.call("abort");
        self.written.clear();
        self.marks.clear();
    }

    fn mark(&mut self, mark: &Mark) -> Result<(), BoxError> {
        self.of.call("mark")?;
        self.marks.push(mark.clone());
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.of.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
