//! The sink: batches of rows into a table by `COPY`, over a connection a worker, or one for all.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use serde::Serialize;

use super::Postgres;
use super::encode::Lines;
use super::link::Link;
use super::marks::MarkTable;
use crate::error::{BoxError, Error, ErrorKind};
use crate::row::{Layout, column, columns, conflict, table};
use crate::run::lock;
use crate::sink::{Mark, Marks, Sink, When, Writer};

/// A [`Sink`] for a table of PostgreSQL, made by [`Postgres::table`].
///
/// Each worker has a connection and a transaction of its own, and sends a batch as one `COPY`: all of it is written, or
/// nothing. What is committed at the end is committed worker by worker, one `COMMIT` after the other: should the server or the
/// program die in between, the rows of some workers are there. [`one_transaction`](Table::one_transaction) commits all
/// at once, over one connection. Under [`resume`](crate::chain::Load::resume) splits and their marks, rows of a table
/// `millstream_marks`, are one transaction each; a flow that is resumed as a whole is always written in one transaction.
///
/// Larger batches cost less: a `COPY` is two round trips. [`batch`](crate::chain::Load::batch) of 10,000 is a good one.
///
/// # Errors
/// Of kind [`ErrorKind::Sink`]: with the SQL, what the server said (the line of a batch too), and what to do.
pub struct Table {
    db: Postgres,
    create: Vec<String>,
    shared: bool,
    what: Arc<What>,
    run: Arc<Run>,
}

/// What rows are written to.
#[derive(Clone)]
struct What {
    name: String,
    columns: Option<Vec<String>>,
    keys: Vec<String>,
    marks: Arc<MarkTable>,
    /// The columns and the statements, which the first row decides.
    plan: OnceLock<Arc<Plan>>,
}

/// The statements of a load.
pub(super) struct Plan {
    layout: Layout,
    /// Makes the temporary table, if there is to be one.
    pub(super) stage: Option<String>,
    /// Takes lines.
    pub(super) copy: String,
    /// Takes rows over from the temporary table.
    pub(super) merge: Option<String>,
    /// For errors.
    pub(super) doing: String,
}

/// What the workers of a run have in common.
#[derive(Default)]
struct Run {
    /// Whether there is one transaction for all.
    shared: AtomicBool,
    /// Whether what is needed was created; the connection of all, where there is one.
    state: Mutex<(bool, Option<Arc<Mutex<Link>>>)>,
    /// Numbers rows, where the last of a key counts.
    rows: AtomicU64,
}

impl Table {
    pub(super) fn new(db: Postgres, name: &str) -> Self {
        let what = What {
            name: name.to_owned(),
            columns: None,
            keys: Vec::new(),
            marks: Arc::new(MarkTable::new(db.clone())),
            plan: OnceLock::new(),
        };
        Table {
            db,
            create: Vec::new(),
            shared: false,
            what: Arc::new(what),
            run: Arc::default(),
        }
    }

    /// SQL that makes what is needed, such as `CREATE TABLE IF NOT EXISTS`: it is run and committed when the load begins, and
    /// stays where the load fails. Several are run in their order.
    pub fn create(mut self, sql: impl Into<String>) -> Self {
        self.create.push(sql.into());
        self
    }

    /// The columns of the table that the rows have values for, in the order of the fields. Without it they are the fields
    /// of the first row; a tuple's are all columns of the table. A column that a row has no field for is `NULL`; a field without
    /// a column is an error.
    pub fn columns<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Arc::make_mut(&mut self.what).columns = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Lets a row take the place of the one with the same keys, so that a load which is run again changes nothing. The keys
    /// have to be the primary key of the table, or have a unique index.
    ///
    /// Rows are copied into a temporary table, and taken over when they are committed, the last of a key. So what the table itself
    /// refuses is an error of the commit. Rows for which a key is `NULL` are all inserted.
    pub fn upsert<I>(mut self, keys: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Arc::make_mut(&mut self.what).keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Writes all rows of a load that is committed at the end in one transaction, over one connection that the workers
    /// share: all of them are there or none, whatever dies when.
    pub fn one_transaction(mut self) -> Self {
        self.shared = true;
        self
    }

    /// A link that can be used, with what is needed created; the same for all workers where there is one transaction.
    fn link(&self) -> Result<Arc<Mutex<Link>>, BoxError> {
        let shared = self.run.shared.load(Ordering::Relaxed);
        let mut state = lock(&self.run.state);
        if let (true, Some(link)) = (shared, &state.1) {
            return Ok(link.clone());
        }
        let mut link = Link::new(self.db.clone());
        link.connect()?;
        if !state.0 {
            for sql in &self.create {
                link.run("create what is needed", sql)?;
            }
            state.0 = true;
        }
        let link = Arc::new(Mutex::new(link));
        if shared {
            state.1 = Some(link.clone());
        }
        Ok(link)
    }
}

impl What {
    fn plan<T: Serialize>(&self, first: &T) -> Result<&Arc<Plan>, BoxError> {
        if let Some(plan) = self.plan.get() {
            return Ok(plan);
        }
        let plan = Arc::new(self.make(first)?);
        Ok(self.plan.get_or_init(|| plan))
    }

    fn make<T: Serialize>(&self, first: &T) -> Result<Plan, BoxError> {
        let layout = match &self.columns {
            Some(names) => Layout::named(names.clone()),
            None => Layout::of(first).map_err(|error| {
                format!("a row for the table {} is not usable: {error}", self.name)
            })?,
        };
        let into = table(&self.name);
        let names = layout.names();
        let doing = format!("copy rows into the table {}", self.name);
        if self.keys.is_empty() {
            let list = match names.is_empty() {
                true => String::new(),
                false => format!(" ({})", columns(names)),
            };
            return Ok(Plan {
                stage: None,
                copy: format!("COPY {into}{list} FROM STDIN"),
                merge: None,
                doing,
                layout,
            });
        }
        if let Some(key) = self.keys.iter().find(|key| !names.contains(key)) {
            return Err(format!(
                "`upsert` by {key} needs a field or a column of that name; there are: {}",
                names.join(", ")
            )
            .into());
        }
        let list = columns(names);
        let keys = columns(&self.keys);
        let no_key: Vec<String> = self
            .keys
            .iter()
            .map(|key| format!("{} IS NULL", column(key)))
            .collect();
        // Rows without a key are each of their own.
        let group = format!(
            "{keys}, CASE WHEN {} THEN millstream_row END",
            no_key.join(" OR ")
        );
        Ok(Plan {
            stage: Some(format!(
                "CREATE TEMPORARY TABLE IF NOT EXISTS millstream_rows ON COMMIT DELETE ROWS AS \
                 SELECT {list}, 0::bigint AS millstream_row FROM {into} WITH NO DATA"
            )),
            copy: format!("COPY pg_temp.millstream_rows ({list}, millstream_row) FROM STDIN"),
            merge: Some(format!(
                "INSERT INTO {into} ({list}) SELECT DISTINCT ON ({group}) {list} \
                 FROM pg_temp.millstream_rows ORDER BY {group}, millstream_row DESC {}",
                conflict(names, &self.keys)
            )),
            doing,
            layout,
        })
    }
}

impl<T: Serialize> Sink<T> for Table {
    type Writer = TableWriter;

    fn begin(&self, when: When) {
        let shared = match when {
            When::End => self.shared,
            When::MarkedEnd => true,
            When::Batch | When::Split => false,
        };
        self.run.shared.store(shared, Ordering::Relaxed);
        *lock(&self.run.state) = (false, None);
    }

    fn open(&self, _partition: usize) -> Result<TableWriter, BoxError> {
        Ok(TableWriter {
            link: self.link()?,
            own: !self.run.shared.load(Ordering::Relaxed),
            what: self.what.clone(),
            run: self.run.clone(),
            lines: Lines::default(),
        })
    }

    fn commit(&self) -> Result<(), BoxError> {
        let mut state = lock(&self.run.state);
        if let Some(link) = &state.1 {
            lock(link).commit()?;
        }
        state.1 = None;
        Ok(())
    }

    fn abort(&self) {
        if let Some(link) = lock(&self.run.state).1.take() {
            lock(&link).rollback();
        }
    }

    fn repeatable(&self) -> bool {
        !self.what.keys.is_empty()
    }

    fn marks(&self) -> Option<&dyn Marks> {
        Some(&*self.what.marks)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("db", &self.db)
            .field("name", &self.what.name)
            .field("create", &self.create)
            .field("columns", &self.what.columns)
            .field("keys", &self.what.keys)
            .field("one_transaction", &self.shared)
            .finish_non_exhaustive()
    }
}

/// What one worker has of a [`Table`].
pub struct TableWriter {
    link: Arc<Mutex<Link>>,
    /// Whether the link is this writer's, which commits it then.
    own: bool,
    what: Arc<What>,
    run: Arc<Run>,
    lines: Lines,
}

impl<T: Serialize> Writer<T> for TableWriter {
    fn write(&mut self, rows: &[T]) -> Result<(), BoxError> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let plan = self.what.plan(first)?;
        let count = rows.len() as u64;
        let mut number = plan
            .merge
            .is_some()
            .then(|| self.run.rows.fetch_add(count, Ordering::Relaxed));
        self.lines.out.clear();
        for (at, row) in rows.iter().enumerate() {
            let pushed = self.lines.push(row, &plan.layout, number);
            pushed.map_err(|error| {
                let doing = &plan.doing;
                let message = format!(
                    "PostgreSQL could not {doing}, row {} of a batch: {error}",
                    at + 1
                );
                Error::new(ErrorKind::Sink, message).because(Box::new(error))
            })?;
            number = number.map(|number| number + 1);
        }
        lock(&self.link).copy(plan, &self.lines.out)
    }

    fn commit(&mut self) -> Result<(), BoxError> {
        if self.own {
            lock(&self.link).commit()?;
        }
        Ok(())
    }

    fn abort(&mut self) {
        if self.own {
            lock(&self.link).rollback();
        }
    }

    fn mark(&mut self, mark: &Mark) -> Result<(), BoxError> {
        self.what.marks.make()?;
        lock(&self.link).mark(mark)
    }
}

impl fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableWriter")
            .field("table", &self.what.name)
            .finish_non_exhaustive()
    }
}
