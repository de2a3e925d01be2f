//! Who looks at runs, and what is made of a run's counters: where the time went, in words and in pictures.
//!
//! - `progress.rs` (feature `progress`): a bar, or a spinner, on the terminal
//! - `metrics.rs` (feature `metrics`): counters, gauges and histograms for a recorder
//! - `trace.rs` (feature `tracing`): spans and events; without the feature `untraced.rs`, which does nothing
//! - `sampler.rs`: the one thread that looks at a run from time to time
//! - `timeline.rs`: what a run has done by when; `layout.rs`, `draw.rs`, `style.rs`, `figures.rs`, `html.rs`: pictures of it
//! - `explain.rs`, `analyze.rs`, `advice.rs`: the report over the plan, and the sentence that names the bottleneck
//!
//! All but tracing are watchers ([`Watch`](crate::run::Watch)) or read a [`Report`](crate::Report), which is plain data: the
//! workers do not know of them, and what is made of a report is tested on reports made by hand. What tracing does on a
//! worker's thread is at most once a batch.

mod advice;
mod analyze;
mod draw;
mod explain;
mod figures;
mod html;
mod layout;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "metrics")]
mod metrics_names;
#[cfg(feature = "progress")]
mod progress;
mod sampler;
#[cfg(test)]
mod samples;
mod style;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_pace;
mod timeline;
#[cfg(feature = "tracing")]
mod trace;
#[cfg(not(feature = "tracing"))]
mod untraced;

#[cfg(feature = "dashboard")]
pub(crate) use advice::percent;
#[cfg(feature = "dashboard")]
pub(crate) use draw::{bar, live, text};
#[cfg(feature = "dashboard")]
pub(crate) use figures::short;
#[cfg(feature = "dashboard")]
pub(crate) use html::said;
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
#[cfg(feature = "progress")]
pub use progress::Progress;
#[cfg(feature = "dashboard")]
pub(crate) use style::STYLE;
pub(crate) use timeline::Timekeeper;
#[cfg(feature = "tracing")]
pub(crate) use trace::{Begun, Tap, Trace, WorkerTrace};
#[cfg(not(feature = "tracing"))]
pub(crate) use untraced::{Begun, Tap, Trace, WorkerTrace};
