//! The closure of `flat_map` returns something with items.
use millstream::Flow;

fn main() {
    let _ = Flow::from_range(0..3).flat_map(|n| n + 1);
}
