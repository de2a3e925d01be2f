//! `events` spreads items that are collections.
use millstream::Flow;

fn main() {
    let _ = Flow::from_range(0..3).reduce(|| 0, |sum, n| *sum += n).events();
}
