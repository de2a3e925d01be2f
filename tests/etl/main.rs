//! Reading and loading: files, formats, databases, bad rows, and runs that go on where one was killed.

use std::fmt;
use std::panic;
use std::sync::Once;

use millstream::BoxFlow;

#[cfg(all(feature = "csv", feature = "json"))]
mod bad_rows;
#[cfg(any(feature = "csv", feature = "json"))]
mod columns;
#[cfg(feature = "csv")]
mod csv;
mod files;
#[cfg(all(feature = "csv", feature = "json", feature = "gz", feature = "zst"))]
mod files_formats;
#[cfg(feature = "json")]
mod json;
#[cfg(all(feature = "csv", feature = "sqlite"))]
mod killed;
mod letters;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod loads;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "postgres")]
mod postgres;
mod read;
mod read_packed;
mod refused;
mod reject;
mod results;
mod resume;
mod retry;
mod sinks;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_source;
#[cfg(feature = "stream")]
mod stream;
mod table;
#[cfg(feature = "tcp")]
mod tcp;
mod validate;

/// How a flow is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Threads,
    Seeded(u64),
}

/// Threads, and a few orders of the seeded scheduler.
const WAYS: [Way; 4] = [
    Way::Threads,
    Way::Seeded(0),
    Way::Seeded(1),
    Way::Seeded(0xFEED_5EED),
];

/// Says how the flow is to be run.
fn on<'a, T: Send + 'a>(way: Way, flow: BoxFlow<'a, T>) -> BoxFlow<'a, T> {
    match way {
        Way::Threads => flow,
        Way::Seeded(seed) => flow.seeded(seed),
    }
}

/// The items in ascending order, where a flow promises none.
fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}

/// An error that there is none of.
#[derive(Debug)]
enum Nothing {}

impl fmt::Display for Nothing {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Nothing {}

/// What deliberate panics say.
const BOOM: &str = "boom";

/// Panics on purpose if it is told to, without a report on stderr.
fn boom_if(now: bool) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref() != Some(&BOOM) {
                report(info);
            }
        }));
    });
    if now {
        panic::panic_any(BOOM)
    }
}
