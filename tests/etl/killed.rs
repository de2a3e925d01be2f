//! A load whose process is killed at any moment and started again: each row is in the table once.
//!
//! The process is this test binary, asked for the one test that loads.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use millstream::Flow;
use millstream::csv::Csv;
use millstream::read::Files;
use millstream::sink::Checkpoint;
use millstream::sqlite::Sqlite;
use serde::{Deserialize, Serialize};

const FOLDER: &str = "MILLSTREAM_TEST_KILLED";
const ROWS: u64 = 20_000;
const KILLS: usize = 25;

#[derive(Debug, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    id: u64,
    text: String,
}

/// How rows and marks are kept.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// A table without a key, where a row that comes twice is there twice, and marks in the same transactions.
    InSink,
    /// A table with a key, and marks in a file.
    InFile,
}

fn load(folder: &Path, way: Way) {
    let rows = Files::from(folder.join("rows.csv")).block(4096);
    let flow = Flow::read(rows, Csv::rows::<Row>())
        .stages(2)
        .filter(|row| row.id % 10 != 7);
    let db = Sqlite::open(folder.join("rows.db"));
    let (sink, checkpoint) = match way {
        Way::InSink => {
            let create = "CREATE TABLE IF NOT EXISTS rows (id INTEGER, text TEXT)";
            (db.table("rows").create(create), Checkpoint::in_sink("rows"))
        }
        Way::InFile => {
            let create = "CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)";
            let file = Checkpoint::file(folder.join("rows.checkpoint"));
            (db.table("rows").create(create).upsert(["id"]), file)
        }
    };
    flow.into_sink(sink)
        .batch(50)
        .resume(checkpoint)
        .run()
        .unwrap();
}

#[test]
#[ignore = "it is the process that the tests of kills start and kill: run those"]
fn loads_for_another_process() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    let way = match env::var_os("MILLSTREAM_TEST_IN_FILE") {
        Some(_) => Way::InFile,
        None => Way::InSink,
    };
    load(Path::new(&folder), way);
}

fn process(folder: &Path, way: Way) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "killed::loads_for_another_process", "--ignored"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Way::InFile = way {
        command.env("MILLSTREAM_TEST_IN_FILE", "1");
    }
    command
}

fn text(id: u64) -> String {
    format!("the text, \"quoted\",\nof row {id}")
}

fn begin() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = String::from("id,text\n");
    for id in 0..ROWS {
        rows += &format!("{id},\"{}\"\n", text(id).replace('"', "\"\""));
    }
    fs::write(folder.path().join("rows.csv"), rows).unwrap();
    folder
}

fn check(folder: &Path, way: Way) {
    let db = Sqlite::open(folder.join("rows.db"));
    let mut rows = Flow::from_source(db.query("SELECT id, text FROM rows").rows::<Row>())
        .collect_vec()
        .unwrap();
    rows.sort();
    let ids: Vec<u64> = rows.iter().map(|row| row.id).collect();
    let expected: Vec<u64> = (0..ROWS).filter(|id| id % 10 != 7).collect();
    assert_eq!(ids, expected, "{way:?}");
    assert!(rows.iter().all(|row| row.text == text(row.id)));
}

/// Kills the load at moments spread over the time it takes, until it was killed often enough.
fn killed(way: Way) {
    let folder = begin();
    let start = Instant::now();
    assert!(process(folder.path(), way).status().unwrap().success());
    check(folder.path(), way);
    // A first run that was slow would leave every other one time to end.
    let whole = start.elapsed().min(Duration::from_secs(2));
    let mut folder = begin();
    let (mut kills, mut moment) = (0, 0);
    while kills < KILLS {
        let mut load = process(folder.path(), way).spawn().unwrap();
        // All parts of the time come, in an order that repeats late.
        moment = (moment + 37) % 101;
        sleep(whole * moment / 150);
        load.kill().unwrap();
        if load.wait().unwrap().success() {
            check(folder.path(), way);
            folder = begin();
        } else {
            kills += 1;
        }
    }
    assert!(process(folder.path(), way).status().unwrap().success());
    check(folder.path(), way);
}

#[test]
fn with_marks_in_the_sink_no_row_is_lost_or_doubled() {
    killed(Way::InSink);
}

#[test]
fn with_marks_in_a_file_and_an_upsert_no_row_is_lost() {
    killed(Way::InFile);
}
