//! A closure is called by several threads at a time, so what it captures must be `Sync`.
use std::rc::Rc;

use millstream::Flow;

fn main() {
    let offset = Rc::new(7);
    let _ = Flow::from_range(0..3).map(move |n| n + *offset);
}
