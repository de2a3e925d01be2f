//! A flow between the tasks of tokio: `tokio [NUMBERS]`. A task sends numbers into a channel, the flow factors them on
//! threads of its own, and another task takes what comes out, as a stream.
//!
//! The runtime has one thread, which never waits for the flow; while the flow is busy, the channel holds the sender back.

use std::collections::BTreeMap;
use std::error::Error;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Poll};

use futures_core::Stream;
use millstream::Flow;
use tokio::sync::mpsc;

#[path = "common/args.rs"]
mod args;

/// A channel as a stream: what `ReceiverStream` of the crate `tokio-stream` is.
struct Incoming(mpsc::Receiver<u64>);

impl Stream for Incoming {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<u64>> {
        self.0.poll_recv(task)
    }
}

fn main() -> ExitCode {
    args::main("tokio [NUMBERS]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let numbers: u64 = args::number(args, 0, Some(10_000))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (sender, receiver) = mpsc::channel(100);
        let sending = tokio::spawn(async move {
            for n in 2..numbers.saturating_add(2) {
                if sender.send(n).await.is_err() {
                    break;
                }
            }
        });
        let mut factored = Flow::from_stream(Incoming(receiver))
            .map(factors)
            .into_stream();
        let mut by_number: BTreeMap<usize, u64> = BTreeMap::new();
        while let Some(factors) = factored.next().await {
            *by_number.entry(factors?.len()).or_default() += 1;
        }
        sending.await?;
        for (factors, numbers) in by_number {
            println!("{factors}\t{numbers}");
        }
        Ok(())
    })
}

/// The prime factors of a number.
fn factors(mut n: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut by = 2;
    while by <= n / by {
        while n % by == 0 {
            found.push(by);
            n /= by;
        }
        by += 1;
    }
    found.extend((n > 1).then_some(n));
    found
}
