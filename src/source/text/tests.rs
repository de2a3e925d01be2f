//! Lines against `str::lines` of the whole, over texts, block sizes and numbers of feeds; also for `ReadLines`.

use proptest::prelude::*;

use super::super::Text;
use super::*;
use crate::error::ErrorKind;
use crate::source::ReadLines;
use crate::source::drive::{context, drive, numbered};
use crate::step::{Feed, Pipe, Pull};

/// Texts with accents, both line ends, bare carriage returns, empty lines, long lines, and any last line.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("\n".to_owned()),
        2 => Just("\r\n".to_owned()),
        1 => Just("\r".to_owned()),
        6 => "[a-zé漢 ]{1,12}",
        1 => (100usize..400).prop_map(|n| "ü".repeat(n)),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A folder with files of these contents, and their paths.
fn files<C: AsRef<[u8]>>(contents: &[C]) -> (tempfile::TempDir, Vec<std::path::PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let paths = contents.iter().enumerate().map(|(i, content)| {
        let path = dir.path().join(format!("{i}.txt"));
        std::fs::write(&path, content).unwrap();
        path
    });
    let paths = paths.collect();
    (dir, paths)
}

/// All lines in the order of their tickets, from every kind of source.
fn check(contents: &[String], block: u64, feeds: usize, ordered: bool) {
    let lines: Vec<&str> = contents.iter().flat_map(|text| text.lines()).collect();
    let bytes: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    let (_dir, paths) = files(contents);
    let open = || Text::open_sized(&paths, block).unwrap();

    let text = open();
    assert_eq!(
        numbered(&FromText::<str>::new(&text), feeds, ordered),
        lines
    );
    assert_eq!(
        numbered(&FromText::<[u8]>::new(&text), feeds, ordered),
        bytes
    );
    // The other way round: blocks kept as bytes, then wanted as text.
    let text = open();
    assert_eq!(
        numbered(&FromText::<[u8]>::new(&text), feeds, ordered),
        bytes
    );
    assert_eq!(
        numbered(&FromText::<str>::new(&text), feeds, ordered),
        lines
    );

    let read = ReadLines::<str>::sized(paths.clone(), block);
    assert_eq!(numbered(&read, feeds, ordered), lines);
    let read = ReadLines::<[u8]>::sized(paths.clone(), block);
    assert_eq!(numbered(&read, feeds, ordered), bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lines_are_those_of_the_whole(
        contents in prop::collection::vec(texts(), 0..4),
        block in prop_oneof![1u64..80, Just(4096)],
        feeds in 1usize..5,
        ordered: bool,
    ) {
        check(&contents, block, feeds, ordered);
    }

    #[test]
    fn a_string_gives_the_lines_of_it(content in texts(), feeds in 1usize..4, ordered: bool) {
        let text = Text::from(content.as_str());
        let got = numbered(&FromText::<str>::new(&text), feeds, ordered);
        prop_assert_eq!(got, content.lines().collect::<Vec<_>>());
    }
}

#[test]
fn corners() {
    let giant = "giant ".repeat(2000);
    let all = [
        "",
        "\n",
        "\r\n",
        "x",
        "é",
        "a\r",
        "a\n\n\nb",
        "last\n",
        &format!("a\n{giant}\nb"),
        &giant,
    ];
    for text in all {
        for ordered in [false, true] {
            check(&[text.to_owned()], 1024, 3, ordered);
            check(
                &[text.to_owned(), String::new(), text.to_owned()],
                7,
                2,
                ordered,
            );
        }
    }
}

/// The positions that the context has right after each line was handed out.
fn positions<'s, P: Pipe<Item: AsRef<[u8]>>>(
    source: &'s P,
    cx: &'s Context,
    fold: bool,
) -> Vec<(String, u64, u64)> {
    let mut feed = source.open(cx);
    let mut seen = Vec::new();
    let mut note = |line: P::Item| {
        let at = cx.position().expect("a position");
        let line = String::from_utf8_lossy(line.as_ref()).into_owned();
        seen.push((line, at.byte, at.line.expect("a line")));
    };
    loop {
        match feed.pull().unwrap() {
            Pull::Chunk(chunk) if fold => chunk.fold((), |(), line| note(line)),
            Pull::Chunk(chunk) => {
                for line in chunk {
                    note(line);
                }
            }
            Pull::End => return seen,
            _ => {}
        }
    }
}

#[test]
fn every_line_leaves_its_position() {
    let content = "one\r\n\nthrée\n\nfive";
    let expected: Vec<_> = [("one", 0), ("", 5), ("thrée", 6), ("", 13), ("five", 14)]
        .into_iter()
        .zip(1..)
        .map(|((line, byte), number)| (line.to_owned(), byte, number))
        .collect();
    let (_dir, paths) = files(&[content]);
    for block in [1, 4, 100] {
        for fold in [false, true] {
            let cx = context(0, 1, true);
            let text = Text::open_sized(&paths, block).unwrap();
            assert_eq!(positions(&FromText::<str>::new(&text), &cx, fold), expected);
            assert_eq!(cx.position().unwrap().file.as_ref(), Some(&paths[0]));
            let cx = context(0, 1, true);
            assert_eq!(
                positions(&ReadLines::<[u8]>::sized(paths.clone(), block), &cx, fold),
                expected
            );
            assert_eq!(cx.position().unwrap().file.as_ref(), Some(&paths[0]));
        }
    }
}

#[test]
fn a_string_has_no_positions() {
    let text = Text::from("a\nb");
    let cx = context(0, 1, false);
    let source = FromText::<str>::new(&text);
    let mut feed = source.open(&cx);
    assert!(matches!(feed.pull(), Ok(Pull::Chunk(_))));
    assert_eq!(cx.position(), None);
}

#[test]
fn a_byte_that_is_not_utf8_is_told_by_its_place() {
    let mut content = "Zeile für Zeile\n".repeat(100).into_bytes();
    let bad = content.len() as u64 + 3;
    content.extend(b"caf\xe9\n");
    content.extend("Zeile für Zeile\n".repeat(100).as_bytes());
    let (_dir, paths) = files(&[&b"good\n"[..], &content]);
    for block in [5, 64, 1 << 20] {
        let text = Text::open_sized(&paths, block).unwrap();
        let again = Text::open_sized(&paths, block).unwrap();
        let lines = drive(&FromText::<[u8]>::new(&again), 1, false).unwrap();
        assert_eq!(
            lines.iter().map(|chunk| chunk.items.len()).sum::<usize>(),
            202
        );
        let errors = [
            drive(&FromText::<str>::new(&text), 2, false).unwrap_err(),
            drive(&FromText::<str>::new(&again), 2, true).unwrap_err(),
            drive(&ReadLines::<str>::sized(paths.clone(), block), 2, false).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Utf8);
            let position = error.position().unwrap();
            assert_eq!(
                (position.file.as_ref(), position.byte),
                (Some(&paths[1]), bad)
            );
        }
    }
}

#[test]
fn what_happens_to_a_file_is_an_error_with_its_path() {
    let (dir, paths) = files(&["a\n".repeat(1000)]);
    let missing = dir.path().join("missing.txt");
    let error = Text::open(&missing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("missing.txt"));
    let error = drive(
        &ReadLines::<str>::new(vec![paths[0].clone(), missing]),
        2,
        false,
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("missing.txt"));
    let error = drive(&ReadLines::<str>::new(vec![dir.path().to_owned()]), 2, true).unwrap_err();
    assert!(error.message().contains("is a directory"));

    let text = Text::open(&paths[0]).unwrap();
    std::fs::write(&paths[0], "a\n").unwrap();
    let error = drive(&FromText::<str>::new(&text), 2, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("shorter"));
}

#[test]
fn the_lines_of_one_small_file_are_spread() {
    let content: String = (0..64).map(|n| format!("slow line {n}\n")).collect();
    let (_dir, paths) = files(&[content]);
    let text = Text::open_all(&paths).unwrap();
    let firsts = [
        first_pieces(&FromText::<str>::new(&text)),
        first_pieces(&ReadLines::<str>::new(paths.clone())),
    ];
    for first in firsts {
        assert!(first.iter().all(|&lines| lines <= 1), "{first:?}");
    }
}

/// How many lines each of two workers gets in its first piece.
fn first_pieces<P: Pipe>(source: &P) -> [usize; 2] {
    let contexts = [context(0, 2, false), context(1, 2, false)];
    [0, 1].map(|i| match source.open(&contexts[i]).pull() {
        Ok(Pull::Chunk(chunk)) => chunk.count(),
        other => panic!("no chunk: {}", other.is_err()),
    })
}

#[test]
fn a_block_is_given_up_when_its_lines_were_given() {
    let (_dir, paths) = files(&["line\n".repeat(10_000)]);
    let source = ReadLines::<str>::sized(paths, 100);
    let cx = context(0, 1, false);
    let mut feed = source.open(&cx);
    loop {
        match feed.pull().unwrap() {
            Pull::Chunk(chunk) => drop(chunk),
            Pull::End => break,
            _ => {}
        }
        assert!(source.live() <= 1);
    }
    assert_eq!(source.live(), 0);
}

#[cfg(feature = "mmap")]
#[test]
#[allow(unsafe_code)]
fn mapped_files_give_the_same_lines() {
    let contents = ["äh\r\nb\n\n", "", "no end"];
    let (_dir, paths) = files(&contents);
    // SAFETY: the folder is this test's own, and nothing changes the files while they are mapped.
    let text = unsafe { Text::map_all(&paths).unwrap() };
    for feeds in 1..3 {
        let lines = numbered(&FromText::<str>::new(&text), feeds, true);
        assert_eq!(lines, ["äh", "b", "", "no end"]);
    }
    let (_dir, paths) = files(&[b"good\nb\xffd"]);
    // SAFETY: as above.
    let text = unsafe { Text::map(&paths[0]).unwrap() };
    let error = drive(&FromText::<str>::new(&text), 1, false).unwrap_err();
    assert_eq!(
        (error.kind(), error.position().unwrap().byte),
        (ErrorKind::Utf8, 6)
    );
    assert_eq!(numbered(&FromText::<[u8]>::new(&text), 1, true).len(), 2);
}

/// Flows over a static text meet flows over a borrowed one, so the source must be covariant; this compiles or not.
#[test]
fn a_source_over_a_static_text_is_one_over_a_borrowed_text() {
    fn shorter<'t>(_: &'t Text, source: FromText<'static, str>) -> FromText<'t, str> {
        source
    }
    let brief = Text::from("");
    let whole: &'static Text = Box::leak(Box::new(Text::from("a\nb")));
    let source = shorter(&brief, FromText::new(whole));
    assert_eq!(numbered(&source, 1, true), ["a", "b"]);
}
