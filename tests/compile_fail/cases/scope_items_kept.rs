//! The items of `scope` cannot be kept beyond it either.
use millstream::{Error, Flow};

fn main() -> Result<(), Error> {
    let mut kept = None;
    Flow::from_range(0..3).scope(|items| kept = Some(items))?;
    drop(kept);
    Ok(())
}
