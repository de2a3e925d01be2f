//! What can be wrong with a plan before it runs: options that cannot work, and steps that contradict each other.
//!
//! A plan that passes can be started: every stage has a thread, every batch an item, every edge room. Each
//! message names the option and the stage, and says what to write instead.

use super::inputs::complaint;
use super::names::stage_names;
use super::order::order_lost;
use super::words::number;
use super::{Node, Plan, Routing};
use crate::error::{Error, ErrorKind};
use crate::options::Group;

/// Threads of a stage; more than operating systems start.
const MOST_WORKERS: usize = 1 << 16;

/// Batches an edge has room for, over all its consumers; channels reserve their room when they are made.
const MOST_BATCHES: usize = 1 << 20;

/// The first thing that is wrong with a plan, in build order; options before contradictions.
pub(crate) fn check(plan: &Plan) -> Result<(), Error> {
    let names = stage_names(plan);
    for (node, name) in plan.nodes.iter().zip(&names) {
        if let Some(complaint) = options(node) {
            let message = format!("stage `{name}`: {complaint}");
            return Err(Error::new(ErrorKind::Option, message));
        }
    }
    for (node, name) in plan.nodes.iter().zip(&names) {
        if let Some((kind, complaint)) = beside(node) {
            let message = format!("stage `{name}`: {complaint}");
            return Err(Error::new(kind, message));
        }
    }
    if let Some((asked, edge)) = order_lost(plan).next() {
        let boundary = match edge.routing {
            Routing::Hash => "hash boundary",
            Routing::Function | Routing::Shared => "`partition_with` boundary",
        };
        let message = format!(
            "stage `{}`: `ordered` ends at the {boundary} before `{}`, where items go to different threads and \
             are worked on side by side: remove `ordered`, or sort the result with `sorted` or `sorted_by_key`",
            names[asked], names[edge.to]
        );
        return Err(Error::new(ErrorKind::Plan, message));
    }
    if let Some((stage, complaint)) = complaint(plan) {
        let message = format!("stage `{}`: {complaint}", names[stage]);
        return Err(Error::new(ErrorKind::Plan, message));
    }
    Ok(())
}

/// What is wrong with the options of a stage.
fn options(node: &Node) -> Option<String> {
    let group = &node.group;
    let default = Group::default();
    let zero = |option: &str, why: &str, default: String| {
        format!("{option}(0) {why}: use 1 or more, or leave it out for {default}")
    };
    let workers = group.workers();
    if workers == 0 {
        let why = "gives no thread to run on";
        return Some(zero("stages", why, "one a core".to_owned()));
    }
    if let Some(refused) = group.refused {
        return Some(refused.to_owned());
    }
    if let (Some(step), 2..) = (group.single, workers) {
        return Some(format!(
            "`{step}` brings everything to one worker, which stages({workers}) would undo: leave it out, or write \
             `shuffle()` before it"
        ));
    }
    if workers > MOST_WORKERS {
        return Some(format!(
            "stages({workers}) is more threads than can be started: use at most {MOST_WORKERS}, or leave it out \
             for one a core"
        ));
    }
    if group.batch == 0 {
        let why = "lets no item into a batch";
        return Some(zero("batch", why, number(default.batch as u64)));
    }
    if group.batch_bytes == 0 {
        let why = "lets no byte into a batch";
        return Some(zero("batch_bytes", why, number(default.batch_bytes as u64)));
    }
    if group.buffer == 0 {
        let why = "leaves no room for a batch between two stages";
        return Some(zero("buffer", why, number(default.buffer as u64)));
    }
    let most = MOST_BATCHES / workers;
    if group.buffer > most {
        return Some(format!(
            "buffer({}) reserves room for too many batches: use at most {most} for {workers} stages, or leave it \
             out for {}",
            group.buffer, default.buffer
        ));
    }
    None
}

/// What is wrong between a stage and the stages that it takes from or gives to.
fn beside(node: &Node) -> Option<(ErrorKind, String)> {
    let group = &node.group;
    let gives = group.consumers.as_ref();
    for neighbours in group.producers.iter().chain(gives) {
        if let Some(refused) = &neighbours.refused {
            return Some(refused.clone());
        }
        if group.ordered && group.workers() > 1 {
            let complaint = "`ordered` needs one worker where a flow takes from stages or gives to them, since each \
                             worker is a consumer or producer of its own: write `stages(1)`, or remove `ordered`";
            return Some((ErrorKind::Plan, complaint.to_owned()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::samples::{chain, merge, word_count};
    use super::*;

    fn refused(plan: &Plan) -> (ErrorKind, String) {
        let error = check(plan).expect_err("the plan must be refused");
        (error.kind(), error.message().to_owned())
    }

    /// The message about a word count whose second stage has an option changed.
    fn with(change: impl FnOnce(&mut Group)) -> String {
        let mut plan = word_count();
        plan.nodes[1].group.name = Some("parse".into());
        change(&mut plan.nodes[1].group);
        let (kind, message) = refused(&plan);
        assert_eq!(kind, ErrorKind::Option);
        message
    }

    #[test]
    fn good_plans_pass() {
        for plan in [word_count(), merge(), Plan::default()] {
            check(&plan).expect("a good plan");
        }
        let mut plan = word_count();
        let group = &mut plan.nodes[1].group;
        (group.stages, group.batch, group.batch_bytes, group.buffer) = (Some(1), 1, 1, 1);
        check(&plan).expect("one of each is enough");
    }

    #[test]
    fn zeros_are_refused_with_what_to_write_instead() {
        assert_eq!(
            with(|group| group.stages = Some(0)),
            "stage `parse`: stages(0) gives no thread to run on: use 1 or more, or leave it out for one a core"
        );
        assert_eq!(
            with(|group| group.batch = 0),
            "stage `parse`: batch(0) lets no item into a batch: use 1 or more, or leave it out for 1,024"
        );
        assert_eq!(
            with(|group| group.batch_bytes = 0),
            "stage `parse`: batch_bytes(0) lets no byte into a batch: use 1 or more, or leave it out for 65,536"
        );
        assert_eq!(
            with(|group| group.buffer = 0),
            "stage `parse`: buffer(0) leaves no room for a batch between two stages: use 1 or more, or leave it \
             out for 4"
        );
    }

    #[test]
    fn a_stage_that_must_be_single_is() {
        assert_eq!(
            with(|group| group.single = Some("departition")),
            "stage `parse`: `departition` brings everything to one worker, which stages(2) would undo: leave it \
             out, or write `shuffle()` before it"
        );
        let mut plan = word_count();
        let group = &mut plan.nodes[1].group;
        (group.stages, group.single) = (Some(1), Some("departition"));
        check(&plan).expect("one worker");
    }

    #[test]
    fn what_could_never_be_allocated_is_refused() {
        assert_eq!(
            with(|group| group.stages = Some(100_000)),
            "stage `parse`: stages(100000) is more threads than can be started: use at most 65536, or leave it \
             out for one a core"
        );
        assert_eq!(
            with(|group| group.buffer = 600_000),
            "stage `parse`: buffer(600000) reserves room for too many batches: use at most 524288 for 2 stages, \
             or leave it out for 4"
        );
    }

    #[test]
    fn order_ends_at_a_hash_boundary() {
        let mut plan = word_count();
        plan.nodes[0].group.ordered = true;
        let (kind, message) = refused(&plan);
        assert_eq!(kind, ErrorKind::Plan);
        assert_eq!(
            message,
            "stage `lines`: `ordered` ends at the hash boundary before `count_by`, where items go to different \
             threads and are worked on side by side: remove `ordered`, or sort the result with `sorted` or \
             `sorted_by_key`"
        );
        plan.edges[0].routing = Routing::Function;
        let (_, message) = refused(&plan);
        assert!(
            message.contains("the `partition_with` boundary before `count_by`"),
            "{message}"
        );
    }

    #[test]
    fn order_may_begin_behind_a_hash_boundary_and_cross_a_shuffle() {
        let mut plan = word_count();
        plan.nodes[1].group.ordered = true;
        check(&plan).expect("order that begins behind the boundary");
        let mut plan = chain(&[Routing::Shared, Routing::Hash]);
        plan.edges[1].routing = Routing::Shared;
        plan.nodes[0].group.ordered = true;
        check(&plan).expect("a shuffle carries order on");
        plan.nodes[1].group.ordered = true;
        plan.edges[1].routing = Routing::Hash;
        let (kind, message) = refused(&plan);
        assert_eq!(kind, ErrorKind::Plan);
        assert!(
            message.starts_with("stage `s1`: `ordered` ends at the hash boundary before `s2`"),
            "{message}"
        );
    }

    #[test]
    fn options_are_checked_before_order() {
        let mut plan = word_count();
        plan.nodes[0].group.ordered = true;
        plan.nodes[1].group.buffer = 0;
        assert_eq!(refused(&plan).0, ErrorKind::Option);
    }
}
