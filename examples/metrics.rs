//! A flow whose figures Prometheus can fetch: it reads an endless stream of orders for a second or two, while
//! `http://127.0.0.1:9184/metrics` answers with its counters, then ends and prints what the endpoint said last.
//!
//! ```text
//! cargo run --release --example metrics --features metrics [-- address [items]]
//! ```

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use millstream::{Flow, Metrics};

/// An order of a shop: its product, and what it costs.
fn order(n: u64) -> (u64, u64) {
    (n.wrapping_mul(0x9E37_79B9) % 1000, n % 250)
}

/// What the endpoint answers.
fn fetch(at: SocketAddr) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:9184".to_owned());
    let items = args.next().map_or(Ok(50_000_000), |n| n.parse())?;
    let mut address: SocketAddr = address.parse()?;
    if address.port() == 0 {
        // Any that is free.
        address = TcpListener::bind(address)?.local_addr()?;
    }

    // The recorder for all of the program, and a thread that answers.
    PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets_for_metric(
            metrics_exporter_prometheus::Matcher::Suffix("_ratio".to_owned()),
            &[0.25, 0.5, 0.75, 1.0],
        )?
        .install()?;

    let turnover = Flow::from_range(0..items)
        .flow_name("orders")
        .name("orders")
        .metrics_with(Metrics::new().every(Duration::from_millis(250)))
        .map(order)
        .partition_by(|(product, _)| *product)
        .name("products")
        .stages(2)
        .map(|(_, cents)| cents)
        .sum::<u64>()?;

    let answer = fetch(address)?;
    for line in answer.lines() {
        if line.starts_with("millstream_") && !line.contains("_seconds_bucket") {
            println!("{line}");
        }
    }
    println!("turnover: {turnover}");
    Ok(())
}
