//! What `flat_map_ok` makes of a result: the items of one, or the error.

use std::iter::FusedIterator;

/// The items made of the `Ok` of a result, or its error, as results.
#[derive(Debug)]
pub enum FlatOk<I, E> {
    /// Items that are still to come.
    Made(I),
    /// The error, until it was given.
    Passed(Option<E>),
}

impl<I: Iterator, E> Iterator for FlatOk<I, E> {
    type Item = Result<I::Item, E>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            FlatOk::Made(items) => items.next().map(Ok),
            FlatOk::Passed(error) => error.take().map(Err),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            FlatOk::Made(items) => items.size_hint(),
            FlatOk::Passed(error) => {
                let left = usize::from(error.is_some());
                (left, Some(left))
            }
        }
    }
}

impl<I: FusedIterator, E> FusedIterator for FlatOk<I, E> {}
