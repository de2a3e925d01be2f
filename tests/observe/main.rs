//! Runs that are looked at: who is told of what, and whether what they see is so.

mod watch;
