//! JSON lines: what serde makes of them, blank lines, and lines that are wrong.

use std::fs;

use millstream::json::Json;
use millstream::read::Files;
use millstream::{ErrorKind, Flow};
use proptest::prelude::*;
use serde::Deserialize;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn values_are_those_of_the_lines(
        values in prop::collection::vec(("[a\"\n\u{e9}]{0,8}", any::<u32>()), 0..40),
        blanks in prop::sample::select(vec!["\n", "\r\n", "\n\n", "\n \t\n", "\r\n\r\n"]),
        end in any::<bool>(),
        block in 1usize..300,
        workers in 1usize..4,
    ) {
        let lines: Vec<String> = values.iter().map(|v| serde_json::to_string(v).unwrap()).collect();
        let mut text = lines.join(blanks);
        if end {
            text += blanks;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("values.jsonl");
        fs::write(&path, text).unwrap();
        let read = || {
            let files = Files::from(&path).block(block);
            Flow::read(files, Json::lines::<(String, u32)>()).stages(workers)
        };
        prop_assert_eq!(read().ordered().collect_vec().unwrap(), values.clone());
        prop_assert_eq!(read().count().unwrap(), values.len() as u64);
    }
}

#[derive(Deserialize)]
struct Hit<'l> {
    path: &'l str,
    bytes: u64,
}

#[test]
fn a_closure_may_borrow_from_the_line() {
    let text = "{\"path\": \"/\", \"bytes\": 1}\r\n{\"path\": \"/ab\", \"bytes\": 2}";
    let hits = Json::map(|line: &str| {
        let hit: Hit<'_> = serde_json::from_str(line)?;
        Ok::<_, serde_json::Error>((hit.path.len(), hit.bytes))
    });
    let flow = Flow::read(Files::reader("hits", text.as_bytes()), hits).ordered();
    assert_eq!(flow.collect_vec().unwrap(), [(1, 1), (3, 2)]);
}

#[test]
fn a_line_that_is_wrong_is_named() {
    for (text, line, message) in [
        ("1\n\n\nx\n2", 4, "column 1 of the line: expected value"),
        ("1\n[2\n3", 2, "invalid type: sequence, expected u32"),
        ("1\n  -2", 2, "column 2 of the line: invalid value"),
        (
            "1\n\"two\n",
            2,
            "column 4 of the line: EOF while parsing a string",
        ),
    ] {
        let files = Files::reader("numbers", std::io::Cursor::new(text));
        let error = Flow::read(files, Json::lines::<u32>()).count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Row);
        assert_eq!(error.position().unwrap().line, Some(line), "{text:?}");
        assert!(
            error.message().starts_with(message),
            "{error}, and not {message}"
        );
    }
}

#[test]
fn errors_that_are_not_the_parsers_stay_as_they_are() {
    let json = Json::map(|line: &str| if line == "2" { Err("no twos") } else { Ok(()) });
    let error = Flow::read(Files::reader("r", "1\n2\n".as_bytes()), json)
        .count()
        .unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Row, "no twos"));
}
