//! Rows of files that cannot be read: by default they end the run with their line; a policy gets their text.

use std::io::Cursor;
use std::sync::Mutex;

use millstream::csv::Csv;
use millstream::json::Json;
use millstream::read::Files;
use millstream::{ErrorKind, Flow, Rejected, Skip};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, Deserialize, PartialEq)]
struct Row {
    id: u32,
    name: String,
}

fn files(text: &str) -> Files {
    Files::reader("rows", Cursor::new(text.as_bytes().to_vec()))
}

const TEXT: &str = "id,name\n1,one\ntwo,\"t\nwo\"\n3,three\n4\n5,five\n";

#[test]
fn the_first_ends_the_run_with_its_line() {
    let flow = Flow::read(files(TEXT), Csv::rows::<Row>()).stages(1);
    let error = flow.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Row);
    assert_eq!(error.position().unwrap().line, Some(3), "{error}");
}

#[test]
fn skipped_rows_are_counted() {
    let flow = Flow::read(files(TEXT), Csv::rows::<Row>()).on_error(Skip);
    let report = flow.run().unwrap();
    assert_eq!(report.rejected()["read"], 2);
    assert_eq!(report.stages()[0].items_in(), 3);
}

#[test]
fn a_closure_gets_the_raw_text_and_the_line() {
    let seen = Mutex::new(Vec::new());
    let note = |rejected: Rejected<String>| {
        let line = rejected.position().and_then(|at| at.line);
        seen.lock().unwrap().push((line, rejected.into_item()));
        Ok::<(), std::io::Error>(())
    };
    let flow = Flow::read(files(TEXT), Csv::rows::<Row>())
        .stages(1)
        .on_error(note);
    let ids: Vec<u32> = flow.map(|row| row.id).collect().unwrap();
    assert_eq!(ids, [1, 3, 5]);
    let expected = [
        (Some(3), "two,\"t\nwo\"".to_owned()),
        (Some(6), "4".to_owned()),
    ];
    assert_eq!(seen.into_inner().unwrap(), expected);
}

#[test]
fn a_closure_may_end_the_run() {
    let flow = Flow::read(files("{}\nnone\n"), Json::lines::<serde_json::Value>());
    let error = flow
        .on_error(|rejected: Rejected<String>| Err(format!("no: {}", rejected.item())))
        .run()
        .unwrap_err();
    assert_eq!(error.message(), "no: none");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Good lines come, bad ones are rejected, each once, whatever the blocks, workers and order.
    #[test]
    fn every_line_is_given_or_rejected(
        lines in prop::collection::vec(prop_oneof![Just("7"), Just("\"x"), Just("[]"), Just("{")], 0..60),
        block in 1usize..20,
        workers in 1usize..4,
        ordered in any::<bool>(),
    ) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let seen = Mutex::new(Vec::new());
        let mut flow = Flow::read(files(&text).block(block), Json::lines::<serde_json::Value>()).stages(workers);
        if ordered {
            flow = flow.ordered();
        }
        let note = |rejected: Rejected<String>| {
            let line = rejected.position().unwrap().line.unwrap();
            seen.lock().unwrap().push((line as usize - 1, rejected.into_item()));
            Ok::<(), std::io::Error>(())
        };
        let good = flow.on_error(note).count().unwrap();
        let mut bad = seen.into_inner().unwrap();
        bad.sort();
        let numbered = lines.iter().enumerate().map(|(n, line)| (n, (*line).to_owned()));
        let expected: Vec<(usize, String)> = numbered.filter(|(_, l)| l == "\"x" || l == "{").collect();
        prop_assert_eq!(good as usize, lines.len() - expected.len());
        prop_assert_eq!(bad, expected);
    }
}
