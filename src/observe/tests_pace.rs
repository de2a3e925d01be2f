//! Analyses of reports made by hand, of runs whose stages were not what took the time: a rate, a commit, one thread for all.

use std::slice::from_ref;
use std::time::Duration;

use super::samples::{report, worker};
use super::tests::found;
use crate::plan::Routing::Shared;
use crate::plan::samples::chain;
use crate::run::WorkerReport;

#[test]
fn more_threads_than_cores_are_not_said_to_compute() {
    let naps = worker(50_000, 990, 0);
    let report = report(
        chain(&[Shared]),
        &[
            ("read", &[worker(100_000, 20, 980)]),
            ("fetch", &[naps.clone(), naps.clone(), naps.clone(), naps]),
        ],
    );
    let (stage, said) = found(&report, 2);
    assert_eq!(stage, 1);
    assert!(
        said.contains("with 4.0 threads at work at a time, more than the 2 cores can run"),
        "{said}"
    );
}

#[test]
fn threads_that_take_turns_at_an_iterator_are_one_busy_source() {
    let mut plan = chain(&[Shared]);
    plan.nodes[0].steps = vec!["iter"];
    let turn = worker(1_000, 245, 0);
    let report = report(
        plan,
        &[
            ("read", &[turn.clone(), turn.clone(), turn.clone(), turn]),
            ("parse", &[worker(4_000, 300, 0)]),
        ],
    );
    let (stage, said) = found(&report, 8);
    assert_eq!(stage, 0);
    assert!(
        said.starts_with(
            "The bottleneck is `read`: its 4 threads, in turn, were busy for 98 % of the run"
        ) && said.contains("(`from_iters`)"),
        "{said}"
    );
}

#[test]
fn a_rate_that_was_asked_for_is_named() {
    for (at, held) in [(1, 960), (0, 0)] {
        let mut plan = chain(&[Shared, Shared]);
        plan.nodes[at].steps.push("rate_limit");
        let limited = worker(2_000, 20, 0);
        let report = report(
            plan,
            &[
                ("read", &[worker(2_000, 20, held)]),
                ("call", &[limited]),
                ("end", &[worker(2_000, 30, 0)]),
            ],
        );
        let (stage, said) = found(&report, 4);
        assert_eq!(stage, at, "{said}");
        assert!(
            said.starts_with("The bottleneck is the `rate_limit` of `"),
            "{said}"
        );
        assert_eq!(said.contains("no room for 96 %"), at == 1, "{said}");
    }
}

#[test]
fn items_that_are_tried_again_take_their_time() {
    let mut tries = worker(2_000, 20, 0);
    tries.retried = 7;
    let report = report(
        chain(&[Shared]),
        &[("read", &[worker(2_000, 20, 960)]), ("call", &[tries])],
    );
    let (stage, said) = found(&report, 4);
    assert_eq!(stage, 1);
    assert!(
        said.contains(
            "it tried rejected items again, 7 times in all, and waited for 98 % of the run"
        ),
        "{said}"
    );
}

#[test]
fn small_batches_of_an_idle_flow_hold_nobody_back() {
    let mut idle = worker(2_000, 30, 0);
    (idle.batches_in, idle.batches_out) = (1_000, 1_000);
    let report = report(
        chain(&[Shared]),
        &[("read", from_ref(&idle)), ("end", from_ref(&idle))],
    );
    assert!(!found(&report, 4).1.contains("handing over"));
}

#[test]
fn what_is_done_when_the_stages_have_ended_counts() {
    let brief = WorkerReport {
        waiting_input: Duration::ZERO,
        ..worker(2_000, 250, 0)
    };
    let report = report(
        chain(&[Shared]),
        &[("read", from_ref(&brief)), ("load", from_ref(&brief))],
    );
    let (_, said) = found(&report, 4);
    assert!(
        said.contains("they had after 25 % of the run") && said.contains("commit"),
        "{said}"
    );
}

#[test]
fn a_seeded_run_says_that_it_was_one() {
    let mut report = report(
        chain(&[Shared]),
        &[
            ("read", &[worker(2_000, 30, 900)]),
            ("work", &[worker(2_000, 500, 0), worker(2_000, 400, 0)]),
        ],
    );
    report.seeded = true;
    let (stage, said) = found(&report, 2);
    assert_eq!(stage, 1);
    assert!(
        said.contains("The run was seeded") && said.contains("`work` for 90 % of the run"),
        "{said}"
    );
}
