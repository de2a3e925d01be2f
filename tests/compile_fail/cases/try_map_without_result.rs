//! The closure of `try_map` returns a `Result`.
use millstream::Flow;

fn main() {
    let _ = Flow::from_range(0..3).try_map(|n| n + 1);
}
