//! Extract, transform, load: `etl_logs [LOG …] [--db FILE | --db postgres://…]`, an access log into tables.
//!
//! ```text
//!  lines ─▶ parse ─▶ validate ─┬─▶ hits, with bots marked
//!             └──────┴─▶ rejects └─▶ sessions of each address, ended by half an hour of silence
//! ```
//!
//! Logs are in the combined format of Apache and nginx, compressed or not. Lines that cannot be read, or break a rule, are in the table
//! `rejects` with what is wrong. Every row has a key, so a second run over the same log changes nothing. Without `--db` the
//! tables are in a database of the temporary folder, which is gone at the end.

mod line;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use line::{Hit, parse};
use millstream::postgres::Postgres;
use millstream::read::{Files, Lines};
use millstream::sink::Sink;
use millstream::sqlite::Sqlite;
use millstream::{DeadLetters, Flow, Rejected, Report, StageReport, Validation, Window};
use serde::{Deserialize, Serialize};

#[path = "../common/args.rs"]
mod args;

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/access.log.gz");

const USAGE: &str = "etl_logs [LOG …] [--db FILE | --db postgres://USER@HOST/DATABASE]";

/// Silence that ends a session.
const GAP: Duration = Duration::from_secs(30 * 60);

/// How far lines may be behind those before them: servers write a request down when it has ended.
const BEHIND: Duration = Duration::from_secs(60);

/// The requests of an address without a long silence between them: a row of the table `sessions`.
#[derive(Debug, Serialize)]
struct Session {
    address: String,
    first: i64,
    last: i64,
    hits: u64,
    bytes: u64,
}

/// A line that is no hit, and why: a row of the table `rejects`.
#[derive(Debug, Serialize)]
struct Reject {
    at_byte: u64,
    rule: String,
    error: String,
    line: Option<u64>,
    text: String,
}

impl Reject {
    fn of<T>(rejected: &Rejected<T>, at_byte: u64, text: String) -> Self {
        Reject {
            at_byte,
            rule: rejected.rule().to_owned(),
            error: rejected.error().to_string(),
            line: rejected.position().and_then(|position| position.line),
            text,
        }
    }
}

/// A line on its way to become a hit.
#[derive(Clone)]
struct Line {
    at_byte: u64,
    text: String,
}

const HITS: &str = "CREATE TABLE IF NOT EXISTS hits (at_byte BIGINT PRIMARY KEY, address TEXT, at BIGINT, method TEXT, \
                    path TEXT, status INTEGER, bytes BIGINT, referrer TEXT, agent TEXT, bot BOOLEAN)";
const SESSIONS: &str = "CREATE TABLE IF NOT EXISTS sessions (address TEXT, first BIGINT, last BIGINT, hits BIGINT, \
                        bytes BIGINT, PRIMARY KEY (address, first))";
const REJECTS: &str = "CREATE TABLE IF NOT EXISTS rejects (at_byte BIGINT PRIMARY KEY, rule TEXT, error TEXT, \
                       line BIGINT, text TEXT)";

fn rules() -> Validation<'static, Hit> {
    Validation::new()
        .rule("status in 100..=599", |hit: &Hit| {
            (100..=599).contains(&hit.status)
        })
        .rule("path from the root", |hit: &Hit| {
            hit.path.starts_with('/') || hit.path == "*"
        })
        .rule("known method", |hit: &Hit| {
            matches!(
                &*hit.method,
                "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS"
            )
        })
}

/// Loads logs into three tables. Each batch is committed, so that the tables of one database take turns.
fn load<H, S, R>(
    logs: Vec<String>,
    hits: H,
    sessions: S,
    rejects: [R; 2],
) -> Result<Report, Box<dyn Error>>
where
    H: Sink<Hit>,
    S: Sink<Session>,
    R: Sink<Reject>,
{
    let [unread, broken] = rejects;
    let observer = millstream::Observer::new();
    Flow::read(Files::from(logs), Lines)
        .name("parse")
        // Sessions are found in the time of the log, so its lines must not overtake one another.
        .ordered()
        .observe(&observer)
        .progress()
        .with_origin()
        .map(|(origin, text)| Line {
            at_byte: origin.byte(),
            text,
        })
        .try_map_ref(|line| parse(line.at_byte, &line.text))
        .on_error(DeadLetters::into(unread).map(|rejected: Rejected<Line>| {
            let (at_byte, text) = (rejected.item().at_byte, rejected.item().text.clone());
            Reject::of(&rejected, at_byte, text)
        }))
        .validate(rules())
        .on_error(DeadLetters::into(broken).map(|rejected: Rejected<Hit>| {
            let text = format!("{:?}", rejected.item());
            Reject::of(&rejected, rejected.item().at_byte, text)
        }))
        .broadcast()
        .end(|all| {
            all.name("hits")
                .into_sink(hits)
                .commit_every_batch()
                .ending()
        })
        .end(|all| {
            all.name("sessions")
                .window_by(Window::session(GAP).out_of_order(BEHIND), |hit| hit.at)
                .aggregate_by(
                    |hit| hit.address.clone(),
                    |hits| {
                        (
                            hits.min(|hit| hit.at),
                            hits.max(|hit| hit.at),
                            hits.count(),
                            hits.sum(|hit| hit.bytes),
                        )
                    },
                )
                .map(|(_, address, (first, last, hits, bytes))| Session {
                    address,
                    first,
                    last,
                    hits,
                    bytes,
                })
                .into_sink(sessions)
                .commit_every_batch()
                .ending()
        })
        .run()?;
    Ok(observer.report().unwrap_or_default())
}

/// What is in the tables, for the report at the end.
#[derive(Debug, Deserialize)]
struct Summary {
    hits: u64,
    bots: u64,
    sessions: u64,
    longest: u64,
    rejects: u64,
}

const SUMMARY: &str = "SELECT (SELECT count(*) FROM hits) AS hits, \
                       (SELECT count(*) FROM hits WHERE bot) AS bots, \
                       (SELECT count(*) FROM sessions) AS sessions, \
                       (SELECT coalesce(max(hits), 0) FROM sessions) AS longest, \
                       (SELECT count(*) FROM rejects) AS rejects";

/// Loads into a database, and says what is in it then. Databases have methods of the same names, and no trait.
macro_rules! load_into {
    ($db:expr, $logs:expr) => {{
        let db = $db;
        let rejects = || db.table("rejects").create(REJECTS).upsert(["at_byte"]);
        let report = load(
            $logs,
            db.table("hits").create(HITS).upsert(["at_byte"]),
            db.table("sessions")
                .create(SESSIONS)
                .upsert(["address", "first"]),
            [rejects(), rejects()],
        )?;
        let summary = Flow::from_source(db.query(SUMMARY).rows::<Summary>()).collect_vec()?;
        (report, summary)
    }};
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let mut args = args.to_vec();
    let db = match args.iter().position(|arg| arg == "--db") {
        Some(at) if at + 1 < args.len() => {
            args.remove(at);
            Some(args.remove(at))
        }
        Some(_) => return Err("--db needs a file or a URL, see --help".into()),
        None => None,
    };
    if args.is_empty() {
        args.push(LOG.to_owned());
    }
    let sqlite = |path: &Path| Sqlite::open(path).setup("PRAGMA journal_mode = WAL");
    let (report, summary) = match db {
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            load_into!(Postgres::connect(url), args)
        }
        Some(path) => load_into!(sqlite(Path::new(&path)), args),
        None => {
            let folder = tempfile::tempdir()?;
            load_into!(sqlite(&folder.path().join("log.db")), args)
        }
    };
    println!(
        "lines read      {:>8}",
        report.stages().first().map_or(0, StageReport::items_in)
    );
    for (rule, lines) in report.rejected() {
        println!("  rejected      {lines:>8}  by `{rule}`");
    }
    let late: u64 = report.stages().iter().map(StageReport::late).sum();
    if late > 0 {
        println!(
            "  too late      {late:>8}  for their session: logs one after the other in time, please"
        );
    }
    for tables in summary {
        println!("in the tables now");
        println!(
            "  hits          {:>8}  ({} by bots)",
            tables.hits, tables.bots
        );
        println!(
            "  sessions      {:>8}  (the longest has {} hits)",
            tables.sessions, tables.longest
        );
        println!("  rejects       {:>8}", tables.rejects);
    }
    Ok(())
}

fn main() -> ExitCode {
    args::main(USAGE, run)
}
