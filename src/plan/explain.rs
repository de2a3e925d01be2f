//! The plan in words: stages in build order, each after the edges it takes from, then the totals.
//!
//! Every number of the bound is printed where it arises, as a formula with its factors, and the last line is their
//! sum; so a reader can see which option to turn.

use std::fmt::Write;
use std::sync::Arc;

use super::bound::{self, Part};
use super::names::stage_names;
use super::words::{batches, count, items, list, number, threads};
use super::{Edge, End, Node, Plan, Routing};
use crate::options::Neighbours;

/// The plan as text, without a line end after the last line.
pub(crate) fn explain(plan: &Plan) -> String {
    let names = stage_names(plan);
    let mut out = Text(String::new());
    for (at, node) in plan.nodes.iter().enumerate() {
        for (_, edge) in plan.edges_into(at) {
            out.edge(plan, edge, &names);
        }
        out.line(format_args!(
            "stage {}, `{}`: {}",
            at + 1,
            names[at],
            workers(node)
        ));
        out.row("steps", &node.steps.join(" → "));
        if let Some(part) = bound::source(plan, at) {
            let text = match &node.group.producers {
                Some(beside) => format!("from {}, {}", stages(beside), under_way(&part)),
                None => chunk(&part, node),
            };
            out.row("takes", &text);
        }
        out.keeps(node);
        if plan.nodes[at].group.ordered {
            out.row("order", "what it hands on is in the order of its input");
        }
        out.end(plan, at, &names);
        out.0.push('\n');
    }
    out.line(format_args!(
        "threads: {}, beside the one that calls",
        number(plan.threads() as u64)
    ));
    let total = number(plan.most_in_flight());
    let _ = write!(out.0, "items in flight: at most {total}");
    if plan.nodes.iter().any(|node| !node.keeps.is_empty()) {
        out.0.push_str(", beside what the stages keep");
    }
    out.0
}

/// How many workers a stage has, and whether somebody said so.
fn workers(node: &Node) -> String {
    let n = node.group.workers() as u64;
    match node.group.stages {
        Some(_) => threads(n),
        None => format!("one a core ({})", threads(n)),
    }
}

/// What the workers of a source hold.
fn chunk(part: &Part, node: &Node) -> String {
    format!(
        "up to {} at a time from its source ({} = {})",
        items(node.group.items(0) as u64),
        part.formula,
        number(part.items)
    )
}

/// `the stages `a` and `b``.
fn stages(beside: &Neighbours) -> String {
    let names: Vec<&str> = beside.stages.iter().map(|(name, _)| &**name).collect();
    let stages = if names.len() == 1 { "stage" } else { "stages" };
    format!("the {stages} {}", list(&names))
}

fn under_way(part: &Part) -> String {
    format!(
        "as it is asked: at most {} under way ({})",
        count(part.items, "event", "events"),
        part.formula
    )
}

/// How items find their consumer, in words.
pub(crate) fn routing(routing: Routing) -> &'static str {
    match routing {
        Routing::Hash => "by hash, so equal keys meet in one thread",
        Routing::Function => "each item to the thread that your function names",
        Routing::Shared => "each batch to whichever thread is free",
    }
}

/// The text so far; writing to it cannot fail.
struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{line}");
    }

    fn row(&mut self, label: &str, text: &str) {
        self.line(format_args!("    {label:<8}{text}"));
    }

    /// A line for each thing that a stage keeps.
    fn keeps(&mut self, node: &Node) {
        for (at, kept) in node.keeps.iter().enumerate() {
            self.row(if at == 0 { "keeps" } else { "" }, kept);
        }
    }

    fn edge(&mut self, plan: &Plan, edge: &Edge, names: &[Arc<str>]) {
        let from: Vec<&str> = edge.from.iter().map(|&stage| &*names[stage]).collect();
        self.line(format_args!(
            "edge from {} to `{}`: {}",
            list(&from),
            names[edge.to],
            routing(edge.routing)
        ));
        let group = &plan.nodes[edge.to].group;
        let batch = plan.batch(edge);
        let mut text = format!("up to {}", items(batch as u64));
        if batch < group.batch {
            let _ = write!(
                text,
                " ({} bytes, {} an item)",
                number(group.batch_bytes as u64),
                number(edge.item_bytes as u64)
            );
        }
        self.row("batch", &text);
        if group.linger.is_zero() {
            self.row("linger", "a half-full batch does not wait for more items");
        } else {
            let text = format!(
                "a half-full batch waits at most {:?} for more items",
                group.linger
            );
            self.row("linger", &text);
        }
        let room = batches(group.buffer as u64);
        self.row(
            "buffer",
            &match edge.routing {
                Routing::Shared => format!("one queue, with room for {room} a thread"),
                Routing::Hash | Routing::Function => {
                    format!("a queue in front of each thread, with room for {room}")
                }
            },
        );
        self.parts(&bound::edge(plan, edge));
        self.0.push('\n');
    }

    fn end(&mut self, plan: &Plan, stage: usize, names: &[Arc<str>]) {
        match plan.nodes[stage].end {
            End::Edge(edge) => {
                let to = &names[plan.edges[edge].to];
                self.row("then", &format!("over the edge to `{to}`"));
            }
            End::Fork(method) => {
                let to: Vec<&str> = plan
                    .edges_from(stage)
                    .map(|(_, edge)| &*names[edge.to])
                    .collect();
                let text = format!("over the edges to {}, by `{method}`", list(&to));
                self.row("then", &text);
            }
            End::Result(method) => self.row("then", &format!("into the result, by `{method}`")),
            End::Stages(_) => {
                let text = match (
                    &plan.nodes[stage].group.consumers,
                    bound::consumers(plan, stage),
                ) {
                    (Some(beside), Some(part)) if !beside.stages.is_empty() => {
                        format!("to {}, {}", stages(beside), under_way(&part))
                    }
                    _ => "to whatever stages subscribe, as they ask".to_owned(),
                };
                self.row("then", &text);
            }
            End::Caller { buffer } => {
                let room = batches(buffer as u64);
                let text = format!("to the thread that calls, over a queue with room for {room}");
                self.row("then", &text);
                self.parts(&bound::caller(plan, stage));
            }
        }
    }

    /// A sum with a line a part.
    fn parts(&mut self, parts: &[Part]) {
        let sum = bound::sum(parts);
        self.row("holds", &format!("at most {}, that is", items(sum)));
        let width = parts.iter().map(|part| number(part.items).len()).max();
        let width = width.unwrap_or(0);
        for part in parts {
            let (value, place, formula) = (number(part.items), part.place, &part.formula);
            self.row("", &format!("{value:>width$} {place}: {formula}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::samples::{chain, merge, word_count};
    use super::*;
    use crate::options::default_stages;

    #[test]
    fn a_word_count_in_words() {
        let expected = "\
stage 1, `lines`: 2 threads
    steps   lines → flat_map
    takes   up to 1,024 items at a time from its source (2 threads × 1,024 items = 2,048)
    then    over the edge to `count_by`

edge from `lines` to `count_by`: by hash, so equal keys meet in one thread
    batch   up to 1,024 items
    linger  a half-full batch waits at most 1ms for more items
    buffer  a queue in front of each thread, with room for 4 batches
    holds   at most 16,384 items, that is
            8,192 waiting: 2 threads × 4 batches × 1,024 items
            6,144 filling up: 2 threads × (2 targets + 1 to be sent) × 1,024 items
            2,048 being worked on: 2 threads × 1,024 items

stage 2, `count_by`: 2 threads
    steps   count_by
    keeps   distinct keys
    then    into the result, by `collect`

threads: 4, beside the one that calls
items in flight: at most 18,432, beside what the stages keep";
        assert_eq!(explain(&word_count()), expected);
        assert_eq!(word_count().to_string(), expected);
    }

    #[test]
    fn a_merge_that_a_caller_iterates_over() {
        let expected = "\
stage 1, `iter`: 1 thread
    steps   iter
    takes   up to 1,024 items at a time from its source (1 thread × 1,024 items = 1,024)
    then    over the edge to `map`

stage 2, `receiver`: 2 threads
    steps   receiver
    takes   up to 1,024 items at a time from its source (2 threads × 1,024 items = 2,048)
    then    over the edge to `map`

edge from `iter` and `receiver` to `map`: each batch to whichever thread is free
    batch   up to 10 items
    linger  a half-full batch waits at most 1ms for more items
    buffer  one queue, with room for 4 batches a thread
    holds   at most 270 items, that is
            160 waiting: 4 threads × 4 batches × 10 items
             60 filling up: 3 threads × (1 target + 1 to be sent) × 10 items
             50 being worked on: (4 threads + 1 being shared out) × 10 items

stage 3, `map`: 4 threads
    steps   merge → map → filter
    order   what it hands on is in the order of its input
    then    to the thread that calls, over a queue with room for 3 batches
    holds   at most 120 items, that is
            30 waiting: 3 batches × 10 items
            80 filling up: 4 threads × (1 filling up + 1 to be sent) × 10 items
            10 in the caller's hands: 1 batch × 10 items

threads: 7, beside the one that calls
items in flight: at most 3,462";
        assert_eq!(explain(&merge()), expected);
    }

    #[test]
    fn workers_nobody_gave_are_one_a_core() {
        let mut plan = word_count();
        plan.nodes[1].group.stages = None;
        let said = format!(
            "stage 2, `count_by`: one a core ({})",
            threads(default_stages() as u64)
        );
        assert!(explain(&plan).contains(&said), "{}", explain(&plan));
    }

    #[test]
    fn a_batch_that_bytes_bound_says_so() {
        let mut plan = word_count();
        plan.edges[0].item_bytes = 1024;
        plan.nodes[1].group.linger = Duration::ZERO;
        let said = "    batch   up to 64 items (65,536 bytes, 1,024 an item)\n    linger  a half-full batch does not wait";
        assert!(explain(&plan).contains(said), "{}", explain(&plan));
    }

    #[test]
    fn a_function_routes_and_nothing_is_kept() {
        let text = explain(&chain(&[Routing::Function]));
        assert!(
            text.contains(
                "edge from `s0` to `s1`: each item to the thread that your function names\n"
            ),
            "{text}"
        );
        assert!(text.ends_with("\nitems in flight: at most 8,192"), "{text}");
    }
}
