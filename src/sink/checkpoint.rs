//! Checkpoints: where marks are kept, and what is left to do according to them.
//!
//! A mark is made of a split when its rows are committed, and never before. In the sink it is part of the same
//! transaction; in a file it is a line that is written and synced behind it, so rows may be there without their mark, but
//! never the other way round.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::{Mark, Marks};
use crate::error::{BoxError, Error, ErrorKind};
use crate::run::lock;

/// The first line of a checkpoint file.
const HEAD: &str = "millstream checkpoint 1";

/// Where a run notes how far it is, so that a later one goes on there: for
/// [`resume`](crate::chain::Load::resume).
///
/// # Examples
/// ```
/// use millstream::sink::Checkpoint;
///
/// // A file beside the program, for sinks that take a row twice without harm.
/// let checkpoint = Checkpoint::file("reviews.checkpoint");
/// // A table in the sink, written in the same transactions as the rows.
/// let checkpoint = Checkpoint::in_sink("reviews");
/// ```
#[derive(Debug, Clone)]
pub struct Checkpoint(Place);

#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Sink(String),
}

impl Checkpoint {
    /// A file of its own, made by the first run. It is written after rows are committed, so a run that was killed in
    /// between writes the rows of a split again: the sink has to be [repeatable](super::Sink::repeatable).
    ///
    /// Delete it to begin anew. Only one run at a time may use it.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Checkpoint(Place::File(path.as_ref().to_owned()))
    }

    /// A table of the sink, under the name of the job, in the transactions of the rows: each row is there once, whenever
    /// the process dies. The sink has to be able to: those for SQLite and PostgreSQL are.
    pub fn in_sink(job: impl Into<String>) -> Self {
        Checkpoint(Place::Sink(job.into()))
    }

    /// Whether rows and marks are committed together.
    pub(crate) fn is_in_sink(&self) -> bool {
        matches!(self.0, Place::Sink(_))
    }

    /// What is known of an input: the marks there are, and a keeper for those to come.
    pub(crate) fn open(
        &self,
        input: String,
        marks: Option<&dyn Marks>,
    ) -> Result<(Progress, Keeper), Error> {
        match &self.0 {
            Place::File(path) => {
                let (progress, file) = open_file(path, &input)?;
                let keeper = Keeper {
                    input,
                    job: path.display().to_string(),
                    file: Some((path.clone(), Mutex::new(Some(file)))),
                };
                Ok((progress, keeper))
            }
            Place::Sink(job) => {
                let Some(marks) = marks else {
                    return Err(Error::new(
                        ErrorKind::Plan,
                        "this sink keeps no marks, so a load cannot resume by `Checkpoint::in_sink`: use `Checkpoint::file` with \
                         a sink that upserts by key",
                    ));
                };
                let known = marks.of(job).map_err(|e| Error::wrap(ErrorKind::Sink, e))?;
                let mut progress = Progress::default();
                for mark in known {
                    same_input(&format!("the job {job}"), &mark.input, &input)?;
                    progress.add(mark.split);
                }
                let keeper = Keeper {
                    input,
                    job: job.clone(),
                    file: None,
                };
                Ok((progress, keeper))
            }
        }
    }
}

/// What is done of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) splits: BTreeSet<u64>,
    /// Whether nothing is left to do.
    pub(crate) whole: bool,
}

impl Progress {
    fn add(&mut self, split: Option<u64>) {
        match split {
            Some(split) => {
                self.splits.insert(split);
            }
            None => self.whole = true,
        }
    }
}

/// Makes marks, and keeps them where the sink does not.
#[derive(Debug)]
pub(crate) struct Keeper {
    job: String,
    input: String,
    /// The file is gone once writing to it has failed.
    file: Option<(PathBuf, Mutex<Option<File>>)>,
}

impl Keeper {
    /// The mark of a split, or of all.
    pub(crate) fn mark(&self, split: Option<u64>) -> Mark {
        Mark {
            job: self.job.clone(),
            input: self.input.clone(),
            split,
        }
    }

    /// Whether marks are the sink's.
    pub(crate) fn in_sink(&self) -> bool {
        self.file.is_none()
    }

    /// Writes a mark to the file, if marks are kept in one; what it is of has been committed.
    pub(crate) fn note(&self, split: Option<u64>) -> Result<(), BoxError> {
        let Some((path, file)) = &self.file else {
            return Ok(());
        };
        let line = match split {
            Some(split) => format!("{split}\n"),
            None => "all\n".to_owned(),
        };
        let mut file = lock(file);
        let Some(open) = &mut *file else {
            return Err("an earlier mark could not be written, so no other one is: see the error before this one".into());
        };
        let written = open.write_all(line.as_bytes());
        let synced = written.and_then(|()| open.sync_data());
        if synced.is_err() {
            // A line that was cut off must stay the last one, or it would become another mark.
            *file = None;
        }
        synced.map_err(|error| Error::io("write the checkpoint", path, error).into())
    }
}

/// Opens a checkpoint file, or makes it. A last line without its end was being written when the process died: what it
/// is of is done again.
fn open_file(path: &Path, input: &str) -> Result<(Progress, File), Error> {
    let failed = |error| Error::io("open the checkpoint", path, error);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == IoKind::InvalidData => return Err(foreign(path)),
        Err(error) => return Err(failed(error)),
    }
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let mut lines = text[..whole].lines();
    let begun = match (lines.next(), lines.next()) {
        (Some(head), Some(of)) if head == HEAD => {
            same_input(&format!("the checkpoint {}", path.display()), of, input)?;
            true
        }
        // The process died while the first two lines were being written, or has not written any.
        _ if format!("{HEAD}\n").starts_with(&text) || text.starts_with(&format!("{HEAD}\n")) => {
            false
        }
        _ => return Err(foreign(path)),
    };
    let mut progress = Progress::default();
    if begun {
        for line in lines {
            match (line, line.parse()) {
                ("all", _) => progress.add(None),
                (_, Ok(split)) => progress.add(Some(split)),
                _ => return Err(foreign(path)),
            }
        }
        // A torn last line goes, or the next mark would be part of it.
        file.set_len(whole as u64).map_err(failed)?;
        let end = std::io::SeekFrom::End(0);
        std::io::Seek::seek(&mut file, end).map_err(failed)?;
    } else {
        file.set_len(0).map_err(failed)?;
        std::io::Seek::rewind(&mut file).map_err(failed)?;
        let head = format!("{HEAD}\n{input}\n");
        file.write_all(head.as_bytes()).map_err(failed)?;
        file.sync_data().map_err(failed)?;
    }
    Ok((progress, file))
}

fn foreign(path: &Path) -> Error {
    Error::new(
        ErrorKind::Io,
        format!(
            "{} is not a checkpoint: give `Checkpoint::file` a path of its own, or delete the file to begin anew",
            path.display()
        ),
    )
}

/// Refuses marks of another input: what they leave out would be other rows.
fn same_input(whose: &str, was: &str, is: &str) -> Result<(), Error> {
    if was == is {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Plan,
        format!(
            "{whose} is of another input ({was}) than this run ({is}): delete it to load everything anew, or take \
             another one"
        ),
    ))
}

#[cfg(test)]
mod tests;
