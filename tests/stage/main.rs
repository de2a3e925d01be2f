//! Stages as their users see them: demand, buffers, infos, subscriptions and their ends. Tests are named by the rows of
//! the conformance list.

mod buffers;
mod common;
mod modes;
mod three;
mod two;
