//! Extract, transform, load: `etl_reviews [CSV …] [--out FILE]`, reviews into the statistics of each vendor and month, as Parquet.
//!
//! The files have the columns `reviewerId,vendorId,rating,date`, compressed or not. A row of the result has the number of
//! ratings of a vendor in a month, their mean, the lowest and the highest. Rows that cannot be read are counted and left
//! out. Without `--out` the result goes to a temporary file, which is read for the report and removed.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use millstream::csv::{Csv, Record};
use millstream::parquet::{Parquet, ParquetFile};
use millstream::read::Files;
use millstream::{BoxError, Flow, Observer, Skip, StageReport, Validation};
use serde::{Deserialize, Serialize};

#[path = "common/args.rs"]
mod args;

const REVIEWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/reviews.csv");

const USAGE: &str = "etl_reviews [CSV …] [--out FILE]";

/// What is needed of a review.
#[derive(Debug)]
struct Review {
    vendor: u32,
    /// Months since the year 0.
    month: u32,
    rating: u8,
}

impl Review {
    fn of(row: &Record<'_>) -> Result<Review, BoxError> {
        let date = row.name("date").unwrap_or_default();
        let (year, rest) = date.split_once('-').ok_or("no date such as 2006-04-07")?;
        let month: u32 = rest.get(..2).unwrap_or_default().parse()?;
        Ok(Review {
            vendor: row.parse("vendorId")?,
            month: year.parse::<u32>()? * 12 + month.checked_sub(1).ok_or("months begin at 1")?,
            rating: row.parse("rating")?,
        })
    }
}

/// A row of the result.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Statistics {
    vendor: u32,
    /// As `2006-04`.
    month: String,
    ratings: u64,
    mean: f64,
    lowest: u8,
    highest: u8,
}

fn load(files: Vec<String>, out: &Path) -> Result<Observer, millstream::Error> {
    let observer = Observer::new();
    let rules = Validation::new().rule("rating in 1..=5", |review: &Review| {
        (1..=5).contains(&review.rating)
    });
    Flow::read(Files::from(files), Csv::map(Review::of))
        .on_error(Skip)
        .name("read")
        .observe(&observer)
        .progress()
        .validate(rules)
        .on_error(Skip)
        .aggregate_by(
            |review| (review.vendor, review.month),
            |of| {
                (
                    of.count(),
                    of.mean(|review| f64::from(review.rating)),
                    of.min(|review| review.rating),
                    of.max(|review| review.rating),
                )
            },
        )
        .name("statistics")
        .map(
            |((vendor, month), (ratings, mean, lowest, highest))| Statistics {
                vendor,
                month: format!("{:04}-{:02}", month / 12, month % 12 + 1),
                ratings,
                mean,
                lowest,
                highest,
            },
        )
        .into_sink(ParquetFile::new(out).columns_of::<Statistics>())
        .run()?;
    Ok(observer)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let mut args = args.to_vec();
    let folder = tempfile::tempdir()?;
    let out = match args.iter().position(|arg| arg == "--out") {
        Some(at) if at + 1 < args.len() => {
            args.remove(at);
            PathBuf::from(args.remove(at))
        }
        Some(_) => return Err("--out needs a file, see --help".into()),
        None => folder.path().join("statistics.parquet"),
    };
    if args.is_empty() {
        args.push(REVIEWS.to_owned());
    }
    let report = load(args, &out)?.report().unwrap_or_default();
    println!(
        "reviews read    {:>8}",
        report.stages().first().map_or(0, StageReport::items_in)
    );
    for (rule, rows) in report.rejected() {
        println!("  rejected      {rows:>8}  by `{rule}`");
    }
    println!(
        "rows written    {:>8}",
        report.stages().last().map_or(0, StageReport::items_out)
    );

    // The file is read again, so what is printed is in it.
    let rows = Flow::from_source(Parquet::open(&out).rows::<Statistics>());
    println!("most rated");
    for row in rows
        .take_top_by_key(5, |row| (row.ratings, row.vendor))
        .collect_vec()?
        .concat()
    {
        println!(
            "  vendor {:>5} in {}: {:.2} of {} ratings",
            row.vendor, row.month, row.mean, row.ratings
        );
    }
    Ok(())
}

fn main() -> ExitCode {
    args::main(USAGE, run)
}
