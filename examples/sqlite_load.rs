//! Loads reviews into a table of SQLite: `sqlite_load ROWS FILE [HOW]`.
//!
//! HOW is `flow` (the default), or `bare`: one prepared insertion in one transaction, without this crate. The rows are made
//! before the time is taken. The file is written anew.

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use millstream::Flow;
use millstream::sqlite::Sqlite;
use rusqlite::{Connection, params};

#[path = "common/args.rs"]
mod args;
#[path = "common/mix.rs"]
mod mix;
#[path = "common/reviews.rs"]
mod reviews;
use reviews::{Review, review};

const CREATE: &str =
    "CREATE TABLE reviews (reviewerId INTEGER, vendorId INTEGER, rating INTEGER, date TEXT)";

fn main() -> ExitCode {
    args::main("sqlite_load ROWS FILE [flow|bare]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let count: u64 = args::number(args, 0, None)?;
    let file = args.get(1).ok_or("FILE is missing, see --help")?;
    let how = args.get(2).map_or("flow", String::as_str);
    if fs::exists(file)? {
        fs::remove_file(file)?;
    }
    let rows: Vec<Review> = (0..count).map(review).collect();

    let start = Instant::now();
    match how {
        "flow" => {
            let table = Sqlite::open(file).table("reviews").create(CREATE);
            Flow::from_slice(&rows)
                .into_sink(table)
                .batch(10_000)
                .run()?;
        }
        "bare" => {
            let mut connection = Connection::open(file)?;
            connection.execute_batch(CREATE)?;
            let transaction = connection.transaction()?;
            let mut insert = transaction.prepare("INSERT INTO reviews VALUES (?, ?, ?, ?)")?;
            for row in &rows {
                insert.execute(params![
                    row.reviewer_id,
                    row.vendor_id,
                    row.rating,
                    row.date
                ])?;
            }
            drop(insert);
            transaction.commit()?;
        }
        _ => return Err(format!("there is no way `{how}`, see --help").into()),
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{how}: {seconds:.3} s, {:.0} rows a second",
        count as f64 / seconds
    );

    let sum: i64 =
        Connection::open(file)?
            .query_row("SELECT sum(reviewerId) FROM reviews", (), |row| row.get(0))?;
    let expected: i64 = rows.iter().map(|row| i64::from(row.reviewer_id)).sum();
    if sum != expected {
        return Err(format!("the sum in the table is {sum}, not {expected}").into());
    }
    Ok(())
}
