//! Word count of a file that need not fit memory: `wc_stream FILE`. Lines are read as a stream, and a word is
//! copied only when it is seen for the first time.

use std::process::ExitCode;

use millstream::{Error, Flow};

#[path = "common/words.rs"]
mod words;

fn main() -> ExitCode {
    words::main("wc_stream", run)
}

fn run(file: &str) -> Result<(), Error> {
    let counts = Flow::read_lines([file])
        .count_each(|line, words| {
            for word in line.split_whitespace() {
                words.add(word);
            }
        })
        .collect_vec()?;
    words::report(counts);
    Ok(())
}
