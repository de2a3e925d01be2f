//! The one connection that all loads from a [`Sqlite`] have, and whose turn it is.
//!
//! SQLite has one writer at a time. Where all is committed at the end, batches of all workers, and of all loads that run
//! together, go into one transaction, a savepoint each, and whoever is free writes next. Where workers commit on their own,
//! one that has begun has the connection until it commits or aborts, and nobody waits in between for anything but SQLite. If there
//! is a transaction that waits for the end, what such a worker commits becomes a part of it. A transaction that SQLite
//! gave up by itself (a full disk), or that another load took back, is remembered as lost, so that what follows is not taken for
//! the whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};

use super::Sqlite;
use crate::error::{BoxError, Error, ErrorKind};
use crate::row::Value;
use crate::run::lock;
use crate::sink::When;

#[derive(Debug, Default)]
pub(super) struct Store {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// There is one while there are loads.
    connection: Option<Connection>,
    /// Loads that were opened and have not ended; those of them that are committed at the end.
    loads: usize,
    ends: usize,
    /// Writers of those that may write more.
    writing: usize,
    /// Whether it is a worker's turn, and on which thread it writes; whether what it writes is a part of the transaction
    /// that waits for the end.
    taken: bool,
    thread: Option<ThreadId>,
    part: bool,
    /// Whether a transaction was begun that was not ended by us.
    begun: bool,
    /// Whether it is gone with what others have written in it.
    lost: bool,
}

/// One load into the database.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Whether it is committed at the end, and not by its writers.
    at_end: AtomicBool,
    /// Whether it was opened and has not ended.
    open: AtomicBool,
}

/// What a writer has of the store.
#[derive(Debug)]
pub(super) struct Hold {
    at_end: bool,
    /// Whether it is the writer's turn; for one that is committed at the end, whether it may write more.
    has: bool,
}

impl Load {
    fn at_end(&self) -> bool {
        self.at_end.load(Ordering::Relaxed)
    }
}

impl Store {
    /// Takes back what an earlier run of the load may have left.
    pub(super) fn begin(&self, load: &Load, when: When) {
        self.abort_all(load);
        let at_end = matches!(when, When::End | When::MarkedEnd);
        load.at_end.store(at_end, Ordering::Relaxed);
    }

    /// Opens a writer of a load; the first creates what is needed.
    pub(super) fn open(&self, load: &Load, db: &Sqlite, create: &[String]) -> Result<Hold, Error> {
        let mut state = self.free(lock(&self.state));
        let connection = match state.connection.take() {
            Some(connection) => connection,
            None => db.write()?,
        };
        let connection = state.connection.insert(connection);
        let at_end = load.at_end();
        if !load.open.load(Ordering::Relaxed) {
            for sql in create {
                connection.execute_batch(sql).map_err(|error| {
                    db.error(ErrorKind::Sink, "create what is needed", Some(sql), error)
                })?;
            }
            load.open.store(true, Ordering::Relaxed);
            state.loads += 1;
            state.ends += usize::from(at_end);
        }
        state.writing += usize::from(at_end);
        Ok(Hold {
            at_end,
            has: at_end,
        })
    }

    /// Waits until it is nobody's turn.
    fn free<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let waited = self.freed.wait_while(state, |state| state.taken);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in the transaction: all of it or, if it fails or panics, nothing.
    pub(super) fn within(
        &self,
        hold: &mut Hold,
        db: &Sqlite,
        work: impl FnOnce(&Connection) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let mut state = lock(&self.state);
        let mut first = false;
        // Dead letters of a row that is being written go with it: their writer cannot wait for its own thread.
        let within_own = state.taken && state.thread == Some(thread::current().id());
        if (hold.at_end || !hold.has) && !within_own {
            state = self.free(state);
            first = !hold.at_end;
        }
        let State {
            connection,
            ends,
            taken,
            thread: of,
            part,
            begun,
            lost,
            ..
        } = &mut *state;
        let Some(connection) = connection else {
            let message = "the load into SQLite has ended, and nothing can be written behind it";
            return Err(Error::new(ErrorKind::Sink, message).into());
        };
        if *lost {
            return Err(given_up(db).into());
        }
        let failed = |error| db.error(ErrorKind::Sink, "begin a transaction", None, error);
        if !*begun {
            connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(failed)?;
            *begun = true;
        }
        // The turn is taken behind the beginning: where that fails there is nothing to commit.
        if first {
            hold.has = true;
            *taken = true;
            *of = Some(thread::current().id());
            *part = *ends > 0;
        }
        if first && *part {
            connection.execute_batch("SAVEPOINT turn").map_err(failed)?;
        }
        let done = savepoint(connection, db, work);
        *lost = connection.is_autocommit();
        done
    }

    /// A writer of a load that is committed at the end writes no more.
    pub(super) fn ready(&self, hold: &mut Hold) {
        if hold.at_end && hold.has {
            hold.has = false;
            lock(&self.state).writing -= 1;
            self.freed.notify_all();
        }
    }

    /// Commits what a writer has written in its turn, and gives it to another.
    pub(super) fn commit(&self, hold: &mut Hold, db: &Sqlite) -> Result<(), Error> {
        self.ready(hold);
        if !hold.has {
            return Ok(());
        }
        let mut state = lock(&self.state);
        if state.part {
            run(&mut state, db, "RELEASE turn")?;
        } else {
            run(&mut state, db, "COMMIT")?;
            state.begun = false;
        }
        self.release(state, hold);
        Ok(())
    }

    /// Takes back what a writer has written in its turn.
    pub(super) fn abort(&self, hold: &mut Hold) {
        self.ready(hold);
        if !hold.has {
            return;
        }
        let mut state = lock(&self.state);
        if !state.part {
            rollback(&mut state);
            state.lost = false;
        } else if !state.lost {
            let back = "ROLLBACK TO turn; RELEASE turn";
            let connection = state.connection.as_ref();
            state.lost = connection.is_none_or(|c| c.execute_batch(back).is_err());
        }
        self.release(state, hold);
    }

    fn release(&self, mut state: MutexGuard<'_, State>, hold: &mut Hold) {
        hold.has = false;
        state.taken = false;
        state.thread = None;
        self.freed.notify_all();
    }

    /// Ends a load; if it is committed at the end, with all that were written together with it.
    pub(super) fn commit_all(&self, load: &Load, db: &Sqlite) -> Result<(), Error> {
        if !load.open.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut state = self.free(lock(&self.state));
        if load.at_end() {
            let waited = self
                .freed
                .wait_while(state, |state| state.writing > 0 || state.taken);
            state = waited.unwrap_or_else(PoisonError::into_inner);
            if state.begun || state.lost {
                run(&mut state, db, "COMMIT")?;
                state.begun = false;
            }
        }
        self.end(state, load);
        Ok(())
    }

    /// Ends a load, and takes back what is committed at the end.
    pub(super) fn abort_all(&self, load: &Load) {
        if !load.open.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.free(lock(&self.state));
        if load.at_end() {
            // What others have written in it is gone too, and they may not go on as if it were not.
            state.lost |= state.begun;
            rollback(&mut state);
        }
        self.end(state, load);
    }

    fn end(&self, mut state: MutexGuard<'_, State>, load: &Load) {
        load.open.store(false, Ordering::Relaxed);
        state.loads -= 1;
        state.ends -= usize::from(load.at_end());
        if state.ends == 0 {
            state.lost = false;
        }
        if state.loads == 0 {
            state.connection = None;
            state.begun = false;
        }
        self.freed.notify_all();
    }
}

fn savepoint(
    connection: &mut Connection,
    db: &Sqlite,
    work: impl FnOnce(&Connection) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let failed = |error| db.error(ErrorKind::Sink, "make a savepoint", None, error);
    // It is rolled back where it is dropped.
    let savepoint = connection.savepoint().map_err(failed)?;
    work(&savepoint)?;
    savepoint.commit().map_err(failed)?;
    Ok(())
}

/// Runs what makes permanent what is in the transaction.
fn run(state: &mut State, db: &Sqlite, sql: &str) -> Result<(), Error> {
    match &state.connection {
        Some(connection) if !state.lost => connection
            .execute_batch(sql)
            .map_err(|error| db.error(ErrorKind::Sink, "commit", None, error)),
        _ => Err(given_up(db)),
    }
}

/// Takes the transaction back, if there is one.
fn rollback(state: &mut State) {
    let connection = state.connection.as_ref();
    let open = connection.is_some_and(|connection| !connection.is_autocommit());
    if open && connection.is_some_and(|c| c.execute_batch("ROLLBACK").is_err()) {
        // What cannot be rolled back is, once it is closed.
        state.connection = None;
    }
    state.begun = false;
}

fn given_up(db: &Sqlite) -> Error {
    let message = format!(
        "the transaction in SQLite ({}) was given up, so what was written in it is gone: see the error before this one, \
         here or of a load beside this one, and run the load again",
        db.path.display()
    );
    Error::new(ErrorKind::Sink, message)
}

/// A value as SQLite takes it.
pub(super) struct Bound<'a>(pub(super) Value<'a>);

impl ToSql for Bound<'_> {
    #[inline]
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(value) => ValueRef::Integer(value.into()),
            Value::Int(value) => ValueRef::Integer(value),
            Value::Big(value) => {
                return Err(rusqlite::Error::ToSqlConversionFailure(
                    format!("{value} is more than SQLite's integers hold: write it as text").into(),
                ));
            }
            Value::Single(value) => ValueRef::Real(value.into()),
            Value::Float(value) => ValueRef::Real(value),
            Value::Text(text) | Value::Raw(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
