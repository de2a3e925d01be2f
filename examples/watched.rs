//! Word count with all that can look at a run, to see what looking costs: `watched plain|all [FILE...]`, of a novel in this repository
//! when no file is named.
//!
//! ```text
//! cargo run --release --features dashboard,progress,tracing --example watched -- all
//! ```
//!
//! `all` has a subscriber of `tracing` that writes down what is said at INFO and above, draws a progress bar on a terminal in memory, and serves a
//! dashboard, where a reader stays connected. Both print the most frequent words; `all` also what was seen of the run, on the standard error.

use std::cmp::Reverse;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use indicatif::{InMemoryTerm, ProgressDrawTarget};
use millstream::{Dashboard, Flow, Progress, Text};
use tracing_subscriber::filter::LevelFilter;

const NOVEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/noli.txt");

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let how = arguments.next().unwrap_or_default();
    let mut files: Vec<String> = arguments.collect();
    if files.is_empty() {
        files.push(NOVEL.to_owned());
    }
    match how.as_str() {
        "plain" => print(count(&files, None)?),
        "all" => all(&files),
        _ => Err("usage: watched plain|all [FILE...]".into()),
    }
}

/// Counts with everything on.
fn all(files: &[String]) -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let terminal = InMemoryTerm::new(4, 100);
    let dashboard = Dashboard::bind("127.0.0.1:0")?;
    let address = dashboard.address();
    let reader = thread::spawn(move || read_events(address));

    let watched = Watched {
        dashboard: &dashboard,
        terminal: terminal.clone(),
    };
    let words = count(files, Some(watched))?;
    drop(dashboard);
    let seen = reader.join().map_err(|_| "the reader panicked")??;
    print(words)?;
    let log = log.0.lock().map_err(|_| "the log is broken")?;
    eprintln!(
        "{}\n{} lines of log, {seen} bytes of events",
        terminal.contents(),
        log.iter().filter(|&&byte| byte == b'\n').count()
    );
    Ok(())
}

/// Those that look at a run, beside the subscriber.
struct Watched<'d> {
    dashboard: &'d Dashboard,
    terminal: InMemoryTerm,
}

/// How often each word comes, the most frequent first.
fn count(
    files: &[String],
    watched: Option<Watched<'_>>,
) -> Result<Vec<(String, u64)>, millstream::Error> {
    let text = Text::open_all(files)?;
    let mut flow = Flow::from_lines(&text).flow_name("words");
    if let Some(watched) = watched {
        let target = ProgressDrawTarget::term_like(Box::new(watched.terminal));
        flow = flow
            .show_on(watched.dashboard)
            .progress_with(Progress::new().to(target));
    }
    let mut counts: Vec<(&str, u64)> = flow
        .flat_map(|line| line.split_whitespace())
        .count_by(|word| *word)
        .collect_vec()?;
    let top = counts.len().min(10);
    if top < counts.len() {
        counts.select_nth_unstable_by_key(top, |&(word, count)| (Reverse(count), word));
    }
    counts.truncate(top);
    counts.sort_unstable_by_key(|&(word, count)| (Reverse(count), word));
    let counts = counts.into_iter();
    Ok(counts
        .map(|(word, count)| (word.to_owned(), count))
        .collect())
}

fn print(words: Vec<(String, u64)>) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    for (word, count) in words {
        writeln!(out, "{count}\t{word}")?;
    }
    Ok(())
}

/// Stays connected to a dashboard until it is gone, as a page in a browser does; how many bytes came.
fn read_events(address: SocketAddr) -> io::Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
    let mut events = Vec::new();
    stream.read_to_end(&mut events)?;
    Ok(events.len())
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
        log.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
