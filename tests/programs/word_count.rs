//! `word_count`: the text in the repository, line ends and spaces of all kinds, and inputs that cannot be counted.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::Path;

use crate::{CRATE, complaint_of, file, names, stdout_of};

/// The report of a text, counted one word after the other.
fn expected(text: &str, top: usize) -> String {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word).or_default() += 1;
    }
    let total: u64 = counts.values().sum();
    let mut report = format!("{} distinct, {total} total\n", counts.len());
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(word, count)| (Reverse(count), word));
    for (word, count) in counts.iter().take(top) {
        report += &format!("{count}\t{word}\n");
    }
    report
}

fn assert_counts(text: &str) {
    let (_folder, path) = file(text);
    for top in [0, 1, 10, 1_000_000] {
        let printed = stdout_of(
            "word_count",
            ["--top", &top.to_string(), path.to_str().unwrap()],
        );
        assert_eq!(printed, expected(text, top), "--top {top} of {text:?}");
    }
}

#[test]
fn counts_the_text_of_the_repository_without_arguments() {
    let data = Path::new(CRATE).join("examples/data");
    let text = std::fs::read_to_string(data.join("noli.txt")).unwrap();
    assert!(
        text.contains("\r\n") && text.contains("Tángere\n"),
        "line ends of the data were changed"
    );
    let printed = stdout_of("word_count", [""; 0]);
    assert_eq!(printed, expected(&text, 10));
    assert_eq!(
        printed,
        std::fs::read_to_string(data.join("expected_word_count.txt")).unwrap()
    );
}

#[test]
fn counts_every_word_of_the_text_of_the_repository() {
    let path = Path::new(CRATE).join("examples/data/noli.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    let printed = stdout_of("word_count", ["--top", "20000", path.to_str().unwrap()]);
    assert_eq!(printed, expected(&text, 20_000));
}

#[test]
fn words_of_equal_count_come_in_the_order_of_their_bytes() {
    assert_counts("pear apple Zebra élan zebra apple pear été fig\n");
}

#[test]
fn line_ends_and_spaces_of_all_kinds_part_words() {
    assert_counts("one\r\ntwo\nthree\r\n\r\n\n  one\ttwo\u{a0}one\u{2003}two\u{3000}three\r\n");
    assert_counts("a\rb\rc a\u{b}b\u{c}c\u{85}a\u{2028}b");
}

#[test]
fn the_last_line_may_lack_its_end() {
    assert_counts("first line\nlast wörd");
    assert_counts("wörd");
    assert_counts("ends in a carriage return\r");
}

#[test]
fn a_text_without_words_has_none() {
    assert_counts("");
    assert_counts("\n");
    assert_counts(" \r\n\t\n\r\n");
}

#[test]
fn a_text_of_many_lines_and_one_of_one_line_are_counted_whole() {
    let many: String = (0..50_000)
        .map(|i| format!("line {} ño{} \r\n", i % 977, i % 31))
        .collect();
    assert_counts(&many);
    let long: String = (0..200_000).map(|i| format!("w{} ", i % 1_013)).collect();
    assert_counts(&long);
}

#[test]
fn several_files_are_counted_as_one_text_with_a_cut_between() {
    let (_a, first) = file("one two\nthree");
    let (_b, empty) = file("");
    let (_c, last) = file("one two\r\nfour");
    let printed = stdout_of("word_count", [&first, &empty, &last]);
    assert_eq!(printed, expected("one two\nthree\none two\r\nfour", 10));
}

#[test]
fn help_is_no_error() {
    assert!(stdout_of("word_count", ["--help"]).starts_with("usage: word_count"));
}

#[test]
fn wrong_arguments_are_named() {
    assert!(complaint_of("word_count", ["--top", "many"]).contains("`many`"));
    assert!(complaint_of("word_count", ["--top"]).contains("--top needs a number"));
    assert!(complaint_of("word_count", ["--bottom", "3"]).contains("--bottom"));
}

#[test]
fn a_missing_file_is_named() {
    let (folder, here) = file("words\n");
    let missing = folder.path().join("missing.txt");
    assert!(names(&complaint_of("word_count", [&missing]), &missing));
    assert!(names(
        &complaint_of("word_count", [&here, &missing]),
        &missing
    ));
}

#[test]
fn a_folder_is_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let complaint = complaint_of("word_count", [folder.path()]);
    assert!(names(&complaint, folder.path()), "{complaint}");
    assert!(
        complaint.to_lowercase().contains("directory"),
        "{complaint}"
    );
}

#[test]
fn bytes_that_are_not_utf8_are_named_with_their_offset() {
    let far = "plain words, line after line\n".repeat(40_000);
    for before in ["", "ok ", "é\r\n", &far] {
        for bad in [&b"\xff"[..], b"\xc3(", b"\xe2\x82", b"\xed\xa0\x80"] {
            for after in ["", "\nmore\n", "more"] {
                let bytes = [before.as_bytes(), bad, after.as_bytes()].concat();
                let at = std::str::from_utf8(&bytes).unwrap_err().valid_up_to();
                let (_folder, path) = file(&bytes);
                let complaint = complaint_of("word_count", [&path]);
                assert!(names(&complaint, &path), "{complaint}");
                assert!(
                    complaint.contains(&format!("byte {at}:")),
                    "the first bad byte is {at}: {complaint}"
                );
                assert!(complaint.contains("UTF-8"), "{complaint}");
            }
        }
    }
}
