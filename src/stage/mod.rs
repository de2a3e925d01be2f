//! Demand-driven stages: producers, producer-consumers and consumers, each on a thread of its own.

pub mod dispatch;
mod subscription;

pub use subscription::{Cancel, Partition, StageId, Tag};
