//! A source of one's own implements `Source`.
use millstream::Flow;

struct Mine;

fn main() {
    let _ = Flow::from_source(Mine);
}
