//! Analyses of reports made by hand: a known bottleneck in each place, with the sentence it must get.

use std::time::Duration;

use super::advice::sentence;
use super::analyze::{Cause, analyze};
use super::explain::explain;
use super::samples::{report, taken, worker};
use crate::plan::Routing::{Function, Hash, Shared};
use crate::plan::samples::{chain, word_count};
use crate::run::{Report, WorkerReport};

/// The number of the stage and the sentence, on so many cores.
pub(super) fn found(report: &Report, cores: usize) -> (usize, String) {
    let finding = analyze(report, cores).expect("a report with stages");
    (finding.stage, sentence(report, &finding))
}

#[test]
fn a_stage_that_holds_the_one_before_back_is_given_threads() {
    let report = report(
        chain(&[Shared, Shared]),
        &[
            ("read", &[worker(50_000, 80, 900)]),
            ("parse", &[worker(50_000, 970, 0)]),
            ("store", &[worker(50_000, 100, 0)]),
        ],
    );
    let (stage, said) = found(&report, 4);
    assert_eq!(stage, 1);
    assert_eq!(
        said,
        "The bottleneck is `parse`: its thread was busy for 97 % of the run, while the stage before it had no room for \
         90 %; give it more threads: `.stages(4)`."
    );
}

#[test]
fn busy_cores_get_no_more_threads() {
    let slow = worker(50_000, 970, 0);
    let report = report(
        chain(&[Shared]),
        &[
            ("read", &[worker(100_000, 80, 900)]),
            ("parse", &[slow.clone(), slow]),
        ],
    );
    let (stage, said) = found(&report, 2);
    assert_eq!(stage, 1);
    assert!(said.contains("the busiest of its 2 threads was busy for 97 % of the run"));
    assert!(
        said.ends_with(
            "with 2.0 threads at work at a time, as many as the 2 cores can run, less work for an item would help if they \
             compute, and more threads only if they wait for something outside the flow."
        ),
        "{said}"
    );
    assert!(found(&report, 8).1.contains("`.stages(8)`"));
}

#[test]
fn a_slow_source_is_told_by_how_it_is_read() {
    let mut plan = chain(&[Shared]);
    plan.nodes[0].steps = vec!["iter"];
    let stages: &[(&str, &[WorkerReport])] = &[
        ("lines", &[worker(1_000, 960, 0)]),
        ("parse", &[worker(1_000, 20, 0)]),
    ];
    let (stage, said) = found(&report(plan.clone(), stages), 4);
    assert_eq!(stage, 0);
    assert!(
        said.ends_with("a faster one, or several (`from_iters`), would help."),
        "{said}"
    );
    plan.nodes[0].steps = vec!["iter", "map"];
    let (_, said) = found(&report(plan.clone(), stages), 4);
    assert!(said.contains("a `.shuffle()` in front of them"), "{said}");
    plan.nodes[0].steps = vec!["slice", "map"];
    let (_, said) = found(&report(plan, stages), 4);
    assert!(said.ends_with("`.stages(4)`."), "{said}");
}

#[test]
fn a_source_with_nothing_to_give_is_not_the_flows_fault() {
    let report = report(
        chain(&[Shared]),
        &[
            ("receiver", &[worker(1_000, 20, 0)]),
            ("parse", &[worker(1_000, 30, 0)]),
        ],
    );
    let (stage, said) = found(&report, 4);
    assert_eq!(stage, 0);
    assert!(
        said.starts_with(
            "The bottleneck is the source of `receiver`: it had nothing to give for 98 %"
        ),
        "{said}"
    );
}

#[test]
fn a_slow_taker_lies_outside() {
    let report = report(
        taken(chain(&[Shared])),
        &[
            ("read", &[worker(1_000, 20, 970)]),
            ("parse", &[worker(1_000, 30, 960)]),
        ],
    );
    let (stage, said) = found(&report, 4);
    assert_eq!(stage, 1);
    assert!(
        said.starts_with("The bottleneck is the thread that takes the items: `parse` had no room"),
        "{said}"
    );
}

#[test]
fn a_skewed_key_is_named() {
    let workers = [
        worker(10_000, 100, 0),
        worker(9_000, 90, 0),
        worker(10_000, 110, 0),
        worker(71_000, 980, 0),
    ];
    let stages: &[(&str, &[WorkerReport])] =
        &[("read", &[worker(100_000, 50, 900)]), ("count", &workers)];
    let (stage, said) = found(&report(chain(&[Hash]), stages), 8);
    assert_eq!(stage, 1);
    assert!(
        said.starts_with(
            "The bottleneck is `count`: the key space is skewed: partition 3 took 71 % of the items and was busy for 98 %"
        ),
        "{said}"
    );
    let (_, said) = found(&report(chain(&[Function]), stages), 8);
    assert!(said.contains("the routing is uneven"), "{said}");
    // Where each takes what it can, having more items is no fault.
    let (_, said) = found(&report(chain(&[Shared]), stages), 8);
    assert!(said.contains("`.stages("), "{said}");
}

#[test]
fn a_free_reduction_behind_a_hash_boundary_is_told_of_aggregates() {
    let mut plan = chain(&[Hash]);
    plan.nodes[1].steps = vec!["partition_by", "reduce"];
    let report = report(
        plan,
        &[
            ("read", &[worker(100_000, 80, 900)]),
            ("reduce", &[worker(100_000, 970, 0)]),
        ],
    );
    let finding = analyze(&report, 4).unwrap();
    assert_eq!((finding.stage, finding.cause), (1, Cause::Reduce));
    assert!(sentence(&report, &finding).contains("`fold_by`"));
}

#[test]
fn batches_of_one_are_the_bottleneck_where_items_are_cheap() {
    let small = |busy, blocked| WorkerReport {
        batches_in: 100_000,
        batches_out: 100_000,
        ..worker(100_000, busy, blocked)
    };
    let stages: &[(&str, &[WorkerReport])] =
        &[("read", &[small(600, 300)]), ("parse", &[small(700, 0)])];
    let mut plan = chain(&[Hash]);
    plan.nodes[1].group.batch = 1;
    let (stage, said) = found(&report(plan.clone(), stages), 4);
    assert_eq!(stage, 1);
    assert!(
        said.starts_with("The bottleneck is the edge from `read` to `parse`: handing over costs")
            && said.contains("held 1.0 items")
            && said.contains("`.batch` is 1 there"),
        "{said}"
    );
    plan.nodes[1].group.batch = 1_000;
    assert!(
        found(&report(plan.clone(), stages), 4)
            .1
            .contains("`.linger`")
    );
    // A thousand of a millisecond each: what is handed over is worth it.
    let slow = |busy, blocked| WorkerReport {
        batches_out: 1_000,
        ..worker(1_000, busy, blocked)
    };
    let stages: &[(&str, &[WorkerReport])] =
        &[("read", &[slow(10, 900)]), ("parse", &[slow(990, 0)])];
    assert!(found(&report(plan, stages), 4).1.contains("`.stages("));
}

#[test]
fn threads_with_nothing_to_do_are_too_many() {
    let idle = vec![worker(1_000, 100, 0); 16];
    let source = [worker(16_000, 400, 300)];
    let report = report(chain(&[Hash]), &[("read", &source), ("parse", &idle)]);
    let finding = analyze(&report, 4).unwrap();
    assert_eq!(
        (finding.stage, finding.cause),
        (1, Cause::Threads { needed: 2 })
    );
    let said = sentence(&report, &finding);
    assert!(
        said.contains("`parse` has 16 threads") && said.ends_with("2 would do: `.stages(2)`."),
        "{said}"
    );
}

#[test]
fn on_a_machine_with_other_work_the_stage_that_does_all_is_found() {
    // Threads are woken late: the consumer has no input though the producer has no room.
    let report = report(
        chain(&[Shared]),
        &[
            ("read", &[worker(500, 420, 580)]),
            ("end", &[worker(500, 10, 0)]),
        ],
    );
    let finding = analyze(&report, 2).unwrap();
    assert_eq!((finding.stage, finding.cause), (0, Cause::Source));
    let even = report_of_two(420, 400);
    assert_eq!(analyze(&even, 2).unwrap().cause, Cause::Quiet);
}

/// Two stages of a thread each that were busy for so many milliseconds of a second.
fn report_of_two(first: u64, second: u64) -> Report {
    report(
        chain(&[Shared]),
        &[
            ("read", &[worker(500, first, 580)]),
            ("end", &[worker(500, second, 0)]),
        ],
    )
}

#[test]
fn a_run_that_was_short_is_said_to_be() {
    let mut report = report(
        word_count(),
        &[("a", &[worker(1, 1, 0)]), ("b", &[worker(1, 0, 0)])],
    );
    report.elapsed = Duration::from_micros(300);
    let (_, said) = found(&report, 2);
    assert!(said.starts_with("The run took 300.0µs"), "{said}");
    assert!(analyze(&Report::default(), 2).is_none());
    assert_eq!(explain(&Report::default(), 2), "nothing ran");
}

#[test]
fn the_report_over_the_plan_in_words() {
    let mut count = worker(200, 100, 0);
    count.keys = 150;
    count.late = 2;
    count.rejected.insert("parse".to_owned(), 3);
    count.panics = 1;
    let mut lines = worker(4_000, 950, 0);
    lines.bytes_in = 88_000;
    lines.combined = 4_000;
    lines.entries = 400;
    lines.items_out = 400;
    let report = report(
        word_count(),
        &[
            ("lines", &[lines]),
            ("count", &[count, worker(200, 300, 0)]),
        ],
    );
    let expected = "\
stage 1, `lines`: 1 thread
    steps   lines → flat_map
    took    4,000 items, 88,000 bytes, in 4 batches of 1000.0
    gave    400 items, in 4 batches of 100.0
    time    busy 95 %, no input 5 %, no room 0 %
    combine 10.0 items into each entry that was sent

edge from `lines` to `count`: by hash, so equal keys meet in one thread
    filled  6 of 8 batches at most (75 %), 1 at the end

stage 2, `count`: 2 threads
    steps   count_by
    took    400 items, in 2 batches of 200.0
    gave    400 items, in 2 batches of 200.0
    time    busy 20 %, no input 80 %, no room 0 %
    skew    partition 1 took most, 50 % of the items: 1.00 times an even part
    keys    150
    late    2 items
    refused 3 by `parse`
    panics  1

elapsed: 1.0s; at work at a time: 1.4 of 3 threads, on 4 cores
The bottleneck is `lines`: its thread was busy for 95 % of the run; give it more threads: `.stages(4)`.";
    assert_eq!(explain(&report, 4), expected);
}
