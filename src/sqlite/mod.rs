//! SQLite: queries as sources, tables as sinks, with rows as serde structs. Needs the feature `sqlite`.
//!
//! [`Sqlite`] names a database. [`query`](Sqlite::query) reads rows into structs by the names of columns, over a
//! connection for each split; [`by_key`](Query::by_key) makes splits that are read side by side. [`table`](Sqlite::table)
//! writes structs, and [`statement`](Sqlite::statement) runs one of your own for each row. SQLite has one writer at a
//! time, so the workers of a load share a connection.
//!
//! ```
//! use millstream::Flow;
//! use millstream::sqlite::Sqlite;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Hit { path: String, bytes: u64 }
//!
//! let folder = tempfile::tempdir()?;
//! let db = Sqlite::open(folder.path().join("log.db"));
//! let hits = ["/", "/about", "/"].map(|path| Hit { path: path.into(), bytes: 100 });
//! let table = db.table("hits").create("CREATE TABLE IF NOT EXISTS hits (path TEXT, bytes INTEGER)");
//! Flow::from_iter(hits).into_sink(table).run()?;
//!
//! let query = db.query("SELECT path, sum(bytes) AS bytes FROM hits WHERE path < ? GROUP BY path").params("/b");
//! let mut sums = Flow::from_source(query.rows::<Hit>()).map(|hit| hit.bytes).collect_vec()?;
//! sums.sort();
//! assert_eq!(sums, [100, 200]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Fields are what SQLite has: numbers, text, bytes, nothing (`None`); `true` is 1; an enum without data is its name. A
//! number above `i64::MAX` is refused. A `Vec<u8>` reads bytes; to write them, wrap them as the crate `serde_bytes` does.

mod cursor;
mod insert;
mod marks;
mod query;
mod store;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

pub use insert::{Insert, InsertWriter};
pub use query::{Query, Rows, Split};
pub use rusqlite::ToSql;
pub use table::{Bind, Statement, Table};

use self::store::Store;
use crate::error::{Error, ErrorKind};

/// A database of SQLite, by its path; nothing is opened before a run needs it.
///
/// Every connection is opened the same way: it waits for others' locks up to the [`busy_timeout`](Sqlite::busy_timeout),
/// and runs what [`setup`](Sqlite::setup) says. A run that reads and writes the same file should set
/// `PRAGMA journal_mode = WAL`, or readers and the writer wait for each other until the time is over.
///
/// Clones are the same database: what is loaded through them at the same time shares a connection (see [`Insert`]).
#[derive(Debug, Clone)]
pub struct Sqlite {
    path: PathBuf,
    busy: Duration,
    setup: Vec<String>,
    /// What loads write over.
    store: Arc<Store>,
}

impl Sqlite {
    /// A database file; a load makes it if there is none, and a query is an error then. Also a URI (`file:…`). A database in
    /// memory is none of the two, since each connection would have its own.
    pub fn open(path: impl AsRef<Path>) -> Self {
        Sqlite {
            path: path.as_ref().to_owned(),
            busy: Duration::from_secs(30),
            setup: Vec::new(),
            store: Arc::default(),
        }
    }

    /// How long a connection waits for a lock that another one holds; 30 seconds by default.
    pub fn busy_timeout(mut self, time: Duration) -> Self {
        self.busy = time;
        self
    }

    /// SQL that each connection runs when it is opened, such as `PRAGMA journal_mode = WAL`; several are run in their
    /// order.
    pub fn setup(mut self, sql: impl Into<String>) -> Self {
        self.setup.push(sql.into());
        self
    }

    /// A query, whose rows are to be read: see [`Query`].
    pub fn query(&self, sql: impl Into<String>) -> Query {
        Query::new(self.clone(), sql.into())
    }

    /// A table that rows are inserted into, or replaced in: see [`Table`]. `main.hits` names a schema too.
    pub fn table(&self, name: impl AsRef<str>) -> Insert<Table> {
        Insert::new(self.clone(), Table::new(name.as_ref()))
    }

    /// A statement that is run for each row, with what a closure binds to it: full control over the SQL.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::sqlite::Sqlite;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let db = Sqlite::open(folder.path().join("words.db"));
    /// let count = "INSERT INTO words VALUES (?, 1) ON CONFLICT (word) DO UPDATE SET n = n + 1";
    /// let sink = db
    ///     .statement(count, |word: &&str, bind| bind.value(word.to_lowercase()))
    ///     .create("CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY, n INTEGER)");
    /// Flow::from_iter(["Yes", "no", "yes"]).into_sink(sink).run()?;
    ///
    /// let yes = db.query("SELECT n FROM words WHERE word = 'yes'").rows::<u32>();
    /// assert_eq!(Flow::from_source(yes).collect_vec()?, [2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn statement<T, F>(&self, sql: impl Into<String>, bind: F) -> Insert<Statement<T, F>>
    where
        F: Fn(&T, &mut Bind<'_, '_>) -> Result<(), crate::error::BoxError> + Send + Sync,
    {
        Insert::new(self.clone(), Statement::new(sql.into(), bind))
    }

    /// A connection that may write.
    fn write(&self) -> Result<Connection, Error> {
        self.connect(
            ErrorKind::Sink,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        )
    }

    /// A connection that does not.
    fn read(&self) -> Result<Connection, Error> {
        self.connect(ErrorKind::Source, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn connect(&self, kind: ErrorKind, flags: OpenFlags) -> Result<Connection, Error> {
        let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)
            .map_err(|error| self.error(kind, "open the database", None, error))?;
        connection
            .busy_timeout(self.busy)
            .map_err(|error| self.error(kind, "set the time to wait for locks", None, error))?;
        for sql in &self.setup {
            connection
                .execute_batch(sql)
                .map_err(|error| self.error(kind, "run the setup", Some(sql), error))?;
        }
        Ok(connection)
    }

    /// An error of SQLite's: what was being done where, by which SQL, and what to do.
    fn error(
        &self,
        kind: ErrorKind,
        doing: &str,
        sql: Option<&str>,
        error: rusqlite::Error,
    ) -> Error {
        let mut message = format!("SQLite could not {doing} ({}): ", self.path.display());
        match &error {
            // Its own words have the SQL in them.
            rusqlite::Error::SqlInputError { msg, .. } => message.push_str(msg),
            other => message.push_str(&other.to_string()),
        }
        if let Some(sql) = sql {
            message.push_str(&format!("; the SQL is `{}`", sql.trim()));
        }
        if let Some(hint) = hint(&error, &message) {
            message.push_str(&format!("; {hint}"));
        }
        Error::new(kind, message).because(Box::new(error))
    }
}

/// What to do about an error.
fn hint(error: &rusqlite::Error, message: &str) -> Option<&'static str> {
    let says = |words: &str| message.contains(words);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Some(
            "another connection holds the database: let it end, raise `busy_timeout`, or set \
             `PRAGMA journal_mode = WAL` so that readers and the writer do not wait for each other",
        ),
        Some(ErrorCode::CannotOpen) => {
            Some("is the path right, and may this program read it, and write where it loads?")
        }
        Some(ErrorCode::NotADatabase) => {
            Some("the file is no database of SQLite: give the path of one, or of a new file")
        }
        Some(ErrorCode::ReadOnly) => {
            Some("the database cannot be written: give this program the right to")
        }
        Some(ErrorCode::DiskFull) => Some("make room, and run the load again"),
        Some(ErrorCode::ConstraintViolation) if says("UNIQUE") => {
            Some("there is a row with this key: `upsert` replaces it")
        }
        Some(ErrorCode::ConstraintViolation) => Some("check the rows before they are loaded"),
        _ if says("no such table") => Some("make the table with `create`, or correct its name"),
        _ if says("no column named") || says("no such column") => {
            Some("the fields of a row have to be columns of the table, by their names")
        }
        _ if says("ON CONFLICT clause does not match") => {
            Some("`upsert` needs a primary key or a unique index of exactly these columns")
        }
        _ => None,
    }
}
