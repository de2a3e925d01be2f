//! Async streams into flows, and flows as async streams (feature `stream`).
//!
//! A flow has threads and no runtime, so both ways cross a border with a waker. `source.rs` polls a stream on the workers;
//! its waker wakes one that waits. `stream.rs` is what a task polls; workers wake the task when they have sent a batch
//! (`ringing.rs`). Nobody polls to see whether there is something.

mod alarm;
mod bell;
mod ringing;
mod source;
mod stream;

pub(crate) use alarm::Alarm;
pub(crate) use ringing::Ringing;
pub use source::FromStream;
pub use stream::FlowStream;
