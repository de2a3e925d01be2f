//! Stages as their users see them: demand, buffers, infos, subscriptions and their ends. Tests are named by the rows of
//! the conformance list.

mod buffers;
mod calls;
mod cancels;
mod common;
mod flows;
mod graphs;
mod modes;
#[cfg(feature = "rate")]
mod rate;
mod redelivery;
mod served;
mod sharing;
mod streams;
mod supervise;
mod tasks;
mod three;
mod two;
