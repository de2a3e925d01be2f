//! Inner join of two tables of N rows on a number, counted and summed: `join HOW N`.
//!
//! HOW is `flow` (rows of both sides are taken as they come), `left` or `right` (that side is declared to be the one
//! that is kept), or `lookup` (the right side in a map that was made before, so that only looking up is timed). Only
//! the flow is timed, not the making of the rows.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use ahash::{HashMap, HashMapExt};
use millstream::{Flow, Pipe, Side};

#[path = "common/args.rs"]
mod args;
#[path = "common/mix.rs"]
mod mix;
use mix::mix;

fn main() -> ExitCode {
    args::main("join flow|left|right|lookup N", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let how = args.first().map_or("flow", String::as_str);
    let n: u64 = args::number(args, 1, None)?;
    if n == 0 {
        return Err("N must be at least 1".into());
    }
    let left: Vec<(u64, u64)> = (0..n).map(|i| (mix(i) % n, i)).collect();
    let right: Vec<(u64, u64)> = (0..n).map(|i| (mix(i + n) % n, i)).collect();
    let mut map: HashMap<u64, Vec<u64>> = HashMap::new();
    if how == "lookup" {
        for row in &right {
            map.entry(row.0).or_default().push(row.1);
        }
    }

    let start = Instant::now();
    let add = |sums: (u64, u64), value: u64| (sums.0 + 1, sums.1.wrapping_add(value));
    let merge = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1.wrapping_add(b.1));
    let (pairs, sum) = if how == "lookup" {
        rows(&left)
            .lookup_join(&map, |row| row.0)
            .flat_map(|(row, found)| found.iter().map(move |other| row.1 ^ other))
            .fold(|| (0, 0), add, merge)?
    } else {
        let joined = rows(&left).inner_join(rows(&right), |row| row.0, |row| row.0);
        let joined = match how {
            "flow" => joined,
            "left" => joined.build(Side::Left),
            "right" => joined.build(Side::Right),
            other => return Err(format!("there is no way called `{other}`").into()),
        };
        joined.map(|(l, r)| l.1 ^ r.1).fold(|| (0, 0), add, merge)?
    };
    let took = start.elapsed().as_secs_f64();
    println!("{how} {pairs} pairs, sum {sum}, {took:.3} s");
    Ok(())
}

/// A key and a value.
type Row = (u64, u64);

fn rows(table: &[Row]) -> Flow<'_, impl Pipe<Item = Row>> {
    Flow::from_slice(table).map(|row| *row)
}
