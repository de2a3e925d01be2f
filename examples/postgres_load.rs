//! Loads reviews into a table of PostgreSQL: `postgres_load ROWS URL [FILE]`.
//!
//! With FILE the rows go into a file in CSV instead, for `psql` to load with `\copy`. The table `reviews` is written anew.
//! The rows are made before the time is taken.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::time::Instant;

use millstream::Flow;
use millstream::postgres::Postgres;
use reviews::{Review, review};

#[path = "common/args.rs"]
mod args;
#[path = "common/mix.rs"]
mod mix;
#[path = "common/reviews.rs"]
mod reviews;

const CREATE: &str = "DROP TABLE IF EXISTS reviews; \
    CREATE TABLE reviews (\"reviewerId\" int, \"vendorId\" int, rating smallint, date timestamp)";

fn main() -> ExitCode {
    args::main("postgres_load ROWS URL [FILE]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let count: u64 = args::number(args, 0, None)?;
    let url = args.get(1).ok_or("URL is missing, see --help")?;
    let rows: Vec<Review> = (0..count).map(review).collect();
    if let Some(file) = args.get(2) {
        let mut file = BufWriter::new(File::create(file)?);
        for row in &rows {
            let Review {
                reviewer_id,
                vendor_id,
                rating,
                date,
            } = row;
            writeln!(file, "{reviewer_id},{vendor_id},{rating},{date}")?;
        }
        file.flush()?;
        return Ok(());
    }
    for workers in [1, 2] {
        let start = Instant::now();
        let table = Postgres::connect(url).table("reviews").create(CREATE);
        let load = Flow::from_slice(&rows).stages(workers).into_sink(table);
        load.batch(10_000).run()?;
        let seconds = start.elapsed().as_secs_f64();
        let rate = count as f64 / seconds;
        println!("{workers} workers: {seconds:.3} s, {rate:.0} rows a second");
    }
    Ok(())
}
