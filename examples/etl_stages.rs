//! Extract, transform, load: `etl_stages [LOG [OUT]]`, requests of a log into a table, as three stages subscribed by hand.
//!
//! ```text
//!  ingest (lines) ──▶ transform (parse, convert) ──▶ load (a file)
//! ```
//!
//! A line is `TIME ADDRESS METHOD PATH STATUS BYTES SECONDS`; the table has one row a request, with the time taken in
//! milliseconds. Empty lines and comments (`# …`) are left out, and lines that are no request are counted by what is wrong with them.
//! The table takes its name when it is whole: a run that fails leaves no half of one.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};

use millstream::stage::{
    self, Answer, Consumer, Emit, Ended, Next, Producer, ProducerConsumer, Subscription, Upstream,
};

#[path = "common/args.rs"]
mod args;

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/requests.log");

/// Reads lines as they are asked for.
struct Ingest {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
    number: u64,
}

/// A line and its number.
type Line = (u64, String);

impl Producer for Ingest {
    type Event = Line;

    fn handle_demand(&mut self, n: usize, out: &mut Emit<Line>) -> Answer {
        for _ in 0..n {
            self.number += 1;
            match self.lines.next() {
                Some(Ok(line)) => out.push((self.number, line)),
                Some(Err(error)) => {
                    let (path, number) = (self.path.display(), self.number);
                    return Err(format!("{path}, line {number}: {error}").into());
                }
                None => return Ok(Next::Done),
            }
        }
        Ok(Next::Go)
    }
}

/// A row of the table, or what is wrong with a line.
type Row = Result<String, &'static str>;

/// Makes rows of lines.
struct Transform;

impl ProducerConsumer for Transform {
    type In = Line;
    type Out = Row;

    fn handle_events(
        &mut self,
        batch: Vec<Line>,
        _: &Upstream<Line>,
        out: &mut Emit<Row>,
    ) -> Answer {
        let requests = batch.iter().filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        });
        out.extend(requests.map(|(number, line)| row(*number, line)));
        Ok(Next::Go)
    }
}

fn row(number: u64, line: &str) -> Row {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [time, _address, method, path, status, bytes, seconds] = fields[..] else {
        return Err("not seven fields");
    };
    let status: u16 = status.parse().map_err(|_| "a status that is no number")?;
    let bytes: u64 = match bytes {
        "-" => 0,
        bytes => bytes.parse().map_err(|_| "a size that is no number")?,
    };
    let seconds: f64 = seconds.parse().map_err(|_| "a time that is no number")?;
    let path = path.split('?').next().unwrap_or(path).replace('"', "\"\"");
    let ms = seconds * 1_000.0;
    Ok(format!(
        "{number},{time},{method},\"{path}\",{status},{bytes},{ms:.0}"
    ))
}

/// Writes rows, and counts what was no row.
struct Load {
    table: BufWriter<File>,
    loaded: Loaded,
    report: Sender<Loaded>,
}

#[derive(Default)]
struct Loaded {
    rows: u64,
    rejected: BTreeMap<&'static str, u64>,
}

impl Consumer for Load {
    type Event = Row;

    fn handle_events(&mut self, batch: Vec<Row>, _: &Upstream<Row>) -> Answer {
        for row in batch {
            match row {
                Ok(row) => {
                    writeln!(self.table, "{row}")?;
                    self.loaded.rows += 1;
                }
                Err(wrong) => *self.loaded.rejected.entry(wrong).or_default() += 1,
            }
        }
        Ok(Next::Go)
    }

    /// There are no more rows: the last of them go to the file.
    fn handle_cancel(&mut self, _: &Upstream<Row>, ended: &Ended) -> Answer {
        if ended.reason().is_good() {
            self.table.flush()?;
            self.report.send(std::mem::take(&mut self.loaded))?;
        }
        Ok(Next::Go)
    }
}

fn main() -> ExitCode {
    args::main("etl_stages [LOG [OUT]]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let log = PathBuf::from(args.first().map_or(LOG, String::as_str));
    let out = PathBuf::from(args.get(1).map_or("requests.csv", String::as_str));
    let mut half = out.clone().into_os_string();
    half.push(".half");
    let half = PathBuf::from(half);
    let loaded = load(&log, &half).inspect_err(|_| {
        // There may be none yet.
        let _ = std::fs::remove_file(&half);
    })?;
    std::fs::rename(&half, &out).map_err(|error| format!("{}: {error}", out.display()))?;

    println!("{} rows in {}", loaded.rows, out.display());
    for (wrong, count) in loaded.rejected {
        println!("rejected for {wrong}: {count}");
    }
    Ok(())
}

fn load(log: &Path, table: &Path) -> Result<Loaded, Box<dyn Error>> {
    let named = |path: &Path, error| format!("{}: {error}", path.display());
    let lines = File::open(log).map_err(|error| named(log, error))?;
    let ingest = Ingest {
        path: log.to_owned(),
        lines: BufReader::new(lines).lines(),
        number: 0,
    };
    let mut writer = BufWriter::new(File::create(table).map_err(|error| named(table, error))?);
    writeln!(writer, "line,time,method,path,status,bytes,ms")?;
    let (report, loaded) = channel();
    let load = Load {
        table: writer,
        loaded: Loaded::default(),
        report,
    };

    let ingest = stage::producer(ingest).name("ingest").start()?;
    let transform = stage::producer_consumer(Transform)
        .name("transform")
        .start()?;
    let load = stage::consumer(load).name("load").start()?;
    // The end first: nothing flows before the last has asked.
    load.subscribe(&transform, Subscription::new().max_demand(100))?;
    transform.subscribe(&ingest, Subscription::new().max_demand(100))?;

    // A failure goes down the line, so the last stage has it, whosever it was; the others stop with their handles.
    load.join()?;
    transform.join()?;
    ingest.join()?;
    Ok(loaded.recv()?)
}
