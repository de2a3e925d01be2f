//! What was measured, as pictures show it: words for the boxes, widths by throughput, colours by backpressure.
//!
//! Widths are relative to the edge with most items, on a logarithmic scale, since stages thin out what they are given. The colour of an
//! edge says for which part of its life the stage in front had no room.

use std::fs;
use std::path::Path;

use super::advice::percent;
use super::analyze::analyze;
use super::html::html;
use crate::error::Error;
use crate::options::default_stages;
use crate::plan::{Figures, HOT, Link, count, dot, mermaid};
use crate::run::{Report, StageReport};

/// The thinnest and the thickest edge.
const WIDTHS: (f64, f64) = (1.0, 8.0);
/// Colours of edges whose senders had room nearly always, and often.
const CALM: &str = "#2e8b57";
pub(super) const WARM: &str = "#d08700";

impl Report {
    /// The plan as a Mermaid flowchart with what was measured: the width of an edge is how many items went over it, its
    /// colour how long those who send over it had no room, and the bottleneck has a red frame.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let report = Flow::from_range(0..1_000_u64).shuffle().run()?;
    /// assert!(report.to_mermaid().contains("linkStyle 0 stroke:"));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn to_mermaid(&self) -> String {
        mermaid(&self.plan, &figures(self, default_stages()))
    }

    /// The same picture in DOT, the language of Graphviz.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let report = Flow::from_range(0..1_000_u64).shuffle().run()?;
    /// assert!(report.to_dot().contains("penwidth="));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn to_dot(&self) -> String {
        dot(&self.plan, &figures(self, default_stages()))
    }

    /// Writes a page that shows the report: the stages as a graph, a table, and, if the run kept a
    /// [time line](crate::Flow::timeline), throughput and fill over time.
    ///
    /// The page is one file and needs nothing else: no script, no font, no network. It is readable on narrow screens, in light and in dark.
    ///
    /// # Errors
    /// An error of kind [`Io`](crate::ErrorKind::Io) if the file cannot be written.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("report.html");
    /// let report = Flow::from_range(0..1_000_u64).shuffle().run()?;
    /// report.to_html(&path)?;
    /// assert!(std::fs::read_to_string(&path).unwrap().starts_with("<!DOCTYPE html>"));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn to_html(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        fs::write(path, html(self, default_stages()))
            .map_err(|error| Error::io("write the report to", path, error))
    }
}

/// What the pictures of a report show.
pub(super) fn figures(report: &Report, cores: usize) -> Figures {
    let edges = report.edges.iter().enumerate();
    let passed: Vec<Vec<Option<u64>>> = edges
        .clone()
        .map(|(at, edge)| {
            let from = edge.from.iter();
            from.map(|&from| passed(report, at, from)).collect()
        })
        .collect();
    let most = passed.iter().flatten().flatten().copied().max();
    Figures {
        stages: report.stages.iter().map(stage).collect(),
        links: edges
            .zip(passed)
            .map(|((_, edge), passed)| {
                let from = edge.from.iter().zip(passed);
                from.map(|(&from, passed)| {
                    let items = passed.map(|n| format!("{} items", short(n as f64)));
                    let fill = format!("{} full at most", percent(edge.high_water_share()));
                    Link {
                        label: items.into_iter().chain([fill]).collect(),
                        width: width(passed.unwrap_or(0), most.unwrap_or(0)),
                        colour: colour(&report.stages[from]),
                    }
                })
                .collect()
            })
            .collect(),
        bottleneck: analyze(report, cores).map(|finding| finding.stage),
    }
}

/// What the pictures of a run that goes on show, of what it did lately: rates, and what is in the edges now.
#[cfg(feature = "dashboard")]
pub(super) fn lately(recent: &Report, cores: usize) -> Figures {
    let mut figures = figures(recent, cores);
    let time = recent.elapsed.as_secs_f64().max(1e-9);
    for (at, links) in figures.links.iter_mut().enumerate() {
        for (place, link) in links.iter_mut().enumerate() {
            let edge = &recent.edges[at];
            let rate = passed(recent, at, edge.from[place]);
            let rate = rate.map(|n| format!("{} items/s", short(n as f64 / time)));
            // The channels of an edge are shared by those who send over it: what is in them is said once.
            let fill = (place == 0).then(|| {
                let of = count(edge.capacity, edge.unit.word(1), edge.unit.word(2));
                format!("{} of {of}", crate::plan::number(edge.fill))
            });
            link.label = rate.into_iter().chain(fill).collect();
        }
    }
    figures
}

/// How many items of a stage went over an edge, where the counters can tell.
fn passed(report: &Report, edge: usize, from: usize) -> Option<u64> {
    let edges = || report.edges.iter();
    let edge = &report.edges[edge];
    if edge.passed.is_some() {
        return edge.passed;
    }
    if edges().filter(|edge| edge.from.contains(&from)).count() == 1 {
        return report.stages.get(from).map(StageReport::items_out);
    }
    // A fork counts what it sends over all of its edges: what came is what the other end took from this stage alone.
    let into = edges().filter(|other| other.to == edge.to);
    let alone = edge.from.len() == 1 && into.count() == 1;
    let to = report.stages.get(edge.to).filter(|_| alone);
    to.map(StageReport::items_in)
}

fn stage(stage: &StageReport) -> Vec<String> {
    let mut lines = vec![format!(
        "{} in, {} out",
        short(stage.items_in() as f64),
        short(stage.items_out() as f64)
    )];
    lines.push(format!(
        "busy {}, no input {}, no room {}",
        percent(stage.busy_share()),
        percent(stage.starved_share()),
        percent(stage.blocked_share())
    ));
    let rejected: u64 = stage.rejected().values().sum();
    if rejected > 0 {
        lines.push(count(rejected, "item rejected", "items rejected"));
    }
    lines
}

/// How thick an edge is: as thick as can be for the most items, and a step less for each time they are four times fewer.
fn width(items: u64, most: u64) -> u8 {
    let (thin, thick) = WIDTHS;
    if items == 0 || most == 0 {
        return thin as u8;
    }
    let fewer = (most as f64 / items as f64).log(4.0);
    (thick - fewer).clamp(thin, thick).round() as u8
}

/// The colour of an edge, by how long those who send over it had no room.
fn colour(from: &StageReport) -> &'static str {
    match from.blocked_share() {
        share if share >= 0.5 => HOT,
        share if share >= 0.1 => WARM,
        _ => CALM,
    }
}

/// A number in a few characters: `999`, `1.2k`, `34M`.
pub(crate) fn short(n: f64) -> String {
    let (n, unit) = match n {
        n if n < 999.5 => (n, ""),
        n if n < 999.5e3 => (n / 1e3, "k"),
        n if n < 999.5e6 => (n / 1e6, "M"),
        n if n < 999.5e9 => (n / 1e9, "G"),
        n => (n / 1e12, "T"),
    };
    if n < 9.95 && (!unit.is_empty() || n.fract() > 0.05) {
        format!("{n:.1}{unit}")
    } else {
        format!("{n:.0}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{report, worker};
    use super::*;
    use crate::plan::Routing::{Hash, Shared};
    use crate::plan::samples::chain;

    fn slow_middle() -> Report {
        report(
            chain(&[Shared, Hash]),
            &[
                ("read", &[worker(40_000, 80, 900)]),
                ("par\"se", &[worker(40_000, 970, 0)]),
                ("end", &[worker(10_000, 100, 0)]),
            ],
        )
    }

    #[test]
    fn numbers_are_short() {
        let said = [0.0, 0.5, 7.0, 999.0, 1_200.0, 34_000_000.0, 2e12].map(short);
        assert_eq!(said, ["0", "0.5", "7", "999", "1.2k", "34M", "2.0T"]);
        assert_eq!(short(999_600.0), "1.0M");
    }

    #[test]
    fn widths_follow_throughput() {
        assert_eq!(width(1_000, 1_000), 8);
        assert_eq!(width(250, 1_000), 7);
        assert_eq!(width(1, u64::MAX), 1);
        assert_eq!(width(0, 0), 1);
    }

    #[test]
    fn mermaid_shows_what_was_measured() {
        let report = slow_middle();
        let drawn = mermaid(&report.plan, &figures(&report, 4));
        let expected = "\
flowchart LR
    s0[\"read<br/>1 thread<br/>map<br/>40k in, 40k out<br/>busy 8 %, no input 2 %, no room 90 %\"]
    s1[\"par#34;se<br/>1 thread<br/>map<br/>40k in, 40k out<br/>busy 97 %, no input 3 %, no room 0 %\"]
    s2[\"end<br/>1 thread<br/>map<br/>10k in, 10k out<br/>busy 10 %, no input 90 %, no room 0 %\"]
    s0 -->|\"shared<br/>4 batches of 1,024 items a thread<br/>40k items<br/>75 % full at most\"| s1
    s1 -->|\"hash<br/>4 batches of 1,024 items a thread<br/>40k items<br/>75 % full at most\"| s2
    s2 --> result2([\"collect\"])
    linkStyle 0 stroke:#c0392b,stroke-width:8px
    linkStyle 1 stroke:#2e8b57,stroke-width:8px
    style s1 stroke:#c0392b,stroke-width:3px
";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn dot_shows_what_was_measured() {
        let report = slow_middle();
        let drawn = dot(&report.plan, &figures(&report, 4));
        assert!(
            drawn.contains(r##"75 % full at most", color="#c0392b", penwidth=8];"##),
            "{drawn}"
        );
        assert!(
            drawn.contains(r##"no room 0 %", color="#c0392b", penwidth=3];"##),
            "{drawn}"
        );
    }
}
