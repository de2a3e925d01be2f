//! A policy is about what the step right before rejects.
use millstream::{Flow, Skip};

fn main() {
    let _ = Flow::from_iter(["1", "x"])
        .try_map(|text| text.parse::<u32>())
        .map(|n| n + 1)
        .on_error(Skip);
}
