//! The page: what is known of each run, as HTML.
//!
//! The server writes all of it, and the script only puts what has changed in its place; so the page is right without a script too, until
//! it is loaded again. Whatever stands in a name is text: every string goes through [`text`].

use std::collections::VecDeque;
use std::fmt::Write;

use super::board::{LOOKS, Run, State};
use crate::observe::{STYLE, bar, live, percent, said, short, text};
use crate::options::default_stages;
use crate::plan::{count, number};
use crate::run::{EdgeReport, EdgeUnit, StageReport};

/// What puts news in its place.
pub(super) const SCRIPT: &str = include_str!("script.js");

/// How the page looks, with what its drawings need.
pub(super) fn style() -> String {
    format!("{STYLE}\n{}", include_str!("style.css"))
}

/// The whole page.
pub(super) fn page(shown: &[Run]) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>Flows</title><link rel=\"icon\" href=\"data:,\">\
         <link rel=\"stylesheet\" href=\"/style.css\"><script src=\"/script.js\" defer></script></head><body>\
         <header><h1>Flows</h1><p id=\"link\" class=\"soft\" role=\"status\">as of when this page was loaded</p>\
         <button id=\"pause\" type=\"button\" aria-pressed=\"false\" hidden>Pause</button></header>\
         <main>{}</main>{KEY}</body></html>\n",
        runs(shown)
    )
}

/// What the colours mean.
const KEY: &str = "<footer class=\"key\"><span><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"busy\" width=\"1\" height=\"1\"/></svg>busy</span>\
<span><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"starved\" width=\"1\" height=\"1\"/></svg>starved: no input</span>\
<span><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"blocked\" width=\"1\" height=\"1\"/></svg>blocked: no room in front of the next stage, or nobody asks</span>\
<span>Arrows are thick where many items go, yellow where the stage before them is blocked at times, and red where it is for half of the time. The bottleneck has a red frame.</span>\
<span>Rates, bars and arrows are about the time since the last look; of what has ended, about all of it.</span></footer>";

/// Every run, each with an `id` of its own. Those that go on are open, and the one that ended last.
pub(super) fn runs(shown: &[Run]) -> String {
    if shown.is_empty() {
        return "<p class=\"soft\">No flow has run yet: those that are shown on this dashboard appear here.</p>".to_owned();
    }
    let cores = default_stages();
    let last = shown.iter().find(|run| run.state != State::Running);
    let last = last.map(|run| run.number);
    let open = |run: &Run| run.state == State::Running || last == Some(run.number);
    let sections = shown.iter().map(|run| section(run, open(run), cores));
    sections.collect()
}

fn section(run: &Run, open: bool, cores: usize) -> String {
    let name = match &run.name {
        Some(name) => text(name),
        None => format!("Flow {}", run.number),
    };
    let (at, state) = (run.number, run.state.word());
    let stages = run.report.stages();
    let threads: usize = stages.iter().map(|stage| stage.workers().len()).sum();
    let mut out = format!(
        "<section id=\"run-{at}\" data-state=\"{state}\" aria-labelledby=\"name-{at}\"><details{}><summary class=\"head\">\
         <h2 id=\"name-{at}\">{name}</h2><span class=\"badge {state}\">{state}</span><span class=\"soft\">{:.1?}, {}, {}</span></summary>",
        if open { " open" } else { "" },
        run.report.elapsed(),
        count(stages.len() as u64, "stage", "stages"),
        count(threads as u64, "thread", "threads"),
    );
    if let Some(error) = &run.error {
        let _ = write!(out, "<p class=\"error\" tabindex=\"0\">{}</p>", text(error));
    }
    let finding = match run.state {
        State::Running => None,
        _ => said(&run.report, cores),
    };
    if let Some(finding) = finding {
        let _ = write!(out, "<p class=\"said\">{finding}</p>");
    }
    let _ = write!(
        out,
        "<div id=\"graph-{at}\" class=\"scroll drawn\" role=\"group\" aria-label=\"graph of {name}\" tabindex=\"0\">{}</div>",
        live(&run.recent, cores)
    );
    stage_table(&mut out, run, &name);
    edge_table(&mut out, run, &name);
    out.push_str("</details></section>");
    out
}

/// A column that is shown if it says anything of any stage: its head, its name for programs, its number.
type Rare = (&'static str, &'static str, fn(&StageReport) -> u64);

const RARE: [Rare; 4] = [
    ("late", "late", StageReport::late),
    ("keys", "keys", StageReport::keys),
    ("tried again", "retried", StageReport::retried),
    ("panics", "panics", StageReport::panics),
];

/// Begins a table. On narrow screens it does not look like one, so it says by roles that it is.
fn table(out: &mut String, run: &Run, class: &str, caption: &str, heads: &[&str]) {
    let _ = write!(
        out,
        "<div id=\"{class}-{}\" class=\"scroll\" role=\"group\" aria-label=\"{caption}\" tabindex=\"0\">\
         <table class=\"{class}\" role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\">",
        run.number
    );
    for head in heads {
        let _ = write!(out, "<th scope=\"col\" role=\"columnheader\">{head}</th>");
    }
    out.push_str("</tr></thead><tbody role=\"rowgroup\">");
}

fn stage_table(out: &mut String, run: &Run, name: &str) {
    let stages = run.report.stages();
    let rare = RARE
        .iter()
        .filter(|(_, _, of)| stages.iter().any(|stage| of(stage) > 0));
    let rare: Vec<&Rare> = rare.collect();
    let mut heads = vec![
        "stage",
        "now",
        "time",
        "items/s",
        "last minutes",
        "items in",
        "items out",
        "rejected",
    ];
    heads.extend(rare.iter().map(|(head, _, _)| *head));
    table(out, run, "stages", &format!("stages of {name}"), &heads);
    for (at, stage) in stages.iter().enumerate() {
        let time = run.time_of(at).unwrap_or(stage);
        let _ = write!(
            out,
            "<tr data-stage=\"{at}\" role=\"row\"><th scope=\"row\" role=\"rowheader\">{}</th>{}{}{}{}{}{}{}",
            text(stage.name()),
            doing(run, at, time),
            times(time),
            cell("items/s", "rate", &short(run.rate(at))),
            spark(run.rates.get(at)),
            cell("items in", "items_in", &number(stage.items_in())),
            cell("items out", "items_out", &number(stage.items_out())),
            rejected(stage)
        );
        for (head, of, n) in &rare {
            let n = n(stage);
            let said = if n > 0 { number(n) } else { String::new() };
            out.push_str(&cell(head, of, &said));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

/// A cell: its head where there is no table, its name for programs, and what it says, which is a number or the like.
fn cell(head: &str, of: &str, said: &str) -> String {
    if said.is_empty() {
        return "<td role=\"cell\"></td>".to_owned();
    }
    format!("<td role=\"cell\" data-label=\"{head}\"><span data-of=\"{of}\">{said}</span></td>")
}

/// A cell with a number and what it counts.
fn counted(head: &str, of: &str, n: u64, unit: EdgeUnit) -> String {
    format!(
        "<td role=\"cell\" data-label=\"{head}\"><span><span data-of=\"{of}\">{}</span> {}</span></td>",
        number(n),
        unit.word(n)
    )
}

/// What the stage does for the most part.
fn doing(run: &Run, at: usize, time: &StageReport) -> String {
    let word = run.doing(at);
    let share = match word {
        "busy" => percent(time.busy_share()),
        "starved" => percent(time.starved_share()),
        "blocked" => percent(time.blocked_share()),
        _ => String::new(),
    };
    format!(
        "<td role=\"cell\" data-label=\"now\"><span class=\"badge {word}\"><span data-of=\"state\">{word}</span> {share}</span></td>"
    )
}

/// Where its time went, as a bar.
fn times(time: &StageReport) -> String {
    format!(
        "<td role=\"cell\" data-label=\"time\"><svg class=\"bar\" viewBox=\"0 0 120 10\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>busy {}, no input {}, no room {}</title>{}</svg></td>",
        percent(time.busy_share()),
        percent(time.starved_share()),
        percent(time.blocked_share()),
        bar(time, 0.0, 0.0, 120.0, 10.0)
    )
}

fn rejected(stage: &StageReport) -> String {
    let rules = stage.rejected();
    let all: u64 = rules.values().sum();
    let rules: Vec<String> = match rules.len() {
        0 => return cell("rejected", "rejected", "0"),
        1 => rules
            .keys()
            .map(|rule| format!("by {}", text(rule)))
            .collect(),
        _ => rules
            .iter()
            .map(|(rule, n)| format!("{} by {}", number(*n), text(rule)))
            .collect(),
    };
    format!(
        "<td role=\"cell\" data-label=\"rejected\"><span><span data-of=\"rejected\">{}</span> <small class=\"soft\">{}</small></span></td>",
        number(all),
        rules.join(", ")
    )
}

/// A curve of rates, the latest at the right end.
fn spark(rates: Option<&VecDeque<f64>>) -> String {
    const HEIGHT: f64 = 28.0;
    const SHORTEST: usize = 30;
    let Some(rates) = rates.filter(|rates| rates.len() > 1) else {
        return "<td role=\"cell\"></td>".to_owned();
    };
    let most = rates.iter().copied().fold(0.0, f64::max);
    // A run that has just begun has a curve that can be seen too.
    let looks = rates.len().clamp(SHORTEST, LOOKS);
    let first = looks.saturating_sub(rates.len());
    let places = rates.iter().enumerate().map(|(at, rate)| {
        let y = HEIGHT - 2.0 - rate / most.max(1e-9) * (HEIGHT - 4.0);
        format!("{} {y:.1}", first + at)
    });
    let curve = places.collect::<Vec<_>>().join("L");
    let last = looks - 1;
    format!(
        "<td role=\"cell\" data-label=\"last minutes\"><svg class=\"spark\" viewBox=\"0 0 {last} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>items a second over time, at most {}</title><path class=\"area\" d=\"M{first} {HEIGHT}L{curve}L{last} {HEIGHT}z\"/>\
         <path class=\"curve\" d=\"M{curve}\"/></svg></td>",
        short(most)
    )
}

fn edge_table(out: &mut String, run: &Run, name: &str) {
    let edges = run.report.edges();
    if edges.is_empty() {
        return;
    }
    let heads = ["edge", "fill", "waiting", "room for", "at most"];
    table(out, run, "edges", &format!("edges of {name}"), &heads);
    for (at, edge) in edges.iter().enumerate() {
        let name = |stage: usize| {
            let stage = run.report.stages().get(stage);
            text(stage.map_or("", StageReport::name))
        };
        let from: Vec<String> = edge.from.iter().map(|&from| name(from)).collect();
        let _ = write!(
            out,
            "<tr data-edge=\"{at}\" role=\"row\"><th scope=\"row\" role=\"rowheader\">{} → {}</th>{}{}{}{}</tr>",
            from.join(", "),
            name(edge.to),
            fill(edge),
            cell("waiting", "fill", &number(edge.fill)),
            counted("room for", "capacity", edge.capacity, edge.unit),
            cell("at most", "high_water", &number(edge.high_water))
        );
    }
    out.push_str("</tbody></table></div>");
}

/// How full an edge is, as a bar with a mark where it was fullest.
fn fill(edge: &EdgeReport) -> String {
    let share = edge.fill as f64 / edge.capacity.max(1) as f64;
    let mark = edge.high_water_share() * 120.0;
    format!(
        "<td role=\"cell\" data-label=\"fill\"><svg class=\"bar\" viewBox=\"0 0 120 10\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>{} full, at most {}</title><rect class=\"room\" width=\"120\" height=\"10\"/><rect class=\"full\" width=\"{:.1}\" height=\"10\"/>\
         <rect class=\"mark\" x=\"{:.1}\" width=\"1.5\" height=\"10\"/></svg></td>",
        percent(share.min(1.0)),
        percent(edge.high_water_share().min(1.0)),
        share.min(1.0) * 120.0,
        (mark - 1.5).max(0.0)
    )
}
