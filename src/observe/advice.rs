//! The finding of an analysis as one sentence: what held the run back, by which figures, and what would help.
//!
//! A sentence advises only what the figures support: where all cores are busy it does not ask for threads, and where equal keys
//! must meet in one thread it does not either.

use super::analyze::{Cause, Finding, ONE_AT_A_TIME};
use crate::plan::{End, Plan, Routing, count, list, threads};
use crate::run::{Report, StageReport};

/// The sentence of a finding.
pub(super) fn sentence(report: &Report, finding: &Finding) -> String {
    let stage = &report.stages[finding.stage];
    let name = list(&[stage.name()]);
    match finding.cause {
        Cause::Short => format!(
            "The run took {:.1?}, which is too short to tell what held it back.",
            report.elapsed
        ),
        Cause::Seeded { share } => format!(
            "The run was seeded: one thread did the work of all in turn, that of {name} for {} of the run, so it cannot show \
             what would hold threads back.",
            percent(share)
        ),
        Cause::After { stages } => format!(
            "The bottleneck is what is left to do when the stages have ended: they had after {} of the run, and the rest went \
             to what sinks do at the end, such as to commit.",
            percent(stages)
        ),
        Cause::Taker => taker(report, finding),
        Cause::Paced { retries, waited } => paced(report, finding, retries, waited),
        Cause::Waiting => format!(
            "The bottleneck is the source of {name}: it had nothing to give for {} of the run, so the flow is faster than \
             its input and more threads would not help.",
            percent(stage_part(report, stage, |w| w.waiting_input))
        ),
        Cause::Tiny { edge, items } => tiny(report, edge, items),
        Cause::Skew { partition, share } => skew(report, finding, partition, share),
        Cause::Reduce => format!(
            "{} it is given every item, so if many share a key, a declared aggregate (`count_by`, `fold_by`, \
             `aggregate_by`), which combines equal keys before they are sent, would take work off it.",
            busy(report, finding)
        ),
        Cause::Source => format!("{} {}.", busy(report, finding), source(report, finding)),
        Cause::Busy => format!("{} {}.", busy(report, finding), more(report, finding)),
        Cause::Threads { needed } => format!(
            "No stage was busy for even half of the run; {name} has {}, which waited for input for {} of it, and {} would \
             do: `.stages({needed})`.",
            threads(stage.workers().len() as u64),
            percent(stage_part(report, stage, |w| w.waiting_input)),
            match needed {
                1 => "one".to_owned(),
                n => n.to_string(),
            },
        ),
        Cause::Quiet => format!(
            "No stage was busy for even half of the run; {name} was the busiest, for {}: stages waited for each other in \
             turn, which larger buffers between them (`.buffer`) or more input would even out.",
            percent(finding.busy)
        ),
    }
}

/// A part of a whole, in percent.
pub(crate) fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// The part of the run that a stage's workers spent on something, on average.
fn stage_part(
    report: &Report,
    stage: &StageReport,
    time: fn(&crate::run::WorkerReport) -> std::time::Duration,
) -> f64 {
    let workers = stage.workers();
    let all: f64 = workers.iter().map(|w| time(w).as_secs_f64()).sum();
    let elapsed = report.elapsed.as_secs_f64() * workers.len() as f64;
    (all / elapsed.max(f64::MIN_POSITIVE)).min(1.0)
}

/// How long those in front of the bottleneck waited for it, if that was long.
fn held(finding: &Finding) -> String {
    match finding.held {
        held if held >= 0.1 => format!(
            ", while the stage before it had no room for {}",
            percent(held)
        ),
        _ => String::new(),
    }
}

/// Who the bottleneck is, and the figures that say so.
fn busy(report: &Report, finding: &Finding) -> String {
    let stage = &report.stages[finding.stage];
    let alone = stage.workers().iter().map(|worker| worker.busy).max();
    let alone = alone.unwrap_or_default().as_secs_f64();
    // Its workers read the source one at a time: none of them was busy for so long.
    let in_turn = alone < (finding.busy - 0.01) * report.elapsed.as_secs_f64();
    let who = match stage.workers().len() {
        1 => "its thread was".to_owned(),
        n if in_turn => format!("its {}, in turn, were", threads(n as u64)),
        n => format!("the busiest of its {} was", threads(n as u64)),
    };
    let held = held(finding);
    format!(
        "The bottleneck is {}: {who} busy for {} of the run{held};",
        list(&[stage.name()]),
        percent(finding.busy)
    )
}

/// What would help a busy stage.
fn more(report: &Report, finding: &Finding) -> String {
    let workers = report.stages[finding.stage].workers().len();
    let node = report.plan.nodes.get(finding.stage);
    if let Some(step) = node.and_then(|node| node.group.single) {
        return format!("`{step}` needs one thread, so only less work for an item would help");
    }
    if finding.cores_full() {
        // Whether a closure computes or waits for a disk cannot be seen, but where there are more of them than cores, some wait.
        let (at_work, cores) = (finding.threads, finding.cores);
        let more = if finding.cores_exceeded() {
            "more"
        } else {
            "as many"
        };
        let than = if finding.cores_exceeded() {
            "than"
        } else {
            "as"
        };
        let cores = match cores {
            1 => "the one core".to_owned(),
            n => format!("the {n} cores"),
        };
        return format!(
            "with {at_work:.1} threads at work at a time, {more} {than} {cores} can run, less work for an item would help if \
             they compute, and more threads only if they wait for something outside the flow"
        );
    }
    format!(
        "give it more threads: `.stages({})`",
        workers + finding.spare()
    )
}

/// What would help a stage that reads the source.
fn source(report: &Report, finding: &Finding) -> String {
    let steps = report.plan.nodes.get(finding.stage).map(|node| &node.steps);
    let steps = steps.map(Vec::as_slice).unwrap_or_default();
    match steps {
        [first] if ONE_AT_A_TIME.contains(first) => {
            "its iterator is run by one thread at a time, so a faster one, or several (`from_iters`), would help".to_owned()
        }
        [first, ..] if ONE_AT_A_TIME.contains(first) => {
            "its iterator is run by one thread at a time: if that is the slow part, several (`from_iters`) would help, and \
             if the steps behind it are, a `.shuffle()` in front of them"
                .to_owned()
        }
        _ => more(report, finding),
    }
}

/// A stage waits because it was asked to.
fn paced(report: &Report, finding: &Finding, retries: bool, waited: f64) -> String {
    let stage = &report.stages[finding.stage];
    let name = list(&[stage.name()]);
    let waited = percent(waited);
    if retries {
        return format!(
            "The bottleneck is {name}: it tried rejected items again, {} in all, and waited for {waited} of the run, before \
             that or for input; shorter pauses, or fewer tries, would help.",
            count(stage.retried(), "time", "times"),
        );
    }
    let held = held(finding);
    format!(
        "The bottleneck is the `rate_limit` of {name}: its {} waited for {waited} of the run{held}; that is what it is for, and \
         neither more threads nor less work would make the run shorter.",
        threads(stage.workers().len() as u64)
    )
}

/// Whoever takes the items of the flow is slow.
fn taker(report: &Report, finding: &Finding) -> String {
    let stage = &report.stages[finding.stage];
    let node = report.plan.nodes.get(finding.stage);
    let who = match node.map(|node| node.end) {
        Some(End::Stages(_)) => "the stages that subscribed",
        _ => "the thread that takes the items",
    };
    format!(
        "The bottleneck is {who}: {} had no room in front of it for {} of the run; work that is done there could be a \
         step of the flow.",
        list(&[stage.name()]),
        percent(stage_part(report, stage, |w| w.waiting_output))
    )
}

/// Batches of an edge are too small.
fn tiny(report: &Report, edge: usize, items: f64) -> String {
    let plan: &Plan = &report.plan;
    let edge = &plan.edges[edge];
    let from: Vec<&str> = edge.from.iter().map(|&s| report.stages[s].name()).collect();
    let most = plan.batch(edge);
    let help = if items * 2.0 >= most as f64 {
        format!("larger ones would help: `.batch` is {most} there")
    } else {
        format!(
            "they may hold {most} and go half-full, so let them wait longer with `.linger`, or use fewer threads behind"
        )
    };
    format!(
        "The bottleneck is the edge from {} to {}: handing over costs more than the work, for its batches held {items:.1} \
         items on average; {help}.",
        list(&from),
        list(&[report.stages[edge.to].name()])
    )
}

/// A worker has most of the items.
fn skew(report: &Report, finding: &Finding, partition: usize, share: f64) -> String {
    let stage = &report.stages[finding.stage];
    let by_hash = report
        .plan
        .edges_into(finding.stage)
        .all(|(_, edge)| edge.routing == Routing::Hash);
    let (what, help) = if by_hash {
        (
            "the key space is skewed",
            "equal keys go to one thread, so more threads would not help; what would is to do in front of the boundary what \
             needs no key, a declared aggregate, which combines equal keys before they are sent, or a key that is cut \
             finer and put together in a second step",
        )
    } else {
        (
            "the routing is uneven",
            "a function that spreads the items better would help",
        )
    };
    let hottest = hottest(report, finding.stage);
    format!(
        "The bottleneck is {}: {what}: partition {partition} took {} of the items and was busy for {} of the run; \
         {hottest}{help}.",
        list(&[stage.name()]),
        percent(share),
        percent(finding.busy)
    )
}

/// The hottest key that is known of a stage, or of those in front of it.
fn hottest(report: &Report, stage: usize) -> String {
    let before = report.plan.edges_into(stage).flat_map(|(_, e)| &e.from);
    let mut stages = std::iter::once(stage).chain(before.copied());
    let known = stages.find_map(|stage| report.stages[stage].hottest().into_iter().next());
    known.map_or_else(String::new, |(key, share)| {
        format!("the hottest key is {key} with {} of them; ", percent(share))
    })
}
