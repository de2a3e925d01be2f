//! Demand-driven stages: producers, producer-consumers and consumers, each on a thread of its own.

mod buffer;
mod demand;
pub mod dispatch;
mod subscription;

pub use buffer::Keep;
pub use subscription::{Cancel, Partition, Selector, StageId, Subscription, Tag, Wants};
