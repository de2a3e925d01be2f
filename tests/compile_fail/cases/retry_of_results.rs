//! Of a result that is an error there is nothing to try again.
use millstream::{Flow, Retry};

fn main() {
    let _ = Flow::from_iter([Ok(1), Err("no")])
        .try_items()
        .on_error(Retry::times(3));
}
