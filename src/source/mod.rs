//! Where items come from. A source is fused into the first stage: its workers take pieces of it themselves.
//!
//! Every source here is a [`Pipe`](crate::step::Pipe) whose feeds share one cursor, queue or lock. Two rules hold
//! for all: a feed asks its [`Pace`](crate::step::Pace) how much to take, so that slow items spread over the workers and
//! cheap ones cost no synchronisation worth naming; and it leaves the number of the chunk it gives in the context.
//! In an ordered stage these tickets are 0, 1, 2, … without a gap, in the order of the input; otherwise they only
//! grow with the order of the input, which is what aggregates such as "first" compare.

mod cursor;
mod custom;
mod iter;
mod iters;
mod range;
mod read_lines;
mod receiver;
mod slice;
mod stages;
mod take;
mod text;

#[cfg(test)]
mod drive;

pub use custom::{FromSource, Source};
pub use iter::FromIter;
pub use iters::FromIters;
pub use range::{FromRange, Integer, Integers};
pub use read_lines::ReadLines;
pub use receiver::FromReceiver;
pub use slice::FromSlice;
pub use stages::FromStages;
pub use text::{FromText, Text};

pub(crate) use stages::{Begin, Begun, Gate};
#[cfg(feature = "stream")]
pub(crate) use take::Stride;
#[cfg(feature = "tcp")]
pub(crate) use text::form::Form;
pub(crate) use text::line_of;

use crate::run::Context;

/// Notes which split the chunk is from, and whether there are splits that nobody has begun.
pub(crate) fn reads(cx: &Context, split: u64, unread: bool) {
    cx.split.set(split);
    cx.unread.set(unread);
}

/// How many items an iterator gives, if it knows.
pub(crate) fn exact<I: Iterator>(iter: &I) -> Option<u64> {
    let (least, most) = iter.size_hint();
    (most == Some(least)).then_some(least as u64)
}

/// Notes the chunk that a feed is about to give: its ticket, and how many items it has.
pub(crate) fn begin(cx: &Context, ticket: u64, items: usize) {
    cx.ticket.set(ticket);
    cx.counts.takes(items, 0);
}
