//! `weigh` is about the items on the edge, so it comes right behind the boundary.
use millstream::Flow;

fn main() {
    let _ = Flow::from_iter(["a", "b"])
        .shuffle()
        .map(|text| text.to_string())
        .weigh(|text| text.len());
}
