//! Marks as rows of a table, which is made before the first transaction that has one.
//!
//! Its index lets a split have one mark: of two runs of a job at the same time, one fails instead of loading twice.

use std::sync::Mutex;

use ::postgres::Client;
use ::postgres::error::SqlState;

use super::Postgres;
use crate::error::{BoxError, ErrorKind};
use crate::run::lock;
use crate::sink::{Mark, Marks};

const CREATE: &str = "\
    CREATE TABLE IF NOT EXISTS millstream_marks (job text NOT NULL, input text NOT NULL, split bigint);
    CREATE UNIQUE INDEX IF NOT EXISTS millstream_marks_once ON millstream_marks (job, coalesce(split, -1))";
const SELECT: &str = "SELECT input, split FROM millstream_marks WHERE job = $1";
const EXISTS: &str = "SELECT to_regclass('millstream_marks') IS NOT NULL";

/// The table of marks.
#[derive(Debug)]
pub(super) struct MarkTable {
    db: Postgres,
    made: Mutex<bool>,
}

impl MarkTable {
    pub(super) fn new(db: Postgres) -> Self {
        MarkTable {
            db,
            made: Mutex::new(false),
        }
    }

    /// Makes the table, if there is none.
    pub(super) fn make(&self) -> Result<(), BoxError> {
        let mut made = lock(&self.made);
        if !*made {
            let mut client = self.db.write()?;
            self.make_by(&mut client)?;
            *made = true;
        }
        Ok(())
    }

    fn make_by(&self, client: &mut Client) -> Result<(), BoxError> {
        let failed = |sql| {
            move |error| {
                self.db
                    .error(ErrorKind::Sink, "keep marks", Some(sql), error)
            }
        };
        let there = client.query_one(EXISTS, &[]).map_err(failed(EXISTS))?;
        if there.try_get(0).map_err(failed(EXISTS))? {
            return Ok(());
        }
        let mut create = || client.batch_execute(CREATE);
        let done = create().or_else(|error| match error.code() {
            // Another program makes it at the same moment, and has it now.
            Some(code)
                if [
                    SqlState::UNIQUE_VIOLATION,
                    SqlState::DUPLICATE_TABLE,
                    SqlState::DUPLICATE_OBJECT,
                ]
                .contains(code) =>
            {
                create()
            }
            _ => Err(error),
        });
        Ok(done.map_err(failed(CREATE))?)
    }
}

impl Marks for MarkTable {
    fn of(&self, job: &str) -> Result<Vec<Mark>, BoxError> {
        let failed = |error| {
            self.db
                .error(ErrorKind::Sink, "read the marks", Some(SELECT), error)
        };
        let mut client = self.db.write()?;
        self.make_by(&mut client)?;
        *lock(&self.made) = true;
        let rows = client.query(SELECT, &[&job]).map_err(failed)?;
        let mark = |row: &::postgres::Row| -> Result<Mark, ::postgres::Error> {
            let split: Option<i64> = row.try_get(1)?;
            Ok(Mark {
                job: job.to_owned(),
                input: row.try_get(0)?,
                split: split.map(|split| split as u64),
            })
        };
        Ok(rows
            .iter()
            .map(mark)
            .collect::<Result<_, _>>()
            .map_err(failed)?)
    }
}
