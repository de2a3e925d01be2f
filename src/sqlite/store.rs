//! The one connection that all writers of a load have, and whose turn it is.
//!
//! SQLite has one writer at a time. Where all is committed at the end, batches of all workers go into one transaction, a
//! savepoint each, and whoever is free writes next. Where workers commit on their own, one that has begun has the
//! connection until it commits or aborts; nobody waits in between for anything but SQLite. A transaction that SQLite
//! gave up by itself (a full disk) is remembered as lost, so that what follows is not taken for the whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql};

use super::Sqlite;
use crate::error::{BoxError, Error, ErrorKind};
use crate::row::Value;
use crate::run::lock;
use crate::sink::When;

#[derive(Default)]
pub(super) struct Store {
    /// Whether writers commit by themselves, instead of all together.
    turns: AtomicBool,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    connection: Option<Connection>,
    /// Whether it is a writer's turn.
    taken: bool,
    /// Whether a transaction was begun that was not ended by us.
    begun: bool,
    /// Whether SQLite has ended it.
    lost: bool,
}

impl Store {
    /// Takes back what an earlier run may have left.
    pub(super) fn begin(&self, when: When) {
        let turns = matches!(when, When::Batch | When::Split);
        self.turns.store(turns, Ordering::Relaxed);
        *lock(&self.state) = State::default();
    }

    fn turns(&self) -> bool {
        self.turns.load(Ordering::Relaxed)
    }

    /// Opens the connection, if nobody has.
    pub(super) fn open(&self, db: &Sqlite, create: &[String]) -> Result<(), Error> {
        let mut state = lock(&self.state);
        if state.connection.is_some() {
            return Ok(());
        }
        let connection = db.write()?;
        for sql in create {
            connection.execute_batch(sql).map_err(|error| {
                db.error(ErrorKind::Sink, "create what is needed", Some(sql), error)
            })?;
        }
        state.connection = Some(connection);
        Ok(())
    }

    /// Does something in the transaction: all of it or, if it fails or panics, nothing. `holds` says whether it is the
    /// writer's turn.
    pub(super) fn within(
        &self,
        holds: &mut bool,
        db: &Sqlite,
        work: impl FnOnce(&Connection) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let mut state = lock(&self.state);
        if self.turns() && !*holds {
            state = self.turn(state);
            *holds = true;
        }
        let State {
            connection,
            begun,
            lost,
            ..
        } = &mut *state;
        if *lost {
            return Err(given_up(db).into());
        }
        let Some(connection) = connection else {
            let message = "the load into SQLite has ended, and nothing can be written behind it";
            return Err(Error::new(ErrorKind::Sink, message).into());
        };
        let failed = |error| db.error(ErrorKind::Sink, "begin a transaction", None, error);
        if !*begun {
            connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(failed)?;
            *begun = true;
        }
        let done = savepoint(connection, db, work);
        *lost = connection.is_autocommit();
        done
    }

    /// Waits for the turn.
    fn turn<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let waited = self.freed.wait_while(state, |state| state.taken);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.taken = true;
        state
    }

    /// Commits what a writer has written, if writers do that, and gives the turn to another.
    pub(super) fn commit(&self, holds: &mut bool, db: &Sqlite) -> Result<(), Error> {
        if !*holds {
            return Ok(());
        }
        commit(&mut lock(&self.state), db)?;
        self.release(holds);
        Ok(())
    }

    /// Takes back what a writer has written, if it is its turn.
    pub(super) fn abort(&self, holds: &mut bool) {
        if *holds {
            rollback(&mut lock(&self.state));
            self.release(holds);
        }
    }

    fn release(&self, holds: &mut bool) {
        *holds = false;
        lock(&self.state).taken = false;
        self.freed.notify_one();
    }

    /// Commits what all have written together, and closes.
    pub(super) fn commit_all(&self, db: &Sqlite) -> Result<(), Error> {
        let mut state = lock(&self.state);
        commit(&mut state, db)?;
        state.connection = None;
        Ok(())
    }

    /// Takes it back, and closes.
    pub(super) fn abort_all(&self) {
        let mut state = lock(&self.state);
        rollback(&mut state);
        state.connection = None;
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

fn commit(state: &mut State, db: &Sqlite) -> Result<(), Error> {
    if state.lost {
        return Err(given_up(db));
    }
    if let (Some(connection), true) = (&state.connection, state.begun) {
        connection
            .execute_batch("COMMIT")
            .map_err(|error| db.error(ErrorKind::Sink, "commit", None, error))?;
        state.begun = false;
    }
    Ok(())
}

fn rollback(state: &mut State) {
    if let (Some(connection), true) = (&state.connection, state.begun && !state.lost) {
        if connection.execute_batch("ROLLBACK").is_err() {
            // What cannot be rolled back is, once it is closed.
            state.connection = None;
        }
    }
    state.begun = false;
    state.lost = false;
}

fn given_up(db: &Sqlite) -> Error {
    let message = format!(
        "SQLite has given up the transaction ({}), so what was written in it is gone: see the error before this one, \
         and run the load again",
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
