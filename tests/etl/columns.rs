//! Rejected items as rows of files.

use std::fs;
use std::sync::Mutex;

use millstream::{Flow, Rejected};

use crate::Nothing;

/// What a step rejected of a file, and what it rejected of no file.
fn rejected(path: &std::path::Path) -> [Rejected<String>; 2] {
    fs::write(path, "1\n\"two\", 3\n").unwrap();
    let seen = Mutex::new(None);
    let tell = |rejected: Rejected<String>| {
        *seen.lock().unwrap() = Some(rejected);
        Ok::<(), Nothing>(())
    };
    let parsed = Flow::read_lines([path]).try_map(|line: String| line.parse::<u32>());
    parsed.on_error(tell).run().unwrap();
    let of_file = seen.into_inner().unwrap().unwrap();
    [of_file, Rejected::new(String::new(), "empty", "not empty")]
}

#[cfg(feature = "json")]
#[test]
fn as_json() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lines");
    let rows = rejected(&path).map(|row| serde_json::to_value(row).unwrap());
    let [of_file, other] = rows;
    assert_eq!(of_file["item"], "\"two\", 3");
    assert_eq!(of_file["error"], "invalid digit found in string");
    assert_eq!(of_file["rule"], "try_map");
    assert_eq!(of_file["file"], path.to_string_lossy().as_ref());
    assert_eq!(of_file["line"], 2);
    assert_eq!(other["rule"], "not empty");
    assert!(other["file"].is_null() && other["line"].is_null());
}

#[cfg(feature = "csv")]
#[test]
fn as_csv() {
    let dir = tempfile::tempdir().unwrap();
    let mut out = csv::Writer::from_writer(Vec::new());
    for row in rejected(&dir.path().join("lines")) {
        out.serialize(row).unwrap();
    }
    let text = String::from_utf8(out.into_inner().unwrap()).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("item,error,rule,file,line"));
    let of_file = lines.next().unwrap();
    assert!(of_file.starts_with("\"\"\"two\"\", 3\",invalid digit found in string,try_map,"));
    assert!(of_file.ends_with(",2"), "{of_file}");
    assert_eq!(lines.next(), Some(",empty,not empty,,"));
}

#[cfg(feature = "csv")]
#[test]
fn into_a_file_that_is_there_when_the_run_failed_too() {
    use millstream::csv::CsvFile;
    use millstream::{DeadLetters, Text};

    let dir = tempfile::tempdir().unwrap();
    for (fails, name) in [(false, "good.csv"), (true, "failed.csv")] {
        let path = dir.path().join(name);
        let text = Text::from("1\ntwo\n3\nfour, five\n6\n");
        let letters = DeadLetters::into(CsvFile::new(&path));
        let flow = Flow::from_lines(&text).stages(1);
        let flow = flow.try_map(|line| line.parse::<u32>()).on_error(letters);
        let run = flow.try_map(|n| match n {
            6 if fails => Err("enough"),
            _ => Ok(n),
        });
        assert_eq!(run.count().is_err(), fails);
        let digit = "invalid digit found in string,try_map,,";
        let rows = format!("item,error,rule,file,line\ntwo,{digit}\n\"four, five\",{digit}\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), rows);
    }
}
