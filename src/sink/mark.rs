//! Marks: what a run notes of the splits it has loaded, so that a later one can leave them out.

use std::fmt;

use crate::error::BoxError;

/// One split of a job's input is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Mark {
    /// The name of the job, which several may share a table of marks by.
    pub job: String,
    /// What the input was: a fingerprint, which another input does not have.
    pub input: String,
    /// The split, by its number in the input; `None` for the whole of it.
    pub split: Option<u64>,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.split {
            Some(split) => write!(f, "split {split} of the job {}", self.job),
            None => write!(f, "the end of the job {}", self.job),
        }
    }
}

/// Marks that a sink keeps beside its rows, and commits with them.
pub trait Marks: Send + Sync {
    /// All marks of a job, in any order; none if there is no such job yet.
    fn of(&self, job: &str) -> Result<Vec<Mark>, BoxError>;
}
