//! The One Billion Row Challenge: `one_brc FILE`, a file of rows such as `Abha;-23.0`.
//!
//! Prints each station's lowest, mean and highest temperature, `{Abha=-23.0/18.0/59.2, …}`, sorted by name.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use millstream::{Flow, Text};

const USAGE: &str = "usage: one_brc FILE";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("one_brc: {error}");
            ExitCode::FAILURE
        }
    }
}

#[allow(unsafe_code)] // mapping a file is a promise: see `Text::map`
fn run() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let file = match args.as_slice() {
        [arg] if arg == "-h" || arg == "--help" => {
            println!("{USAGE}");
            return Ok(());
        }
        [file] => file,
        _ => return Err(USAGE.into()),
    };

    // SAFETY: nobody writes to the file while this program runs.
    let text = unsafe { Text::map(file)? };
    let stations = Flow::from_byte_lines(&text)
        .try_map(parse)
        .aggregate_by(
            |&(station, _)| station,
            |a| (a.min(|m| m.1), a.sum(|m| m.1), a.count(), a.max(|m| m.1)),
        )
        .sorted_by_key(|&(station, _)| station)?;

    let names: Vec<&str> = stations
        .iter()
        .map(|&(station, _)| name(station))
        .collect::<Result<_, _>>()?;

    let mut out = std::io::stdout().lock();
    write!(out, "{{")?;
    for (i, (station, (_, (min, sum, count, max)))) in names.into_iter().zip(stations).enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        let (min, mean, max) = (Tenths(min), Tenths(mean(sum, count)), Tenths(max));
        write!(out, "{comma}{station}={min}/{mean}/{max}")?;
    }
    writeln!(out, "}}")?;
    Ok(())
}

/// The rows are read as bytes; only the few names are ever text.
fn name(station: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(station).map_err(|_| {
        format!(
            "the name {:?} is not UTF-8",
            String::from_utf8_lossy(station)
        )
    })
}

/// Takes `Abha;-23.0` apart, into the station and tenths of a degree.
fn parse(line: &[u8]) -> Result<(&[u8], i64), String> {
    let Some(end) = line.iter().position(|&byte| byte == b';') else {
        let line = String::from_utf8_lossy(line);
        return Err(format!("expected `station;temperature`, found {line:?}"));
    };
    let (station, temperature) = (&line[..end], &line[end + 1..]);
    if station.is_empty() || station.len() > 100 {
        return Err(format!("a station's name has 1 to 100 bytes, not {end}"));
    }
    let tenths = tenths(temperature).ok_or_else(|| {
        let temperature = String::from_utf8_lossy(temperature);
        format!("expected a temperature such as -12.3, found {temperature:?}")
    })?;
    Ok((station, tenths))
}

/// Reads one or two digits, a point, and one digit, with or without a minus.
fn tenths(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let (tens, ones, tenths) = match *digits {
        [ones, b'.', tenths] => (b'0', ones, tenths),
        [tens, ones, b'.', tenths] => (tens, ones, tenths),
        _ => return None,
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(sign * (digit(tens)? * 100 + digit(ones)? * 10 + digit(tenths)?))
}

/// The mean of whole numbers, rounded to the nearest; a half goes up, toward positive.
fn mean(sum: i64, count: u64) -> i64 {
    let count = count as i64;
    (2 * sum + count).div_euclid(2 * count)
}

/// Tenths of a degree, shown with one decimal.
struct Tenths(i64);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        write!(f, "{sign}{}.{}", size / 10, size % 10)
    }
}
