//! `one_brc`: rounding, names, sizes, and rows that are malformed.

use std::collections::BTreeMap;
use std::path::Path;

use crate::{CRATE, complaint_of, file, names, stdout_of};

fn printed_for(rows: &str) -> String {
    let (_folder, path) = file(rows);
    stdout_of("one_brc", [&path])
}

/// What is to be printed for rows of tenths, summed one after the other. The mean goes to the nearest tenth
/// below `x + ½`, in whole numbers of a hundred thousandth of a tenth so that no float is in the way.
fn expected(rows: &[(String, i64)]) -> String {
    let mut stations: BTreeMap<&[u8], (&str, Vec<i64>)> = BTreeMap::new();
    for (name, tenths) in rows {
        stations
            .entry(name.as_bytes())
            .or_insert((name, Vec::new()))
            .1
            .push(*tenths);
    }
    let show = |tenths: i64| match tenths {
        ..0 => format!("-{}.{}", -tenths / 10, -tenths % 10),
        _ => format!("{}.{}", tenths / 10, tenths % 10),
    };
    let each: Vec<String> = stations
        .values()
        .map(|(name, tenths)| {
            let (sum, count) = (tenths.iter().sum::<i64>(), tenths.len() as i64);
            let mut mean = -1_000;
            // The largest whole m with m − ½ ≤ sum / count.
            while (2 * (mean + 1) - 1) * count <= 2 * sum {
                mean += 1;
            }
            let (min, max) = (tenths.iter().min().unwrap(), tenths.iter().max().unwrap());
            format!("{name}={}/{}/{}", show(*min), show(mean), show(*max))
        })
        .collect();
    format!("{{{}}}\n", each.join(", "))
}

/// Rows as text, the last with or without its end.
fn text(rows: &[(String, i64)], last_end: bool) -> String {
    let mut text = String::new();
    for (name, tenths) in rows {
        let sign = if *tenths < 0 { "-" } else { "" };
        let size = tenths.abs();
        text += &format!("{name};{sign}{}.{}\n", size / 10, size % 10);
    }
    if !last_end {
        text.pop();
    }
    text
}

#[test]
fn the_rows_of_the_repository_give_what_is_written_beside_them() {
    let data = Path::new(CRATE).join("examples/data");
    assert_eq!(
        stdout_of("one_brc", [data.join("stations.txt")]),
        std::fs::read_to_string(data.join("expected_one_brc.txt")).unwrap()
    );
}

#[test]
fn means_are_rounded_half_up_toward_positive() {
    assert_eq!(printed_for("A;-0.1\nA;0.0\n"), "{A=-0.1/0.0/0.0}\n");
    assert_eq!(printed_for("A;-0.2\nA;-0.1\n"), "{A=-0.2/-0.1/-0.1}\n");
    assert_eq!(printed_for("A;0.1\nA;0.0\n"), "{A=0.0/0.1/0.1}\n");
    assert_eq!(printed_for("A;-99.9\nA;-99.8\n"), "{A=-99.9/-99.8/-99.8}\n");
    assert_eq!(
        printed_for("A;-0.1\nA;-0.1\nA;0.0\n"),
        "{A=-0.1/-0.1/0.0}\n"
    );
    assert_eq!(printed_for("A;-0.0\n"), "{A=0.0/0.0/0.0}\n");
}

#[test]
fn ten_thousand_stations_with_accents_and_no_last_line_end() {
    let rows: Vec<(String, i64)> = (0..60_000_i64)
        .map(|i| {
            let station = (i * 7_919) % 10_000;
            (format!("Žďár nad Σ{station}"), (i * 31_337) % 1_999 - 999)
        })
        .collect();
    for last_end in [true, false] {
        assert_eq!(printed_for(&text(&rows, last_end)), expected(&rows));
    }
}

#[test]
fn names_are_sorted_by_their_bytes_and_may_have_a_hundred() {
    let rows: Vec<(String, i64)> = ["z", "Z", "é", "a b", "a", "日本", &"ß".repeat(50), "-"]
        .into_iter()
        .zip(-3..)
        .map(|(name, tenths)| (name.to_owned(), tenths))
        .collect();
    assert_eq!(printed_for(&text(&rows, true)), expected(&rows));
}

#[test]
fn rows_that_end_in_a_carriage_return_too_are_read() {
    assert_eq!(printed_for("A;1.0\r\nA;2.0\r\n"), "{A=1.0/1.5/2.0}\n");
}

#[test]
fn a_file_without_rows_has_no_stations() {
    assert_eq!(printed_for(""), "{}\n");
}

#[test]
fn a_malformed_line_is_named_with_its_number() {
    let good = "Good;1.0\n";
    for bad in [
        "Bad",
        "",
        ";1.0",
        "Bad;",
        "Bad;1",
        "Bad;1.00",
        "Bad;.1",
        "Bad;1.",
        "Bad;+1.0",
        "Bad;100.0",
        "Bad;--1.0",
        "Bad;1,0",
        "Bad;é.0",
        "Bad;1.0;2.0",
        &format!("{};1.0", "x".repeat(101)),
    ] {
        for before in [0, 1, 30_000] {
            let rows = format!("{}{bad}\n{good}", good.repeat(before));
            let (_folder, path) = file(rows);
            let complaint = complaint_of("one_brc", [&path]);
            assert!(names(&complaint, &path), "{complaint}");
            assert!(
                complaint.contains(&format!("line {},", before + 1)),
                "{bad:?} is on line {}: {complaint}",
                before + 1
            );
        }
    }
}

#[test]
fn a_missing_file_a_folder_and_no_file_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.txt");
    assert!(names(&complaint_of("one_brc", [&missing]), &missing));
    assert!(names(
        &complaint_of("one_brc", [folder.path()]),
        folder.path()
    ));
    assert!(complaint_of("one_brc", [""; 0]).contains("usage: one_brc FILE"));
}

#[test]
fn a_name_that_is_not_utf8_is_named() {
    let (_folder, path) = file(b"A;1.0\nB\xff;2.0\n");
    let complaint = complaint_of("one_brc", [&path]);
    assert!(
        complaint.contains("\"B\u{fffd}\" is not UTF-8"),
        "{complaint}"
    );
}
