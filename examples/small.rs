//! What starting a flow costs: `small [ROUNDS]`, a flow over a thousand items with one boundary on two partitions,
//! beside spawning and joining as many threads that do nothing.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use millstream::Flow;

#[path = "common/args.rs"]
mod args;

const ITEMS: u64 = 1_000;

fn main() -> ExitCode {
    args::main("small [ROUNDS]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let rounds: usize = args::number(args, 0, Some(500))?;
    let flow = || Flow::from_range(0..ITEMS).stages(2).partition().stages(2);
    let threads = flow().plan().threads();

    let (mut flows, mut spawns) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        let start = Instant::now();
        let sum = flow().sum::<u64>()?;
        flows.push(start.elapsed());
        if sum != ITEMS * (ITEMS - 1) / 2 {
            return Err(format!("the items add up to {sum}").into());
        }

        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| ());
            }
        });
        spawns.push(start.elapsed());
    }
    let (flow, spawn) = (median(flows), median(spawns));
    println!(
        "flow {flow:.1?}, {threads} threads alone {spawn:.1?}, ratio {:.2}",
        flow.as_secs_f64() / spawn.as_secs_f64()
    );
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
