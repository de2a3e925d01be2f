//! Sorting and removing duplicates: `order HOW ROWS DISTINCT`.
//!
//! HOW is `sorted`, `by_hand` (collect the same flow, then rayon's `par_sort_unstable`), `distinct` (each number once, at
//! the end), or `uniq` (each at once, behind a partition). Only the flow is timed, not the making of the numbers.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use millstream::Flow;
use rayon::slice::ParallelSliceMut;

#[path = "common/args.rs"]
mod args;
#[path = "common/mix.rs"]
mod mix;
use mix::mix;

fn main() -> ExitCode {
    args::main("order sorted|by_hand|distinct|uniq ROWS DISTINCT", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let how = args.first().map_or("sorted", String::as_str);
    let rows: u64 = args::number(args, 1, Some(1_000_000))?;
    let distinct: u64 = args::number(args, 2, Some(500_000))?;
    if distinct == 0 {
        return Err("DISTINCT must be at least 1".into());
    }
    let numbers: Vec<u64> = (0..rows).map(|n| mix(n) % distinct).collect();

    let start = Instant::now();
    let flow = Flow::from_slice(&numbers).map(|n| *n);
    let left = match how {
        "sorted" => flow.sorted()?.len(),
        "by_hand" => {
            let mut all = flow.collect_vec()?;
            all.par_sort_unstable();
            all.len()
        }
        "distinct" => parts(&flow.distinct().collect_partitions()?),
        "uniq" => parts(&flow.partition().uniq().collect_partitions()?),
        other => return Err(format!("there is no way called `{other}`").into()),
    };
    println!(
        "{how} {left} numbers, {:.3} s",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn parts(all: &[Vec<u64>]) -> usize {
    all.iter().map(Vec::len).sum()
}
