//! Runs that are looked at: who is told of what, and whether what they see is so.

#[cfg(feature = "progress")]
mod progress;
mod size;
mod watch;
