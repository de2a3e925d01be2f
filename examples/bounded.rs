//! How much can be under way: `bounded [HOW] [ITEMS]`, an endless source into a sink that takes 1 ms an item.
//!
//! HOW is `source` (the default) or `expand`, where each item of the source becomes a thousand. The program stops
//! itself after ITEMS items, and compares the most items that were in flight with the bound that `explain` printed.

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use millstream::{Flow, StopToken};

#[path = "common/args.rs"]
mod args;

/// Items that were made and not yet done with.
#[derive(Default)]
struct InFlight {
    now: AtomicU64,
    most: AtomicU64,
    done: AtomicU64,
}

fn main() -> ExitCode {
    args::main("bounded [source|expand] [ITEMS]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let how = args.first().map_or("source", String::as_str);
    let items: u64 = args::number(args, 1, Some(2_000))?;
    let seen = InFlight::default();

    let enter = |_: &u64| seen.enter();
    let shuffled = match how {
        "source" => Flow::from_iter(0..).inspect(enter).shuffle(),
        "expand" => Flow::from_iter(0..)
            .flat_map(|i: u64| (0..1_000).map(move |j| i * 1_000 + j))
            .inspect(enter)
            .shuffle(),
        other => return Err(format!("there is no way called `{other}`").into()),
    };
    let token = StopToken::new();
    let flow = shuffled.stages(2).batch(64).buffer(2).stop_token(&token);
    let bound = flow.plan().most_in_flight();
    println!("{}", flow.explain());

    let ended = flow.for_each(|_| {
        std::thread::sleep(Duration::from_millis(1));
        if seen.leave() == items {
            token.stop();
        }
    });
    match ended {
        Err(error) if error.is_stopped() => {}
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("an endless flow came to an end".into()),
    }
    let most = seen.most.load(Relaxed);
    println!("in flight at the most: {most}");
    if most > bound {
        return Err(format!("{most} items were in flight, and {bound} is the bound").into());
    }
    Ok(())
}

impl InFlight {
    fn enter(&self) {
        let now = self.now.fetch_add(1, Relaxed) + 1;
        self.most.fetch_max(now, Relaxed);
    }

    /// Counts an item out, and says how many are out.
    fn leave(&self) -> u64 {
        self.now.fetch_sub(1, Relaxed);
        self.done.fetch_add(1, Relaxed) + 1
    }
}
