//! Three producers to one consumer: `fan_in [N]`, the numbers below N by their remainder by three.
//!
//! The consumer has a subscription of its own to each producer, with its own demand; a slow producer holds no other up. It
//! ends when the last of them has.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};

use millstream::BoxError;
use millstream::stage::{
    self, Answer, Asking, Cancel, Consumer, Ended, Next, Reason, Subscription, Upstream,
};

#[path = "common/args.rs"]
mod args;

const PRODUCERS: u64 = 3;

/// What came from each producer: how many, and their sum.
type Sums = BTreeMap<String, (u64, u64)>;

struct Gather {
    open: usize,
    sums: Sums,
    report: Sender<Sums>,
}

impl Consumer for Gather {
    type Event = u64;

    fn handle_subscribe(&mut self, _: &Upstream<u64>) -> Result<Asking, BoxError> {
        self.open += 1;
        Ok(Asking::Automatic)
    }

    fn handle_events(&mut self, batch: Vec<u64>, from: &Upstream<u64>) -> Answer {
        let name = from.producer().name().to_owned();
        let (count, sum) = self.sums.entry(name).or_default();
        *count += batch.len() as u64;
        *sum += batch.iter().sum::<u64>();
        Ok(Next::Go)
    }

    fn handle_cancel(&mut self, _: &Upstream<u64>, _: &Ended) -> Answer {
        self.open -= 1;
        if self.open > 0 {
            return Ok(Next::Go);
        }
        self.report.send(std::mem::take(&mut self.sums))?;
        Ok(Next::Stop(Reason::Normal))
    }
}

fn main() -> ExitCode {
    args::main("fan_in [N]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let n: u64 = args::number(args, 0, Some(10_000))?;
    let (report, sums) = channel();
    let mut producers = Vec::new();
    for rest in 0..PRODUCERS {
        let numbers = (rest..n).step_by(PRODUCERS as usize);
        producers.push(
            stage::from_iter(numbers)
                .name(format!("rest {rest}"))
                .start()?,
        );
    }
    let mut gather = stage::consumer(Gather {
        open: 0,
        sums: Sums::new(),
        report,
    })
    .name("gather");
    for producer in &producers {
        // One that ends well does not end the consumer; one that fails does.
        let options = Subscription::new().cancel(Cancel::Transient);
        gather = gather.subscribe_to(producer, options);
    }
    gather.start()?.join()?;
    for producer in producers {
        producer.join()?;
    }
    let sums = sums.recv()?;
    for (producer, (count, sum)) in &sums {
        println!("{producer}: {count} numbers, sum {sum}");
    }
    let count: u64 = sums.values().map(|(count, _)| count).sum();
    let sum: u64 = sums.values().map(|(_, sum)| sum).sum();
    println!("all: {count} numbers, sum {sum}");
    Ok(())
}
