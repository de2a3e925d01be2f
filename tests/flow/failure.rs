//! Failure is a value: what an error knows of its place, and that nothing of a failed run passes for a result.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use millstream::{
    BoxError, BoxFlow, Error, ErrorKind, Flow, Pipe, Position, Source, StopToken, Text,
};
use tempfile::TempDir;

use crate::{On, WAYS, Way, boom_if};

/// Lists that are given one a split; the list with the number `fails` ends in an error.
struct Lists {
    left: Mutex<std::vec::IntoIter<usize>>,
    fails: usize,
}

impl Source for Lists {
    type Item = u32;
    type Split<'s> = Box<dyn Iterator<Item = Result<u32, BoxError>> + 's>;

    fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
        let Some(list) = self.left.lock().unwrap().next() else {
            return Ok(None);
        };
        let items = (0..200u32).map(Ok);
        let torn = (list == self.fails).then(|| Err("the list is torn".into()));
        Ok(Some(Box::new(items.chain(torn))))
    }
}

fn lists(fails: usize) -> Lists {
    let left = Mutex::new((0..10).collect::<Vec<_>>().into_iter());
    Lists { left, fails }
}

/// Flows that fail in different ways, each with the kind of its error.
fn failing() -> Vec<(BoxFlow<'static, u32>, ErrorKind)> {
    let numbers = || Flow::from_iter(0..2000u32).stages(3).batch(32);
    let token = StopToken::new();
    let stop = token.clone();
    vec![
        (
            numbers().inspect(|n| boom_if(*n == 1999)).boxed(),
            ErrorKind::Panic,
        ),
        (
            numbers().map_with(|i, _| boom_if(i == 2), |_, n| n).boxed(),
            ErrorKind::Panic,
        ),
        (
            numbers()
                .try_map(|n| if n < 1999 { Ok(n) } else { Err("too large") })
                .boxed(),
            ErrorKind::Step,
        ),
        (Flow::from_source(lists(9)).boxed(), ErrorKind::Source),
        (
            numbers()
                .inspect(move |n| {
                    if *n == 1999 {
                        stop.stop();
                    }
                })
                .stop_token(&token)
                .boxed(),
            ErrorKind::Stopped,
        ),
        (
            numbers().deadline(Duration::ZERO).boxed(),
            ErrorKind::Deadline,
        ),
    ]
}

#[test]
fn no_part_of_a_failed_input_passes_for_a_result() {
    for round in 0..40 {
        let way = WAYS[round % WAYS.len()];
        for reduction in 0..7 {
            for (flow, kind) in failing() {
                let seen = AtomicUsize::new(0);
                let saw = || {
                    seen.fetch_add(1, SeqCst);
                };
                let flow = flow.on(way);
                let result = match reduction {
                    0 => {
                        let sums = flow.partition().stages(3).reduce(|| 0, |sum, n| *sum += n);
                        sums.for_each(|_| saw())
                    }
                    1 => {
                        let sums = flow.shuffle().stages(2).reduce(|| 0, |sum, n| *sum += n);
                        sums.shuffle().for_each(|_| saw())
                    }
                    2 => {
                        let parts = flow.partition().stages(2);
                        let sums = parts.emit_and_reduce(
                            || (),
                            |_, _| None,
                            |_| {
                                saw();
                                Some(())
                            },
                        );
                        sums.for_each(|_| saw())
                    }
                    3 => flow.count_by(|n| n % 50).for_each(|_| saw()),
                    4 => flow.group_by(|n| n % 50).shuffle().for_each(|_| saw()),
                    5 => flow.count_by_ref(|n| n).inspect(|_| saw()).run(),
                    _ => {
                        let states = flow.partition().reduce(Vec::new, Vec::push).events();
                        states.try_for_each(|_| {
                            saw();
                            Ok::<_, BoxError>(())
                        })
                    }
                };
                let error = result.unwrap_err();
                assert_eq!(error.kind(), kind, "{error}");
                assert_eq!(seen.load(SeqCst), 0, "{reduction}, {way:?}: {error}");
            }
        }
    }
}

#[test]
fn a_panic_in_a_source_does_not_end_its_input() {
    for round in 0..300 {
        let way = WAYS[round % WAYS.len()];
        let seen = AtomicUsize::new(0);
        let source = (0..64u32).inspect(|n| boom_if(*n == 40));
        let sums = Flow::from_iter(source).stages(8).batch(1).on(way);
        let error = sums
            .reduce(|| 0, |sum, n| *sum += n)
            .for_each(|_| {
                seen.fetch_add(1, SeqCst);
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic);
        assert_eq!(seen.load(SeqCst), 0, "{way:?}, round {round}");
    }
}

#[test]
fn a_failed_split_comes_after_its_items() {
    for way in WAYS {
        let seen = AtomicUsize::new(0);
        let flow = Flow::from_source(lists(0)).stages(1).name("lists").on(way);
        let error = flow
            .for_each(|_| {
                seen.fetch_add(1, SeqCst);
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Source);
        assert_eq!(error.message(), "the list is torn");
        assert_eq!((error.stage(), error.partition()), (Some("lists"), Some(0)));
        assert_eq!(seen.load(SeqCst), 200);
        let report = error.report().expect("it ran");
        assert_eq!(report.stages()[0].items_in(), 200);
    }
}

#[test]
fn a_partition_that_does_not_exist_is_an_error() {
    for way in WAYS {
        let flow = Flow::from_iter(0..10).stages(1).name("numbers").on(way);
        let parted = flow.partition_with(|_, of| Some(of)).stages(3);
        let error = parted.count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Step);
        assert_eq!(error.stage(), Some("numbers"));
        assert!(error.message().contains("partition 3"), "{error}");
    }
}

/// A file of numbered lines, one of which is bad, and where that one begins.
fn rows(folder: &TempDir, name: &str, end: &str, bad: usize) -> (PathBuf, u64) {
    let line = |n: usize| match n == bad {
        true => format!("row é{n} is torn{end}"),
        false => format!("{n}{end}"),
    };
    let path = folder.path().join(name);
    fs::write(&path, (1..=5000).map(line).collect::<String>()).unwrap();
    (path, (1..bad).map(|n| line(n).len() as u64).sum())
}

fn is_at(error: &Error, kind: ErrorKind, path: &PathBuf, byte: u64, line: usize) {
    assert_eq!(error.kind(), kind, "{error}");
    let expected = Position::in_file(path, byte).with_line(line as u64);
    assert_eq!(error.position(), Some(&expected), "{error}");
    let said = error.to_string();
    let place = format!("{}, line {line}, byte {byte}: ", path.display());
    assert!(said.starts_with(&place), "{said}");
}

/// What a fallible step, a sink and a panic say about a line of the file.
fn lines_fail<'t, P>(lines: impl Fn() -> Flow<'t, P>, path: &PathBuf, byte: u64, line: usize)
where
    P: Pipe<Item: AsRef<str> + Send> + 't,
{
    let parse = |line: P::Item| line.as_ref().parse::<u32>();
    let mapped = lines().try_map(parse).count().unwrap_err();
    is_at(&mapped, ErrorKind::Step, path, byte, line);
    assert_eq!(mapped.stage(), Some("parse"));
    let spread = lines().try_flat_map(move |line| parse(line).map(Some));
    is_at(
        &spread.count().unwrap_err(),
        ErrorKind::Step,
        path,
        byte,
        line,
    );
    let each = lines().try_for_each(move |line| parse(line).map(drop));
    is_at(&each.unwrap_err(), ErrorKind::Step, path, byte, line);
    let panics = lines().for_each(|line| boom_if(line.as_ref().contains("torn")));
    is_at(&panics.unwrap_err(), ErrorKind::Panic, path, byte, line);
    let ordered = lines().ordered().try_map(parse).take(10_000).count();
    is_at(&ordered.unwrap_err(), ErrorKind::Step, path, byte, line);
    let behind = lines().shuffle().try_map(parse).count().unwrap_err();
    assert_eq!(behind.kind(), ErrorKind::Step);
    assert_eq!(behind.position(), None, "a boundary keeps no positions");
}

#[test]
fn a_failed_line_is_found_in_its_file() {
    let folder = TempDir::new().unwrap();
    for way in [Way::Threads, Way::Seeded(7)] {
        for (end, bad) in [("\n", 1), ("\n", 3), ("\r\n", 3333), ("\r\n", 5000)] {
            let (good, _) = rows(&folder, "good", end, 0);
            let (path, byte) = rows(&folder, "bad", end, bad);
            let text = Text::open_all([&good, &path]).unwrap();
            let opened = || Flow::from_lines(&text).stages(3).name("parse").on(way);
            lines_fail(opened, &path, byte, bad);
            let read = || {
                let read = Flow::read_lines([&good, &path]).stages(3);
                read.name("parse").on(way)
            };
            lines_fail(read, &path, byte, bad);
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_are_found() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bytes");
    let mut bytes = "ein Wört\n".repeat(1000).into_bytes();
    bytes[5000] = 0xFF;
    fs::write(&path, &bytes).unwrap();
    let line = bytes[..5000].iter().filter(|b| **b == b'\n').count() as u64 + 1;
    for way in WAYS {
        let text = Text::open(&path).unwrap();
        let opened = Flow::from_lines(&text).on(way).count().unwrap_err();
        let read = Flow::read_lines([&path]).on(way).count().unwrap_err();
        for error in [opened, read] {
            assert_eq!(error.kind(), ErrorKind::Utf8, "{error}");
            let position = error.position().expect("it is known");
            assert_eq!(position.byte, 5000);
            assert_eq!(position.file.as_deref(), Some(path.as_path()));
            assert!(position.line.is_none_or(|found| found == line), "{error}");
        }
        let lines = Flow::from_byte_lines(&text).on(way).count().unwrap();
        assert_eq!(lines, 1000, "as bytes they are fine");
        let lines = Flow::read_byte_lines([&path]).on(way).count().unwrap();
        assert_eq!(lines, 1000);
    }
}

#[test]
fn a_file_that_vanished_is_an_error_with_its_path() {
    let folder = TempDir::new().unwrap();
    for way in WAYS {
        let (path, _) = rows(&folder, "vanishing", "\n", 0);
        let flow = Flow::read_lines([&path]).on(way);
        fs::remove_file(&path).unwrap();
        let error = flow.count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("vanishing"), "{error}");
        let error = Text::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("vanishing"), "{error}");
        let folder = Flow::read_lines([folder.path()]).on(way).count();
        assert_eq!(folder.unwrap_err().kind(), ErrorKind::Io, "a folder");
    }
}

#[test]
fn options_that_cannot_work_are_named() {
    let flow = || Flow::from_range(0..10).name("numbers");
    let refused = [
        (flow().stages(0), "stages(0)"),
        (flow().batch(0), "batch(0)"),
        (flow().batch_bytes(0), "batch_bytes(0)"),
        (flow().buffer(0), "buffer(0)"),
    ];
    for (flow, option) in refused {
        let says = |error: Error| {
            assert_eq!(error.kind(), ErrorKind::Option);
            assert!(error.message().contains(option), "{error}");
            assert!(error.message().contains("`numbers`"), "{error}");
        };
        says(flow.boxed().partition().count().unwrap_err());
    }
    let zero = || flow().partition().stages(0);
    assert_eq!(zero().run().unwrap_err().kind(), ErrorKind::Option);
    assert_eq!(zero().start().unwrap_err().kind(), ErrorKind::Option);
    let never = zero().scope(|_| unreachable!("nothing may run"));
    assert_eq!(never.unwrap_err().kind(), ErrorKind::Option);
    let mut items = zero().into_iter();
    let error = items.next().expect("the refusal").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
    assert!(items.next().is_none());
    let seeded = zero().seeded(1).collect_vec().unwrap_err();
    assert_eq!(seeded.kind(), ErrorKind::Option);
}
