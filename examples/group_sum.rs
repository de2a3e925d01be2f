//! Sum by key over pairs in memory: `group_sum ROWS DISTINCT [HOW]`.
//!
//! HOW is `parts` (the default: a `Vec` of sums a partition), `map` (all sums in one `HashMap`) or `free` (a free
//! reduce into one map a partition). Only the flow is timed, not the making of the rows.

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use ahash::{AHashMap, RandomState};
use millstream::Flow;

#[path = "common/args.rs"]
mod args;
#[path = "common/mix.rs"]
mod mix;
use mix::mix;

fn main() -> ExitCode {
    args::main("group_sum ROWS DISTINCT [parts|map|free]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let rows: u64 = args::number(args, 0, None)?;
    let distinct: u64 = args::number(args, 1, None)?;
    if distinct == 0 {
        return Err("DISTINCT must be at least 1".into());
    }
    let how = args.get(2).map_or("parts", String::as_str);
    let rows: Vec<(u64, u64)> = (0..rows).map(|i| (mix(i) % distinct, i & 1023)).collect();

    let start = Instant::now();
    let (keys, sum) = match how {
        "parts" => {
            let parts = Flow::from_slice(&rows)
                .sum_by(|row| row.0, |row| row.1)
                .collect_partitions()?;
            let sums = parts.iter().flatten().map(|(_, sum)| sum);
            (parts.iter().map(Vec::len).sum(), sums.sum::<u64>())
        }
        "map" => {
            let map: HashMap<u64, u64, RandomState> = Flow::from_slice(&rows)
                .sum_by(|row| row.0, |row| row.1)
                .collect()?;
            (map.len(), map.values().sum())
        }
        "free" => {
            let maps = Flow::from_slice(&rows)
                .partition_by(|row| row.0)
                .reduce(AHashMap::<u64, u64>::default, |sums, row| {
                    *sums.entry(row.0).or_default() += row.1;
                })
                .collect_vec()?;
            let sums = maps.iter().flat_map(|map| map.values());
            (maps.iter().map(|map| map.len()).sum(), sums.sum())
        }
        other => return Err(format!("there is no way called `{other}`").into()),
    };
    let took = start.elapsed().as_secs_f64();
    println!("{how} {keys} keys, sum {sum}, {took:.3} s");
    Ok(())
}
