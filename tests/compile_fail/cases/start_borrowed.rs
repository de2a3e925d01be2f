//! `start` returns while the flow runs, so the flow cannot borrow what may be gone by then.
use millstream::{Error, Flow, Handle};

fn start() -> Result<Handle, Error> {
    let numbers = vec![1, 2, 3];
    Flow::from_slice(&numbers).start()
}

fn main() {
    let _ = start();
}
