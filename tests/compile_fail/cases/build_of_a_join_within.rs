//! A join within windows keeps neither side until the end.
use millstream::{Flow, Side, Window};

fn main() {
    let numbers = || Flow::from_range(0..3_i64);
    let _ = numbers()
        .inner_join(numbers(), |n| *n, |n| *n)
        .within(Window::fixed(10), |n| *n, |n| *n)
        .build(Side::Left);
}
