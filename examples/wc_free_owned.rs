//! Word count in the free form over owned words: `wc_free_owned FILE`. Every word is a `String` of its own.
//!
//! This is what a flow costs whose items cannot borrow; `wc_stream` shows how to avoid the allocations.

use std::process::ExitCode;

use ahash::AHashMap;
use millstream::{Error, Flow, Text};

#[path = "common/words.rs"]
mod words;

fn main() -> ExitCode {
    words::main("wc_free_owned", run)
}

fn run(file: &str) -> Result<(), Error> {
    let text = Text::open(file)?;
    let counts = Flow::from_lines(&text)
        .flat_map(|line| line.split_whitespace().map(str::to_owned))
        .partition()
        .reduce(AHashMap::<String, u64>::default, |counts, word| {
            *counts.entry(word).or_default() += 1;
        })
        .events()
        .collect_vec()?;
    words::report(counts);
    Ok(())
}
