//! A connection that rows are copied over, with its transaction.
//!
//! A batch is sent as one `COPY`. The first of a transaction is taken back with the transaction, a later one with its savepoint,
//! so a batch is there as a whole or not at all. Under `upsert` rows are copied into a temporary table, and taken over
//! into the table right before the commit, sorted by key: so no row is locked while others write, and writers that commit
//! side by side lock rows in the same order.

use std::io::Write;
use std::sync::Arc;

use ::postgres::{Client, Statement};

use super::table::Plan;
use super::{Postgres, inner};
use crate::error::{BoxError, Error, ErrorKind};
use crate::sink::Mark;

pub(super) struct Link {
    db: Postgres,
    /// `None` before the first use, and after the connection broke.
    client: Option<Client>,
    /// What rows are sent through.
    copy: Option<Statement>,
    /// Whether a transaction was begun.
    begun: bool,
    /// Whether there is a savepoint in it.
    saved: bool,
    /// Whether the temporary table is there.
    made: bool,
    /// What is to be taken over before the commit.
    staged: Option<Arc<Plan>>,
    /// Whether the transaction could not be brought back to where it was before a failure.
    lost: bool,
}

impl Link {
    pub(super) fn new(db: Postgres) -> Self {
        Link {
            db,
            client: None,
            copy: None,
            begun: false,
            saved: false,
            made: false,
            staged: None,
            lost: false,
        }
    }

    /// Connects, unless it is.
    pub(super) fn connect(&mut self) -> Result<(), Error> {
        // Between two transactions a connection that has broken is no loss.
        let broken = self.client.as_ref().is_some_and(Client::is_closed);
        if self.client.is_none() || (broken && !self.begun) {
            self.client = Some(self.db.write()?);
            self.copy = None;
            self.made = false;
        }
        Ok(())
    }

    fn client(&mut self) -> Result<&mut Client, Error> {
        self.client
            .as_mut()
            .ok_or_else(|| gone("the connection has ended"))
    }

    pub(super) fn run(&mut self, doing: &str, sql: &str) -> Result<(), Error> {
        let done = self.client()?.batch_execute(sql);
        done.map_err(|error| self.db.error(ErrorKind::Sink, doing, Some(sql), error))
    }

    /// Copies a batch of lines, in a transaction that it begins if there is none.
    pub(super) fn copy(&mut self, plan: &Arc<Plan>, lines: &[u8]) -> Result<(), BoxError> {
        self.within(|link| link.send(plan, lines))
    }

    /// Notes a mark as a part of the transaction.
    pub(super) fn mark(&mut self, mark: &Mark) -> Result<(), BoxError> {
        self.within(|link| {
            let split = mark.split.map(i64::try_from).transpose()?;
            let sql = "INSERT INTO millstream_marks (job, input, split) VALUES ($1, $2, $3)";
            let done = link
                .client()?
                .execute(sql, &[&mark.job, &mark.input, &split]);
            done.map_err(|error| {
                link.db
                    .error(ErrorKind::Sink, "keep a mark", Some(sql), error)
            })?;
            Ok(())
        })
    }

    fn within(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        if self.lost {
            return Err(gone("an earlier failure could not be taken back").into());
        }
        if !self.begun {
            self.connect()?;
        }
        let sql = match (self.begun, self.saved) {
            (false, _) => "BEGIN",
            (true, false) => "SAVEPOINT batch",
            (true, true) => "RELEASE SAVEPOINT batch; SAVEPOINT batch",
        };
        if let Err(error) = self.run("begin a batch", sql) {
            if !self.begun {
                // The next try is over a connection of its own.
                self.client = None;
            }
            return Err(error.into());
        }
        self.saved = self.begun;
        self.begun = true;
        // A panic in between leaves it lost; nobody commits it then.
        self.lost = true;
        let done = work(self);
        if done.is_ok() {
            self.lost = false;
        } else if self.saved {
            self.made = self.staged.is_some();
            self.lost = self
                .run("take a batch back", "ROLLBACK TO SAVEPOINT batch")
                .is_err();
        } else {
            self.rollback();
        }
        done
    }

    fn send(&mut self, plan: &Arc<Plan>, lines: &[u8]) -> Result<(), BoxError> {
        if let (Some(stage), false) = (&plan.stage, self.made) {
            self.run("make a temporary table", stage)?;
            self.made = true;
        }
        let failed =
            |db: &Postgres, error| db.error(ErrorKind::Sink, &plan.doing, Some(&plan.copy), error);
        let client = self
            .client
            .as_mut()
            .ok_or_else(|| gone("the connection has ended"))?;
        let statement = match self.copy.take() {
            Some(statement) => statement,
            None => client
                .prepare(&plan.copy)
                .map_err(|error| failed(&self.db, error))?,
        };
        let mut sent = || -> Result<(), BoxError> {
            let mut copy = client
                .copy_in(&statement)
                .map_err(|error| failed(&self.db, error))?;
            if let Err(error) = copy.write_all(lines) {
                return Err(failed(&self.db, inner(error)?).into());
            }
            copy.finish().map_err(|error| failed(&self.db, error))?;
            Ok(())
        };
        sent()?;
        self.copy = Some(statement);
        if plan.merge.is_some() {
            self.staged = Some(plan.clone());
        }
        Ok(())
    }

    /// Takes staged rows over, and commits.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        if self.lost {
            return Err(gone("an earlier failure could not be taken back"));
        }
        if !self.begun {
            return Ok(());
        }
        if let Some(plan) = &self.staged {
            let merge = plan.merge.clone().unwrap_or_default();
            let doing = plan.doing.clone();
            // What is left of a failure is for `rollback`.
            self.lost = true;
            self.run(&doing, &merge)?;
            self.lost = false;
        }
        if let Err(error) = self.run("commit", "COMMIT") {
            self.lost = true;
            return Err(error);
        }
        self.ended();
        Ok(())
    }

    /// Takes back what was written since the last commit. If that fails the connection is closed, which does it too.
    pub(super) fn rollback(&mut self) {
        let closed = self.client.as_ref().is_some_and(Client::is_closed);
        if closed || (self.begun && self.run("roll back", "ROLLBACK").is_err()) {
            self.client = None;
        }
        // It may have been made in this transaction.
        self.made = false;
        self.ended();
    }

    fn ended(&mut self) {
        self.begun = false;
        self.saved = false;
        self.staged = None;
        self.lost = false;
    }
}

fn gone(why: &str) -> Error {
    let message = format!(
        "the transaction in PostgreSQL is not whole any more ({why}), so it is not committed: see the error before this \
         one, and run the load again"
    );
    Error::new(ErrorKind::Sink, message)
}
