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
    struct Tens(AtomicU64, Option<u64>);

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
    }

    let says = |size| size_of(Flow::from_source(Tens(AtomicU64::new(0), size)));
    all(says(Some(40)), Unit::Items, 40);
    assert_eq!(says(None), None);
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
