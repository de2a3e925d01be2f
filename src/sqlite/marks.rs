//! Marks as rows of a table, which is made by the first of them.
//!
//! Its index lets a split have one mark: of two runs of a job at the same time, one fails instead of loading twice.

use rusqlite::Connection;

use super::Sqlite;
use crate::error::{BoxError, Error, ErrorKind};
use crate::sink::{Mark, Marks};

const CREATE: &str = "\
    CREATE TABLE IF NOT EXISTS millstream_marks (job TEXT NOT NULL, input TEXT NOT NULL, split INTEGER);
    CREATE UNIQUE INDEX IF NOT EXISTS millstream_marks_once ON millstream_marks (job, coalesce(split, -1))";
const INSERT: &str = "INSERT INTO millstream_marks (job, input, split) VALUES (?, ?, ?)";
const EXISTS: &str =
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'millstream_marks'";
const SELECT: &str = "SELECT input, split FROM millstream_marks WHERE job = ?";

/// Notes a mark, as a part of the transaction.
pub(super) fn mark(connection: &Connection, db: &Sqlite, mark: &Mark) -> Result<(), BoxError> {
    let failed = |sql| move |error| db.error(ErrorKind::Sink, "keep a mark", Some(sql), error);
    let split = mark.split.map(i64::try_from).transpose()?;
    connection.execute_batch(CREATE).map_err(failed(CREATE))?;
    connection
        .prepare_cached(INSERT)
        .and_then(|mut insert| insert.execute((&mark.job, &mark.input, split)))
        .map_err(failed(INSERT))?;
    Ok(())
}

impl Marks for Sqlite {
    fn of(&self, job: &str) -> Result<Vec<Mark>, BoxError> {
        let connection = self.write()?;
        let read = || -> Result<Vec<Mark>, rusqlite::Error> {
            if !connection.prepare(EXISTS)?.exists(())? {
                return Ok(Vec::new());
            }
            let mut select = connection.prepare(SELECT)?;
            let mut rows = select.query([job])?;
            let mut marks = Vec::new();
            while let Some(row) = rows.next()? {
                let split: Option<i64> = row.get(1)?;
                marks.push(Mark {
                    job: job.to_owned(),
                    input: row.get(0)?,
                    split: split.map(|split| split as u64),
                });
            }
            Ok(marks)
        };
        Ok(read().map_err(|error| -> Error {
            self.error(ErrorKind::Sink, "read the marks", Some(SELECT), error)
        })?)
    }
}
