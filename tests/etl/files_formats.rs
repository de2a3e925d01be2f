//! Files of CSV and JSON lines as sinks, compressed or not, read back with the crates of their formats.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use millstream::csv::CsvFile;
use millstream::json::JsonFile;
use millstream::sink::{Compression, LinesFile};
use millstream::{ErrorKind, Flow};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::files::names;

#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
struct Row {
    name: String,
    amount: Option<i64>,
    share: f64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
enum Kind {
    Large,
    Small,
}

fn row() -> impl Strategy<Value = Row> {
    let name = prop::collection::vec(
        prop::sample::select(vec!["a", "é", "\"", ",", "\n", "\r\n", ";", " ", "日"]),
        0..6,
    );
    let kind = prop::sample::select(vec![Kind::Large, Kind::Small]);
    // Eighths, which every reader of JSON reads as they were.
    let share = any::<i32>().prop_map(|n| f64::from(n) / 8.0);
    (name, any::<Option<i64>>(), share, kind).prop_map(|(name, amount, share, kind)| Row {
        name: name.concat(),
        amount,
        share,
        kind,
    })
}

/// The bytes of a file, decompressed by the crates themselves.
fn bytes(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    match path.extension().unwrap().to_str().unwrap() {
        "gz" => {
            let mut out = Vec::new();
            let mut gz = flate2::read::MultiGzDecoder::new(&bytes[..]);
            std::io::Read::read_to_end(&mut gz, &mut out).unwrap();
            out
        }
        "zst" => zstd::stream::decode_all(&bytes[..]).unwrap(),
        _ => bytes,
    }
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| a.partial_cmp(b).expect("no row is NaN"));
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn rows_read_back_are_those_written(
        rows in prop::collection::vec(row(), 0..50),
        workers in 1usize..4,
        batch in 1usize..20,
        ending in prop::sample::select(vec!["", ".gz", ".zst"]),
        parts in any::<bool>(),
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let flow = || Flow::from_vec(rows.clone()).stages(workers);
        let csv = CsvFile::new(folder.path().join(format!("out.csv{ending}"))).delimiter(delimiter);
        let json = JsonFile::new(folder.path().join(format!("out.jsonl{ending}")));
        let (csv, json) = match parts {
            true => (csv.per_partition(), json.per_partition()),
            false => (csv, json),
        };
        flow().into_sink(csv).batch(batch).run().unwrap();
        flow().into_sink(json).batch(batch).run().unwrap();
        let (mut from_csv, mut from_json) = (Vec::new(), Vec::new());
        let files = names(folder.path());
        prop_assert_eq!(files.len(), if parts { workers * 2 } else { 2 });
        for file in files {
            let bytes = bytes(&folder.path().join(&file));
            if file.contains(".csv") {
                let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(&bytes[..]);
                from_csv.extend(reader.deserialize::<Row>().map(Result::unwrap));
            } else {
                let values = serde_json::Deserializer::from_slice(&bytes).into_iter::<Row>();
                let values: Vec<Row> = values.map(Result::unwrap).collect();
                prop_assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), values.len());
                from_json.extend(values);
            }
        }
        prop_assert_eq!(sorted(from_csv), sorted(rows.clone()));
        prop_assert_eq!(sorted(from_json), sorted(rows));
    }
}

#[test]
fn the_first_line_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let rows = |n: u64| Row {
        name: "x".repeat(100),
        amount: Some(n as i64),
        share: 0.5,
        kind: Kind::Small,
    };
    // Some megabytes, so that each worker writes several pieces.
    let flow = Flow::from_range(0..30_000u64).stages(3).map(rows);
    flow.into_sink(CsvFile::new(&path))
        .batch(100)
        .run()
        .unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("name,amount,share,kind\n"));
    assert_eq!(text.matches("name,amount").count(), 1);
    assert_eq!(text.lines().count(), 30_001);
}

#[test]
fn a_file_without_rows_is_a_valid_one() {
    let folder = tempfile::tempdir().unwrap();
    let flow = || Flow::from_range(0..5u64).filter(|_| false).map(|n| (n, n));
    for ending in ["csv", "csv.gz", "csv.zst"] {
        let path = folder.path().join(format!("out.{ending}"));
        flow().into_sink(CsvFile::new(&path)).run().unwrap();
        assert_eq!(bytes(&path), b"", "{ending}");
        assert_eq!(fs::read(&path).unwrap().is_empty(), ending == "csv");
        let sink = CsvFile::new(&path).columns(["a", "b"]);
        flow().into_sink(sink).run().unwrap();
        assert_eq!(bytes(&path), b"a,b\n", "{ending}");
    }
}

#[test]
fn rows_have_the_same_columns_or_are_an_error() {
    #[derive(Clone, Serialize)]
    struct Sparse {
        a: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        b: Option<u32>,
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let rows = || {
        let rows = [Some(1), None].map(|b| Sparse { a: 0, b });
        Flow::from_iter(rows).stages(1)
    };
    let refused = |error: millstream::Error| {
        assert_eq!(error.kind(), ErrorKind::Sink);
        assert!(error.message().contains("out.csv"), "{error}");
        assert_eq!(names(folder.path()), [""; 0]);
        error.message().to_owned()
    };
    for batch in [1, 2] {
        let load = rows().into_sink(CsvFile::new(&path)).batch(batch);
        refused(load.run().unwrap_err());
        let named = CsvFile::new(&path).columns(["a", "b"]);
        refused(rows().into_sink(named).batch(batch).run().unwrap_err());
    }
    let load = rows().into_sink(CsvFile::new(&path)).batch(1);
    let message = refused(load.run().unwrap_err());
    assert!(message.contains("other columns (a) than those before (a,b)"));
    let map = BTreeMap::from([("a", 1)]);
    let nested = Flow::from_iter([map]);
    refused(nested.into_sink(CsvFile::new(&path)).run().unwrap_err());
}

#[test]
fn names_of_columns_may_be_given_or_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let load = |sink| {
        let flow = Flow::from_range(0..4u64).stages(1).map(|n| (n, n * n));
        flow.into_sink(sink).batch(3).run().unwrap();
        fs::read_to_string(&path).unwrap()
    };
    let text = load(CsvFile::new(&path).columns(["n", "square, of it"]));
    assert_eq!(text, "n,\"square, of it\"\n0,0\n1,1\n2,4\n3,9\n");
    let text = load(CsvFile::new(&path).columns(["n", "m"]).header(false));
    assert_eq!(text, "0,0\n1,1\n2,4\n3,9\n");
    assert_eq!(load(CsvFile::new(&path)), text);
}

#[test]
fn compression_may_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.gz");
    let load = |compression| {
        let sink = LinesFile::new(&path).compression(compression);
        Flow::from_range(0..3u64)
            .stages(1)
            .into_sink(sink)
            .run()
            .unwrap();
        fs::read(&path).unwrap()
    };
    assert_eq!(load(Compression::Plain), b"0\n1\n2\n");
    assert_eq!(load(Compression::Gz)[..2], [0x1f, 0x8b]);
    let zst = load(Compression::Zst);
    assert_eq!(zstd::stream::decode_all(&zst[..]).unwrap(), b"0\n1\n2\n");
}
