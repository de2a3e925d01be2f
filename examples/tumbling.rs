//! Counts by key over windows of a second: `tumbling HOW EVENTS KEYS`.
//!
//! HOW is `plain` (no windows), `pairs` (no windows, but second and key as the key), `windows` (events in the order of time,
//! 200 windows) or `late` (one in twenty up to ten seconds late, and that much allowed). Only the flow is timed, not the
//! making of the events.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use millstream::{Flow, Window};

#[path = "common/args.rs"]
mod args;
#[path = "common/mix.rs"]
mod mix;
use mix::mix;

fn main() -> ExitCode {
    args::main("tumbling plain|pairs|windows|late EVENTS KEYS", run)
}

struct Event {
    at: i64,
    key: u64,
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let how = args.first().map_or("windows", String::as_str);
    let count: u64 = args::number(args, 1, Some(1_000_000))?;
    let keys: u64 = args::number(args, 2, Some(10_000))?;
    if count == 0 || keys == 0 {
        return Err("EVENTS and KEYS must be at least 1".into());
    }
    let late = how == "late";
    let event = |n: u64| {
        let dice = mix(n);
        let behind = if late && dice % 20 == 0 {
            dice % 10_000
        } else {
            0
        };
        Event {
            at: (n * 200_000 / count) as i64 - behind as i64,
            key: (dice >> 32) % keys,
        }
    };
    let events: Vec<Event> = (0..count).map(event).collect();

    let start = Instant::now();
    let flow = Flow::from_slice(&events);
    let window = Window::fixed(Duration::from_secs(1));
    let rows = |sum: (u64, u64), count: u64| (sum.0 + 1, sum.1 + count);
    let both = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1 + b.1);
    let (rows, total) = match how {
        "plain" => flow
            .count_by(|e| e.key)
            .fold(|| (0, 0), |sum, row| rows(sum, row.1), both)?,
        "pairs" => flow.count_by(|e| (e.at.div_euclid(1000), e.key)).fold(
            || (0, 0),
            |sum, row| rows(sum, row.1),
            both,
        )?,
        "windows" => flow.window_by(window, |e| e.at).count_by(|e| e.key).fold(
            || (0, 0),
            |sum, row| rows(sum, row.2),
            both,
        )?,
        "late" => flow
            .window_by(window.allowed_lateness(Duration::from_secs(10)), |e| e.at)
            .count_by(|e| e.key)
            .fold(|| (0, 0), |sum, row| rows(sum, row.2), both)?,
        other => return Err(format!("there is no way called `{other}`").into()),
    };
    let took = start.elapsed().as_secs_f64();
    println!("{how} {rows} rows, {total} events, {took:.3} s");
    Ok(())
}
