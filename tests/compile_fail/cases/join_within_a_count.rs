//! Two flows have no common count.
use millstream::{Flow, Window};

fn main() {
    let numbers = || Flow::from_range(0..3_i64);
    let _ = numbers()
        .inner_join(numbers(), |n| *n, |n| *n)
        .within(Window::count(10), |n| *n, |n| *n);
}
