//! Mean rating per vendor of a CSV file of reviews, in three ways to be measured beside each other:
//! `csv_mean serde|borrowed|crate FILE`.
//!
//! The file has the columns `reviewerId`, `vendorId`, `rating` and `date`. Prints the number of vendors, of reviews, and a
//! checksum of the means, which is the same in each way. `crate` is the `csv` crate with serde on one thread.

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;

use millstream::Flow;
use millstream::csv::{Csv, Record};
use serde::Deserialize;

#[path = "common/args.rs"]
mod args;

/// A row, with a string as rows have them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    #[allow(
        dead_code,
        reason = "it is read as a program would that needs all of a row"
    )]
    reviewer_id: u32,
    vendor_id: u32,
    rating: u32,
    #[allow(dead_code, reason = "as above")]
    date: String,
}

/// The sum of ratings and their number, by vendor.
type Ratings = Vec<(u32, (u64, u64))>;

fn main() -> ExitCode {
    args::main("csv_mean serde|borrowed|crate FILE", |args| {
        let [how, file] = args else {
            return Err("two arguments are needed, see --help".into());
        };
        let ratings = match how.as_str() {
            "serde" => Flow::read(file, Csv::rows::<Review>())
                .aggregate_by(
                    |review| review.vendor_id,
                    |a| (a.sum(|review| u64::from(review.rating)), a.count()),
                )
                .collect_vec()?,
            "borrowed" => Flow::read(file, Csv::map(vendor_and_rating))
                .aggregate_by(|&(vendor, _)| vendor, |a| (a.sum(|row| row.1), a.count()))
                .collect_vec()?,
            "crate" => with_the_crate(file)?,
            other => return Err(format!("there is no way `{other}`, see --help").into()),
        };
        print(ratings);
        Ok(())
    })
}

fn vendor_and_rating(row: &Record<'_>) -> Result<(u32, u64), millstream::Error> {
    Ok((row.parse("vendorId")?, row.parse("rating")?))
}

fn with_the_crate(file: &str) -> Result<Ratings, Box<dyn Error>> {
    let mut ratings: HashMap<u32, (u64, u64)> = HashMap::new();
    for review in csv::Reader::from_path(file)?.deserialize() {
        let review: Review = review?;
        let (sum, count) = ratings.entry(review.vendor_id).or_default();
        *sum += u64::from(review.rating);
        *count += 1;
    }
    Ok(ratings.into_iter().collect())
}

/// The means are added up in the order of the vendors, so that the sum is the same in each way.
fn print(mut ratings: Ratings) {
    ratings.sort_unstable();
    let reviews: u64 = ratings.iter().map(|(_, (_, count))| count).sum();
    let means: f64 = ratings
        .iter()
        .map(|(_, (sum, count))| *sum as f64 / *count as f64)
        .sum();
    println!("{} vendors, {reviews} reviews, {means:.6}", ratings.len());
}
