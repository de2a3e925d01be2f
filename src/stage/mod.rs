//! Demand-driven stages: producers, producer-consumers and consumers, each on a thread of its own.

#[cfg_attr(not(test), expect(dead_code, reason = "what uses it is not here yet"))]
mod buffer;
#[cfg_attr(not(test), expect(dead_code, reason = "what uses it is not here yet"))]
mod demand;
pub mod dispatch;
#[cfg_attr(not(test), expect(dead_code, reason = "what uses it is not here yet"))]
mod subscription;

pub use buffer::Keep;
pub use subscription::{Cancel, Partition, Selector, StageId, Subscription, Tag, Wants};
