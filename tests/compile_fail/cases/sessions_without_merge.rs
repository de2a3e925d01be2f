//! Two sessions may become one, and a fold must say how.
use millstream::{Flow, Window};

fn main() {
    let _ = Flow::from_range(0..3_i64)
        .window_by(Window::session(10), |n| *n)
        .reduce(|| 0, |sum, n| *sum += n);
}
