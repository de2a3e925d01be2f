//! How many rows a query has, if anybody knows: for whoever shows how far a run has come.

/// Who knows the number of a query's rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Known {
    #[default]
    Nobody,
    /// The user, more or less.
    About(u64),
    /// The database, which is to count them.
    Counted,
}

impl Known {
    /// The number; `count` asks the database.
    pub(crate) fn rows(self, count: impl FnOnce() -> Option<u64>) -> Option<u64> {
        match self {
            Known::Nobody => None,
            Known::About(rows) => Some(rows),
            Known::Counted => count(),
        }
    }
}
