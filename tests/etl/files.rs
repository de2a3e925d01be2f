//! Files as sinks: all of the rows under the final name, or what was there before, and nothing beside it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use millstream::sink::{Encode, LinesFile, ToFile};
use millstream::{BoxError, ErrorKind, Flow};
use proptest::prelude::*;

/// The names of all that is in a directory, hidden or not.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The numbers of a text file, in order of their values.
fn numbers(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    let mut numbers: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn workers_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.txt");
    for (rows, workers, batch) in [(0, 3, 7), (1, 4, 1), (1000, 1, 3), (1000, 5, 10)] {
        let flow = Flow::from_range(0..rows).stages(workers);
        let report = flow.into_sink(LinesFile::new(&path)).batch(batch).run();
        assert_eq!(report.unwrap().stages()[0].items_out(), rows);
        assert_eq!(numbers(&path), (0..rows).collect::<Vec<_>>());
        assert_eq!(names(folder.path()), ["out.txt"]);
    }
}

#[test]
fn pieces_stay_whole_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.txt");
    // Four megabytes, so that each worker writes several pieces.
    let rows = |n: u64| format!("{n:07} {}", "é".repeat(n as usize % 40));
    let flow = Flow::from_range(0..80_000u64).stages(3).map(rows);
    flow.into_sink(LinesFile::new(&path)).run().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, (0..80_000).map(rows).collect::<Vec<_>>());
    let flow = Flow::from_range(0..80_000u64).stages(1).map(rows);
    flow.into_sink(LinesFile::new(&path)).run().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        lines,
        "one worker keeps the order"
    );
}

#[test]
fn each_partition_may_have_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.txt");
    let sink = LinesFile::new(&path).per_partition();
    let flow = Flow::from_range(0..100u64)
        .partition_with(|n, _| Some((*n % 3) as usize))
        .stages(4);
    flow.into_sink(sink).batch(5).run().unwrap();
    assert_eq!(
        names(folder.path()),
        ["out-0.txt", "out-1.txt", "out-2.txt", "out-3.txt"]
    );
    for part in 0..4u64 {
        let path = folder.path().join(format!("out-{part}.txt"));
        let rows = (0..100).filter(|n| n % 3 == part);
        assert_eq!(numbers(&path), rows.collect::<Vec<_>>());
    }
}

#[test]
fn a_sink_may_be_run_into_again() {
    let folder = tempfile::tempdir().unwrap();
    let sink = LinesFile::new(folder.path().join("out.txt"));
    for rows in [5, 3, 0] {
        Flow::from_range(0..rows).into_sink(&sink).run().unwrap();
        let written = numbers(&folder.path().join("out.txt"));
        assert_eq!(written, (0..rows).collect::<Vec<u64>>());
    }
    assert_eq!(names(folder.path()), ["out.txt"]);
}

#[test]
fn a_run_that_fails_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.txt");
    let run = |path: &Path, per_partition: bool, panics: bool| {
        let sink = match per_partition {
            true => LinesFile::new(path).per_partition(),
            false => LinesFile::new(path),
        };
        let flow = Flow::from_range(0..100_000u64).stages(3).try_map(move |n| {
            assert!(!panics || n != 70_000, "no more");
            if n == 70_000 {
                return Err("bad");
            }
            Ok(n)
        });
        flow.into_sink(sink).batch(10).run().unwrap_err().kind()
    };
    for per_partition in [false, true] {
        assert_eq!(run(&path, per_partition, false), ErrorKind::Step);
        assert_eq!(run(&path, per_partition, true), ErrorKind::Panic);
        assert_eq!(names(folder.path()), [""; 0]);
    }
    fs::write(&path, "before\n").unwrap();
    run(&path, false, false);
    run(&path, false, true);
    assert_eq!(names(folder.path()), ["out.txt"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "before\n");
}

#[test]
fn a_panic_while_rows_are_written_and_a_dropped_handle_leave_nothing() {
    #[derive(Clone)]
    struct Panics;
    impl Encode<u64> for Panics {
        fn rows(&self, rows: &[u64], out: &mut Vec<u8>) -> Result<(), BoxError> {
            assert!(!rows.contains(&500), "cannot write 500");
            out.resize(out.len() + (1 << 20), b'x');
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let flow = Flow::from_range(0..1000u64).stages(3);
    let run = flow.into_sink(ToFile::with(Panics, &path)).batch(7).run();
    assert_eq!(run.unwrap_err().kind(), ErrorKind::Panic);
    let load = Flow::from_iter(0u64..).into_sink(LinesFile::new(&path));
    drop(load.start().unwrap());
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_drained_run_keeps_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.txt");
    let load = Flow::from_iter(0u64..).into_sink(LinesFile::new(&path));
    let handle = load.start().unwrap();
    handle.drain();
    let rows = handle.join().unwrap().stages()[0].items_out();
    assert_eq!(numbers(&path), (0..rows).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_written_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let load = |sink| Flow::from_range(0..10u64).into_sink(sink);
    let refused = |sink| {
        let error = load(sink).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Sink, "{error}");
        assert!(
            error.message().contains(folder.path().to_str().unwrap()),
            "{error}"
        );
        error.message().to_owned()
    };
    let message = refused(LinesFile::new(folder.path().join("no/out.txt")));
    assert!(message.contains("create_dirs"), "{message}");
    let message = refused(LinesFile::new(folder.path()));
    assert!(message.contains("directory or a device"), "{message}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    refused(LinesFile::new(file.join("out.txt")).create_dirs());
    assert_eq!(names(folder.path()), ["file"]);
    let every = load(LinesFile::new(&file)).commit_every_batch().run();
    assert_eq!(every.unwrap_err().kind(), ErrorKind::Option);
}

#[test]
fn a_file_that_cannot_get_its_name_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let within = folder.path().join("within");
    fs::create_dir(&within).unwrap();
    let path = within.join("out.txt");
    let flow = Flow::from_range(0..10u64).stages(1).inspect(|n| {
        // The worker has opened the file by now.
        if *n == 9 {
            fs::create_dir(&path).unwrap();
        }
    });
    let error = flow.into_sink(LinesFile::new(&path)).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    assert!(error.message().starts_with("cannot replace"), "{error}");
    assert_eq!(names(&within), ["out.txt"]);
}

#[cfg(not(all(feature = "gz", feature = "zst")))]
#[test]
fn what_this_build_cannot_compress_is_an_error() {
    use millstream::sink::Compression;

    let folder = tempfile::tempdir().unwrap();
    let ending = if cfg!(feature = "gz") { "zst" } else { "gz" };
    let path = folder.path().join(format!("out.{ending}"));
    let load = |sink| Flow::from_range(0..10u64).into_sink(sink).run();
    let error = load(LinesFile::new(&path)).unwrap_err();
    let feature = format!("the feature `{ending}`");
    assert!(error.message().contains(&feature), "{error}");
    load(LinesFile::new(&path).compression(Compression::Plain)).unwrap();
    assert_eq!(numbers(&path).len(), 10);
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("out.txt"), folder.path().join("link"));
    fs::write(&path, "before\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&path, &link).unwrap();
    let flow = Flow::from_range(0..10u64);
    flow.into_sink(LinesFile::new(&link)).run().unwrap();
    assert!(link.is_symlink());
    assert_eq!(numbers(&path).len(), 10);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn a_process_that_is_killed_leaves_no_half_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.txt");
    for before in [None, Some("before\n")] {
        if let Some(text) = before {
            fs::write(&path, text).unwrap();
        }
        let mut child = child("files::child_that_writes_for_ever", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says so when it has written some megabytes.
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let written = lines.map(Result::unwrap).any(|line| line == "written");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(written);
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), before);
        let temporary = names(folder.path());
        let temporary = temporary.iter().filter(|name| name.ends_with(".tmp"));
        assert!(temporary.count() >= 1, "it was killed in the middle");
    }
    // What it left is in nobody's way.
    let flow = Flow::from_range(0..10u64);
    flow.into_sink(LinesFile::new(&path)).run().unwrap();
    assert_eq!(numbers(&path).len(), 10);
}

/// Runs in a process of its own, which is killed.
#[test]
fn child_that_writes_for_ever() {
    let Some(path) = path_of_child() else { return };
    let flow = Flow::from_iter(0u64..).stages(2).inspect(|n| {
        if *n == 2_000_000 {
            // Not by `println`, which the test's harness would keep.
            std::io::stdout().write_all(b"\nwritten\n").unwrap();
        }
    });
    flow.into_sink(LinesFile::new(path)).run().unwrap();
}

/// A limit on the size of a file is as a full disk to who writes it.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.txt");
    let output = on_a_full_disk("files::child_on_a_full_disk", &path);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("refused"), "{said}");
    assert_eq!(names(folder.path()), [""; 0]);
}

/// A test of this binary in a process of its own, whose files have 64 blocks at most.
#[cfg(unix)]
pub(crate) fn on_a_full_disk(test: &str, path: &Path) -> Output {
    let binary = child(test, path);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""]);
    command.arg(binary.get_program()).args(binary.get_args());
    command.env(CHILD, path).output().unwrap()
}

/// Runs in a process of its own, whose files must not be large.
#[test]
fn child_on_a_full_disk() {
    let Some(path) = path_of_child() else { return };
    let flow = Flow::from_range(0..1_000_000u64).stages(2);
    let error = flow.into_sink(LinesFile::new(&path)).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sink);
    let begin = format!("cannot write {}: ", path.display());
    assert!(error.message().starts_with(&begin), "{error}");
    std::io::stdout().write_all(b"\nrefused\n").unwrap();
}

/// The variable that makes a test the child of another.
const CHILD: &str = "MILLSTREAM_TEST_CHILD";

pub(crate) fn path_of_child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// A test of this binary in a process of its own, told a path.
fn child(test: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]);
    command.env(CHILD, path);
    command
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lines_are_those_of_the_flow(
        rows in prop::collection::vec("[a-zäß\" ]{0,5}", 0..60),
        workers in 1usize..4,
        batch in 1usize..20,
        parts in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.txt");
        let sink = LinesFile::new(&path);
        let sink = if parts { sink.per_partition() } else { sink };
        Flow::from_vec(rows.clone()).stages(workers).into_sink(sink).batch(batch).run().unwrap();
        let files = names(folder.path());
        prop_assert_eq!(files.len(), if parts { workers } else { 1 });
        let mut written: Vec<String> = Vec::new();
        for file in files {
            let text = fs::read_to_string(folder.path().join(file)).unwrap();
            prop_assert!(text.is_empty() || text.ends_with('\n'));
            written.extend(text.lines().map(String::from));
        }
        let mut rows = rows;
        rows.sort();
        written.sort();
        prop_assert_eq!(written, rows);
    }
}
