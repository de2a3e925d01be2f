//! A flow to look at in the browser while it runs: a source that is faster than the rest, a stage that is too slow and blocks it, rows
//! that are rejected, and a reduction. Beside it demand-driven stages: a sensor whose readings go to two consumers, one of them slow.
//!
//! ```text
//! cargo run --features dashboard --example dashboard -- [seconds] [address]
//! ```
//!
//! It prints where to look, runs for so many seconds (20), and leaves the page there for as long again.

use std::thread;
use std::time::{Duration, Instant};

use millstream::stage::dispatch::Broadcast;
use millstream::stage::{self, DemandMode, Graph, Next, Subscription};
use millstream::{Dashboard, Flow, Skip};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(20), |n| n.parse())?;
    let address = arguments.next().unwrap_or("127.0.0.1:0".to_owned());
    let time = Duration::from_secs(seconds);

    let dashboard = Dashboard::bind(address)?;
    println!("{}", dashboard.url());

    let small = Flow::from_range(0..200_000u64)
        .flow_name("warming up")
        .show_on(&dashboard)
        .count_by(|n| n % 100)
        .count()?;
    println!("warmed up with {small} keys");

    let sensors = Graph::new("sensors");
    dashboard.show_stages(&sensors);
    let readings = stage::from_iter((0..).map(|n| (n % 7, n % 90)))
        .name("readings")
        .dispatcher(Broadcast::new())
        .demand(DemandMode::Accumulate)
        .graph(&sensors)
        .start()?;
    let smooth = stage::map_events(|(sensor, degrees): (u64, u64)| (sensor, degrees / 2))
        .name("smooth")
        .subscribe_to(&readings, Subscription::new())
        .graph(&sensors)
        .start()?;
    let store = stage::for_each_batch(|readings: Vec<(u64, u64)>| {
        thread::sleep(Duration::from_micros(20 * readings.len() as u64));
        Ok(Next::Go)
    });
    let _store = store
        .name("store")
        .subscribe_to(&smooth, Subscription::new().max_demand(200))
        .graph(&sensors)
        .start()?;
    let alarm = stage::for_each(|(_, degrees): (u64, u64)| assert!(degrees < 100));
    let _alarm = alarm
        .name("alarm")
        .subscribe_to(&readings, Subscription::new())
        .graph(&sensors)
        .start()?;
    readings.set_demand(DemandMode::Forward)?;

    let until = Instant::now() + time;
    let orders = (0u64..).take_while(move |_| Instant::now() < until);
    let totals = Flow::from_iter(orders)
        .name("orders")
        .flow_name("orders by customer")
        .show_on(&dashboard)
        .try_map(|n| match n % 97 {
            0 => Err(format!("order {n} has no customer")),
            _ => Ok((n % 1_000, n)),
        })
        .on_error(Skip)
        .partition()
        .stages(2)
        .batch(64)
        .name("prices")
        .map(|(customer, n)| {
            // A price is asked for elsewhere, which takes its time; the more so in every other quarter of a minute.
            let slow = if n / 20_000 % 2 == 0 { 100 } else { 300 };
            thread::sleep(Duration::from_micros(slow));
            (customer, n % 50)
        })
        .sum_by(|(customer, _)| *customer, |(_, price)| *price)
        .stages(2)
        .name("totals")
        .count()?;
    println!("{totals} customers; the page is there for {seconds} more seconds");
    thread::sleep(time);
    Ok(())
}
