//! Demand-driven stages: producers, producer-consumers and consumers, each on a thread of its own.
//!
//! Consumers ask, producers answer: nothing flows that was not asked for, so no queue grows with the data. A stage is a
//! value with callbacks ([`Producer`], [`ProducerConsumer`], [`Consumer`]) or a closure ([`from_iter`], [`map_events`],
//! [`for_each`]); one stage is one thread with one mailbox, and its callbacks never run at the same time.
//!
//! ```
//! use millstream::stage::{self, Answer, Consumer, Emit, Next, Producer, ProducerConsumer};
//! use millstream::stage::{Subscription, Upstream};
//! use std::sync::mpsc::{Sender, channel};
//!
//! struct Counter(u64);
//!
//! impl Producer for Counter {
//!     type Event = u64;
//!     fn handle_demand(&mut self, n: usize, out: &mut Emit<u64>) -> Answer {
//!         out.extend(self.0..self.0 + n as u64);
//!         self.0 += n as u64;
//!         Ok(Next::Go)
//!     }
//! }
//!
//! struct Doubler;
//!
//! impl ProducerConsumer for Doubler {
//!     type In = u64;
//!     type Out = u64;
//!     fn handle_events(&mut self, batch: Vec<u64>, _: &Upstream<u64>, out: &mut Emit<u64>) -> Answer {
//!         out.extend(batch.into_iter().map(|n| n * 2));
//!         Ok(Next::Go)
//!     }
//! }
//!
//! struct Report(Sender<Vec<u64>>);
//!
//! impl Consumer for Report {
//!     type Event = u64;
//!     fn handle_events(&mut self, batch: Vec<u64>, _: &Upstream<u64>) -> Answer {
//!         self.0.send(batch)?;
//!         Ok(Next::Go)
//!     }
//! }
//!
//! let (sender, batches) = channel();
//! let counter = stage::producer(Counter(0)).name("counter").start()?;
//! let doubler = stage::producer_consumer(Doubler)
//!     .name("doubler")
//!     .subscribe_to(&counter, Subscription::new())
//!     .start()?;
//! let report = stage::consumer(Report(sender))
//!     .name("report")
//!     .subscribe_to(&doubler, Subscription::new().max_demand(4))
//!     .start()?;
//! assert_eq!(batches.recv().unwrap(), [0, 2]);
//! assert_eq!(batches.recv().unwrap(), [4, 6]);
//! report.stop()?;
//! doubler.stop()?;
//! counter.stop()?;
//! # Ok::<(), millstream::Error>(())
//! ```
//!
//! # Ends and errors
//! A callback that returns an error or panics ends its stage, and no other but those that are subscribed to it and whose
//! subscription says so ([`Cancel`]). How a stage ended is what [`Handle::join`] returns. Dropping a [`Handle`] stops the
//! stage and waits for its thread.

mod buffer;
mod closures;
mod consumer;
mod core;
mod demand;
pub mod dispatch;
mod emit;
mod gauges;
mod giver;
mod graph;
mod handle;
mod input;
mod kind;
mod message;
mod port;
mod producer;
mod producer_consumer;
#[cfg(feature = "rate")]
mod rate;
mod reason;
mod redelivery;
mod reference;
mod start;
mod stream;
mod subscription;
mod supervise;
mod taker;
mod tasks;
pub mod testing;

pub use buffer::Keep;
pub use closures::{
    ForEachBatch, FromFn, FromIter, MapBatches, OnCancel, for_each, for_each_batch, from_fn,
    from_iter, map_batches, map_events,
};
pub use consumer::Consumer;
pub use emit::{Caller, Emit};
pub(crate) use giver::{Giver, Giving, Left, outlet, tell};
pub use graph::Graph;
pub use handle::Handle;
pub(crate) use input::Passage;
pub use input::{Input, Takes};
pub use kind::{Consumes, Emitting, Kind, Never, Produces, Taking, Transforms};
pub use message::{Call, Cast, Info};
pub(crate) use port::Inlet;
pub use port::{Downstream, Emits, Output, Upstream};
pub use producer::Producer;
pub use producer_consumer::ProducerConsumer;
#[cfg(feature = "rate")]
pub use rate::Rate;
pub use reason::{Answer, Asking, DemandMode, Ended, Init, Next, Reason};
pub use reference::{ConsumerRef, Counts, ProducerConsumerRef, ProducerRef, StageRef};
pub use start::{Builder, consumer, producer, producer_consumer};
pub use stream::{Stream, stream};
pub use subscription::{Cancel, Partition, Selector, StageId, Subscription, Tag, Wants};
pub use supervise::{Child, ChildRef, Exit, Restart, Strategy, Supervising, Supervisor, child};
pub(crate) use taker::{Taken, Taker};
pub use tasks::{ConsumerSupervisor, Task, TaskCount, TaskId, TaskState, consumer_supervisor};
