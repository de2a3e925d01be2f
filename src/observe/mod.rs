//! Who looks at runs, and what is made of a run's counters: where the time went, in words and in pictures.
//!
//! - `progress.rs` (feature `progress`): a bar, or a spinner, on the terminal
//! - `metrics.rs` (feature `metrics`): counters, gauges and histograms for a recorder
//! - `trace.rs` (feature `tracing`): spans and events; without the feature `untraced.rs`, which does nothing
//! - `sampler.rs`: the one thread that looks at a run from time to time
//! - `explain.rs`, `analyze.rs`, `advice.rs`: the report over the plan, and the sentence that names the bottleneck
//!
//! All but tracing are watchers ([`Watch`](crate::run::Watch)) or read a [`Report`](crate::Report), which is plain data: the
//! workers do not know of them, and what is made of a report is tested on reports made by hand. What tracing does on a
//! worker's thread is at most once a batch.

mod advice;
mod analyze;
mod explain;
#[cfg(feature = "progress")]
mod progress;
#[cfg(test)]
mod samples;
#[cfg(feature = "progress")]
mod sampler;
#[cfg(test)]
mod tests;

#[cfg(feature = "progress")]
pub use progress::Progress;
