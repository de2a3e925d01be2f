//! A closure that is a policy takes what the step rejects.
use millstream::{Flow, Rejected};

fn main() {
    let _ = Flow::from_iter(["1", "x"])
        .try_map(|text| text.parse::<u32>())
        .on_error(|_: Rejected<u64>| Ok::<(), std::io::Error>(()));
}
