//! The four kinds of join: what they make of a pair, and of a row that nothing matched.

/// Which rows a join gives besides pairs, and the type they come in.
///
/// It is implemented by this crate alone.
pub trait JoinKind<L, R>: Send + Sync + 'static {
    /// What comes out.
    type Item;
    /// Whether left rows come out that nothing matched.
    #[doc(hidden)]
    const LEFT: bool;
    /// Whether right rows come out that nothing matched.
    #[doc(hidden)]
    const RIGHT: bool;
    /// Two rows that match.
    #[doc(hidden)]
    fn pair(left: L, right: R) -> Self::Item;
    /// A left row that nothing matched.
    #[doc(hidden)]
    fn left(_left: L) -> Option<Self::Item> {
        None
    }
    /// A right row that nothing matched.
    #[doc(hidden)]
    fn right(_right: R) -> Option<Self::Item> {
        None
    }
}

/// Pairs alone.
#[derive(Debug)]
pub enum Inner {}

/// Pairs, and left rows that nothing matched.
#[derive(Debug)]
pub enum LeftOuter {}

/// Pairs, and right rows that nothing matched.
#[derive(Debug)]
pub enum RightOuter {}

/// Pairs, and rows of either side that nothing matched.
#[derive(Debug)]
pub enum FullOuter {}

impl<L, R> JoinKind<L, R> for Inner {
    type Item = (L, R);
    const LEFT: bool = false;
    const RIGHT: bool = false;

    #[inline]
    fn pair(left: L, right: R) -> (L, R) {
        (left, right)
    }
}

impl<L, R> JoinKind<L, R> for LeftOuter {
    type Item = (L, Option<R>);
    const LEFT: bool = true;
    const RIGHT: bool = false;

    #[inline]
    fn pair(left: L, right: R) -> (L, Option<R>) {
        (left, Some(right))
    }

    fn left(left: L) -> Option<(L, Option<R>)> {
        Some((left, None))
    }
}

impl<L, R> JoinKind<L, R> for RightOuter {
    type Item = (Option<L>, R);
    const LEFT: bool = false;
    const RIGHT: bool = true;

    #[inline]
    fn pair(left: L, right: R) -> (Option<L>, R) {
        (Some(left), right)
    }

    fn right(right: R) -> Option<(Option<L>, R)> {
        Some((None, right))
    }
}

impl<L, R> JoinKind<L, R> for FullOuter {
    type Item = (Option<L>, Option<R>);
    const LEFT: bool = true;
    const RIGHT: bool = true;

    #[inline]
    fn pair(left: L, right: R) -> (Option<L>, Option<R>) {
        (Some(left), Some(right))
    }

    fn left(left: L) -> Option<(Option<L>, Option<R>)> {
        Some((Some(left), None))
    }

    fn right(right: R) -> Option<(Option<L>, Option<R>)> {
        Some((None, Some(right)))
    }
}
