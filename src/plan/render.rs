//! The plan for other programs: Mermaid and DOT to draw it, with what was measured if it has run, JSON to read it.
//!
//! Whatever a name contains, the output stays well-formed: each format has its own way to write a string, and every
//! string goes through it. Nodes and edges come in build order, so equal plans give equal text.

use std::fmt::Write;
use std::sync::Arc;

use super::figures::{Figures, HOT, Link};
use super::names::stage_names;
use super::words::{batches, items, threads};
use super::{Edge, End, Node, Plan, Routing, bound};

/// The lines of a label in one, each written for the format.
fn lines(
    plain: &[String],
    more: Option<&Vec<String>>,
    text: fn(&str) -> String,
    end: &str,
) -> String {
    let all = plain.iter().chain(more.into_iter().flatten());
    let all: Vec<String> = all.map(|line| text(line)).collect();
    all.join(end)
}

/// A flowchart from left to right.
pub(crate) fn mermaid(plan: &Plan, figures: &Figures) -> String {
    let names = stage_names(plan);
    let mut out = String::from("flowchart LR\n");
    for (at, node) in plan.nodes.iter().enumerate() {
        let more = figures.stages.get(at);
        let label = lines(&label(&names[at], node), more, mermaid_text, "<br/>");
        let _ = writeln!(out, "    s{at}[\"{label}\"]");
    }
    // Styles name links by their number.
    let mut styles = String::new();
    let mut number = 0;
    for (at, edge) in plan.edges.iter().enumerate() {
        for (place, from) in edge.from.iter().enumerate() {
            let link = figures.link(at, place);
            let more = link.map(|link| &link.label);
            let label = lines(&edge_label(plan, edge), more, mermaid_text, "<br/>");
            let to = edge.to;
            let _ = writeln!(out, "    s{from} -->|\"{label}\"| s{to}");
            if let Some(link) = link {
                let (colour, width) = (link.colour, link.width);
                let _ = writeln!(
                    styles,
                    "    linkStyle {number} stroke:{colour},stroke-width:{width}px"
                );
            }
            number += 1;
        }
    }
    for (at, text) in results(plan) {
        let text = mermaid_text(&text);
        let _ = writeln!(out, "    s{at} --> result{at}([\"{text}\"])");
    }
    out.push_str(&styles);
    if let Some(stage) = figures.bottleneck {
        let _ = writeln!(out, "    style s{stage} stroke:{HOT},stroke-width:3px");
    }
    out
}

/// A digraph of Graphviz.
pub(crate) fn dot(plan: &Plan, figures: &Figures) -> String {
    let names = stage_names(plan);
    let mut out = String::from("digraph flow {\n    rankdir=LR;\n    node [shape=box];\n");
    for (at, node) in plan.nodes.iter().enumerate() {
        let more = figures.stages.get(at);
        let label = lines(&label(&names[at], node), more, dot_text, "\\n");
        let style = match figures.bottleneck {
            Some(stage) if stage == at => format!(", color=\"{HOT}\", penwidth=3"),
            _ => String::new(),
        };
        let _ = writeln!(out, "    s{at} [label=\"{label}\"{style}];");
    }
    for (at, edge) in plan.edges.iter().enumerate() {
        for (place, from) in edge.from.iter().enumerate() {
            let link = figures.link(at, place);
            let more = link.map(|link| &link.label);
            let label = lines(&edge_label(plan, edge), more, dot_text, "\\n");
            let style = match link {
                Some(Link { colour, width, .. }) => {
                    format!(", color=\"{colour}\", penwidth={width}")
                }
                None => String::new(),
            };
            let to = edge.to;
            let _ = writeln!(out, "    s{from} -> s{to} [label=\"{label}\"{style}];");
        }
    }
    for (at, text) in results(plan) {
        let text = dot_text(&text);
        let _ = writeln!(out, "    result{at} [label=\"{text}\", shape=ellipse];");
        let _ = writeln!(out, "    s{at} -> result{at};");
    }
    out.push_str("}\n");
    out
}

/// One object on one line.
pub(crate) fn json(plan: &Plan) -> String {
    let names = stage_names(plan);
    let stages =
        (0..plan.nodes.len()).map(|at| json_stage(plan, at, &names, plan.nodes[at].group.ordered));
    let edges = (0..plan.edges.len()).map(|at| json_edge(plan, at));
    format!(
        "{{\"stages\":{},\"edges\":{},\"threads\":{},\"most_in_flight\":{}}}",
        json_array(stages),
        json_array(edges),
        plan.threads(),
        plan.most_in_flight()
    )
}

fn json_stage(plan: &Plan, at: usize, names: &[Arc<str>], ordered: bool) -> String {
    let node = &plan.nodes[at];
    let end = match node.end {
        End::Edge(edge) => format!("{{\"edge\":{edge}}}"),
        End::Fork(method) => format!(
            "{{\"fork\":{{\"by\":{},\"edges\":{}}}}}",
            json_text(method),
            json_array(plan.edges_from(at).map(|(edge, _)| edge.to_string()))
        ),
        End::Result(method) => format!("{{\"result\":{}}}", json_text(method)),
        End::Stages(method) => format!("{{\"stages\":{}}}", json_text(method)),
        End::Caller { buffer } => format!("{{\"caller\":{{\"buffer\":{buffer}}}}}"),
    };
    format!(
        "{{\"id\":{at},\"name\":{},\"workers\":{},\"one_a_core\":{},\"steps\":{},\"keeps\":{},\"ordered\":{ordered},\
         \"end\":{end}}}",
        json_text(&names[at]),
        node.group.workers(),
        node.group.stages.is_none(),
        json_array(node.steps.iter().map(|step| json_text(step))),
        json_array(node.keeps.iter().map(|kept| json_text(kept))),
    )
}

fn json_edge(plan: &Plan, at: usize) -> String {
    let edge = &plan.edges[at];
    let group = &plan.nodes[edge.to].group;
    format!(
        "{{\"id\":{at},\"from\":{},\"to\":{},\"routing\":{},\"batch\":{},\"batch_bytes\":{},\"item_bytes\":{},\
         \"buffer\":{},\"linger_us\":{},\"most_in_flight\":{}}}",
        json_array(edge.from.iter().map(|stage| stage.to_string())),
        edge.to,
        json_text(routing(edge.routing)),
        plan.batch(edge),
        group.batch_bytes,
        edge.item_bytes,
        group.buffer,
        group.linger.as_micros(),
        bound::sum(&bound::edge(plan, edge))
    )
}

/// What stands in the box of a stage, a line each.
fn label(name: &str, node: &Node) -> [String; 3] {
    [
        name.to_owned(),
        threads(node.group.workers() as u64),
        node.steps.join(" → "),
    ]
}

/// What stands at an edge, a line each.
fn edge_label(plan: &Plan, edge: &Edge) -> [String; 2] {
    let buffer = plan.nodes[edge.to].group.buffer;
    let room = batches(buffer as u64);
    [
        routing(edge.routing).to_owned(),
        format!("{room} of {} a thread", items(plan.batch(edge) as u64)),
    ]
}

fn routing(routing: Routing) -> &'static str {
    match routing {
        Routing::Hash => "hash",
        Routing::Function => "function",
        Routing::Shared => "shared",
    }
}

/// The stages whose items leave the flow, and where to.
pub(crate) fn results(plan: &Plan) -> impl Iterator<Item = (usize, String)> {
    let ends = plan.nodes.iter().enumerate();
    ends.filter_map(|(at, node)| match node.end {
        End::Edge(_) | End::Fork(_) => None,
        End::Result(method) => Some((at, method.to_owned())),
        End::Stages(method) => Some((at, method.to_owned())),
        End::Caller { .. } => Some((at, "the calling thread".to_owned())),
    })
}

/// Text within a quoted label of Mermaid, which has entities and no backslashes.
fn mermaid_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // A hash begins an entity; a backquote after the quote begins Markdown.
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            '\n' => out.push_str("<br/>"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Text within a quoted label of DOT, where backslashes escape and entities are decoded.
fn dot_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A JSON string with its quotes.
pub(crate) fn json_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A JSON array of values that are written already.
pub(crate) fn json_array(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{merge, word_count};
    use super::*;

    /// A plan whose first stage has a name that every format must escape.
    fn awkward() -> Plan {
        let mut plan = word_count();
        plan.nodes[0].group.name = Some("a\"b\\c\n#<&>\u{1}`é".into());
        plan
    }

    #[test]
    fn mermaid_of_a_word_count() {
        let expected = "\
flowchart LR
    s0[\"lines<br/>2 threads<br/>lines → flat_map\"]
    s1[\"count_by<br/>2 threads<br/>count_by\"]
    s0 -->|\"hash<br/>4 batches of 1,024 items a thread\"| s1
    s1 --> result1([\"collect\"])
";
        assert_eq!(mermaid(&word_count(), &Figures::default()), expected);
    }

    #[test]
    fn mermaid_of_a_merge() {
        let expected = "\
flowchart LR
    s0[\"iter<br/>1 thread<br/>iter\"]
    s1[\"receiver<br/>2 threads<br/>receiver\"]
    s2[\"map<br/>4 threads<br/>merge → map → filter\"]
    s0 -->|\"shared<br/>4 batches of 10 items a thread\"| s2
    s1 -->|\"shared<br/>4 batches of 10 items a thread\"| s2
    s2 --> result2([\"the calling thread\"])
";
        assert_eq!(mermaid(&merge(), &Figures::default()), expected);
    }

    #[test]
    fn dot_of_a_word_count() {
        let expected = r#"digraph flow {
    rankdir=LR;
    node [shape=box];
    s0 [label="lines\n2 threads\nlines → flat_map"];
    s1 [label="count_by\n2 threads\ncount_by"];
    s0 -> s1 [label="hash\n4 batches of 1,024 items a thread"];
    result1 [label="collect", shape=ellipse];
    s1 -> result1;
}
"#;
        assert_eq!(dot(&word_count(), &Figures::default()), expected);
    }

    #[test]
    fn json_of_a_word_count() {
        let expected = concat!(
            r#"{"stages":["#,
            r#"{"id":0,"name":"lines","workers":2,"one_a_core":false,"steps":["lines","flat_map"],"keeps":[],"#,
            r#""ordered":false,"end":{"edge":0}},"#,
            r#"{"id":1,"name":"count_by","workers":2,"one_a_core":false,"steps":["count_by"],"#,
            r#""keeps":["distinct keys"],"ordered":false,"end":{"result":"collect"}}],"#,
            r#""edges":[{"id":0,"from":[0],"to":1,"routing":"hash","batch":1024,"batch_bytes":65536,"#,
            r#""item_bytes":32,"buffer":4,"linger_us":1000,"most_in_flight":16384}],"#,
            r#""threads":4,"most_in_flight":18432}"#,
        );
        assert_eq!(json(&word_count()), expected);
    }

    #[test]
    fn json_of_a_merge() {
        let text = json(&merge());
        assert!(
            text.contains(r#""from":[0,1],"to":2,"routing":"shared","batch":10,"#),
            "{text}"
        );
        assert!(
            text.contains(r#""ordered":true,"end":{"caller":{"buffer":3}}}"#),
            "{text}"
        );
    }

    #[test]
    fn an_empty_plan_is_well_formed() {
        let plan = Plan::default();
        assert_eq!(
            json(&plan),
            r#"{"stages":[],"edges":[],"threads":0,"most_in_flight":0}"#
        );
        assert_eq!(mermaid(&plan, &Figures::default()), "flowchart LR\n");
        assert_eq!(
            dot(&plan, &Figures::default()),
            "digraph flow {\n    rankdir=LR;\n    node [shape=box];\n}\n"
        );
    }

    #[test]
    fn names_are_escaped_in_the_way_of_each_format() {
        let plan = awkward();
        assert!(
            json(&plan).contains(r#""name":"a\"b\\c\n#<&>\u0001`é","workers""#),
            "{}",
            json(&plan)
        );
        let drawn = mermaid(&plan, &Figures::default());
        assert!(
            drawn.contains("s0[\"a#34;b#92;c<br/>#35;#60;#38;#62; #96;é<br/>2 threads"),
            "{drawn}"
        );
        let drawn = dot(&plan, &Figures::default());
        assert!(
            drawn.contains(r##"s0 [label="a\"b\\c\n#<&amp;> `é\n2 threads"##),
            "{drawn}"
        );
    }
}
