//! A source has no edge in front of it whose items could be weighed.
use millstream::Flow;

fn main() {
    let _ = Flow::from_iter(["a", "b"]).weigh(|text| text.len());
}
