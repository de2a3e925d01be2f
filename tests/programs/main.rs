//! The examples as a newcomer runs them: their binaries, with arguments, judged by what they print and return.
//!
//! What is expected is computed here the plain way, or written out, never with the crate.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[cfg(feature = "csv")]
mod csv_mean;
mod measures;
mod nexmark;
mod one_brc;
mod stages;
mod word_count;

/// The folder of the crate, where the examples' data lie.
const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// The binary of an example, which `cargo test` builds into the folder beside that of the tests.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it lies");
    let target = test
        .ancestors()
        .nth(2)
        .expect("tests lie two folders deep in the target");
    let program = target
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        program.exists(),
        "{} is not built: run `cargo test` as a whole, or `cargo build --examples` first",
        program.display()
    );
    program
}

fn run<S: AsRef<std::ffi::OsStr>>(name: &str, args: impl IntoIterator<Item = S>) -> Output {
    Command::new(program(name))
        .args(args)
        .output()
        .expect("the example starts")
}

/// What a program printed that must have gone well.
fn stdout_of<S: AsRef<std::ffi::OsStr>>(name: &str, args: impl IntoIterator<Item = S>) -> String {
    let output = run(name, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {stderr}");
    assert_eq!(stderr, "", "{name} went well and yet complained");
    String::from_utf8(output.stdout).expect("examples print UTF-8")
}

/// What a program complained of: it must print nothing else, one line of it, and exit with 1.
fn complaint_of<S: AsRef<std::ffi::OsStr>>(
    name: &str,
    args: impl IntoIterator<Item = S>,
) -> String {
    let output = run(name, args);
    let stderr = String::from_utf8(output.stderr).expect("examples complain in UTF-8");
    assert_eq!(output.status.code(), Some(1), "{name} said: {stderr}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "",
        "{name} printed a part of its result"
    );
    assert_eq!(stderr.lines().count(), 1, "{name} said: {stderr}");
    assert!(stderr.starts_with(name), "{name} said: {stderr}");
    stderr
}

/// Writes a file into a folder of its own, which goes when the value does.
fn file(bytes: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("input.txt");
    std::fs::write(&path, bytes).expect("a file in it");
    (folder, path)
}

/// Whether a complaint names a path.
fn names(complaint: &str, path: &Path) -> bool {
    complaint.contains(&path.display().to_string())
}
