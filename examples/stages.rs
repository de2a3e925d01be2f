//! What stages cost: `stages HOW [N [BATCHES]]`.
//!
//! | HOW | what | N |
//! |---|---|---|
//! | `stages` | counter, doubler, consumer, with demand for BATCHES of 500; 2 is the default demand | events |
//! | `channel` | the same batches, through two bounded channels between three threads, with room for BATCHES each | events |
//! | `subscriptions` | a stage with N subscriptions that each ask for one event at a time | subscriptions |
//! | `idle` | a producer with N consumers that get nothing: the processor time of a second (Linux) | consumers |

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use millstream::stage::testing::pushed;
use millstream::stage::{
    self, Answer, Consumer, Emit, Ended, Next, Producer, ProducerConsumer, Subscription, Upstream,
};

#[path = "common/args.rs"]
mod args;

/// What half of the default demand is: the size of the batches that stages pass on.
const BATCH: u64 = 500;

fn main() -> ExitCode {
    args::main(
        "stages stages|channel|subscriptions|idle [N [BATCHES]]",
        run,
    )
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let how = args.first().ok_or("argument 1 is missing, see --help")?;
    match how.as_str() {
        "stages" | "channel" => {
            let n: u64 = args::number(args, 1, Some(20_000_000))?;
            let batches: u32 = args::number(args, 2, Some(2))?;
            let start = Instant::now();
            let sum = match how.as_str() {
                "stages" => stages(n, batches)?,
                _ => channels(n, batches)?,
            };
            let took = start.elapsed().as_secs_f64();
            let speed = n as f64 / took / 1e6;
            println!("{how} {sum} {took:.3} s, {speed:.1} M events a second");
        }
        "subscriptions" => {
            let n: usize = args::number(args, 1, Some(10_000))?;
            let (asks, took) = subscriptions(n)?;
            let each = took.as_nanos() as f64 / asks as f64;
            println!("subscriptions {n}: {asks} asks, {each:.0} ns an ask and its event");
        }
        "idle" => {
            let n: usize = args::number(args, 1, Some(1_000))?;
            let ticks = idle(n)?;
            println!("idle {n}: {ticks} ticks of the processor in a second");
        }
        other => return Err(format!("there is no way called `{other}`, see --help").into()),
    }
    Ok(())
}

/// Counts up to a number.
struct Counter {
    next: u64,
    end: u64,
}

impl Producer for Counter {
    type Event = u64;

    fn handle_demand(&mut self, n: usize, out: &mut Emit<u64>) -> Answer {
        let end = self.end.min(self.next + n as u64);
        out.extend(self.next..end);
        self.next = end;
        Ok(match self.next == self.end {
            true => Next::Done,
            false => Next::Go,
        })
    }
}

struct Doubler;

impl ProducerConsumer for Doubler {
    type In = u64;
    type Out = u64;

    fn handle_events(&mut self, batch: Vec<u64>, _: &Upstream<u64>, out: &mut Emit<u64>) -> Answer {
        out.extend(batch.into_iter().map(|n| n * 2));
        Ok(Next::Go)
    }
}

/// Adds up what it gets.
struct Sum {
    sum: u64,
    report: Sender<u64>,
}

impl Consumer for Sum {
    type Event = u64;

    fn handle_events(&mut self, batch: Vec<u64>, _: &Upstream<u64>) -> Answer {
        self.sum += batch.iter().sum::<u64>();
        Ok(Next::Go)
    }

    fn handle_cancel(&mut self, _: &Upstream<u64>, _: &Ended) -> Answer {
        self.report.send(self.sum)?;
        Ok(Next::Go)
    }
}

fn stages(n: u64, batches: u32) -> Result<u64, Box<dyn Error>> {
    let (report, sum) = channel();
    let most = BATCH * u64::from(batches);
    let demand = Subscription::new()
        .max_demand(most)
        .min_demand(most.saturating_sub(BATCH));
    let counter = stage::producer(Counter { next: 0, end: n }).start()?;
    let doubler = stage::producer_consumer(Doubler)
        .subscribe_to(&counter, demand.clone())
        .start()?;
    let consumer = stage::consumer(Sum { sum: 0, report })
        .subscribe_to(&doubler, demand)
        .start()?;
    consumer.join()?;
    Ok(sum.recv()?)
}

/// As many batches under way as with that demand.
fn channels(n: u64, batches: u32) -> Result<u64, Box<dyn Error>> {
    let room = batches as usize;
    let (numbers, counted) = bounded::<Vec<u64>>(room);
    let (doubles, doubled) = bounded::<Vec<u64>>(room);
    let counter = thread::spawn(move || {
        for start in (0..n).step_by(BATCH as usize) {
            let end = n.min(start + BATCH);
            if numbers.send((start..end).collect()).is_err() {
                break;
            }
        }
    });
    let doubler = thread::spawn(move || {
        for batch in counted {
            // Into new memory, as with stages: theirs may be of another type.
            let mut out = Vec::with_capacity(black_box(batch.len()));
            out.extend(batch.iter().map(|n| n * 2));
            if doubles.send(out).is_err() {
                break;
            }
        }
    });
    let sum = doubled.iter().map(|batch| batch.iter().sum::<u64>()).sum();
    for thread in [counter, doubler] {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    Ok(sum)
}

/// A million events through so many subscriptions, each of which asks for one at a time.
fn subscriptions(n: usize) -> Result<(usize, Duration), Box<dyn Error>> {
    const ASKS: usize = 1_000_000;
    let numbers = stage::from_iter(0..).start()?;
    let one = Subscription::new().max_demand(1).min_demand(0);
    let mut events = stage::stream((0..n).map(|_| (&numbers, one.clone())))?;
    // Once all have subscribed and got their first.
    for event in events.by_ref().take(n) {
        let _: i64 = event?;
    }
    let start = Instant::now();
    for event in events.by_ref().take(ASKS) {
        event?;
    }
    let took = start.elapsed();
    drop(events);
    numbers.stop()?;
    Ok((ASKS, took))
}

/// What so many consumers of a producer that has nothing use of the processor in a second.
fn idle(n: usize) -> Result<u64, Box<dyn Error>> {
    let producer = pushed::<u64>().start()?;
    let consumers = (0..n)
        .map(|_| {
            let consumer = stage::for_each(|n: u64| {
                black_box(n);
            });
            consumer
                .subscribe_to(&producer, Subscription::new())
                .start()
        })
        .collect::<Result<Vec<_>, _>>()?;
    // Until the last ask has arrived.
    producer.demanded()?;
    let before = ticks()?;
    thread::sleep(Duration::from_secs(1));
    let used = ticks()? - before;
    drop(consumers);
    producer.stop()?;
    Ok(used)
}

/// The processor time of this process so far, of its own and in the system, in ticks (of 10 ms, nearly everywhere).
fn ticks() -> Result<u64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")
        .map_err(|error| format!("the processor time is known on Linux only: {error}"))?;
    // Behind the name, which is in parentheses: the twelfth and thirteenth field.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?;
    let times = fields.split_whitespace().skip(11).take(2);
    Ok(times.map(str::parse::<u64>).sum::<Result<u64, _>>()?)
}
