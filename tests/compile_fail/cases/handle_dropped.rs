//! Dropping a handle stops its flow.
#![deny(unused_must_use)]
use millstream::{Error, Flow};

fn main() -> Result<(), Error> {
    Flow::from_range(0..3).start()?;
    Ok(())
}
