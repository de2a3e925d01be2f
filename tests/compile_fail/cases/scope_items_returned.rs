//! The items of `scope` come from threads that end with it.
use millstream::Flow;

fn main() {
    let _ = Flow::from_range(0..3).scope(|items| items);
}
