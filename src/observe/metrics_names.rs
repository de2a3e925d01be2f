//! The names of all metrics, their units and what they are: a promise to users, who have them in their dashboards.
//!
//! `docs/telemetry.md` lists them for users; a test compares the two.

use metrics::{Level, Metadata, Recorder, Unit};

use crate::run::WorkerReport;

/// A name, its unit, and what it is.
pub(super) struct Name(pub(super) &'static str, Unit, &'static str);

/// What recorders that sort by origin are told.
pub(super) static METADATA: Metadata<'static> =
    Metadata::new("millstream", Level::INFO, Some("millstream"));

/// The counters of a worker, with what they count.
pub(super) const COUNTERS: &[(Name, fn(&WorkerReport) -> u64)] = &[
    (
        Name("millstream_items_in_total", Unit::Count, "Items taken in."),
        |w| w.items_in,
    ),
    (
        Name(
            "millstream_items_out_total",
            Unit::Count,
            "Items handed on.",
        ),
        |w| w.items_out,
    ),
    (
        Name(
            "millstream_batches_in_total",
            Unit::Count,
            "Chunks or batches taken in.",
        ),
        |w| w.batches_in,
    ),
    (
        Name(
            "millstream_batches_out_total",
            Unit::Count,
            "Batches handed on.",
        ),
        |w| w.batches_out,
    ),
    (
        Name("millstream_bytes_in_total", Unit::Bytes, "Bytes taken in."),
        |w| w.bytes_in,
    ),
    (
        Name(
            "millstream_bytes_out_total",
            Unit::Bytes,
            "Bytes handed on.",
        ),
        |w| w.bytes_out,
    ),
    (
        Name(
            "millstream_late_total",
            Unit::Count,
            "Items that came too late for their window.",
        ),
        |w| w.late,
    ),
    (
        Name(
            "millstream_retried_total",
            Unit::Count,
            "Times that a rejected item was tried again.",
        ),
        |w| w.retried,
    ),
    (
        Name(
            "millstream_combined_total",
            Unit::Count,
            "Items combined by key before a boundary.",
        ),
        |w| w.combined,
    ),
    (
        Name(
            "millstream_panics_total",
            Unit::Count,
            "Panics of closures.",
        ),
        |w| w.panics,
    ),
    (
        Name(
            "millstream_busy_microseconds_total",
            Unit::Microseconds,
            "Time at work.",
        ),
        |w| w.busy.as_micros() as u64,
    ),
    (
        Name(
            "millstream_starved_microseconds_total",
            Unit::Microseconds,
            "Time without input.",
        ),
        |w| w.waiting_input.as_micros() as u64,
    ),
    (
        Name(
            "millstream_blocked_microseconds_total",
            Unit::Microseconds,
            "Time without room in front of the next stage.",
        ),
        |w| w.waiting_output.as_micros() as u64,
    ),
];

pub(super) const REJECTED: Name = Name(
    "millstream_rejected_total",
    Unit::Count,
    "Items that a rule or a step rejected.",
);
pub(super) const RUNS: Name = Name(
    "millstream_runs_total",
    Unit::Count,
    "Runs that have ended.",
);
pub(super) const RUNS_ACTIVE: Name = Name(
    "millstream_runs_active",
    Unit::Count,
    "Runs that have begun and not ended.",
);
pub(super) const WORKERS: Name = Name(
    "millstream_workers",
    Unit::Count,
    "Workers by what they do.",
);
pub(super) const KEYS: Name = Name("millstream_keys", Unit::Count, "Distinct keys.");
pub(super) const INPUT_SIZE: Name = Name(
    "millstream_input_size",
    Unit::Count,
    "Input that there is, where the sources know.",
);
pub(super) const INPUT_TAKEN: Name = Name(
    "millstream_input_taken",
    Unit::Count,
    "Input that has been taken.",
);
pub(super) const EDGE_CAPACITY: Name = Name(
    "millstream_edge_capacity_batches",
    Unit::Count,
    "Batches that an edge has room for.",
);
pub(super) const EDGE_FILL: Name = Name(
    "millstream_edge_fill_batches",
    Unit::Count,
    "Batches in an edge.",
);
pub(super) const EDGE_HIGH_WATER: Name = Name(
    "millstream_edge_high_water_batches",
    Unit::Count,
    "The most batches that were in an edge.",
);
pub(super) const EDGE_FILL_RATIO: Name = Name(
    "millstream_edge_fill_ratio",
    Unit::Count,
    "Batches in an edge by its capacity, each time it was looked at.",
);
pub(super) const BATCH_ITEMS: Name = Name(
    "millstream_batch_items",
    Unit::Count,
    "Items of a batch, the mean since it was looked at before.",
);
pub(super) const RUN_DURATION: Name = Name(
    "millstream_run_duration_seconds",
    Unit::Seconds,
    "From the start of a run to its end.",
);

/// Tells a recorder what they are.
pub(super) fn describe(to: &dyn Recorder) {
    let counters = COUNTERS.iter().map(|(name, _)| name);
    for Name(name, unit, what) in counters.chain([&REJECTED, &RUNS]) {
        to.describe_counter((*name).into(), Some(*unit), (*what).into());
    }
    for Name(name, unit, what) in [
        RUNS_ACTIVE,
        WORKERS,
        KEYS,
        INPUT_SIZE,
        INPUT_TAKEN,
        EDGE_CAPACITY,
        EDGE_FILL,
        EDGE_HIGH_WATER,
    ] {
        to.describe_gauge(name.into(), Some(unit), what.into());
    }
    for Name(name, unit, what) in [EDGE_FILL_RATIO, BATCH_ITEMS, RUN_DURATION] {
        to.describe_histogram(name.into(), Some(unit), what.into());
    }
}
