//! What the word counts share: the file on the command line, and the report that all of them print.

use std::cmp::Reverse;
use std::process::ExitCode;

use millstream::Error;

/// Runs a program that takes one file, and prints its error if it fails.
pub(crate) fn main(name: &str, run: impl FnOnce(&str) -> Result<(), Error>) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file] = args.as_slice() else {
        eprintln!("usage: {name} FILE");
        return ExitCode::FAILURE;
    };
    if file == "-h" || file == "--help" {
        println!("usage: {name} FILE");
        return ExitCode::SUCCESS;
    }
    match run(file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the number of distinct words, of all words, and the ten most frequent.
pub(crate) fn report<W: AsRef<str>>(mut counts: Vec<(W, u64)>) {
    let distinct = counts.len();
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let top = 10.min(distinct);
    let order = |a: &(W, u64), b: &(W, u64)| {
        (Reverse(a.1), a.0.as_ref()).cmp(&(Reverse(b.1), b.0.as_ref()))
    };
    if top < distinct {
        counts.select_nth_unstable_by(top, order);
    }
    counts.truncate(top);
    counts.sort_unstable_by(order);
    println!("{distinct} distinct, {total} total");
    for (word, count) in &counts {
        println!("{count}\t{}", word.as_ref());
    }
}
