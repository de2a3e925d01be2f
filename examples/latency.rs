//! How late an item arrives: `latency [SECONDS] [LINGER_MS]`, a hundred items a second through a boundary whose
//! batches linger.
//!
//! The items come from a channel, each with the time it was sent; the flow measures how old they are when they
//! leave the boundary. A batch is never full at this rate, so the linger is what each item waits for.

use std::error::Error;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use millstream::Flow;

#[path = "common/args.rs"]
mod args;

fn main() -> ExitCode {
    args::main("latency [SECONDS] [LINGER_MS]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let seconds: u64 = args::number(args, 0, Some(10))?;
    let linger: u64 = args::number(args, 1, Some(5))?;
    let (sender, receiver) = crossbeam_channel::bounded(100);
    thread::spawn(move || {
        for _ in 0..seconds.max(1) * 100 {
            thread::sleep(Duration::from_millis(10));
            if sender.send(Instant::now()).is_err() {
                break;
            }
        }
    });

    let mut late: Vec<Duration> = Flow::from_receiver(receiver)
        .shuffle()
        .stages(2)
        .linger(Duration::from_millis(linger))
        .map(|sent: Instant| sent.elapsed())
        .collect_vec()?;
    late.sort_unstable();
    let at = |percent: usize| late[(late.len() - 1) * percent / 100];
    println!(
        "linger {linger} ms: {} items, median {:.2?}, 99th percentile {:.2?}, latest {:.2?}",
        late.len(),
        at(50),
        at(99),
        at(100)
    );
    Ok(())
}
