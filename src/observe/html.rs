//! A report as a page: one file that needs nothing else, readable on narrow screens, in light and in dark.

use std::fmt::Write;
use std::iter;
use std::time::Duration;

use super::advice::{percent, sentence};
use super::analyze::analyze;
use super::draw::{bar, graph, text};
use super::figures::short;
use super::style::STYLE;
use crate::plan::{bytes, count, list, number};
use crate::run::{Report, StageReport, Timeline};

/// How the page looks, beside what its drawings need.
const PAGE: &str = "\
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:15px/1.45 system-ui,sans-serif}\
main{max-width:1180px;margin:0 auto;padding:20px 16px 48px}h1{font-size:22px;margin:0 0 2px}h2{font-size:16px;margin:28px 0 10px}\
p{margin:0 0 8px}.soft{color:var(--soft)}.said{background:var(--card);border:1px solid var(--rule);border-left:4px solid var(--hot);\
border-radius:8px;padding:12px 14px;margin:14px 0;overflow-wrap:anywhere}\
.key{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;color:var(--soft);margin:8px 0 0}.key i{display:inline-block;width:12px;\
height:12px;border-radius:3px;margin-right:5px;vertical-align:-1px;box-shadow:inset 0 0 0 1px var(--edge)}table{border-collapse:collapse;width:100%;font-size:14px}\
th,td{text-align:right;padding:7px 9px;border-bottom:1px solid var(--rule);font-variant-numeric:tabular-nums;white-space:nowrap}\
th{color:var(--soft);font-weight:500}th:first-child{text-align:left}tbody th{color:inherit;font-weight:600;white-space:normal;\
overflow-wrap:anywhere}td svg{width:120px;height:10px;vertical-align:middle;overflow:visible}.grid{display:grid;gap:12px;\
grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr))}figure{display:flex;flex-direction:column;justify-content:space-between;margin:0;background:var(--card);\
border:1px solid var(--rule);border-radius:8px;padding:10px 12px}figcaption{display:flex;justify-content:space-between;gap:10px;\
font-size:13px;margin-bottom:6px;align-items:baseline}figcaption b{overflow-wrap:anywhere}figcaption span{color:var(--soft);white-space:nowrap}\
figure svg{display:block;width:100%;height:64px}.area{fill:var(--busy);opacity:.22}.curve{fill:none;stroke:var(--busy);\
stroke-width:1.6;vector-effect:non-scaling-stroke}.fill .area{fill:var(--blocked)}.fill .curve{stroke:var(--blocked)}\
.axis{display:flex;justify-content:space-between;font-size:12px;color:var(--soft);margin-top:3px}\
@media (max-width:700px){table,tbody{display:block}thead{display:none}tbody tr{display:grid;grid-template-columns:1fr 1fr;gap:0 18px;\
border:1px solid var(--rule);border-radius:8px;background:var(--card);padding:8px 12px;margin-bottom:10px}\
tbody th{grid-column:1/-1;border:0;padding:3px 0}td{display:flex;justify-content:space-between;align-items:center;gap:8px;border:0;\
padding:3px 0;white-space:normal}td::before{content:attr(data-label);color:var(--soft);white-space:nowrap}td:empty{display:none}\
td:last-child{grid-column:1/-1}td svg{flex:1;min-width:0}}\
code{font:0.93em ui-monospace,monospace;overflow-wrap:anywhere}.hottest{margin:10px 0 0}";

/// The whole page.
pub(super) fn html(report: &Report, cores: usize) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>Flow report</title><style>{STYLE}{PAGE}</style></head><body><main>\
         <h1>Flow report</h1>"
    );
    let finding = analyze(report, cores);
    let threads = finding.map_or(0.0, |finding| finding.threads);
    let _ = write!(
        out,
        "<p class=\"soft\">{:.1?}, {}, {}, {threads:.1} at work at a time on {}</p>",
        report.elapsed,
        count(report.stages.len() as u64, "stage", "stages"),
        count(report.plan.threads() as u64, "thread", "threads"),
        count(cores as u64, "core", "cores")
    );
    if let Some(said) = said(report, cores) {
        let _ = write!(out, "<p class=\"said\">{said}</p>");
    }
    let _ = write!(
        out,
        "<h2 id=\"graph\">Stages and edges</h2><div class=\"scroll\" role=\"group\" aria-labelledby=\"graph\" tabindex=\"0\">{}</div>{KEY}\
         <h2 id=\"stages\">Stages</h2>",
        graph(report, cores)
    );
    table(&mut out, report);
    if let Some(line) = report.timeline() {
        charts(&mut out, report, line);
    }
    out.push_str("</main></body></html>\n");
    out
}

/// The sentence about the bottleneck, as HTML.
pub(crate) fn said(report: &Report, cores: usize) -> Option<String> {
    let finding = analyze(report, cores)?;
    Some(coded(&sentence(report, &finding)))
}

/// A sentence as HTML, with what stands in backquotes as code.
fn coded(said: &str) -> String {
    let parts = said.split('`').enumerate();
    let parts = parts.map(|(at, part)| match at % 2 {
        1 => format!("<code>{}</code>", text(part)),
        _ => text(part),
    });
    parts.collect()
}

/// What the colours mean.
const KEY: &str = "<p class=\"key\"><span><i style=\"background:var(--busy)\"></i>busy</span>\
<span><i style=\"background:var(--starved)\"></i>no input</span><span><i style=\"background:var(--blocked)\"></i>no room</span>\
<span>edges: thick for many items;</span><span><i style=\"background:var(--calm)\"></i>the stage before had room</span>\
<span><i style=\"background:var(--warm)\"></i>had none for a tenth</span>\
<span><i style=\"background:var(--hot)\"></i>for half of its time; the bottleneck's frame</span></p>";

/// One column of the table: its head, and what it says of a stage.
type Column = (&'static str, fn(&StageReport) -> String);

/// A column that is shown if it says anything of any stage.
const RARE: [Column; 8] = [
    ("bytes in", |s| some(s.bytes_in(), bytes)),
    ("keys", |s| some(s.keys(), number)),
    ("combined", |s| {
        let ratio = s.combine_ratio();
        ratio.map_or_else(String::new, |ratio| format!("{ratio:.1} to 1"))
    }),
    ("skew", |s| {
        let skew = s.skew();
        skew.map_or_else(String::new, |skew| format!("{skew:.2}"))
    }),
    ("late", |s| some(s.late(), number)),
    ("rejected", |s| some(s.rejected().values().sum(), number)),
    ("tried again", |s| some(s.retried(), number)),
    ("panics", |s| some(s.panics(), number)),
];

/// What is there; nothing if it is zero.
fn some(n: u64, words: fn(u64) -> String) -> String {
    if n == 0 { String::new() } else { words(n) }
}

fn table(out: &mut String, report: &Report) {
    let often: [Column; 5] = [
        ("threads", |s| s.workers().len().to_string()),
        ("items in", |s| number(s.items_in())),
        ("items out", |s| number(s.items_out())),
        ("batches in", |s| number(s.batches_in())),
        ("batches out", |s| number(s.batches_out())),
    ];
    let stages = report.stages();
    let rare = RARE
        .into_iter()
        .filter(|(_, of)| stages.iter().any(|stage| !of(stage).is_empty()));
    let columns: Vec<Column> = often.into_iter().chain(rare).collect();
    // On narrow screens it does not look like a table, so it says by roles that it is.
    out.push_str(
        "<div class=\"scroll\" role=\"group\" aria-labelledby=\"stages\" tabindex=\"0\"><table role=\"table\">\
         <thead role=\"rowgroup\"><tr role=\"row\">",
    );
    let heads = columns.iter().map(|(head, _)| *head);
    for head in iter::once("stage").chain(heads).chain(["time"]) {
        let _ = write!(out, "<th scope=\"col\" role=\"columnheader\">{head}</th>");
    }
    out.push_str("</tr></thead><tbody role=\"rowgroup\">");
    for stage in stages {
        let _ = write!(
            out,
            "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">{}</th>",
            text(stage.name())
        );
        for (head, of) in &columns {
            let _ = write!(
                out,
                "<td role=\"cell\" data-label=\"{head}\">{}</td>",
                text(&of(stage))
            );
        }
        let _ = write!(
            out,
            "<td role=\"cell\" data-label=\"time\"><svg viewBox=\"0 0 120 10\" preserveAspectRatio=\"none\" role=\"img\">\
             <title>busy {}, no input {}, no room {}</title>{}</svg></td></tr>",
            percent(stage.busy_share()),
            percent(stage.starved_share()),
            percent(stage.blocked_share()),
            bar(stage, 0.0, 0.0, 120.0, 10.0)
        );
    }
    out.push_str("</tbody></table></div>");
    for stage in stages {
        let hottest = stage.hottest();
        if !hottest.is_empty() {
            let keys = hottest.iter();
            let keys: Vec<String> = keys
                .map(|(key, share)| format!("{key} {}", percent(*share)))
                .collect();
            let said = format!(
                "Hottest keys of {}: {}",
                list(&[stage.name()]),
                keys.join(", ")
            );
            let _ = write!(out, "<p class=\"soft hottest\">{}</p>", coded(&said));
        }
    }
}

/// Throughput of each stage and fill of each edge over time.
fn charts(out: &mut String, report: &Report, line: &Timeline) {
    let Some(last) = line.moments().last() else {
        return;
    };
    let whole = last.at();
    out.push_str("<h2>Items a second</h2><div class=\"grid\">");
    for (at, stage) in report.stages.iter().enumerate() {
        let rates = line.rates(at);
        let most = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
        let said = format!("at most {}/s", short(most));
        chart(out, "rate", (stage.name(), &said), &rates, most, whole);
    }
    out.push_str("</div>");
    if !report.edges.is_empty() {
        out.push_str("<h2>Batches waiting</h2><div class=\"grid\">");
    }
    for (at, edge) in report.edges.iter().enumerate() {
        let moments = line.moments().iter();
        let fills: Vec<(Duration, f64)> = moments
            .map(|moment| (moment.at(), moment.fill(at) as f64))
            .collect();
        let from = edge.from.iter().filter_map(|&from| report.stages.get(from));
        let from: Vec<&str> = from.map(StageReport::name).collect();
        let to = report.stages.get(edge.to).map_or("", StageReport::name);
        let name = format!("{} → {to}", from.join(", "));
        let said = format!("room for {}", number(edge.capacity));
        let most = fills
            .iter()
            .map(|(_, fill)| *fill)
            .fold(edge.capacity as f64, f64::max);
        chart(out, "fill", (&name, &said), &fills, most, whole);
    }
    if !report.edges.is_empty() {
        out.push_str("</div>");
    }
}

/// One curve with the area below it.
fn chart(
    out: &mut String,
    class: &str,
    (name, said): (&str, &str),
    points: &[(Duration, f64)],
    most: f64,
    whole: Duration,
) {
    let (width, height) = (300.0, 60.0);
    let whole_secs = whole.as_secs_f64().max(1e-9);
    let place = |(at, value): &(Duration, f64)| {
        let x = at.as_secs_f64() / whole_secs * width;
        let y = height - 2.0 - value / most.max(1e-9) * (height - 4.0);
        format!("{x:.1} {y:.1}")
    };
    let mut places: Vec<String> = points.iter().map(place).collect();
    // A rate is that of the time before its moment, so the first one holds from the start.
    if let Some(first) = points.first() {
        places.insert(0, place(&(Duration::ZERO, first.1)));
    }
    let curve = places.join("L");
    let _ = write!(
        out,
        "<figure class=\"{class}\"><figcaption><b>{}</b><span>{}</span></figcaption><svg viewBox=\"0 0 {width} {height}\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}: {}\">",
        text(name),
        text(said),
        text(name),
        text(said)
    );
    if !curve.is_empty() {
        let _ = write!(
            out,
            "<path class=\"area\" d=\"M0 {height}L{curve}L{width} {height}z\"/><path class=\"curve\" d=\"M{curve}\"/>"
        );
    }
    let _ = write!(
        out,
        "</svg><div class=\"axis\"><span>0</span><span>{whole:.1?}</span></div></figure>"
    );
}

#[cfg(test)]
mod tests {
    use super::super::samples::{report, worker};
    use super::*;
    use crate::plan::Routing::{Hash, Shared};
    use crate::plan::samples::chain;

    fn awkward() -> Report {
        let mut report = report(
            chain(&[Shared, Hash]),
            &[
                ("<script>alert(1)</script>", &[worker(40_000, 80, 900)]),
                ("a & \"b\" 'c'", &[worker(40_000, 970, 0)]),
                ("end", &[worker(10_000, 100, 0), worker(30_000, 200, 0)]),
            ],
        );
        let mut line = Timeline::new(Duration::from_millis(1));
        line.add(&report);
        report.timeline = Some(line);
        report
    }

    #[test]
    fn names_are_text_wherever_they_stand() {
        let page = html(&awkward(), 4);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(!page.contains("a & \"b\""));
        assert!(page.contains("a &amp; &quot;b&quot; &#39;c&#39;"));
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let page = html(&awkward(), 4);
        for outside in ["src=", "href=", "url(", "@import", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
        let urls = page.matches("http").count();
        assert_eq!(
            urls,
            page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count()
        );
    }

    #[test]
    fn what_is_opened_is_closed() {
        let page = html(&awkward(), 4);
        for tag in [
            "main", "div", "table", "tr", "td", "svg", "g", "figure", "p", "span", "text", "title",
        ] {
            let opened = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        assert!(page.contains(">skew</th>") && !page.contains(">late</th>"));
        // A curve for each stage and each edge.
        assert_eq!(page.matches("class=\"curve\"").count(), 5);
        assert!(html(&Report::default(), 4).ends_with("</html>\n"));
    }
}
