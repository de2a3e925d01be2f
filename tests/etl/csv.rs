//! CSV: the same rows as the `csv` crate finds, whatever the cuts; and what is said of those that are wrong.

use std::fs;

use millstream::csv::{Csv, Record};
use millstream::read::Files;
use millstream::{Error, ErrorKind, Flow};
use proptest::prelude::*;
use serde::Deserialize;

type Row = Vec<String>;

/// A closure that keeps all fields.
fn fields(row: &Record<'_>) -> Result<Row, Error> {
    Ok((0..row.len())
        .filter_map(|n| row.get(n))
        .map(str::to_owned)
        .collect())
}

/// Rows up to the first that is wrong, and whether there is one, as the crate finds them on one thread.
fn by_the_crate(text: &[u8], builder: &::csv::ReaderBuilder) -> (Vec<Row>, bool) {
    let mut rows = Vec::new();
    for row in builder.from_reader(text).into_records() {
        match row {
            Ok(row) => rows.push(row.iter().map(str::to_owned).collect()),
            Err(_) => return (rows, true),
        }
    }
    (rows, false)
}

fn in_file(text: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, text).unwrap();
    (folder, path)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Any bytes that can matter, cut anywhere.
    #[test]
    fn rows_are_those_of_the_crate(
        text in "(\u{feff})?[a,\"#\\\\\n\r\u{e9}]{0,40}",
        block in 1usize..40,
        (headers, flexible, trim) in any::<(bool, bool, bool)>(),
        comment in prop::option::of(Just(b'#')),
        escape in prop::option::of(Just(b'\\')),
        reader in any::<bool>(),
    ) {
        // To the crate a comment that the file ends within is a row without fields.
        let text = if comment.is_some() { text + "\n" } else { text };
        let mut builder = ::csv::ReaderBuilder::new();
        builder.has_headers(headers).flexible(flexible).comment(comment).escape(escape);
        builder.trim(if trim { ::csv::Trim::All } else { ::csv::Trim::None });
        let (rows, wrong) = by_the_crate(text.as_bytes(), &builder);

        let (_folder, path) = in_file(text.as_bytes());
        let read = || {
            let files = if reader {
                Files::reader("text", std::io::Cursor::new(text.clone().into_bytes()))
            } else {
                Files::from(&path)
            };
            let mut csv = Csv::map(fields).headers(headers).flexible(flexible).trim(trim);
            if let Some(comment) = comment {
                csv = csv.comment(comment);
            }
            if let Some(escape) = escape {
                csv = csv.escape(escape);
            }
            Flow::read(files.block(block), csv).ordered().seeded(block as u64).stages(2)
        };
        if wrong {
            let error = read().collect_vec().unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::Row);
            // With one worker, since others may be at the wrong row already.
            let before = read().stages(1).take(rows.len());
            prop_assert_eq!(before.collect_vec().unwrap(), rows);
        } else {
            prop_assert_eq!(read().collect_vec().unwrap(), rows);
        }
    }

    /// Bytes that are no text at places: the rows before are there, and the error is of the kind it should.
    #[test]
    fn rows_that_are_no_text_are_wrong(
        text in prop::collection::vec(prop::sample::select(b"aa,\"\n\xe9".as_slice()), 0..30),
        block in 1usize..40,
    ) {
        let mut builder = ::csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true);
        let (rows, wrong) = by_the_crate(&text, &builder);
        let (_folder, path) = in_file(&text);
        let read = || {
            let csv = Csv::map(fields).headers(false).flexible(true);
            Flow::read(Files::from(&path).block(block), csv).ordered().stages(1).seeded(0)
        };
        prop_assert_eq!(read().take(rows.len()).collect_vec().unwrap(), rows);
        match read().count() {
            Ok(_) => prop_assert!(!wrong),
            Err(error) => {
                prop_assert!(wrong);
                prop_assert_eq!(error.kind(), ErrorKind::Utf8);
                prop_assert_eq!(text[error.position().unwrap().byte as usize], 0xe9);
            }
        }
    }

    /// Other delimiters and quotes, longer fields, and workers on threads.
    #[test]
    fn dialects_are_those_of_the_crate(
        rows in prop::collection::vec(("[a-z;']{0,20}", "[a'\n;]{0,12}"), 0..60),
        block in 1usize..400,
        workers in 1usize..4,
    ) {
        let mut writer = ::csv::WriterBuilder::new();
        let mut writer = writer.delimiter(b';').quote(b'\'').from_writer(Vec::new());
        writer.write_record(["one", "two"]).unwrap();
        for (one, two) in &rows {
            writer.write_record([one, two]).unwrap();
        }
        let (_folder, path) = in_file(&writer.into_inner().unwrap());
        let csv = || Csv::rows::<(String, String)>().delimiter(b';').quote(b'\'');
        let read = || Flow::read(Files::from(&path).block(block), csv()).stages(workers);
        let mut got = read().collect_vec().unwrap();
        got.sort();
        let mut sorted = rows.clone();
        sorted.sort();
        prop_assert_eq!(got, sorted);
        prop_assert_eq!(read().ordered().collect_vec().unwrap(), rows);
    }
}

#[derive(Debug, Deserialize, PartialEq)]
struct City {
    name: String,
    people: Option<u32>,
}

fn city(name: &str, people: Option<u32>) -> City {
    City {
        name: name.to_owned(),
        people,
    }
}

#[test]
fn each_file_has_its_own_header() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("1.csv", "name,people\nAbha,3\nUlm,\n"),
        ("2.csv", "people,area,name\r\n7,1.5,\"Bad\nUrach\"\r\n"),
        ("3.csv", "name,people\n"),
        ("4.csv", ""),
        ("5.csv", "\n\n\nname,people\n\nBern,1"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for block in [1, 3, 10, 1000] {
        for workers in 1..4 {
            let files = Files::from(folder.path()).block(block);
            let read = Flow::read(files, Csv::rows::<City>()).stages(workers);
            let cities = [
                city("Abha", Some(3)),
                city("Ulm", None),
                city("Bad\nUrach", Some(7)),
                city("Bern", Some(1)),
            ];
            assert_eq!(read.ordered().collect_vec().unwrap(), cities);
        }
    }
}

#[test]
fn comments_and_escapes_are_whole_whatever_the_cut() {
    let text = "# a \"head,\r\n\n#\nname,people\n#,1\r\n\"#\n\\\"#\\\\\",2\n# \"\r# still\n\n\\Ulm\\,3\n#\n#end";
    let cities = [city("#\n\"#\\", Some(2)), city("\\Ulm\\", Some(3))];
    let (_folder, path) = in_file(text.as_bytes());
    for block in 1..=text.len() {
        for workers in 1..4 {
            let csv = Csv::rows::<City>().comment(b'#').escape(b'\\');
            let read = Flow::read(Files::from(&path).block(block), csv).stages(workers);
            assert_eq!(read.ordered().collect_vec().unwrap(), cities, "{block}");
        }
    }
    let only = "# nothing\n# but words, \"many\n".repeat(50);
    let (_folder, path) = in_file(only.as_bytes());
    for block in [1, 7, 100, 10_000] {
        let csv = Csv::rows::<City>().comment(b'#');
        let read = Flow::read(Files::from(&path).block(block), csv);
        assert_eq!(read.count().unwrap(), 0);
    }
}

#[test]
fn a_wrong_row_behind_comments_is_named_with_its_line() {
    let (_folder, path) = in_file(b"# one\nname,people\n# \"two\nUlm,\"ma\\\\ny\"\n");
    let csv = Csv::rows::<City>().comment(b'#').escape(b'\\');
    let error = Flow::read(&path, csv).count().unwrap_err();
    assert_eq!(error.position().unwrap().line, Some(4));
    assert!(error.message().contains("\"ma\\\\ny\""), "{error}");
}

/// The error of reading a text into cities, with its line.
fn wrong(text: &str) -> (String, Option<u64>) {
    let (_folder, path) = in_file(text.as_bytes());
    let error = Flow::read(&path, Csv::rows::<City>()).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Row);
    let position = error.position().unwrap();
    assert_eq!(position.file.as_deref(), Some(&*path));
    (error.message().to_owned(), position.line)
}

#[test]
fn a_row_that_is_wrong_is_named_with_its_line_and_column() {
    let (message, line) = wrong("name,people\n\"a\nb\",1\nUlm,many\n");
    assert_eq!(line, Some(4));
    assert!(
        message.starts_with("column `people` has \"many\": "),
        "{message}"
    );
    let (message, line) = wrong("name,people\na,1\n\n\nUlm\n");
    assert_eq!(line, Some(5));
    assert!(message.contains("1 fields and not 2"), "{message}");
    let (message, line) = wrong("size,people\na,1\n");
    assert_eq!(line, Some(2));
    assert!(message.contains("missing field `name`"), "{message}");
    let (message, line) = wrong("name,people\na,1\n\"b,2\nc,3\n");
    assert_eq!(line, Some(3));
    assert!(message.contains("1 fields and not 2"), "{message}");
}

#[test]
fn a_quote_that_is_never_closed_is_found_before_all_is_read() {
    let rows = "b,2\n".repeat(10_000);
    let (_folder, path) = in_file(format!("name,people\na,1\n\"{rows}").as_bytes());
    let files = Files::from(&path).block(256).longest(4096);
    let error = Flow::read(files, Csv::rows::<City>()).count().unwrap_err();
    assert_eq!(
        (error.kind(), error.position().unwrap().line),
        (ErrorKind::Row, Some(3))
    );
    assert!(error.message().contains("quote"), "{error}");
}

#[test]
fn columns_have_names_and_places() {
    let text = "id, name ,id\n1, x\"y ,3\n";
    let (_folder, path) = in_file(text.as_bytes());
    let one = |row: fn(&Record<'_>) -> Result<String, Error>| {
        Flow::read(&path, Csv::map(row).trim(true)).collect_vec()
    };
    fn ok(text: Option<&str>) -> Result<String, Error> {
        Ok(text.unwrap_or("none").to_owned())
    }
    assert_eq!(one(|row| ok(row.name("name"))).unwrap(), ["x\"y"]);
    assert_eq!(
        one(|row| ok(row.name("id"))).unwrap(),
        ["1"],
        "the first of that name"
    );
    assert_eq!(one(|row| ok(row.name("age"))).unwrap(), ["none"]);
    assert_eq!(one(|row| ok(row.get(3))).unwrap(), ["none"]);
    assert_eq!(
        one(|row| Ok(row.parse::<u8>(2)?.to_string())).unwrap(),
        ["3"]
    );
    let missing = one(|row| Ok(row.parse::<u8>("age")?.to_string())).unwrap_err();
    assert_eq!(
        missing.message(),
        "there is no column `age`: the columns are id, name, id"
    );
    let missing = one(|row| Ok(row.parse::<u8>(7)?.to_string())).unwrap_err();
    assert!(missing.message().contains("no column `7`"), "{missing}");
}

#[test]
fn errors_of_the_closure_are_rows_that_are_wrong() {
    let text = "n\n1\n2\n\n3\n";
    let (_folder, path) = in_file(text.as_bytes());
    let csv = Csv::map(|row: &Record<'_>| match row.get(0) {
        Some("3") => Err("no threes, please"),
        _ => Ok(()),
    });
    let error = Flow::read(&path, csv).count().unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Row, "no threes, please")
    );
    assert_eq!(error.position().unwrap().line, Some(5));

    let csv = Csv::map(|row: &Record<'_>| -> Result<(), Error> {
        match row.get(0) {
            Some("2") => std::panic::resume_unwind(Box::new("boom")),
            _ => Ok(()),
        }
    });
    let error = Flow::read(&path, csv).count().unwrap_err();
    assert_eq!(
        (error.kind(), error.position().unwrap().line),
        (ErrorKind::Panic, Some(3))
    );
}

#[test]
fn a_dialect_that_cannot_be_is_refused() {
    let (_folder, path) = in_file(b"a\n1\n");
    let csv = || Csv::map(fields);
    for csv in [
        csv().delimiter(b'"'),
        csv().delimiter(b'\n'),
        csv().quote(0xc3),
        csv().comment(b','),
        csv().comment(b'\n'),
        csv().escape(b'"'),
        csv().escape(0xc3),
        csv().comment(b'\\').escape(b'\\'),
    ] {
        let error = Flow::read(&path, csv).count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Option);
    }
}
