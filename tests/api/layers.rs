//! The layers of `src/`: who knows whom, and how long a file is. It reads the source, so that a new dependency between
//! folders is a decision somebody writes down here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each folder (or file) directly in `src/` may use of the others. `flow` is in nobody's list but that of
/// `lib.rs`, which only re-exports.
const KNOWS: &[(&str, &[&str])] = &[
    (
        "lib",
        &[
            "aggregate",
            "async_stream",
            "dashboard",
            "edge",
            "error",
            "flow",
            "observe",
            "options",
            "output",
            "plan",
            "postgres",
            "rate",
            "read",
            "reject",
            "row",
            "run",
            "sink",
            "source",
            "sqlite",
            "stage",
            "state",
            "step",
            "tcp",
            "window",
        ],
    ),
    (
        "flow",
        &[
            "aggregate",
            "async_stream",
            "dashboard",
            "edge",
            "error",
            "observe",
            "options",
            "output",
            "plan",
            "rate",
            "read",
            "reject",
            "run",
            "sink",
            "source",
            "stage",
            "state",
            "step",
            "tcp",
            "window",
        ],
    ),
    // Text.
    ("guide", &["stage"]),
    // Pure.
    ("aggregate", &[]),
    ("rate", &[]),
    ("plan", &["error", "options"]),
    ("options", &["error", "run"]),
    ("error", &["run"]),
    ("stage", &["error", "rate", "run"]),
    // The runner, and the contracts of the two ends of a worker.
    (
        "run",
        &[
            "edge", "error", "observe", "options", "output", "plan", "source", "step",
        ],
    ),
    // Who looks at runs, and what is made of one in words and pictures.
    ("observe", &["error", "options", "plan", "run"]),
    (
        "dashboard",
        &["error", "observe", "options", "plan", "run", "stage"],
    ),
    ("sink", &["error", "run"]),
    ("read", &["error", "reject", "run", "source", "step"]),
    ("csv", &["error", "read", "sink"]),
    ("json", &["error", "read", "sink"]),
    // Connectors.
    ("row", &["error"]),
    ("postgres", &["error", "row", "run", "sink", "source"]),
    ("sqlite", &["error", "row", "run", "sink", "source"]),
    ("parquet", &["error", "read", "run", "sink", "source"]),
    ("window", &["edge"]),
    ("reject", &["error", "run", "sink"]),
    (
        "step",
        &["edge", "error", "rate", "reject", "run", "window"],
    ),
    (
        "output",
        &[
            "edge", "error", "options", "reject", "run", "sink", "stage", "step",
        ],
    ),
    // What comes in, and what goes between.
    ("source", &["error", "options", "run", "stage", "step"]),
    ("tcp", &["error", "run", "source", "step"]),
    (
        "async_stream",
        &["edge", "error", "output", "run", "source", "step"],
    ),
    ("edge", &["error", "run", "step"]),
    (
        "state",
        &[
            "aggregate",
            "edge",
            "error",
            "output",
            "run",
            "step",
            "window",
        ],
    ),
];

/// A file, and what it uses though its folder may not, with the reason; one that is no longer needed is an error.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// The most lines of a file; one that is nothing but tests may be longer.
const LINES: usize = 420;

/// Every file in `src/` with its text.
fn sources() -> BTreeMap<PathBuf, String> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("a source in UTF-8");
                found.insert(path, text);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(Path::new("src"), &mut found);
    assert!(found.len() > 50, "found only {} sources", found.len());
    found
}

/// The name of the folder or file directly in `src/` that a path is, or is in.
fn layer(path: &Path) -> String {
    let below = path.strip_prefix("src").expect("a path in src");
    let first = Path::new(below.iter().next().expect("a name"));
    first
        .file_stem()
        .expect("a name")
        .to_string_lossy()
        .into_owned()
}

/// The crate's modules that a text names by their path, outside comments and unit tests.
fn used(text: &str) -> BTreeSet<String> {
    let code = text
        .split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            // `crate::{…}` and `crate::Name` would hide a dependency from this test: name the module.
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            assert!(
                name.starts_with(|c: char| c.is_lowercase()),
                "write the module behind `crate::` in `crate::{rest}`"
            );
            name
        })
        .collect()
}

#[test]
fn layers_know_only_those_below() {
    let known: BTreeMap<&str, &[&str]> = KNOWS.iter().copied().collect();
    let mut unneeded: BTreeSet<(&str, &str)> = EXCEPTIONS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let layer = layer(&path);
        let may = *known
            .get(layer.as_str())
            .unwrap_or_else(|| panic!("`{layer}` is not in KNOWS"));
        let name = path.to_string_lossy().replace('\\', "/");
        for module in used(&text) {
            if module == layer || may.contains(&module.as_str()) {
                continue;
            }
            let exception = unneeded
                .iter()
                .copied()
                .find(|(file, knows)| *file == name && *knows == module);
            match exception {
                Some(exception) => {
                    unneeded.remove(&exception);
                }
                None => wrong.push(format!("{name} uses `{module}`")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(unneeded.is_empty(), "remove from EXCEPTIONS: {unneeded:?}");
}

#[test]
fn what_the_layers_may_know_they_do() {
    let mut unused: BTreeSet<(String, &str)> = KNOWS
        .iter()
        .flat_map(|(layer, may)| may.iter().map(|m| (layer.to_string(), *m)))
        .collect();
    for (path, text) in sources() {
        let layer = layer(&path);
        let here = used(&text);
        // `lib.rs` names its modules without `crate::`.
        unused.retain(|(of, module)| *of != layer || !(layer == "lib" || here.contains(*module)));
    }
    assert!(unused.is_empty(), "remove from KNOWS: {unused:?}");
}

#[test]
fn nothing_but_the_named_exception_points_back_to_the_builder() {
    let pointing: Vec<String> = sources()
        .into_iter()
        .filter(|(path, text)| {
            !matches!(layer(path).as_str(), "lib" | "flow") && used(text).contains("flow")
        })
        .map(|(path, _)| path.to_string_lossy().replace('\\', "/"))
        .collect();
    let named: Vec<&str> = EXCEPTIONS
        .iter()
        .filter(|(_, knows)| *knows == "flow")
        .map(|(file, _)| *file)
        .collect();
    assert_eq!(pointing, named);
}

#[test]
fn files_are_short() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        let tests = path.file_name().is_some_and(|name| name == "tests.rs");
        assert!(
            tests || lines <= LINES,
            "{} has {lines} lines: more than one idea?",
            path.display()
        );
    }
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{} has no header", path.display());
    }
}
