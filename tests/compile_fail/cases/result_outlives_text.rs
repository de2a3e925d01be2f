//! Keys that borrow from a text cannot outlive it.
use std::collections::HashMap;

use millstream::{Error, Flow, Text};

fn main() -> Result<(), Error> {
    let counts: HashMap<&str, u64> = {
        let text = Text::from("a b\n");
        Flow::from_lines(&text).count_by(|line| *line).collect()?
    };
    drop(counts);
    Ok(())
}
