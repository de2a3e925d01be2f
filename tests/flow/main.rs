//! The behaviour of flows, seen from outside: what comes out, in which order, when a flow ends, and how it fails.
//!
//! Whatever can run under the seeded scheduler runs there too: the same plan, the same workers, another runner.

use std::panic;
use std::sync::Once;

use millstream::{Flow, Pipe};

mod branches;
mod concat;
mod concurrent;
mod conformance;
mod conformance_steps;
mod corners;
mod custom;
mod drain;
mod failure;
mod flight;
mod gather;
mod join_windows;
mod joins;
mod keyed;
mod memory;
mod model;
mod order;
mod panics;
#[cfg(feature = "rate")]
mod rate;
mod served;
mod sessions;
mod stops;
mod uniq;
mod windows;

/// How a flow is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Threads,
    Seeded(u64),
}

/// Threads, and a few orders of the seeded scheduler.
const WAYS: [Way; 5] = [
    Way::Threads,
    Way::Seeded(0),
    Way::Seeded(1),
    Way::Seeded(2),
    Way::Seeded(0xFEED_5EED),
];

/// Says in a chain of calls how the flow is to be run.
trait On {
    fn on(self, way: Way) -> Self;
}

impl<'env, P: Pipe + 'env> On for Flow<'env, P> {
    fn on(self, way: Way) -> Self {
        match way {
            Way::Threads => self,
            Way::Seeded(seed) => self.seeded(seed),
        }
    }
}

/// What deliberate panics say.
const BOOM: &str = "boom";

/// Panics on purpose, without a report on stderr.
fn boom() -> ! {
    quiet();
    panic::panic_any(BOOM)
}

/// Panics on purpose if it is told to.
fn boom_if(now: bool) {
    if now {
        boom()
    }
}

/// Keeps deliberate panics off stderr; all others are reported as ever.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref() != Some(&BOOM) {
                report(info);
            }
        }));
    });
}

/// The items in ascending order, where a flow promises none.
fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}
