//! `map_values` maps the second of each pair.
use millstream::Flow;

fn main() {
    let _ = Flow::from_range(0..3).map_values(|n: i32| n + 1);
}
