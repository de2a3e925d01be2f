//! Files, blocks and lines: what comes out is what is in the files, whatever the cuts.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;

use millstream::read::{Files, Format, Lines, Rest};
use millstream::sink::Checkpoint;
use millstream::{BoxError, Error, ErrorKind, Flow, StopToken};
use proptest::prelude::*;

use crate::table::Table;

/// A folder with these files in it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn lines_of(files: impl Into<Files>) -> Vec<String> {
    Flow::read(files, Lines).ordered().collect_vec().unwrap()
}

fn failure(files: impl Into<Files>) -> Error {
    Flow::read(files, Lines).count().unwrap_err()
}

/// A reader that gives at most so many bytes at a time.
struct Dribble(&'static [u8], usize);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.1.min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Files of any lines, cut anywhere, read by any number of workers, are their lines.
    #[test]
    fn lines_are_those_of_the_files(
        texts in prop::collection::vec("[ab\u{e9}\n\r]{0,60}", 0..4),
        block in 1usize..300,
        workers in 1usize..4,
        seed in prop::option::of(0u64..100),
    ) {
        let names: Vec<String> = (0..texts.len()).map(|n| format!("{n}.txt")).collect();
        let files: Vec<_> = names.iter().zip(&texts).map(|(n, t)| (&**n, &**t)).collect();
        let folder = folder(&files);
        let expected: Vec<&str> = texts.iter().flat_map(|text| text.lines()).collect();
        let read = || {
            let flow = Flow::read(Files::from(folder.path()).block(block), Lines).stages(workers);
            match seed {
                Some(seed) => flow.seeded(seed),
                None => flow,
            }
        };
        prop_assert_eq!(read().ordered().collect_vec().unwrap(), expected.clone());
        let mut got = read().collect_vec().unwrap();
        let mut expected = expected;
        got.sort();
        expected.sort();
        prop_assert_eq!(got, expected);
    }
}

#[test]
fn a_directory_stands_for_its_files_in_the_order_of_their_paths() {
    let folder = folder(&[
        ("b/2.log", "4\n"),
        ("b/10.log", "3\n"),
        ("b/c/d/e.log", "5\n"),
        ("a.log", "1\n2"),
        ("z.log", ""),
        (".hidden", "no\n"),
        ("b/.git/config", "no\n"),
    ]);
    assert_eq!(lines_of(folder.path()), ["1", "2", "3", "4", "5"]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert_eq!(lines_of(folder.path().join("empty")), [""; 0]);
}

#[cfg(unix)]
#[test]
fn links_to_files_are_followed_and_links_to_directories_are_not() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("a.log", "1\n"), ("b/c.log", "2\n")]);
    symlink(folder.path(), folder.path().join("b/loop")).unwrap();
    symlink(folder.path().join("a.log"), folder.path().join("b/d.log")).unwrap();
    assert_eq!(lines_of(folder.path()), ["1", "2", "1"]);
}

#[test]
fn paths_come_in_any_form_and_in_the_order_in_which_they_were_named() {
    let folder = folder(&[("a", "1"), ("b", "2")]);
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let text = a.to_str().unwrap();
    assert_eq!(lines_of(text), ["1"]);
    assert_eq!(lines_of(text.to_owned()), ["1"]);
    assert_eq!(lines_of(&a), ["1"]);
    assert_eq!(lines_of(a.as_path()), ["1"]);
    assert_eq!(lines_of(vec![&b, &a]), ["2", "1"]);
    assert_eq!(lines_of([&b, &a, &b]), ["2", "1", "2"]);
    let reader = Files::reader("r", "3\n4".as_bytes());
    assert_eq!(
        lines_of(Files::from(&b).and(reader).and(&a)),
        ["2", "3", "4", "1"]
    );
}

#[test]
fn what_is_not_there_is_an_error_that_names_it() {
    let folder = folder(&[("a", "1\n")]);
    let gone = folder.path().join("gone.log");
    let error = failure([folder.path().join("a"), gone.clone()]);
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error.to_string().contains(&gone.display().to_string()),
        "{error}"
    );
}

#[test]
fn an_error_of_a_later_step_knows_file_byte_and_line() {
    let folder = folder(&[("a", "1\n2\n"), ("b", "\n3\r\n4\n5x\n6\n")]);
    for block in [1, 2, 3, 7, 100] {
        for ordered in [false, true] {
            let flow = Flow::read(Files::from(folder.path()).block(block), Lines);
            let flow = if ordered { flow.ordered() } else { flow };
            let error = flow
                .filter(|line| !line.is_empty())
                .try_map(|line| line.parse::<u32>())
                .count()
                .unwrap_err();
            let position = error.position().unwrap();
            assert_eq!(position.file.as_deref(), Some(&*folder.path().join("b")));
            assert_eq!((position.byte, position.line), (6, Some(4)), "{block}");
            assert_eq!(error.kind(), ErrorKind::Step);
        }
    }
}

#[test]
fn a_reader_has_a_name_and_lines_too() {
    for step in [1, 2, 5, 100] {
        let reader = Dribble(b"1\n2\n\n3\nfour\n5", step);
        let error = Flow::read(Files::reader("numbers", reader), Lines)
            .filter(|line| !line.is_empty())
            .try_map(|line| line.parse::<u32>())
            .count()
            .unwrap_err();
        assert!(
            error.to_string().contains("numbers, line 5, byte 7"),
            "{error}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_an_error_of_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin");
    fs::write(&path, b"one\ntwo \xe9t\xe9\nthree\n").unwrap();
    for block in [1, 5, 100] {
        let error = failure(Files::from(&path).block(block));
        assert_eq!(error.kind(), ErrorKind::Utf8);
        let position = error.position().unwrap();
        assert_eq!((position.byte, position.line), (8, Some(2)));
        // One worker does not come to the second line; of two, the other may.
        let good = Flow::read(Files::from(&path).block(block), Lines).stages(1);
        assert_eq!(good.ordered().take(1).collect_vec().unwrap(), ["one"]);
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    let folder = folder(&[
        ("a", "\u{feff}one\ntwo\n"),
        ("b", "\u{feff}"),
        ("c", "\u{feff}x"),
    ]);
    for block in [1, 2, 100] {
        assert_eq!(
            lines_of(Files::from(folder.path()).block(block)),
            ["one", "two", "x"]
        );
    }
    let error = Flow::read(folder.path().join("a"), Lines)
        .try_map(|line| line.parse::<u32>())
        .count()
        .unwrap_err();
    assert_eq!(error.position().unwrap().byte, 3);
}

#[test]
fn a_record_that_is_too_long_is_an_error_of_its_line() {
    let long = format!("short\n\n{}\nshort\n", "x".repeat(5000));
    let folder = folder(&[("a", &long)]);
    let files = || Files::from(folder.path()).block(64);
    assert_eq!(lines_of(files().longest(5001)).len(), 4);
    let error = failure(files().longest(1000));
    assert_eq!(error.kind(), ErrorKind::Row);
    assert_eq!(error.position().unwrap().line, Some(3));
    assert!(error.message().contains("longest"), "{error}");
}

#[test]
fn rows_of_a_reader_pass_on_as_they_come() {
    /// Gives what was sent, and waits when it has nothing.
    struct Lagging(mpsc::Receiver<&'static [u8]>, &'static [u8]);

    impl Read for Lagging {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.1.is_empty() {
                self.1 = self.0.recv().unwrap_or_default();
            }
            self.1.read(buffer)
        }
    }

    for ordered in [false, true] {
        let (sender, receiver) = mpsc::channel();
        let flow = Flow::read(Files::reader("talk", Lagging(receiver, b"")), Lines).stages(2);
        let flow = if ordered { flow.ordered() } else { flow };
        let mut lines = flow.into_iter();
        sender.send(b"h".as_slice()).unwrap();
        sender.send(b"i\n").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "hi", "before there is more");
        sender.send(b"wor").unwrap();
        sender.send(b"ld\nbye").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "world");
        drop(sender);
        assert_eq!(
            lines.next().unwrap().unwrap(),
            "bye",
            "the last line needs no end"
        );
        assert!(lines.next().is_none());
    }
}

#[test]
fn an_endless_reader_is_read_as_far_as_is_needed() {
    for ordered in [false, true] {
        let flow = || {
            let flow = Flow::read(Files::reader("endless", io::repeat(b'\n')), Lines).stages(3);
            if ordered { flow.ordered() } else { flow }
        };
        assert_eq!(flow().take(100_000).count().unwrap(), 100_000);

        let stop = StopToken::new();
        let stopping = stop.clone();
        let error = flow()
            .stop_token(&stop)
            .for_each(move |_| stopping.stop())
            .unwrap_err();
        assert!(error.is_stopped());

        let handle = flow().start().unwrap();
        handle.drain();
        handle.join().unwrap();
    }
}

#[test]
fn a_reader_that_fails_or_panics_ends_the_run() {
    struct Broken(bool);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::take(&mut self.0) {
                b"one\n".as_slice().read(buffer)
            } else if buffer.len() > 1 {
                Err(io::Error::other("the wire is cut"))
            } else {
                Ok(0)
            }
        }
    }

    let error = failure(Files::reader("wire", Broken(true)));
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error
            .to_string()
            .contains("cannot read wire: the wire is cut"),
        "{error}"
    );

    struct Panics;

    impl Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            std::panic::resume_unwind(Box::new("boom"))
        }
    }

    for ordered in [false, true] {
        let flow = Flow::read(Files::reader("bomb", Panics), Lines).stages(3);
        let flow = if ordered { flow.ordered() } else { flow };
        assert_eq!(flow.count().unwrap_err().kind(), ErrorKind::Panic);
    }
}

/// Records of four bytes, which are no text; `!!!!` panics.
struct Words;

impl Format for Words {
    type Item = [u8; 4];
    type Parser = ();

    fn parser(&self, _head: &[u8]) -> Result<(), BoxError> {
        Ok(())
    }

    fn head(&self, _bytes: &[u8]) -> usize {
        4
    }

    fn last_end(&self, bytes: &[u8]) -> Option<usize> {
        Some(bytes.len() / 4 * 4)
    }

    fn is_text(&self) -> bool {
        false
    }

    fn record(&self, _: &mut (), rest: Rest<'_>) -> (usize, Result<[u8; 4], BoxError>) {
        let Some(word) = rest.bytes().get(..4) else {
            return (usize::MAX, Err("a word is torn".into()));
        };
        if word == b"!!!!" {
            std::panic::resume_unwind(Box::new("boom"));
        }
        let mut bytes = [0; 4];
        bytes.copy_from_slice(word);
        (4, Ok(bytes))
    }
}

#[test]
fn a_format_of_ones_own_reads_bytes_behind_a_head() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words");
    let words: Vec<[u8; 4]> = (0u32..1000).map(|n| (n << 20).to_be_bytes()).collect();
    let whole = [b"\xef\xbb\xbf!".as_slice(), &words.concat()].concat();
    fs::write(&path, &whole).unwrap();
    let read = |block| Flow::read(Files::from(&path).block(block), Words).ordered();
    for block in [1, 4, 7, 64, 1 << 20] {
        assert_eq!(read(block).collect_vec().unwrap(), words, "{block}");
    }
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let error = read(64).count().unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Row, "a word is torn")
    );
    assert_eq!(error.position().unwrap().byte, 4 + 999 * 4);
    fs::write(&path, b"head!!!!").unwrap();
    let error = read(64).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panic);
    assert_eq!(error.position().unwrap().byte, 4);
}

#[test]
fn a_block_ends_with_a_border_and_the_report_counts_records() {
    let text: String = (0..1000).map(|n| format!("{n}\n")).collect();
    let folder = folder(&[("a", &text)]);
    let read = || Flow::read(Files::from(folder.path()).block(256), Lines).stages(1);
    let batches = read().map_batch(|lines| [lines]);
    let batches = batches.batch(100_000).collect_vec().unwrap();
    assert!(batches.len() > 10, "{}", batches.len());
    let got: Vec<String> = batches.into_iter().flatten().collect();
    assert!(got.into_iter().eq((0..1000).map(|n| n.to_string())));

    let report = read().run().unwrap();
    assert_eq!(report.stages()[0].items_in(), 1000);
}

#[test]
fn the_plan_names_the_blocks() {
    let flow = Flow::read(Files::from(Path::new("any")).block(1 << 16), Lines);
    assert!(
        flow.explain().contains("a block of a file a thread"),
        "{}",
        flow.explain()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Loads of files that fail at any call until one does not leave each row once.
    #[test]
    fn loads_of_files_go_on_where_they_failed(
        sizes in prop::collection::vec(0u64..200, 1..4),
        block in 1usize..2000,
        workers in 1usize..4,
        ordered in any::<bool>(),
        failures in prop::collection::vec((0usize..3, 0usize..30), 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut rows = 0;
        for (n, size) in sizes.iter().enumerate() {
            let text: String = (rows..rows + size).map(|n| format!("{n}\n")).collect();
            fs::write(folder.path().join(format!("{n}")), text).unwrap();
            rows += size;
        }
        let table = Table::default();
        let load = || {
            let flow = Flow::read(Files::from(folder.path()).block(block), Lines).stages(workers);
            let flow = if ordered { flow.ordered() } else { flow };
            let load = flow.try_map(|line| line.parse::<u64>()).into_sink(table.clone());
            load.resume(Checkpoint::in_sink("files")).run()
        };
        for (call, at) in failures {
            let call = ["open", "write", "commit"][call];
            let _ = table.clone().fails_at(call, table.calls(call) + at);
            let _ = load();
            table.mend();
        }
        load().unwrap();
        prop_assert_eq!(table.rows(), (0..rows).collect::<Vec<_>>());
        let report = load().unwrap();
        let read: u64 = report.stages().iter().map(|stage| stage.items_in()).sum();
        prop_assert_eq!(read, 0, "nothing is left to read");
    }
}

#[test]
fn a_load_of_files_that_have_grown_or_of_a_reader_is_refused() {
    let folder = folder(&[("a", "1\n2\n")]);
    let table = Table::default();
    let load = || {
        let rows = Flow::read(folder.path(), Lines).try_map(|line| line.parse::<u64>());
        rows.into_sink(table.clone())
            .resume(Checkpoint::in_sink("files"))
            .run()
    };
    load().unwrap();
    fs::write(folder.path().join("a"), "1\n2\n3\n").unwrap();
    let error = load().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plan);
    assert!(error.message().contains("1 files of 4 bytes"), "{error}");

    let reader = Flow::read(Files::reader("r", "1\n".as_bytes()), Lines);
    let rows = reader.try_map(|line| line.parse::<u64>());
    let load = rows
        .into_sink(table.clone())
        .resume(Checkpoint::in_sink("reader"));
    load.run().unwrap();
    let marks = table.marks();
    assert_eq!(
        marks.last().unwrap().split,
        None,
        "it has no splits, so it is one"
    );
}
