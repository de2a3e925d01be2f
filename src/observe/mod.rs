//! Who looks at runs: a progress bar, telemetry. None of them changes what a run does.
//!
//! - `progress.rs` (feature `progress`): a bar, or a spinner, on the terminal
//! - `metrics.rs` (feature `metrics`): counters, gauges and histograms for a recorder
//! - `trace.rs` (feature `tracing`): spans and events; without the feature `untraced.rs`, which does nothing
//! - `sampler.rs`: the one thread that looks at a run from time to time
//!
//! All but tracing are watchers ([`Watch`](crate::run::Watch)) and read reports: the workers do not know of them. What tracing
//! does on a worker's thread is at most once a batch.

#[cfg(feature = "progress")]
mod progress;
#[cfg(feature = "progress")]
mod sampler;

#[cfg(feature = "progress")]
pub use progress::Progress;
