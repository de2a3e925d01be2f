//! Names of stages, for threads, errors, reports and pictures: the given one, or the step that says most.
//!
//! No two stages of a plan have the same name, and a name that the user gave is changed only if it was given twice.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Node, Plan};

/// Steps that say how items came here and not what is done with them.
const PASSAGES: [&str; 11] = [
    "partition",
    "partition_by",
    "partition_with",
    "shuffle",
    "merge",
    "concat",
    "broadcast",
    "split",
    "route",
    "boxed",
    "ordered",
];

/// A name for each stage, in the order of the plan.
pub(crate) fn stage_names(plan: &Plan) -> Vec<Arc<str>> {
    let mut taken = HashSet::new();
    // Given names are handed out first, lest a made-up one takes what a later stage is called by its user.
    let given: Vec<Option<Arc<str>>> = plan
        .nodes
        .iter()
        .map(|node| {
            node.group
                .name
                .clone()
                .filter(|name| taken.insert(name.clone()))
        })
        .collect();
    given
        .into_iter()
        .zip(&plan.nodes)
        .map(|(given, node)| given.unwrap_or_else(|| free(wanted(node), &mut taken)))
        .collect()
}

/// What a stage would be called if it were alone.
fn wanted(node: &Node) -> &str {
    if let Some(name) = &node.group.name {
        return name;
    }
    let telling = node.steps.iter().find(|step| !PASSAGES.contains(step));
    telling.or(node.steps.first()).copied().unwrap_or("stage")
}

/// The name, or the name with the first number from two that makes it new.
fn free(wanted: &str, taken: &mut HashSet<Arc<str>>) -> Arc<str> {
    let mut name: Arc<str> = wanted.into();
    let mut number = 2_u64;
    while !taken.insert(name.clone()) {
        name = format!("{wanted}-{number}").into();
        number += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::super::End;
    use super::*;
    use crate::options::Group;

    fn names(stages: &[(Option<&str>, &[&'static str])]) -> Vec<String> {
        let nodes = stages.iter().map(|(name, steps)| Node {
            steps: steps.to_vec(),
            group: Group {
                name: name.map(Arc::from),
                ..Group::default()
            },
            end: End::Result("collect"),
            keeps: Vec::new(),
        });
        let plan = Plan {
            nodes: nodes.collect(),
            edges: Vec::new(),
        };
        stage_names(&plan).iter().map(|n| n.to_string()).collect()
    }

    #[test]
    fn the_first_telling_step_names_a_stage() {
        let names = names(&[
            (None, &["lines", "flat_map"]),
            (None, &["partition_by", "reduce"]),
            (None, &["shuffle"]),
            (None, &[]),
        ]);
        assert_eq!(names, ["lines", "reduce", "shuffle", "stage"]);
    }

    #[test]
    fn equal_names_are_numbered() {
        let names = names(&[(None, &["map"]), (None, &["map"]), (None, &["map"])]);
        assert_eq!(names, ["map", "map-2", "map-3"]);
    }

    #[test]
    fn a_given_name_stays_and_others_make_way() {
        let names = names(&[
            (None, &["map"]),
            (None, &["map"]),
            (Some("map"), &["lines"]),
            (Some("map-3"), &["lines"]),
        ]);
        assert_eq!(names, ["map-2", "map-4", "map", "map-3"]);
    }

    #[test]
    fn a_name_given_twice_is_numbered_too() {
        let names = names(&[
            (Some("a"), &["iter"]),
            (Some("a"), &["iter"]),
            (Some("a-2"), &["iter"]),
        ]);
        assert_eq!(names, ["a", "a-3", "a-2"]);
    }
}
