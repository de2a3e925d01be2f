//! How much input there is: what each source says of its size, and that all of it is taken in the end.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use millstream::read::{Files, Lines};
use millstream::{BoxError, ErrorKind, Flow, InputSize, Observer, Pipe, Source, Text, Unit};

/// What a run over a flow says of its input when it is over.
fn size_of<'env, P: Pipe + 'env>(flow: Flow<'env, P>) -> Option<InputSize>
where
    P::Item: 'env,
{
    let observer = Observer::new();
    let report = flow.observe(&observer).run().unwrap();
    assert_eq!(report.input_size(), observer.report().unwrap().input_size());
    report.input_size()
}

fn all(size: Option<InputSize>, unit: Unit, total: u64) {
    let size = size.expect("a size");
    assert_eq!((size.unit, size.total, size.taken), (unit, total, total));
}

#[test]
fn sources_that_count_items_say_how_many() {
    all(size_of(Flow::from_range(5..105u8)), Unit::Items, 100);
    all(size_of(Flow::from_slice(&[1, 2, 3])), Unit::Items, 3);
    all(size_of(Flow::from_vec(vec!["a"; 700])), Unit::Items, 700);
    all(
        size_of(Flow::from_iter((0..50).map(|n| n * 2))),
        Unit::Items,
        50,
    );
    let iters = Flow::from_iters(vec![0..10, 20..25]);
    all(size_of(iters), Unit::Items, 15);
    all(size_of(Flow::from_range(0..0)), Unit::Items, 0);
}

#[test]
fn texts_and_files_count_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("1.txt"), dir.path().join("2.txt"));
    let lines: String = (0..50_000).map(|n| format!("line {n}\n")).collect();
    fs::write(&one, &lines).unwrap();
    fs::write(&two, "a\nlast").unwrap();
    let bytes = lines.len() as u64;

    let text = Text::from(&*lines);
    all(size_of(Flow::from_lines(&text)), Unit::Bytes, bytes);
    let text = Text::open_all([&one, &two]).unwrap();
    all(
        size_of(Flow::from_byte_lines(&text)),
        Unit::Bytes,
        bytes + 6,
    );
    all(
        size_of(Flow::read_lines([&one, &two])),
        Unit::Bytes,
        bytes + 6,
    );
    all(
        size_of(Flow::read(dir.path(), Lines)),
        Unit::Bytes,
        bytes + 6,
    );
    all(
        size_of(Flow::read(dir.path(), Lines).ordered()),
        Unit::Bytes,
        bytes + 6,
    );
}

#[cfg(feature = "gz")]
#[test]
fn compressed_files_count_the_bytes_on_the_disk() {
    use std::io::Write;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lines.gz");
    let file = fs::File::create(&path).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    for n in 0..100_000 {
        writeln!(packed, "line {n}").unwrap();
    }
    packed.finish().unwrap();
    let len = fs::metadata(&path).unwrap().len();
    all(size_of(Flow::read([path], Lines)), Unit::Bytes, len);
}

#[test]
fn a_source_of_ones_own_may_say_how_many() {
    struct Tens(AtomicU64, Option<u64>, Option<u64>);

    impl Source for Tens {
        type Item = u64;
        type Split<'s> = Box<dyn Iterator<Item = Result<u64, BoxError>>>;

        fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
            let split = self.0.fetch_add(1, Ordering::SeqCst);
            Ok((split < 4).then(|| Box::new((0..10u64).map(Ok)) as Self::Split<'_>))
        }

        fn size(&self) -> Option<u64> {
            self.1
        }

        fn splits(&self) -> Option<u64> {
            self.2
        }
    }

    for workers in 1..4 {
        let says = |size, splits| {
            let source = Tens(AtomicU64::new(0), size, splits);
            size_of(Flow::from_source(source).stages(workers))
        };
        all(says(Some(40), None), Unit::Items, 40);
        all(says(Some(40), Some(4)), Unit::Items, 40);
        all(says(None, Some(4)), Unit::Splits, 4);
        assert_eq!(says(None, None), None);
    }
}

#[test]
fn what_does_not_know_says_nothing() {
    assert_eq!(
        size_of(Flow::from_iter((0..9).filter(|n| n % 2 == 0))),
        None
    );
    assert_eq!(
        size_of(Flow::from_iters(vec![(0..9).filter(|n| n % 2 == 0)])),
        None
    );
    assert_eq!(
        size_of(Flow::read(Files::reader("text", &b"a\nb"[..]), Lines)),
        None
    );
    let (sender, receiver) = crossbeam_channel::bounded(1);
    sender.send(1).unwrap();
    drop(sender);
    assert_eq!(size_of(Flow::from_receiver(receiver)), None);
}

#[test]
fn sizes_of_several_sources_are_added_where_that_means_something() {
    let merged = Flow::from_range(0..10).merge(Flow::from_vec(vec![1; 5]));
    all(size_of(merged), Unit::Items, 15);
    let endless = Flow::from_iter(0..).take(3).shuffle();
    assert_eq!(size_of(Flow::from_range(0..10).merge(endless)), None);
    let text = Text::from("a\nb");
    let lens = Flow::from_lines(&text).map(|line| line.len());
    assert_eq!(size_of(Flow::from_range(0..10).merge(lens)), None);
}

#[test]
fn a_flow_that_ends_early_has_not_taken_all() {
    let size = size_of(Flow::from_range(0..1_000_000_000u64).stages(1).take(10));
    let size = size.unwrap();
    assert_eq!(size.total, 1_000_000_000);
    assert!((10..size.total).contains(&size.taken), "{size:?}");
}

#[test]
fn nobody_is_asked_where_nobody_looks() {
    let report = Flow::from_range(0..10).run().unwrap();
    assert_eq!(report.input_size(), None);
}

#[test]
fn files_that_are_missing_are_errors_all_the_same() {
    for ordered in [false, true] {
        let observer = Observer::new();
        let flow = Flow::read("no such directory", Lines).observe(&observer);
        let flow = if ordered { flow.ordered() } else { flow };
        let error = flow.count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains("no such directory"), "{error}");
        assert_eq!(observer.report().unwrap().input_size(), None);
    }
    let observer = Observer::new();
    let error = Flow::read_lines(["no such file"])
        .observe(&observer)
        .count();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(observer.report().unwrap().input_size(), None);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_files_say_how_many_rows_they_have() {
    use millstream::parquet::{Parquet, ParquetFile};

    let dir = tempfile::tempdir().unwrap();
    let paths = ["1", "2"].map(|name| dir.path().join(name));
    for (path, rows) in paths.iter().zip([0..95u32, 0..5]) {
        let file = ParquetFile::new(path).rows_per_group(10);
        let rows = Flow::from_iter(rows).map(|id| (id, "a"));
        rows.into_sink(file).run().unwrap();
    }
    let flow =
        |paths: &[_]| Flow::from_source(Parquet::open(paths.to_vec()).rows::<(u32, String)>());
    all(size_of(flow(&paths)), Unit::Items, 100);
    all(size_of(flow(&paths[1..]).stages(3)), Unit::Items, 5);

    let observer = Observer::new();
    let both = [paths[0].clone(), dir.path().join("missing")];
    let error = flow(&both).observe(&observer).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(observer.report().unwrap().input_size(), None);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use millstream::sqlite::{Query, Sqlite};

    use super::*;

    /// A database with the numbers from 0 to 99.
    fn numbers() -> (tempfile::TempDir, Sqlite) {
        let dir = tempfile::tempdir().unwrap();
        let db = Sqlite::open(dir.path().join("a.db"));
        let table = db.table("t").create("CREATE TABLE t (n INTEGER)");
        let rows = Flow::from_range(0..100u32).map(|n| (n,));
        rows.into_sink(table).run().unwrap();
        (dir, db)
    }

    fn size(query: Query, workers: usize) -> Option<InputSize> {
        size_of(Flow::from_source(query.rows::<u32>()).stages(workers))
    }

    #[test]
    fn a_query_says_what_it_was_told_or_what_it_counted() {
        let (_dir, db) = numbers();
        let query = db.query("SELECT n FROM t WHERE n < ? -- few\n;").params(30);
        assert_eq!(size(query.clone(), 1), None);
        for workers in 1..4 {
            all(size(query.clone().counted(), workers), Unit::Items, 30);
            let cut = query.clone().by_key("n", 7);
            all(size(cut.clone(), workers), Unit::Splits, 7);
            all(size(cut.counted(), workers), Unit::Items, 30);
        }
        // What is supposed may be wrong, in either way.
        for about in [0, 20, 40] {
            let size = size(query.clone().about(about), 1).unwrap();
            assert_eq!(
                (size.unit, size.total, size.taken),
                (Unit::Items, about, 30)
            );
        }
    }

    #[test]
    fn ranges_without_rows_are_taken_too() {
        let (_dir, db) = numbers();
        let sparse = db.query("SELECT n * n * n AS n FROM t").by_key("n", 64);
        all(size(sparse, 2), Unit::Splits, 64);
        let none = db.query("SELECT n FROM t WHERE n < 0").by_key("n", 64);
        all(size(none.clone(), 2), Unit::Splits, 1);
        all(size(none.counted(), 2), Unit::Items, 0);
    }

    #[test]
    fn a_query_that_ends_early_has_not_taken_all_ranges() {
        let (_dir, db) = numbers();
        let query = db.query("SELECT n FROM t ORDER BY n").by_key("n", 10);
        let flow = Flow::from_source(query.rows::<u32>()).stages(1);
        let size = size_of(flow.take(25)).unwrap();
        assert_eq!((size.unit, size.total), (Unit::Splits, 10));
        assert!(size.taken < 10, "{size:?}");
    }

    #[test]
    fn what_cannot_be_counted_is_the_querys_error() {
        let (_dir, db) = numbers();
        for query in [
            db.query("SELECT n FROM none").counted(),
            db.query("SELECT n FROM none").by_key("n", 3),
            db.query("SELECT n FROM t WHERE n < ?").counted(),
            db.query("SELECT n FROM t").params(((1, 2), 3)).counted(),
        ] {
            let observer = Observer::new();
            let flow = Flow::from_source(query.rows::<u32>()).observe(&observer);
            assert_eq!(flow.count().unwrap_err().kind(), ErrorKind::Source);
            assert_eq!(observer.report().unwrap().input_size(), None);
        }
        // A statement that can be run and not be counted.
        let count = size(db.query("PRAGMA user_version").counted(), 1);
        assert_eq!(count, None);
    }

    #[test]
    fn nothing_is_counted_where_nobody_looks() {
        let (_dir, db) = numbers();
        // Endless: who counted it would not come back.
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
        let query = db.query(sql).counted();
        let flow = Flow::from_source(query.rows::<u64>());
        assert_eq!(flow.take(10).count().unwrap(), 10);
    }
}
