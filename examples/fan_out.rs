//! One producer to three consumers: `fan_out demand|broadcast|partition [N]`, the numbers below N.
//!
//! | HOW | who gets a number |
//! |---|---|
//! | `demand` | whoever has asked for most |
//! | `broadcast` | everybody |
//! | `partition` | the consumer of its remainder by three |

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};

use millstream::stage::dispatch::{Broadcast, PartitionBy};
use millstream::stage::{self, Answer, Consumer, DemandMode, Ended, Next, Subscription, Upstream};

#[path = "common/args.rs"]
mod args;

const CONSUMERS: usize = 3;

/// Counts and adds up what it gets, and reports at the end.
struct Sum {
    consumer: usize,
    count: u64,
    sum: u64,
    report: Sender<(usize, u64, u64)>,
}

impl Consumer for Sum {
    type Event = u64;

    fn handle_events(&mut self, batch: Vec<u64>, _: &Upstream<u64>) -> Answer {
        self.count += batch.len() as u64;
        self.sum += batch.iter().sum::<u64>();
        Ok(Next::Go)
    }

    fn handle_cancel(&mut self, _: &Upstream<u64>, _: &Ended) -> Answer {
        self.report.send((self.consumer, self.count, self.sum))?;
        Ok(Next::Go)
    }
}

fn main() -> ExitCode {
    args::main("fan_out demand|broadcast|partition [N]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let how = args.first().ok_or("argument 1 is missing, see --help")?;
    let n: u64 = args::number(args, 1, Some(10_000))?;

    // Demand is collected until all have subscribed, so that nobody misses the first numbers.
    let numbers = stage::from_iter(0..n)
        .name("numbers")
        .demand(DemandMode::Accumulate);
    let numbers = match how.as_str() {
        "demand" => numbers,
        "broadcast" => numbers.dispatcher(Broadcast::new()),
        "partition" => numbers.dispatcher(PartitionBy::new(CONSUMERS, |n: u64| {
            Some((n, (n % CONSUMERS as u64) as usize))
        })),
        other => return Err(format!("there is no way called `{other}`, see --help").into()),
    };
    let numbers = numbers.start()?;

    let (report, reports) = channel();
    let mut consumers = Vec::new();
    for consumer in 0..CONSUMERS {
        let mut options = Subscription::new().max_demand(100);
        if how == "partition" {
            options = options.partition(consumer);
        }
        let sum = Sum {
            consumer,
            count: 0,
            sum: 0,
            report: report.clone(),
        };
        let sum = stage::consumer(sum).name(format!("sum-{consumer}"));
        consumers.push(sum.subscribe_to(&numbers, options).start()?);
    }
    drop(report);
    numbers.set_demand(DemandMode::Forward)?;

    for consumer in consumers {
        consumer.join()?;
    }
    numbers.join()?;
    let mut reports: Vec<_> = reports.into_iter().collect();
    reports.sort_unstable();
    for (consumer, count, sum) in &reports {
        println!("consumer {consumer}: {count} numbers, sum {sum}");
    }
    let count: u64 = reports.iter().map(|(_, count, _)| count).sum();
    let sum: u64 = reports.iter().map(|(.., sum)| sum).sum();
    println!("all: {count} numbers, sum {sum}");
    Ok(())
}
