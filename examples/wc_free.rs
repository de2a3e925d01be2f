//! Word count in the free form: `wc_free FILE`. One map a partition, over words that borrow from the text.
//!
//! A free `reduce` takes an accumulator of any type, so the flow cannot combine counts before the exchange as
//! `count_by` does (see `word_count`): every word crosses to its partition.

use std::process::ExitCode;

use ahash::AHashMap;
use millstream::{Error, Flow, Text};

#[path = "common/words.rs"]
mod words;

fn main() -> ExitCode {
    words::main("wc_free", run)
}

fn run(file: &str) -> Result<(), Error> {
    let text = Text::open(file)?;
    let counts = Flow::from_lines(&text)
        .flat_map(|line| line.split_whitespace())
        .partition()
        .reduce(AHashMap::<&str, u64>::default, |counts, word| {
            *counts.entry(word).or_default() += 1;
        })
        .events()
        .collect_vec()?;
    words::report(counts);
    Ok(())
}
