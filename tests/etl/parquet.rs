//! Parquet files, written and read: by both ends against each other, and by each against the crate of the format.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use millstream::parquet::{Codec, Parquet, ParquetFile};
use millstream::read::Files;
use millstream::sink::Checkpoint;
use millstream::{Error, ErrorKind, Flow};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::{names, on_a_full_disk, path_of_child};
use crate::table::Table;

#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
struct Row {
    id: u64,
    name: String,
    amount: Option<i64>,
    share: f64,
    kind: Kind,
    place: Place,
    tags: Vec<String>,
    none: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
enum Kind {
    Large,
    Small,
}

#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
struct Place {
    city: Option<String>,
    at: (i32, i32),
}

fn row() -> impl Strategy<Value = Row> {
    let place = (prop::option::of("[a-zé\"\n]{0,4}"), any::<(i32, i32)>());
    let kind = prop::sample::select(vec![Kind::Large, Kind::Small]);
    let text = "[a-zé日,\"\r\n]{0,6}";
    let tags = prop::collection::vec("[a-c]{0,3}", 0..4);
    let scalars = (any::<u64>(), any::<Option<i64>>(), -1e9..1e9);
    (scalars, text, kind, place, tags).prop_map(|(scalars, name, kind, place, tags)| Row {
        id: scalars.0,
        name,
        amount: scalars.1,
        share: scalars.2,
        kind,
        place: Place {
            city: place.0,
            at: place.1,
        },
        tags,
        none: None,
    })
}

fn read<T: DeserializeOwned + Send>(files: impl Into<Files>) -> Result<Vec<T>, Error> {
    Flow::from_source(Parquet::open(files).rows::<T>()).collect_vec()
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by(|a, b| a.partial_cmp(b).expect("no row is NaN"));
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_read_back_are_those_written(
        rows in prop::collection::vec(row(), 0..60),
        workers in 1usize..4,
        batch in 1usize..20,
        group in 1usize..30,
        codec in prop::sample::select(vec![Codec::Plain, Codec::Snappy, Codec::Zstd]),
        parts in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.parquet");
        let sink = ParquetFile::new(&path).columns_of::<Row>().rows_per_group(group).codec(codec);
        let sink = if parts { sink.per_partition() } else { sink };
        let flow = Flow::from_vec(rows.clone()).stages(workers);
        flow.into_sink(sink).batch(batch).run().unwrap();
        prop_assert_eq!(names(folder.path()).len(), if parts { workers } else { 1 });
        let written: Vec<Row> = read(folder.path()).unwrap();
        prop_assert_eq!(sorted(written), sorted(rows));
    }
}

#[test]
fn the_crate_of_the_format_reads_what_is_written() {
    #[derive(Serialize)]
    struct Plain {
        id: u64,
        name: Option<String>,
        kind: Kind,
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.parquet");
    let flow = Flow::from_range(0..1000u64).stages(1).map(|id| Plain {
        id,
        name: (id % 2 == 0).then(|| format!("é{id}")),
        kind: if id % 3 == 0 {
            Kind::Large
        } else {
            Kind::Small
        },
    });
    let sink = ParquetFile::new(&path).rows_per_group(300);
    flow.into_sink(sink).batch(100).run().unwrap();
    let file = fs::File::open(&path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let groups = builder.metadata().row_groups().iter();
    assert_eq!(
        groups.map(|group| group.num_rows()).collect::<Vec<_>>(),
        [300, 300, 300, 100]
    );
    let schema = builder.schema().clone();
    assert!(!schema.field(0).is_nullable() && schema.field(1).is_nullable());
    let mut id = 0;
    for batch in builder.build().unwrap() {
        let batch = batch.unwrap();
        let ids = batch.column(0).as_primitive::<UInt64Type>();
        let names = batch.column(1).as_string::<i64>();
        for at in 0..batch.num_rows() {
            assert_eq!(ids.value(at), id);
            let name = names.is_valid(at).then(|| names.value(at).to_owned());
            assert_eq!(name, (id % 2 == 0).then(|| format!("é{id}")));
            id += 1;
        }
    }
    assert_eq!(id, 1000);
}

/// Writes a file of two columns and a row group for every hundred rows, by the crate of the format.
fn write_plain(path: &Path, rows: i64) {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter(
        (0..rows).map(|n| (n % 10 != 9).then_some(n)),
    ));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..rows).map(|n| format!("name {n}")),
    ));
    let batch = RecordBatch::try_from_iter([("number", numbers), ("name", names)]).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(100))
        .build();
    let file = fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[derive(Debug, Deserialize)]
struct Number {
    number: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only that it can be read counts")]
struct Name {
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Counted {
    number: i64,
}

#[test]
fn what_the_crate_of_the_format_wrote_is_read() {
    let folder = tempfile::tempdir().unwrap();
    write_plain(&folder.path().join("b.parquet"), 250);
    write_plain(&folder.path().join("a.parquet"), 0);
    write_plain(&folder.path().join("c.parquet"), 101);
    for workers in [1, 4] {
        let source = Parquet::open(folder.path()).rows::<Number>();
        let flow = Flow::from_source(source).stages(workers);
        let mut rows: Vec<_> = flow.map(|row| row.number).collect_vec().unwrap();
        let expected = |rows| (0..rows).map(|n| (n % 10 != 9).then_some(n));
        let mut all: Vec<Option<i64>> = expected(250).chain(expected(101)).collect();
        if workers > 1 {
            rows.sort_unstable();
            all.sort_unstable();
        }
        assert_eq!(rows, all);
    }
    let maps: Vec<BTreeMap<String, Any>> = read(folder.path().join("c.parquet")).unwrap();
    assert_eq!((maps.len(), maps[0].len()), (101, 2), "a map has all");
}

/// Anything at all, to count columns.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "only how many there are counts")]
enum Any {
    Number(Option<i64>),
    Text(String),
}

#[test]
fn only_the_columns_that_are_asked_for_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    write_plain(&path, 250);
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
    let names = reader.metadata().row_group(1).column(1).byte_range();
    let mut bytes = fs::read(&path).unwrap();
    bytes[names.0 as usize..(names.0 + names.1) as usize].fill(0xff);
    fs::write(&path, bytes).unwrap();
    assert_eq!(read::<Number>(&path).unwrap().len(), 250);
    let error = read::<Name>(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    let place = format!("row group 1 of {}", path.display());
    assert!(error.message().contains(&place), "{error}");
}

#[test]
fn what_cannot_be_read_is_an_error_that_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    write_plain(&path, 250);
    let refused = |error: Error, kind: ErrorKind, parts: &[&str]| {
        assert_eq!(error.kind(), kind, "{error}");
        for part in parts {
            assert!(error.message().contains(part), "{part}: {error}");
        }
    };
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "it cannot be read")]
    struct Small {
        number: Option<i8>,
    }
    // Which worker fails first is open: number 130 is in the second row group.
    let place = [" of row group ", "in.parquet", "number"];
    refused(read::<Small>(&path).unwrap_err(), ErrorKind::Row, &place);
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "it cannot be read")]
    struct Sure {
        number: i64,
    }
    // The first null.
    let place = ["row 9 of row group 0", "in.parquet", "number"];
    let source = Parquet::open(&path).rows::<Sure>();
    let error = Flow::from_source(source).stages(1).count().unwrap_err();
    refused(error, ErrorKind::Row, &place);
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "it cannot be read")]
    struct Another {
        number: Option<i64>,
        size: u32,
    }
    let error = read::<Another>(&path).unwrap_err();
    refused(error, ErrorKind::Row, &["size", "in.parquet"]);
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "it cannot be read")]
    struct Stranger {
        size: Option<u32>,
    }
    let error = read::<Stranger>(&path).unwrap_err();
    refused(
        error,
        ErrorKind::Source,
        &["none of the columns size", "number, name"],
    );
    let text = folder.path().join("text");
    fs::write(&text, "number,name\n").unwrap();
    refused(
        read::<Number>(&text).unwrap_err(),
        ErrorKind::Source,
        &["text as Parquet"],
    );
    let bytes = fs::read(&path).unwrap();
    fs::write(&text, &bytes[..bytes.len() - 9]).unwrap();
    refused(
        read::<Number>(&text).unwrap_err(),
        ErrorKind::Source,
        &["text as Parquet"],
    );
    let gone = folder.path().join("gone.parquet");
    refused(
        read::<Number>(&gone).unwrap_err(),
        ErrorKind::Io,
        &["gone.parquet"],
    );
    refused(
        read::<Number>(Files::stdin()).unwrap_err(),
        ErrorKind::Option,
        &["any place"],
    );
}

#[test]
fn a_load_of_row_groups_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    // Many groups: when one commit fails, the other worker may make some more before it stops.
    write_plain(&path, 10_000);
    let table = Table::plain(true);
    let load = || {
        let source = Parquet::open(&path).rows::<Number>();
        let flow = Flow::from_source(source).stages(2);
        let flow = flow.filter_map(|row| row.number.map(|n| n as u64));
        let load = flow.into_sink(table.clone());
        load.resume(Checkpoint::file(folder.path().join("c"))).run()
    };
    for calls in [1, 3, 4] {
        let _ = table
            .clone()
            .fails_at("commit", table.calls("commit") + calls);
        assert!(load().is_err());
    }
    table.mend();
    load().unwrap();
    let all = (0..10_000).filter(|n| n % 10 != 9);
    assert_eq!(table.rows(), all.collect::<Vec<u64>>());
    let report = load().unwrap();
    assert_eq!(report.stages()[0].items_in(), 0);
}

#[test]
fn a_file_without_rows_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.parquet");
    let flow = || Flow::from_range(0..10i64).filter(|_| false);
    let rows = flow().map(|n| Counted { number: n });
    rows.into_sink(ParquetFile::new(&path)).run().unwrap();
    let bare = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(bare.schema().fields().len(), 0);
    let rows = flow().map(|n| Counted { number: n });
    let sink = ParquetFile::new(&path).columns_of::<Counted>();
    rows.into_sink(sink).run().unwrap();
    assert_eq!(read::<Number>(&path).unwrap().len(), 0);
}

#[test]
fn nothing_is_left_out_silently() {
    #[derive(Serialize)]
    struct Sparse {
        id: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        late: Option<u64>,
        within: Within,
    }
    #[derive(Serialize)]
    struct Within {
        #[serde(skip_serializing_if = "Option::is_none")]
        later: Option<u64>,
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.parquet");
    let load = |late: u64, later: u64| {
        let flow = Flow::from_range(0..10u64).stages(1).map(move |id| Sparse {
            id,
            late: (id >= late).then_some(id),
            within: Within {
                later: (id == 0 || id >= later).then_some(id),
            },
        });
        flow.into_sink(ParquetFile::new(&path)).batch(5).run()
    };
    load(3, 3).unwrap();
    load(0, 7).unwrap();
    let error = load(7, 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    for part in ["the field late", "columns_of", "out.parquet"] {
        assert!(error.message().contains(part), "{error}");
    }
    // A column that was null in all of the first rows has no type for those behind.
    let flow = Flow::from_range(0..10u64)
        .stages(1)
        .map(|id| (id >= 7).then_some(id));
    let flow = flow.map(|late| BTreeMap::from([("late", late)]));
    let error = flow.into_sink(ParquetFile::new(&path)).batch(5).run();
    let error = error.unwrap_err();
    assert!(error.message().contains("columns_of"), "{error}");
}

#[test]
fn a_run_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.parquet");
    for (panics, parts) in [(false, false), (true, false), (false, true), (true, true)] {
        let sink = ParquetFile::new(&path).rows_per_group(100);
        let sink = if parts { sink.per_partition() } else { sink };
        let flow = Flow::from_range(0..10_000i64).stages(3).try_map(|number| {
            assert!(!panics || number != 7000, "no more");
            match number {
                7000 => Err("bad"),
                number => Ok(Counted { number }),
            }
        });
        let error = flow.into_sink(sink).batch(50).run().unwrap_err();
        assert_eq!(error.kind() == ErrorKind::Panic, panics);
        assert_eq!(names(folder.path()), [""; 0]);
    }
    let flow = Flow::from_iter(["no struct"]);
    let error = flow.into_sink(ParquetFile::new(&path)).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    let sink = ParquetFile::new(&path).columns_of::<u8>();
    let rows = Flow::from_range(0..3i64).map(|number| Counted { number });
    let error = rows.into_sink(sink).run().unwrap_err();
    assert!(error.message().contains("columns_of"), "{error}");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.parquet");
    let output = on_a_full_disk("parquet::child_on_a_full_disk", &path);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("refused"), "{said}");
    assert_eq!(names(folder.path()), [""; 0]);
}

/// Runs in a process of its own, whose files must not be large.
#[test]
fn child_on_a_full_disk() {
    let Some(path) = path_of_child() else { return };
    let flow = Flow::from_range(0..100_000i64).stages(2);
    let flow = flow.map(|number| Counted { number });
    let sink = ParquetFile::new(&path)
        .rows_per_group(5000)
        .codec(Codec::Plain);
    let error = flow.into_sink(sink).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    let begin = format!("cannot write {}: ", path.display());
    assert!(error.message().starts_with(&begin), "{error}");
    std::io::stdout().write_all(b"\nrefused\n").unwrap();
}
