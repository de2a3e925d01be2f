//! Misuse does not compile, and the compiler says something useful.
//!
//! A file in `cases/` is a program that must not compile; the `.stderr` beside it is the whole message, read and found
//! good. Messages change from compiler to compiler, so they are compared only on the one they were written with,
//! [`WRITTEN_WITH`]. On any other each case must still be refused, with the same error codes.
//!
//! To write the messages anew, on that compiler or a later one (then change [`WRITTEN_WITH`]):
//! `TRYBUILD=overwrite cargo test --test compile_fail`, and read each of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The compiler whose messages the `.stderr` files have.
const WRITTEN_WITH: &str = "rustc 1.95.";

const CASES: &str = "tests/compile_fail/cases";

/// What `rustc` says of itself; the one that builds the cases.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).arg("--version").output();
    String::from_utf8(said.expect("a compiler that says its version").stdout)
        .expect("a version in UTF-8")
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder of cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no .{ending} in {}", folder.display());
    files
}

/// The errors of a message by their codes, in alphabetical order; a lint's has none.
fn codes(message: &Path) -> Vec<String> {
    let text = fs::read_to_string(message).unwrap_or_else(|e| panic!("{}: {e}", message.display()));
    let mut codes: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("error"))
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect();
    codes.sort();
    codes.dedup();
    codes
}

#[test]
fn every_case_has_its_message() {
    let folder = Path::new(CASES);
    let cases = files(folder, "rs");
    let messages = files(folder, "stderr");
    let beside: Vec<PathBuf> = cases
        .iter()
        .map(|case| case.with_extension("stderr"))
        .collect();
    assert_eq!(beside, messages);
}

#[test]
fn misuse_is_refused() {
    let compiler = compiler();
    if compiler.starts_with(WRITTEN_WITH) {
        trybuild::TestCases::new().compile_fail(format!("{CASES}/*.rs"));
        return;
    }
    // Another compiler: copies of the cases, without messages to compare, in a process of its own that accepts any.
    let copies = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_fail");
    if copies.exists() {
        fs::remove_dir_all(&copies).expect("to remove the copies of an earlier run");
    }
    fs::create_dir_all(&copies).expect("a folder for copies");
    for case in files(Path::new(CASES), "rs") {
        fs::copy(&case, copies.join(case.file_name().expect("a name"))).expect("a copy");
    }
    let refused = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "copies_are_refused", "--nocapture"])
        .env("TRYBUILD", "overwrite")
        .env("COPIES", &copies)
        .status()
        .expect("this program again");
    assert!(refused.success(), "a case compiles with {compiler}");
    for message in files(Path::new(CASES), "stderr") {
        let here = copies.join(message.file_name().expect("a name"));
        assert_eq!(
            codes(&here),
            codes(&message),
            "{} with {compiler}",
            message.display()
        );
    }
}

/// The part of [`misuse_is_refused`] that runs in a process of its own.
#[test]
#[ignore = "misuse_is_refused runs it, on compilers whose messages are not known"]
fn copies_are_refused() {
    let copies = std::env::var("COPIES").expect("the folder of the copies");
    trybuild::TestCases::new().compile_fail(format!("{copies}/*.rs"));
}
