//! Which files a sink writes: one, or one a partition, under which names; and those that are open.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::draft::Draft;
use crate::error::{BoxError, Error};
use crate::run::lock;

/// Where the rows of a run go.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) per_partition: bool,
    pub(crate) dirs: bool,
}

impl Target {
    pub(crate) fn new(path: &Path) -> Self {
        Target {
            path: path.to_owned(),
            per_partition: false,
            dirs: false,
        }
    }

    /// The file of a partition.
    fn path_of(&self, partition: usize) -> PathBuf {
        if !self.per_partition {
            return self.path.clone();
        }
        if let Some(path) = self.path.to_str().filter(|path| path.contains("{}")) {
            return path.replace("{}", &partition.to_string()).into();
        }
        // The number goes before the ending, which `.csv.gz` is as a whole.
        let (mut stem, mut endings) = (self.path.clone(), OsString::new());
        for of in [&["gz", "zst"][..], &[]] {
            let ending = stem.extension().map(OsString::from);
            let ending = ending.filter(|e| of.is_empty() || of.iter().any(|known| *e == **known));
            if let Some(ending) = ending {
                let mut longer = OsString::from(".");
                longer.push(ending);
                longer.push(&endings);
                endings = longer;
                stem.set_extension("");
            }
        }
        let mut name = stem.file_name().unwrap_or_default().to_owned();
        name.push(format!("-{partition}"));
        name.push(endings);
        self.path.with_file_name(name)
    }
}

/// The files of one run, with what a format knows of each.
#[derive(Debug)]
pub(crate) struct Parts<F> {
    pub(crate) target: Target,
    open: Mutex<BTreeMap<usize, Arc<Mutex<Part<F>>>>>,
}

/// One file, which all workers write or one does.
#[derive(Debug)]
pub(crate) struct Part<F> {
    pub(crate) draft: Draft,
    pub(crate) format: F,
}

impl<F: Default> Parts<F> {
    pub(crate) fn new(path: &Path) -> Self {
        Parts {
            target: Target::new(path),
            open: Mutex::default(),
        }
    }

    /// The file that a partition writes, begun by whoever comes first.
    pub(crate) fn part(&self, partition: usize) -> Result<Arc<Mutex<Part<F>>>, Error> {
        let number = if self.target.per_partition {
            partition
        } else {
            0
        };
        let mut open = lock(&self.open);
        if let Some(part) = open.get(&number) {
            return Ok(part.clone());
        }
        let part = Arc::new(Mutex::new(Part {
            draft: Draft::create(&self.target.path_of(partition), self.target.dirs)?,
            format: F::default(),
        }));
        open.insert(number, part.clone());
        Ok(part)
    }

    /// Publishes all files, none before each is finished.
    pub(crate) fn publish(
        &self,
        finish: impl Fn(&mut Part<F>) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let parts = std::mem::take(&mut *lock(&self.open));
        for part in parts.values() {
            finish(&mut lock(part))?;
        }
        for part in parts.values() {
            lock(part).draft.publish()?;
        }
        Ok(())
    }

    /// Forgets all files, which go when no writer has them any more.
    pub(crate) fn discard(&self) {
        lock(&self.open).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_named_before_the_ending() {
        let name = |path: &str| {
            let target = Target {
                per_partition: true,
                ..Target::new(Path::new(path))
            };
            target.path_of(7).to_string_lossy().into_owned()
        };
        assert_eq!(name("out.csv"), "out-7.csv");
        assert_eq!(name("a.b/out.v2.csv.gz"), "a.b/out.v2-7.csv.gz");
        assert_eq!(name("/x/out.zst"), "/x/out-7.zst");
        assert_eq!(name("out"), "out-7");
        assert_eq!(name(".hidden"), ".hidden-7");
        assert_eq!(name("day={}/part.{}.csv"), "day=7/part.7.csv");
    }
}
