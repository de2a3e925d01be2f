//! Flows that merge have the same items.
use millstream::Flow;

fn main() {
    let names = Flow::from_iter(["a", "b"]);
    let _ = Flow::from_range(0..3).merge(names);
}
