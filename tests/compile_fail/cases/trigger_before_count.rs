//! Declared aggregates give a window once.
use millstream::{Flow, Window};

fn main() {
    let _ = Flow::from_range(0..3_i64)
        .window_by(Window::session(10), |n| *n)
        .trigger_every(2)
        .count_by(|n| n % 2);
}
