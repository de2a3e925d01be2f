//! Floats are no keys.
use millstream::Flow;

fn main() {
    let _ = Flow::from_iter([1.0, 2.0]).count_by(|n| *n);
}
