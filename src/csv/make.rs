//! What becomes of a row: by serde, or by a closure.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::Record;
use crate::error::BoxError;

/// What becomes of a row; [`Csv::rows`](super::Csv::rows) and [`Csv::map`](super::Csv::map) are the ways to say it.
pub trait Make: Send + Sync {
    /// What a row becomes.
    type Item;

    /// Makes it.
    fn make(&self, row: &Record<'_>) -> Result<Self::Item, BoxError>;
}

/// Rows become what serde makes of them.
#[derive(Clone, Copy)]
pub struct Rows<T>(pub(super) PhantomData<fn() -> T>);

impl<T: DeserializeOwned> Make for Rows<T> {
    type Item = T;

    #[inline]
    fn make(&self, row: &Record<'_>) -> Result<T, BoxError> {
        Ok(row.deserialize()?)
    }
}

/// Rows become what a closure makes of them.
#[derive(Clone, Copy)]
pub struct Mapped<F>(pub(super) F);

impl<F, U, E> Make for Mapped<F>
where
    F: Fn(&Record<'_>) -> Result<U, E> + Send + Sync,
    E: Into<BoxError>,
{
    type Item = U;

    #[inline]
    fn make(&self, row: &Record<'_>) -> Result<U, BoxError> {
        (self.0)(row).map_err(Into::into)
    }
}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows")
    }
}

impl<F> fmt::Debug for Mapped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mapped")
    }
}
