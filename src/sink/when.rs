//! When the rows of a load become permanent.

/// When rows become permanent: what a [`Sink`](super::Sink) is told at the [beginning](super::Sink::begin) of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// All together when the run has ended well, by the thread that waits for it. No writer commits before all have
    /// written all their rows.
    End,
    /// As [`End`](When::End), with a mark of the whole, which must not be there without all of the rows.
    MarkedEnd,
    /// Each batch by itself: a writer commits right behind a write.
    Batch,
    /// The rows of a split, with its mark: a writer commits right behind the writes that the split takes.
    Split,
}
