//! A closure is called by several threads at a time, so it cannot change what it captures.
use millstream::Flow;

fn main() {
    let mut seen = 0;
    let _ = Flow::from_range(0..3).inspect(|_| seen += 1);
}
