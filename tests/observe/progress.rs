//! The line that shows how far a run has come, on a terminal in memory.

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::yield_now;

use indicatif::{InMemoryTerm, ProgressBar, ProgressDrawTarget};
use millstream::{BoxError, Flow, Progress, Skip, Source, Text};

fn terminal() -> (InMemoryTerm, Progress) {
    let terminal = InMemoryTerm::new(10, 100);
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    (terminal, Progress::new().to(target))
}

/// Waits until the terminal shows something of which this is true.
fn shows(terminal: &InMemoryTerm, is: impl Fn(&str) -> bool) -> String {
    loop {
        let seen = terminal.contents();
        if is(&seen) {
            return seen;
        }
        yield_now();
    }
}

#[test]
fn a_bar_where_the_size_is_known() {
    let (terminal, progress) = terminal();
    let seen = terminal.clone();
    let count = Flow::from_range(0..4000u32)
        .stages(1)
        .progress_with(progress.name("count"))
        .inspect(move |n| {
            if *n == 2000 {
                let line = shows(&seen, |line| line.contains("=>"));
                assert!(line.starts_with("count [="), "{line}");
                assert!(line.contains("/4,000 "), "{line}");
                assert!(line.contains("/s "), "{line}");
            }
        })
        .count();
    assert_eq!(count.unwrap(), 4000);
    let last = terminal.contents();
    assert!(last.starts_with("count: 4,000 items in "), "{last}");
    assert!(last.ends_with("/s"), "{last}");
    assert_eq!(last.lines().count(), 1, "{last}");
}

#[test]
fn bytes_where_the_source_counts_them() {
    let (terminal, progress) = terminal();
    let seen = terminal.clone();
    let text = Text::from("0123456789abcde\n".repeat(64 * 64));
    let count = Flow::from_lines(&text)
        .stages(1)
        .progress_with(progress)
        .map_with(
            |_, _| 0,
            |n, line| {
                *n += 1;
                if *n == 2048 {
                    shows(&seen, |line| line.contains(" KiB/64.00 KiB"));
                }
                line.len()
            },
        )
        .count();
    assert_eq!(count.unwrap(), 4096);
    let last = terminal.contents();
    assert!(last.starts_with("64.00 KiB in "), "{last}");
}

#[test]
fn a_spinner_where_the_size_is_not_known() {
    let (terminal, progress) = terminal();
    let seen = terminal.clone();
    let mut left = 4000u32;
    let items = std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        Some(left)
    });
    let count = Flow::from_iter(items)
        .stages(1)
        .flow_name("down")
        .progress_with(progress)
        .inspect(move |n| {
            if *n == 100 {
                let line = shows(&seen, |line| line.contains(" items "));
                assert!(line.contains("down "), "{line}");
                assert!(!line.contains('['), "{line}");
            }
        })
        .count();
    assert_eq!(count.unwrap(), 4000);
    let last = terminal.contents();
    assert!(last.starts_with("down: 4,000 items in "), "{last}");
}

/// Four splits with a thousand items each.
struct Thousands(AtomicU64);

impl Source for Thousands {
    type Item = u64;
    type Split<'s> = Box<dyn Iterator<Item = Result<u64, BoxError>>>;

    fn next_split(&self) -> Result<Option<Self::Split<'_>>, BoxError> {
        let split = self.0.fetch_add(1, Ordering::SeqCst);
        let items = split * 1000..(split + 1) * 1000;
        Ok((split < 4).then(|| Box::new(items.map(Ok)) as Self::Split<'_>))
    }

    fn splits(&self) -> Option<u64> {
        Some(4)
    }
}

#[test]
fn a_bar_of_splits_where_only_these_are_known() {
    let (terminal, progress) = terminal();
    let seen = terminal.clone();
    let count = Flow::from_source(Thousands(AtomicU64::new(0)))
        .stages(1)
        .progress_with(progress.name("load"))
        .try_map(|n| if n == 5 { Err("five") } else { Ok(n) })
        .on_error(Skip)
        .inspect(move |n| {
            if *n == 2500 {
                let line = shows(&seen, |line| {
                    line.contains(" 2/4 splits ") && line.ends_with("/s, 1 rejected")
                });
                assert!(line.starts_with("load [="), "{line}");
                assert!(line.contains(" items, "), "{line}");
            }
        })
        .count();
    assert_eq!(count.unwrap(), 3999);
    let last = terminal.contents();
    assert!(last.starts_with("load: 4,000 items in "), "{last}");
    assert!(last.ends_with("/s, 1 rejected"), "{last}");
}

#[test]
fn rejected_rows_are_told_meanwhile_and_in_the_end() {
    let (terminal, progress) = terminal();
    let seen = terminal.clone();
    let sum = Flow::from_vec(vec!["1", "two", "three", "4"])
        .stages(1)
        .progress_with(progress)
        .try_map(|text| text.parse::<u32>())
        .on_error(Skip)
        .inspect(move |n| {
            if *n == 4 {
                shows(&seen, |line| line.ends_with(", 2 rejected"));
            }
        })
        .sum::<u32>();
    assert_eq!(sum.unwrap(), 5);
    let last = terminal.contents();
    assert!(last.starts_with("4 items in "), "{last}");
    assert!(last.ends_with("/s, 2 rejected"), "{last}");
}

#[test]
fn the_last_line_says_how_it_ended() {
    let (failed, progress) = terminal();
    let flow = Flow::from_range(0..100).progress_with(progress.name("load"));
    flow.try_for_each(|_| Err("no")).unwrap_err();
    let last = failed.contents();
    assert!(last.starts_with("load: failed after "), "{last}");

    let (stopped, progress) = terminal();
    let handle = Flow::from_range(0..100)
        .held()
        .progress_with(progress)
        .start();
    drop(handle.unwrap());
    let last = stopped.contents();
    assert!(last.starts_with("stopped after 0 items in "), "{last}");
}

#[test]
fn one_item_is_not_several() {
    let (terminal, progress) = terminal();
    Flow::from_vec(vec![1])
        .progress_with(progress)
        .run()
        .unwrap();
    let last = terminal.contents();
    assert!(last.starts_with("1 item in "), "{last}");
}

#[test]
fn nothing_is_drawn_where_nobody_sees_it() {
    let hidden = Progress::new().to(ProgressDrawTarget::hidden());
    assert_eq!(
        Flow::from_range(0..10)
            .progress_with(hidden)
            .count()
            .unwrap(),
        10
    );
    assert!(format!("{:?}", Progress::new().name("x")).starts_with("Progress { name: Some(\"x\")"));
}

#[test]
fn a_bar_of_the_users_is_moved_and_keeps_its_style() {
    let bar = ProgressBar::hidden();
    let progress = Progress::new().name("mine").bar(bar.clone());
    Flow::from_range(0..300)
        .progress_with(progress)
        .run()
        .unwrap();
    assert_eq!((bar.position(), bar.length()), (300, Some(300)));
    assert!(bar.is_finished());
    assert!(
        bar.message().starts_with("mine: 300 items in "),
        "{}",
        bar.message()
    );
}

#[test]
fn a_seeded_run_has_a_line_too() {
    let (terminal, progress) = terminal();
    let flow = Flow::from_range(0..20).progress_with(progress);
    flow.partition().seeded(1).run().unwrap();
    assert!(terminal.contents().starts_with("20 items in "));
}

/// Run by the test below, in a process of its own.
#[test]
#[ignore = "the other half of `what_is_no_terminal_stays_quiet`"]
fn a_flow_with_progress_on_the_standard_error() {
    let sum = Flow::from_range(0..1000u64).progress().sum::<u64>();
    assert_eq!(sum.unwrap(), 499_500);
}

#[test]
fn what_is_no_terminal_stays_quiet() {
    let program = std::env::current_exe().unwrap();
    let name = "progress::a_flow_with_progress_on_the_standard_error";
    let run = Command::new(program)
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(String::from_utf8_lossy(&run.stderr), "");
}
