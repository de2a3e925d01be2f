//! What a `reduce` may stand behind: everything but the one accumulator of another `reduce`.
//!
//! The types of all chains are listed here, since only the builder knows all of them. A chain that is missing here
//! cannot be reduced.

use crate::aggregate::Combine;
use crate::edge::{Concat, Partitioned, Shuffled, Zip};
use crate::read::Read;
use crate::source::{
    FromIter, FromIters, FromRange, FromReceiver, FromSlice, FromSource, FromText, ReadLines,
};
use crate::state::{BySession, Joined, Keyed, MergeWindows};
use crate::step::HottestKeys;
use crate::step::{
    AndEmit, Boxed, Chunks, Departition, Emit, EmitState, Filter, FilterMap, FlatMap, Inspect, Map,
    MapBatch, MapConcurrent, MapWith, OnTrigger, Pipe, Spread, Take, Tries, Uniq, Windowed,
    WithOrigin,
};

/// A chain that gives any number of items, and not the one accumulator of a [`reduce`](crate::Flow::reduce).
#[diagnostic::on_unimplemented(
    message = "this flow is reduced already: each worker has one accumulator, and nothing is left to reduce",
    label = "a second reduction of the same accumulator",
    note = "to reduce what is in the accumulators, spread them first: `.events()` or `.flat_map(|accumulator| …)`",
    note = "a function that is generic over the chain asks for `P: Pipe + Unreduced`, or takes a `BoxFlow`",
    note = "to bring the accumulators together, write `.departition(…)`, or a boundary such as `.partition_by(…)` before this"
)]
pub trait Unreduced {}

/// Chains that give items of their own, whatever was before them.
macro_rules! unreduced {
    ($([$($of:tt)*] $chain:ty;)*) => {$( impl<$($of)*> Unreduced for $chain {} )*};
}

/// Steps that give at most one item of each.
macro_rules! as_before {
    ($([$($of:ident),*] $chain:ty;)*) => {$(
        impl<P: Unreduced, $($of),*> Unreduced for $chain {}
    )*};
}

unreduced! {
    [I: Iterator] FromIter<I>;
    [I: Iterator] FromIters<I>;
    ['d, T] FromSlice<'d, T>;
    [T] FromRange<T>;
    [T] FromReceiver<T>;
    [S] FromSource<S>;
    ['t, L: ?Sized] FromText<'t, L>;
    [F, R] Read<F, R>;
    [] ReadLines<str>;
    [] ReadLines<[u8]>;
    ['env, T] Partitioned<'env, T>;
    ['env, T] Shuffled<'env, T>;
    [T, K, C: Combine<T>] Keyed<T, K, C>;
    ['env, T] Concat<'env, T>;
    [A, B] Zip<A, B>;
    [K, L, R, O] Joined<K, L, R, O>;
    ['env, T] Boxed<'env, T>;
    ['env, P, F] Chunks<'env, P, F>;
    [P, F] FlatMap<P, F>;
    [P] Spread<P>;
    [P, F] MapBatch<P, F>;
    [P, N, F, E] Emit<P, N, F, E>;
    ['env, P: Pipe, N, F, E, L] Windowed<'env, P, N, F, OnTrigger<E>, L>;
    ['env, P: Pipe, N, F, L] Windowed<'env, P, N, AndEmit<F>, EmitState, L>;
    ['env, P: Pipe, N, F, C, L] Windowed<'env, P, N, F, MergeWindows<C>, L>;
    [P, D] BySession<P, D>;
    [P, F] MapConcurrent<P, F>;
    [P, N, M, F] Departition<P, N, M, F>;
}

as_before! {
    [F] Map<P, F>;
    [F] Filter<P, F>;
    [F] FilterMap<P, F>;
    [F] HottestKeys<P, F>;
    [F] Inspect<P, F>;
    [] WithOrigin<P>;
    [N, F] MapWith<P, N, F>;
    [A, R] Tries<P, A, R>;
    [] Take<P>;
    [M] Uniq<P, M>;
}

#[cfg(feature = "rate")]
as_before! {
    [] crate::step::RateLimit<P>;
}

#[cfg(feature = "stream")]
unreduced! {
    [S] crate::async_stream::FromStream<S>;
}

#[cfg(feature = "tcp")]
unreduced! {
    [] crate::tcp::FromTcp<str>;
    [] crate::tcp::FromTcp<[u8]>;
}
