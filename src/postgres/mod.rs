//! PostgreSQL: queries as sources, tables as sinks, with rows as serde structs. Needs the feature `postgres`.
//!
//! [`Postgres`] names a database. [`query`](Postgres::query) streams rows into structs by the names of columns;
//! [`by_key`](Query::by_key) makes splits that are read side by side, over a connection each, and [`copy`](Query::copy)
//! reads through `COPY … TO STDOUT`. [`table`](Postgres::table) writes structs by `COPY … FROM STDIN`, over a connection a
//! worker; [`upsert`](Table::upsert) replaces rows by key.
//!
//! ```no_run
//! use millstream::Flow;
//! use millstream::postgres::Postgres;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Hit { id: i64, path: String, at: Option<String> }
//!
//! let db = Postgres::connect("postgres://me:secret@localhost/log");
//! let hits = db.query("SELECT id, path, at FROM raw WHERE path <> $1").params("/health").by_key("id", 16);
//! let table = db
//!     .table("hits")
//!     .create("CREATE TABLE IF NOT EXISTS hits (id bigint PRIMARY KEY, path text, at timestamptz)")
//!     .upsert(["id"]);
//! Flow::from_source(hits.rows::<Hit>()).into_sink(table).run()?;
//! # Ok::<(), millstream::Error>(())
//! ```
//!
//! **Types.** Values go to the server as text, which it parses, so a `String` fits any column: times, `numeric`, `uuid`,
//! `json`, enumerations. What comes back is a number, a truth value, text, or bytes; every other type comes as its text, from which numbers
//! are parsed where a field asks for one (a `numeric` into `f64`). `None` is `NULL`. A `Vec<u8>` reads `bytea`; to write it, wrap it
//! as the crate `serde_bytes` does.
//!
//! **Threads.** The client blocks the worker that uses it. It has a runtime inside, so a load or a query may not be run
//! on a thread that belongs to an asynchronous runtime: use its `spawn_blocking`.

mod cursor;
mod encode;
mod field;
mod link;
mod marks;
mod query;
mod table;

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::postgres::error::SqlState;
use ::postgres::{Client, NoTls};

pub use query::{Query, Rows, Split};
pub use table::{Table, TableWriter};

use crate::error::{BoxError, Error, ErrorKind};

/// Makes a connection.
type Connect = dyn Fn() -> Result<Client, ::postgres::Error> + Send + Sync;

/// A database of PostgreSQL; nothing is connected before a run needs it.
#[derive(Clone)]
pub struct Postgres {
    connect: Arc<Connect>,
    locks: Duration,
}

impl Postgres {
    /// A database by its URL (`postgres://user:password@host/database`), or by words such as `host=localhost user=me`. The
    /// connection is not encrypted: for one that is, see [`connect_by`](Postgres::connect_by).
    pub fn connect(url: impl Into<String>) -> Self {
        let url = url.into();
        Self::connect_by(move || Client::connect(&url, NoTls))
    }

    /// A database by a closure that makes a connection, each time one is needed: with TLS, or with settings of its own.
    pub fn connect_by<F>(connect: F) -> Self
    where
        F: Fn() -> Result<Client, ::postgres::Error> + Send + Sync + 'static,
    {
        Postgres {
            connect: Arc::new(connect),
            locks: Duration::from_secs(60),
        }
    }

    /// How long a load waits for a lock that somebody else holds before that is an error; a minute by default, zero for
    /// as long as it takes.
    ///
    /// Workers that write rows with the same unique key wait for each other. Where all is committed at the end, that wait
    /// would have no end.
    pub fn lock_timeout(mut self, time: Duration) -> Self {
        self.locks = time;
        self
    }

    /// A query, whose rows are to be read: see [`Query`].
    pub fn query(&self, sql: impl Into<String>) -> Query {
        Query::new(self.clone(), sql.into())
    }

    /// A table that rows are copied into: see [`Table`]. `log.hits` names a schema too. Names are taken as they are
    /// written here, upper and lower case.
    pub fn table(&self, name: impl AsRef<str>) -> Table {
        Table::new(self.clone(), name.as_ref())
    }

    fn open(&self, kind: ErrorKind) -> Result<Client, Error> {
        (self.connect)().map_err(|error| self.error(kind, "connect", None, error))
    }

    /// A connection that waits for locks as long as it should.
    fn write(&self) -> Result<Client, Error> {
        let mut client = self.open(ErrorKind::Sink)?;
        let sql = format!("SET lock_timeout = {}", self.locks.as_millis());
        client
            .batch_execute(&sql)
            .map_err(|error| self.error(ErrorKind::Sink, "set up", Some(&sql), error))?;
        Ok(client)
    }

    /// An error of the server's or the client's: what was being done, by which SQL, and what to do.
    fn error(
        &self,
        kind: ErrorKind,
        doing: &str,
        sql: Option<&str>,
        error: ::postgres::Error,
    ) -> Error {
        let mut message = format!("PostgreSQL could not {doing}: ");
        match error.as_db_error() {
            Some(said) => {
                message.push_str(said.message());
                for more in [said.detail(), said.hint(), said.where_()] {
                    message.extend(more.map(|more| format!(" ({more})")));
                }
            }
            None => {
                message.push_str(&error.to_string());
                message.extend(error.source().map(|cause| format!(": {cause}")));
            }
        }
        message.extend(sql.map(|sql| format!("; the SQL is `{}`", sql.trim())));
        message.extend(hint(&error).map(|hint| format!("; {hint}")));
        Error::new(kind, message).because(Box::new(error))
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("lock_timeout", &self.locks)
            .finish_non_exhaustive()
    }
}

/// The client's own error, where it is inside of one of reading or writing.
fn inner(error: std::io::Error) -> Result<::postgres::Error, BoxError> {
    match error.into_inner() {
        Some(inner) => inner.downcast::<::postgres::Error>().map(|error| *error),
        None => Err("the connection broke".into()),
    }
}

/// What to do about an error.
fn hint(error: &::postgres::Error) -> Option<&'static str> {
    let Some(code) = error.code() else {
        return Some("is the server there, at this address, and does it let this user in?");
    };
    if *code == SqlState::LOCK_NOT_AVAILABLE {
        Some(
            "somebody else holds the lock, or two workers wrote the same unique key and wait for each other's commit: \
             give a key's rows to one worker (`partition_by`, or `stages(1)`), use `one_transaction`, `upsert` or \
             `commit_every_batch`, or raise `lock_timeout`",
        )
    } else if *code == SqlState::UNIQUE_VIOLATION {
        Some("there is a row with this key: `upsert` replaces it")
    } else if *code == SqlState::UNDEFINED_TABLE {
        Some("make the table with `create`, or correct its name (upper and lower case count)")
    } else if *code == SqlState::UNDEFINED_COLUMN {
        Some("the fields of a row have to be columns, by their names")
    } else if *code == SqlState::INVALID_COLUMN_REFERENCE {
        Some("`upsert` needs a primary key or a unique index of exactly these columns")
    } else if code.code().starts_with("22") || code.code().starts_with("23") {
        Some("check the rows before they are loaded")
    } else {
        None
    }
}
