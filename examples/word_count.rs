//! Counts the words of text files: `word_count [--top N] [FILE...]`, of a novel in this repository when no file is named.
//!
//! Prints the number of different words and of all words, then the most frequent ones. No word is copied: the
//! keys borrow from the text.

use std::cmp::Reverse;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use millstream::{Flow, Text};

const USAGE: &str = "usage: word_count [--top N] [FILE...]";
const NOVEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/noli.txt");

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("word_count: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let Some((top, files)) = arguments()? else {
        println!("{USAGE}");
        return Ok(());
    };

    let text = Text::open_all(&files)?;
    let mut counts: Vec<(&str, u64)> = Flow::from_lines(&text)
        .flat_map(|line| line.split_whitespace())
        .count_by(|word| *word)
        .collect_vec()?;

    let mut out = std::io::stdout().lock();
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    writeln!(out, "{} distinct, {total} total", counts.len())?;
    keep_most_frequent(&mut counts, top);
    for (word, count) in counts {
        writeln!(out, "{count}\t{word}")?;
    }
    Ok(())
}

/// Keeps the first `top` by count descending, then word ascending. The others are left out by count alone: most words
/// come once, and need not be compared with each other.
fn keep_most_frequent(counts: &mut Vec<(&str, u64)>, top: usize) {
    if (1..counts.len()).contains(&top) {
        let (_, last, _) = counts.select_nth_unstable_by_key(top - 1, |&(_, count)| Reverse(count));
        let least = last.1;
        counts.retain(|&(_, count)| count >= least);
    }
    counts.sort_unstable_by_key(|&(word, count)| (Reverse(count), word));
    counts.truncate(top);
}

/// How many words to print and which files to read; `None` if the user asks for help.
fn arguments() -> Result<Option<(usize, Vec<String>)>, String> {
    let (mut top, mut files) = (10, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(None),
            "--top" => {
                let number = args.next().unwrap_or_default();
                top = number
                    .parse()
                    .map_err(|_| format!("--top needs a number, not `{number}`"))?;
            }
            option if option.starts_with("--") => {
                return Err(format!("there is no option {option}; {USAGE}"));
            }
            _ => files.push(arg),
        }
    }
    if files.is_empty() {
        files.push(NOVEL.to_owned());
    }
    Ok(Some((top, files)))
}
