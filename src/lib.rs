//! Parallel dataflow over OS threads: lazy flows, bounded channels, keyed aggregation.
//!
//! A [`Flow`] describes a computation; a terminal method runs it on threads of its own, with bounded memory, and
//! returns its result as a value or an [`Error`] that says where it went wrong.
//!
//! ```
//! use millstream::{Flow, Text};
//! use std::collections::HashMap;
//!
//! let text = Text::from("roses are red\nviolets are blue\n");
//! let counts: HashMap<&str, u64> = Flow::from_lines(&text)
//!     .flat_map(|line| line.split_whitespace())
//!     .count_by(|word| *word)
//!     .collect()?;
//! assert_eq!(counts["are"], 2);
//! # Ok::<(), millstream::Error>(())
//! ```
//!
//! The [guide] has thirteen short chapters, from a first flow to windows, joins, loads, and tests of flows.
//!
//! # Layout
//! In the order data goes:
//! - `flow`: the builder, what users write. No thread, no channel.
//! - `plan`: what will run, as data: checked, explained, drawn.
//! - `source`: where items come from; `read`: files of records, in a format (`csv`, `json`).
//! - `step`: chains, from an iterator to an iterator.
//! - `reject`: what is done about bad rows.
//! - `aggregate`, `state`: declared aggregates, and the keyed tables they run in.
//! - `output`, `edge`: where items go, and how batches cross threads.
//! - `sink`: where rows go for good, and how they are committed.
//! - `tcp`, `async_stream`: a connector each, behind a feature each.
//! - `row`, `sqlite`, `postgres`: connectors to databases, a feature each; rows are serde structs.
//! - `run`: workers on threads, or under a seeded scheduler; what they count.
//! - `observe`: who looks at runs (progress, telemetry, each behind a feature), and what is made of a run's counters, in words and
//!   pictures; `dashboard`: a page in the browser.

mod aggregate;
#[cfg(feature = "stream")]
mod async_stream;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(feature = "dashboard")]
mod dashboard;
mod edge;
mod error;
mod flow;
pub mod guide;
#[cfg(feature = "json")]
pub mod json;
mod observe;
mod options;
mod output;
#[cfg(feature = "parquet")]
pub mod parquet;
mod plan;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "rate")]
mod rate;
pub mod read;
mod reject;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod row;
mod run;
pub mod sink;
mod source;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod stage;
mod state;
mod step;
#[cfg(feature = "tcp")]
mod tcp;
mod window;

pub use aggregate::{
    Aggregate, Average, ByOrd, ByTotalOrder, Collect, Compare, Count, Distinct, First, Last, Max,
    Mean, Min, Over, Place, Sum, Top,
};
#[cfg(feature = "stream")]
pub use async_stream::FlowStream;
#[cfg(feature = "dashboard")]
pub use dashboard::{Dashboard, DashboardOptions};
pub use error::{BoxError, Error, ErrorKind, Position};
pub use flow::{
    Attached, BoxFlow, Branches, Ending, Flow, Handle, IntoIter, IntoStages, Items, Served,
    Subscriber, Unreduced, Weighable, WindowFlow,
};
#[cfg(feature = "metrics")]
pub use observe::Metrics;
#[cfg(feature = "progress")]
pub use observe::Progress;
pub use plan::Plan;
pub use reject::{DeadLetters, Fail, Rejected, Retry, Skip, Validation};
pub use run::{
    Doing, EdgeReport, EdgeUnit, InputSize, ManualClock, Observer, Report, StageReport, StopToken,
    Unit, Watch, Watched, Watching, WorkerReport,
};
pub use run::{Moment, Timeline};
pub use source::{Integer, Integers, Source, Text};
pub use state::{Adder, Side};
pub use step::{Chunk, Origin, Pipe, Punctuation};
#[cfg(feature = "tcp")]
pub use tcp::{TcpLines, TcpWatch};
pub use window::{
    CountWindow, EventTime, EventWindow, Firing, Fixed, Global, Interval, JoinWindow, Pane,
    Periodic, PlainWindow, Session, Signal, Sliding, Trigger, Window,
};

/// The types behind a flow's chain: they show in signatures and error messages, and are not for direct use.
pub mod chain {
    pub use crate::aggregate::{ByRef, Combine, FoldBy, Group, Keep, Unique, Values};
    #[cfg(feature = "stream")]
    pub use crate::async_stream::FromStream;
    pub use crate::edge::{Concat, Partitioned, Shuffled, Zip};
    pub use crate::flow::{
        Append, Early, Ends, Errs, Fallible, FiresOnce, Load, Merging, Oks, Unended, Whole,
    };
    pub use crate::read::Read;
    pub use crate::reject::{AtOnce, Keeps, Policy};
    #[doc(hidden)]
    pub use crate::run::Context;
    pub use crate::source::{
        FromIter, FromIters, FromRange, FromReceiver, FromSlice, FromSource, FromStages, FromText,
        ReadLines,
    };
    pub use crate::state::{
        FullOuter, Inner, JoinKind, Joined, JoinedWithin, Keyed, LeftOuter, RightOuter,
    };
    pub use crate::step::HottestKeys;
    #[cfg(feature = "rate")]
    pub use crate::step::RateLimit;
    pub use crate::step::{
        Accumulate, AndEmit, Attempt, Boxed, Bridging, ByReference, ByValue, Chunks, Departition,
        DropLate, Emit, EmitState, Filter, FilterMap, FlatMap, FlatOk, Given, Inspect, ItsKey,
        Itself, LateItem, Map, MapBatch, MapConcurrent, MapWith, Mark, OnFiring, OnLate, OnTrigger,
        Quiet, Reduce, Spread, Take, Tries, TryFlatMap, TryItems, TryMap, TryMapRef, Uniq,
        Unwrapped, Validate, Windowed, WithOrigin,
    };
    #[cfg(feature = "tcp")]
    pub use crate::tcp::FromTcp;
    pub use crate::window::{Aligned, Sessions};
    #[doc(hidden)]
    pub use crate::window::{JoinSpec, OpenSessions, OpenWindows, Panes, Spec};
    pub use crate::window::{TimeOf, Timeless};
}

/// The README's code, run as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[derive(Debug)]
pub struct Readme;
