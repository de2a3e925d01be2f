//! What an item costs: `items HOW N`, N items through a flow, checked by their sum.
//!
//! | HOW | source | work an item |
//! |---|---|---|
//! | `fuse` | a range | a multiplication and a filter |
//! | `mix` | a range | a few nanoseconds and a filter |
//! | `serial` | an iterator that must be taken from one after the other | a few nanoseconds |
//! | `heavy` | the same | about a microsecond |
//! | `sleep_iter` | the same | 10 ms of waiting, on two workers |
//! | `sleep_shuffle` | the same, handed on by a shuffle | 10 ms of waiting, on two workers |

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use millstream::Flow;

#[path = "common/args.rs"]
mod args;
#[path = "common/mix.rs"]
mod mix;
use mix::mix;

fn main() -> ExitCode {
    args::main(
        "items fuse|mix|serial|heavy|sleep_iter|sleep_shuffle N",
        run,
    )
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let how = args.first().ok_or("argument 1 is missing, see --help")?;
    let n: u64 = args::number(args, 1, None)?;
    let add = u64::wrapping_add;
    let serial = (0..n).map(black_box);

    let start = Instant::now();
    let sum = match how.as_str() {
        "fuse" => Flow::from_range(0..n)
            .map(|x| x * 3)
            .filter(|x| x % 2 == 0)
            .fold(|| 0, add, add)?,
        "mix" => Flow::from_range(0..n)
            .map(mix)
            .filter(|x| x % 2 == 0)
            .fold(|| 0, add, add)?,
        "serial" => Flow::from_iter(serial).map(mix).fold(|| 0, add, add)?,
        "heavy" => Flow::from_iter(serial).map(heavy).fold(|| 0, add, add)?,
        "sleep_iter" => Flow::from_iter(serial)
            .stages(2)
            .map(sleepy)
            .fold(|| 0, add, add)?,
        "sleep_shuffle" => Flow::from_iter(serial)
            .shuffle()
            .stages(2)
            .map(sleepy)
            .fold(|| 0, add, add)?,
        other => return Err(format!("there is no way called `{other}`").into()),
    };
    let took = start.elapsed().as_secs_f64();
    let each = took * 1e9 / n as f64;
    println!("{how} {sum} {took:.3} s, {each:.2} ns an item");
    Ok(())
}

fn heavy(x: u64) -> u64 {
    (0..200).fold(x, |a, _| mix(a))
}

/// A call that waits, as one to a slow service does.
fn sleepy(x: u64) -> u64 {
    std::thread::sleep(Duration::from_millis(10));
    x
}
