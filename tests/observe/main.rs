//! Runs that are looked at: who is told of what, and whether what they see is so.

mod analyze;
#[cfg(feature = "dashboard")]
mod chromium;
mod counts;
#[cfg(feature = "dashboard")]
mod crowd;
#[cfg(feature = "dashboard")]
mod dashboard;
mod hot;
#[cfg(feature = "dashboard")]
mod http;
mod keyed;
#[cfg(feature = "tracing")]
mod locks;
#[cfg(feature = "metrics")]
mod metrics;
mod pictures;
#[cfg(feature = "progress")]
mod progress;
mod seeded;
mod size;
mod timeline;
#[cfg(feature = "tracing")]
mod tracing;
mod watch;

/// Work of a known amount, which no optimiser takes away.
fn burn(steps: u64) -> u64 {
    (0..steps).fold(1, |a: u64, n| {
        std::hint::black_box(a.wrapping_mul(31).wrapping_add(n))
    })
}
