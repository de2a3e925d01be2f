//! One item of each key: nothing is counted, so what is kept is the key alone, or the key and its first item.

use super::{Combine, Place};

/// Of each key nothing but that it came: what `distinct` runs on.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Unique;

impl<T> Combine<T> for Unique {
    type Acc = ();
    type Out = ();
    const PLACED: bool = false;

    #[inline]
    fn first(&self, _: T, _: Place) {}

    #[inline]
    fn fold(&self, _: &mut (), _: T, _: Place) {}

    #[inline]
    fn merge(&self, _: &mut (), _: ()) {}

    #[inline]
    fn finish(&self, _: ()) {}
}

/// Of each key the item that came first in the input: what `distinct_by` runs on.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep;

impl<T: Send> Combine<T> for Keep {
    type Acc = (Place, T);
    type Out = T;
    const PLACED: bool = true;

    #[inline]
    fn first(&self, item: T, at: Place) -> (Place, T) {
        (at, item)
    }

    #[inline]
    fn fold(&self, acc: &mut (Place, T), item: T, at: Place) {
        if at < acc.0 {
            *acc = (at, item);
        }
    }

    #[inline]
    fn merge(&self, acc: &mut (Place, T), other: (Place, T)) {
        if other.0 < acc.0 {
            *acc = other;
        }
    }

    #[inline]
    fn finish(&self, acc: (Place, T)) -> T {
        acc.1
    }
}
