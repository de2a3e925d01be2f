//! What `explain` says of the memory that stages keep, with the bytes of known types.

use std::collections::HashSet;
use std::time::Duration;

use millstream::{Flow, Plan, Side, Window};

use crate::sorted;

/// What a plan says that its stages keep, a line each.
fn keeps(plan: &Plan) -> Vec<String> {
    let text = plan.explain();
    let mut kept = Vec::new();
    let mut label = "";
    for line in text.lines() {
        let Some(row) = line.strip_prefix("    ") else {
            label = "";
            continue;
        };
        let (own, words) = row.split_at(8);
        if !own.trim().is_empty() {
            label = own.trim();
        }
        if label == "keeps" {
            kept.push(words.to_owned());
        }
    }
    // The other form has the same.
    let json = plan.to_json();
    assert!(kept.iter().all(|line| json.contains(line)), "{json}");
    kept
}

fn numbers() -> Flow<'static, impl millstream::Pipe<Item = u64> + millstream::Unreduced> {
    Flow::from_range(0..100u64)
}

#[test]
fn uniq_says_what_a_key_takes() {
    let text =
        "the distinct keys that `uniq` has seen, each 8 bytes, 11 to 21 with its place in a table";
    assert_eq!(keeps(&numbers().uniq().plan()), [text]);
    let by = numbers().uniq_by(|n| n.to_string());
    let text = "the distinct keys that `uniq` has seen, each 24 bytes and what it owns, 29 to 58 with its place in a table";
    assert_eq!(keeps(&by.plan()), [text]);
}

#[test]
fn windows_say_what_a_state_takes() {
    let hour = || Window::fixed(Duration::from_secs(3600));
    let windows = numbers().window_by(hour(), |n| *n as i64);
    // Beside the sum of eight bytes: two counts, a flag, and the id.
    assert_eq!(
        keeps(&windows.reduce(|| 0u64, |sum, n| *sum += n).plan()),
        ["a state a window that is open, in each partition; a state is 8 bytes, 40 with its place"]
    );
    let global = numbers().window(Window::global());
    assert_eq!(
        keeps(&global.reduce(Vec::new, |all, n| all.push(n)).plan()),
        ["one state a partition; a state is 24 bytes and what it owns, 56 with its place"]
    );
    let uniq = numbers().window_by(hour(), |n| *n as i64).uniq_by(|n| *n);
    assert_eq!(
        keeps(&uniq.plan()),
        [
            "a state a window that is open, in each partition; a state is its distinct keys, each 8 bytes, 11 to 21 with its place in a table"
        ]
    );
    let counts = numbers().window_by(hour(), |n| *n as i64).count_by(|n| *n);
    assert_eq!(
        keeps(&counts.plan()),
        [
            "partial results by window and key a thread, up to 65,536 and a chunk, each 24 bytes, 29 to 58 with its place in a table",
            "a state a window that is open, in each partition; a state is its distinct keys, each 16 bytes, 20 to 39 with its place in a table"
        ]
    );
}

#[test]
fn joins_say_what_a_row_takes() {
    let right = || Flow::from_range(0..10u32).map(|n| (n.to_string(), n));
    let join = || numbers().inner_join(right(), |n| *n as u32, |row| row.1);
    let rows = "a left row is 16 bytes, a right row 40 bytes and what it owns, with their keys";
    let on_its_way =
        "rows on their way, less than a batch in each of at least 256 parts a thread, each";
    let kept = sorted(keeps(&join().plan()));
    assert_eq!(kept[0], format!("{on_its_way} 16 bytes with its key"));
    assert_eq!(
        kept[1],
        format!("{on_its_way} 40 bytes and what it owns with its key")
    );
    assert!(kept[2].starts_with("the rows of both sides, until one"));
    assert!(kept[2].ends_with(rows), "{kept:?}");
    let built = keeps(&join().build(Side::Left).plan());
    let kept = format!(
        "the rows of the left side, and up to half as many of the right that wait to be matched; {rows}"
    );
    assert!(built.contains(&kept), "{built:?}");
}

#[test]
fn keyed_aggregates_say_what_an_entry_takes() {
    let kept = keeps(&numbers().count_by(|n| n.to_string()).plan());
    // A key of more than eight bytes carries its hash.
    assert!(
        kept[0].starts_with(
            "entries to combine a thread, up to 16,384, each 40 bytes and what it owns; "
        ),
        "{kept:?}"
    );
    assert!(kept[0].ends_with("of entries of 40 bytes"), "{kept:?}");
    let key = "its distinct keys with what was accumulated, each 40 bytes and what it owns; ";
    assert!(kept[1].starts_with(key), "{kept:?}");
    let small = keeps(&numbers().count_by(|n| *n).plan());
    let key = "its distinct keys with what was accumulated, each 16 bytes; ";
    assert!(small[1].starts_with(key), "{small:?}");
}

#[test]
fn other_stages_say_what_they_keep() {
    let set = numbers().reduce(HashSet::new, |set: &mut HashSet<u64>, n| {
        set.insert(n);
    });
    let text = format!(
        "an accumulator of `reduce` a thread, {} bytes and what it owns",
        size_of::<HashSet<u64>>()
    );
    assert_eq!(keeps(&set.plan()), [text]);
    let few = keeps(&numbers().take_top(3).plan());
    assert!(few[0].starts_with("up to 3 items a thread that a sort may still take, each"));
    assert!(few[1].starts_with("what has been merged, 24 bytes and what it owns"));
    let all = numbers().ending().collect::<Vec<u64>>();
    assert_eq!(keeps(&all.plan()), ["the collected items, each 8 bytes"]);
}
