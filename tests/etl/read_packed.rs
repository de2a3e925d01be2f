//! Compressed inputs, with the features `gz` and `zst` or without, and patterns of paths.

use std::fs;

use millstream::read::{Files, Lines};
use millstream::{ErrorKind, Flow};

/// Lines enough for several blocks.
#[cfg(any(feature = "gz", feature = "zst"))]
fn text() -> String {
    (0..20_000).map(|n| format!("line {n}\n")).collect()
}

/// What is wrong with line 15,000, as a later step sees it.
#[cfg(any(feature = "gz", feature = "zst"))]
fn check(path: &std::path::Path) {
    for (block, ordered) in [(1, false), (1000, false), (1000, true), (1 << 20, false)] {
        let read = || {
            let files = Files::from(path).block(if block == 1 { 64 } else { block });
            let flow = Flow::read(files, Lines).stages(2);
            if ordered { flow.ordered() } else { flow }
        };
        assert_eq!(read().count().unwrap(), 20_000);
        let error = read()
            .try_map(|line| match line.as_str() {
                "line 14999" => Err("it is the line"),
                _ => Ok(()),
            })
            .count()
            .unwrap_err();
        let position = error.position().unwrap();
        assert_eq!(position.line, Some(15_000));
        assert_eq!(position.file.as_deref(), Some(path));
    }
}

#[cfg(feature = "gz")]
mod gz {
    use std::io::Write;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let level = flate2::Compression::fast();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_of_one_member_or_several_is_read_as_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let text = text();
        let (one, two) = text.split_at(text.len() / 3);
        for (name, bytes) in [
            ("a.log.gz", gzip(&text)),
            // By what is in it, and not by its name; the cut is within a line.
            ("b.log", [gzip(one), gzip(""), gzip(two)].concat()),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            check(&path);
        }
        let reader = std::io::Cursor::new(gzip("one\ntwo"));
        assert_eq!(
            Flow::read(Files::reader("r", reader), Lines)
                .count()
                .unwrap(),
            2
        );
    }

    #[test]
    fn what_is_torn_is_an_error_and_what_is_not_gzip_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gz");
        let whole = gzip(&text());
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let error = Flow::read(&path, Lines).count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains("a.gz"), "{error}");

        fs::write(&path, "plain\n").unwrap();
        assert_eq!(Flow::read(&path, Lines).collect_vec().unwrap(), ["plain"]);
        fs::write(&path, "").unwrap();
        assert_eq!(Flow::read(&path, Lines).count().unwrap(), 0);
    }
}

#[cfg(feature = "zst")]
mod zst {
    use super::*;

    fn pack(text: &str) -> Vec<u8> {
        zstd::encode_all(text.as_bytes(), 1).unwrap()
    }

    #[test]
    fn zstandard_of_one_frame_or_several_is_read_as_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let text = text();
        let (one, two) = text.split_at(text.len() / 3);
        let skipped = b"\x50\x2a\x4d\x18\x02\0\0\0no".to_vec();
        for (name, bytes) in [
            ("a.log.zst", pack(&text)),
            ("b.log", [skipped, pack(one), pack(""), pack(two)].concat()),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            check(&path);
        }
        let whole = pack(&text);
        let path = folder.path().join("torn");
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let error = Flow::read(&path, Lines).count().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains("torn"), "{error}");
    }
}

#[test]
fn without_its_feature_a_compressed_input_says_which_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    for (first, feature, on) in [
        (b"\x1f\x8b\x08\x00".as_slice(), "`gz`", cfg!(feature = "gz")),
        (b"\x28\xb5\x2f\xfd", "`zst`", cfg!(feature = "zst")),
    ] {
        let path = folder.path().join("packed");
        fs::write(&path, first).unwrap();
        if !on {
            let error = Flow::read(&path, Lines).count().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.message().contains(feature), "{error}");
        }
        let raw = Flow::read(Files::from(&path).raw(), Lines)
            .count()
            .unwrap_err();
        assert_eq!(raw.kind(), ErrorKind::Utf8, "as it is, it is no text");
    }
}

#[cfg(feature = "glob")]
#[test]
fn a_pattern_stands_for_the_files_that_match_it() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.log", "a.log", "c.txt", "sub/d.log"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    let read = |pattern: &str| {
        let pattern = folder.path().join(pattern);
        let files = Files::glob(pattern.to_str().unwrap());
        Flow::read(files, Lines).ordered().collect_vec()
    };
    assert_eq!(read("*.log").unwrap(), ["a.log", "b.log"]);
    assert_eq!(read("*").unwrap(), ["a.log", "b.log", "c.txt"]);
    assert_eq!(read("**/*.log").unwrap(), ["a.log", "b.log", "sub/d.log"]);
    let error = read("*.csv").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains("*.csv"), "{error}");
    assert_eq!(read("***").unwrap_err().kind(), ErrorKind::Option);
}
