//! Items cross threads at a boundary, so they must be `Send`.
use std::rc::Rc;

use millstream::Flow;

fn main() {
    let _ = Flow::from_range(0..3).map(|n| Rc::new(n)).shuffle().count();
}
