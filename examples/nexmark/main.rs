//! The first queries of the Nexmark benchmark, on an online auction: `nexmark --query N [--events M]`.
//!
//! Prints the number of result rows and the time of the query. The events are made before, by the crate `nexmark`, and
//! are not timed. There are ten thousand in a second of event time, in its order; one in fifty is a new person, three
//! are new auctions, the others bids.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

#[path = "../common/args.rs"]
mod args;
mod queries;

/// Events in a second of event time.
const RATE: usize = 10_000;

fn main() -> ExitCode {
    args::main("nexmark --query N [--events M]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let (mut query, mut count) = (None, 1_000_000);
    for at in (0..args.len()).step_by(2) {
        match args[at].as_str() {
            "--query" => query = Some(args::number::<u8>(args, at + 1, None)?),
            "--events" => count = args::number(args, at + 1, None)?,
            other => return Err(format!("there is no argument called `{other}`").into()),
        }
    }
    let query = query.ok_or("--query is missing, see --help")?;
    if query > queries::LAST {
        return Err(format!("there is no query {query}, only 0 to {}", queries::LAST).into());
    }
    let events = queries::events(count, RATE);

    let start = Instant::now();
    let rows = queries::rows(query, &events)?;
    let took = start.elapsed().as_secs_f64();
    println!("q{query} {rows} rows, {count} events, {took:.3} s");
    Ok(())
}
