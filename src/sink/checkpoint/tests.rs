//! Marks in a file: there again, torn anywhere, of another input, and files that are something else.

use std::fs;

use super::*;

fn opened(path: &Path, input: &str) -> Result<(Progress, Keeper), Error> {
    Checkpoint::file(path).open(input.to_owned(), None)
}

fn splits(of: &[u64]) -> BTreeSet<u64> {
    of.iter().copied().collect()
}

#[test]
fn marks_are_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.checkpoint");
    let (progress, keeper) = opened(&path, "a 1").unwrap();
    assert_eq!(progress, Progress::default());
    keeper.note(Some(4)).unwrap();
    keeper.note(Some(0)).unwrap();
    let (progress, keeper) = opened(&path, "a 1").unwrap();
    assert_eq!(progress.splits, splits(&[0, 4]));
    assert!(!progress.whole);
    keeper.note(None).unwrap();
    assert!(opened(&path, "a 1").unwrap().0.whole);
}

#[test]
fn it_may_be_torn_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.checkpoint");
    let (_, keeper) = opened(&path, "a 1").unwrap();
    (10..20).for_each(|split| keeper.note(Some(split)).unwrap());
    let whole = fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let (progress, keeper) = opened(&path, "a 1").unwrap();
        let complete = whole[..length].iter().filter(|b| **b == b'\n').count();
        let known: Vec<u64> = (10..20).take(complete.saturating_sub(2)).collect();
        assert_eq!(progress.splits, splits(&known), "of {length} bytes");
        keeper.note(Some(7)).unwrap();
        let with = opened(&path, "a 1").unwrap().0;
        assert!(with.splits.contains(&7) && with.splits.len() == known.len() + 1);
    }
}

#[test]
fn marks_of_another_input_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.checkpoint");
    opened(&path, "a 1").unwrap();
    let error = opened(&path, "a 2").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Plan);
    assert!(error.message().contains("another input (a 1)"), "{error}");
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (n, text) in ["a letter\n", "millstream checkpoint 2\nx\n", "milk"]
        .iter()
        .enumerate()
    {
        let path = folder.path().join(n.to_string());
        fs::write(&path, text).unwrap();
        let error = opened(&path, "x").unwrap_err();
        assert!(error.message().contains("is not a checkpoint"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), *text);
    }
}
