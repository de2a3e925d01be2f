//! The sink: batches of rows into a table or through a statement, over the connection that the writers share.

use std::fmt;
use std::sync::Arc;

use super::Sqlite;
use super::marks::mark;
use super::store::{Hold, Load};
use super::table::{Binder, Table};
use crate::error::{BoxError, Error, ErrorKind};
use crate::sink::{Mark, Marks, Sink, When, Writer};

/// A [`Sink`] for a table of SQLite, made by [`Sqlite::table`]; or for a statement, made by [`Sqlite::statement`].
///
/// The workers of a load share one connection. Committed at the end, all their rows are one transaction: they are there
/// altogether or not at all. With [`commit_every_batch`](crate::chain::Load::commit_every_batch), or split by split under
/// [`resume`](crate::chain::Load::resume), one worker writes and commits at a time. Each batch is written as a whole or
/// not at all. Marks are rows of a table `millstream_marks`, in the same transactions.
///
/// **Several loads into one file** at the same time, such as those of branches, or rows and dead letters, have to be made from one
/// [`Sqlite`] (or clones of it): SQLite has one writer at a time, and they share it. All that are committed at the end are
/// one transaction; what is committed on the way meanwhile becomes part of it, dead letters too. Loads from another
/// `Sqlite`, or another process, wait for its end.
///
/// A statement is prepared once. A thousand rows in a batch, as by default, take a fifth more time than the bare statements; with
/// a [`batch`](crate::chain::Load::batch) of 10,000 it is an eighth.
///
/// # Errors
/// Of kind [`ErrorKind::Sink`]: with the SQL, the row's number in its batch, what SQLite said, and what to do.
pub struct Insert<B> {
    db: Arc<Sqlite>,
    create: Vec<String>,
    what: Arc<B>,
    repeats: bool,
    load: Load,
}

impl<B> Insert<B> {
    pub(super) fn new(db: Sqlite, what: B) -> Self {
        Insert {
            db: Arc::new(db),
            create: Vec::new(),
            what: Arc::new(what),
            repeats: false,
            load: Load::default(),
        }
    }

    /// SQL that makes what is needed, such as `CREATE TABLE IF NOT EXISTS`: it is run when the load begins, and
    /// stays where the load fails, unless it became a part of the transaction of another. Several are run in their order.
    pub fn create(mut self, sql: impl Into<String>) -> Self {
        self.create.push(sql.into());
        self
    }

    /// Promises that a row which is written again leaves the same behind as one that is written once, as with
    /// `INSERT OR REPLACE`: then the load may be [resumed](crate::chain::Load::resume) by a checkpoint file.
    pub fn repeats(mut self) -> Self {
        self.repeats = true;
        self
    }
}

impl Insert<Table> {
    /// The columns of the table that the rows have values for, in the order of the fields. Without it they are the fields
    /// of the first row; a tuple's are all columns of the table. A column that a row has no field for is `NULL`; a field without
    /// a column is an error.
    pub fn columns<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let names = names.into_iter().map(Into::into).collect();
        Arc::make_mut(&mut self.what).columns(names);
        self
    }

    /// Lets a row take the place of the one with the same keys, so that a load which is run again changes nothing. The keys
    /// have to be the primary key of the table, or have a unique index.
    ///
    /// ```
    /// use millstream::Flow;
    /// use millstream::sqlite::Sqlite;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let db = Sqlite::open(folder.path().join("stock.db"));
    /// let load = |stock: [(&'static str, u32); 2]| {
    ///     let table = db.table("stock").columns(["item", "n"]).upsert(["item"]);
    ///     let table = table.create("CREATE TABLE IF NOT EXISTS stock (item TEXT PRIMARY KEY, n INTEGER)");
    ///     Flow::from_iter(stock).into_sink(table).run()
    /// };
    /// load([("nut", 1), ("bolt", 2)])?;
    /// load([("nut", 7), ("bolt", 2)])?;
    ///
    /// let rows = db.query("SELECT item, n FROM stock ORDER BY item").rows::<(String, u32)>();
    /// assert_eq!(Flow::from_source(rows).collect_vec()?, [("bolt".into(), 2), ("nut".into(), 7)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn upsert<I>(mut self, keys: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let keys = keys.into_iter().map(Into::into).collect();
        let what = Arc::make_mut(&mut self.what);
        what.upsert(keys);
        self.repeats = what.upserts();
        self
    }
}

impl<T, B: Binder<T>> Sink<T> for Insert<B> {
    type Writer = InsertWriter<B>;

    fn begin(&self, when: When) {
        self.db.store.begin(&self.load, when);
    }

    fn open(&self, _partition: usize) -> Result<InsertWriter<B>, BoxError> {
        let hold = self.db.store.open(&self.load, &self.db, &self.create)?;
        Ok(InsertWriter {
            db: self.db.clone(),
            what: self.what.clone(),
            hold,
        })
    }

    fn commit(&self) -> Result<(), BoxError> {
        Ok(self.db.store.commit_all(&self.load, &self.db)?)
    }

    fn abort(&self) {
        self.db.store.abort_all(&self.load);
    }

    fn repeatable(&self) -> bool {
        self.repeats
    }

    fn marks(&self) -> Option<&dyn Marks> {
        Some(&*self.db)
    }
}

impl<B: fmt::Debug> fmt::Debug for Insert<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Insert")
            .field("db", &self.db)
            .field("create", &self.create)
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}

/// What one worker has of an [`Insert`].
pub struct InsertWriter<B> {
    db: Arc<Sqlite>,
    what: Arc<B>,
    hold: Hold,
}

/// Runs the statement for each row of a batch.
fn insert<T, B: Binder<T>>(
    connection: &rusqlite::Connection,
    db: &Sqlite,
    what: &B,
    rows: &[T],
) -> Result<(), BoxError> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let doing = |row: usize| format!("{}, row {} of a batch", what.doing(), row + 1);
    let sql = what
        .sql(first)
        .map_err(|error| unusable(&doing(0), error))?;
    let mut statement = connection
        .prepare_cached(sql)
        .map_err(|error| db.error(ErrorKind::Sink, &what.doing(), Some(sql), error))?;
    for (at, row) in rows.iter().enumerate() {
        what.bind(row, &mut statement)
            .map_err(|error| unusable(&doing(at), error))?;
        statement
            .raw_execute()
            .map_err(|error| db.error(ErrorKind::Sink, &doing(at), Some(sql), error))?;
    }
    Ok(())
}

/// A row that is none: the library's own errors stay as they are.
fn unusable(doing: &str, error: BoxError) -> BoxError {
    if error.is::<Error>() {
        return error;
    }
    let message = format!("SQLite could not {doing}: {error}");
    Error::new(ErrorKind::Sink, message).because(error).into()
}

impl<T, B: Binder<T>> Writer<T> for InsertWriter<B> {
    fn write(&mut self, rows: &[T]) -> Result<(), BoxError> {
        let (db, what) = (&self.db, &*self.what);
        self.db.store.within(&mut self.hold, db, |connection| {
            insert(connection, db, what, rows)
        })
    }

    fn prepare(&mut self) -> Result<(), BoxError> {
        self.db.store.ready(&mut self.hold);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), BoxError> {
        Ok(self.db.store.commit(&mut self.hold, &self.db)?)
    }

    fn abort(&mut self) {
        self.db.store.abort(&mut self.hold);
    }

    fn mark(&mut self, of: &Mark) -> Result<(), BoxError> {
        let db = &self.db;
        db.store
            .within(&mut self.hold, db, |connection| mark(connection, db, of))
    }
}

impl<B> Drop for InsertWriter<B> {
    fn drop(&mut self) {
        self.db.store.abort(&mut self.hold);
    }
}

impl<B: fmt::Debug> fmt::Debug for InsertWriter<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsertWriter")
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}
