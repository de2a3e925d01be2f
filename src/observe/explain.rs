//! The report laid over the plan, as text: what each stage did below what it is, and how full each edge was.
//!
//! It has the form of [`Plan::explain`](crate::Plan::explain), so that one can be read beside the other. Only figures that are there
//! have a line. The last line is the finding.

use std::fmt::Write;

use super::advice::{percent, sentence};
use super::analyze::analyze;
use crate::options::default_stages;
use crate::plan::{batches, bytes, count, items, list, number, routing, threads};
use crate::run::{Report, StageReport};

impl Report {
    /// The report laid over the plan, as text; its last line says in one sentence what held the run back, and what would help.
    ///
    /// For each stage: its threads and steps, what it took and gave, in items, bytes and batches, and for which part of
    /// their lives its threads were busy, without input, and without room; and, where there were any, how uneven its
    /// partitions were, keys, late items, rejected ones, panics. For each edge: how full it was. The sentence judges by the number
    /// of cores of the machine on which this is called.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let flow = Flow::from_range(0..10_000_u64).stages(1).count_by(|n| n % 7).stages(1);
    /// let text = flow.run()?.explain_analyze();
    /// assert!(text.contains("stage 1, `range`: 1 thread\n    steps   range\n    took    10,000 items"));
    /// assert!(text.contains("keys    7"));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn explain_analyze(&self) -> String {
        explain(self, default_stages())
    }

    /// The last line of [`explain_analyze`](Report::explain_analyze) by itself; `None` if nothing ran.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let report = Flow::from_range(0..100_u64).run()?;
    /// assert!(report.advice().unwrap().ends_with('.'));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn advice(&self) -> Option<String> {
        analyze(self, default_stages()).map(|finding| sentence(self, &finding))
    }

    /// The stage that held the others back, by the reasoning of [`explain_analyze`](Report::explain_analyze); `None` if nothing
    /// ran.
    ///
    /// It is the stage whose busiest worker worked for the largest part of the run; of several that are near each other,
    /// the one for which those before it waited longest. Where a source, an edge or a taker outside was slow, it is the
    /// stage beside it.
    ///
    /// ```
    /// use millstream::Flow;
    ///
    /// let report = Flow::from_range(0..100_u64).name("numbers").run()?;
    /// assert_eq!(report.bottleneck().unwrap().name(), "numbers");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn bottleneck(&self) -> Option<&StageReport> {
        let finding = analyze(self, default_stages())?;
        self.stages.get(finding.stage)
    }
}

/// The text, without a line end after the last line.
pub(super) fn explain(report: &Report, cores: usize) -> String {
    let mut out = Text(String::new());
    for (at, stage) in report.stages.iter().enumerate() {
        for (edge, _) in report.plan.edges_into(at) {
            out.edge(report, edge);
        }
        out.stage(report, at, stage);
    }
    let Some(finding) = analyze(report, cores) else {
        return match report.stages.is_empty() {
            true => "nothing ran".to_owned(),
            // Stages without a plan: there is nothing to lay the figures over.
            false => report.to_string(),
        };
    };
    if report.observer_panics() > 0 {
        let lost = count(report.observer_panics(), "observer", "observers");
        let _ = writeln!(out.0, "{lost} of the run panicked, and saw no more of it");
    }
    let _ = writeln!(
        out.0,
        "elapsed: {:.1?}; at work at a time: {:.1} of {}, on {}",
        report.elapsed,
        finding.threads,
        threads(report.plan.threads() as u64),
        count(cores as u64, "core", "cores"),
    );
    out.0.push_str(&sentence(report, &finding));
    out.0
}

/// The text so far; writing to it cannot fail.
struct Text(String);

impl Text {
    fn row(&mut self, label: &str, text: &str) {
        let _ = writeln!(self.0, "    {label:<8}{text}");
    }

    fn edge(&mut self, report: &Report, edge: usize) {
        let (plan, filled) = (&report.plan.edges[edge], report.edges.get(edge));
        let name = |stage: usize| report.stages[stage].name();
        let from: Vec<&str> = plan.from.iter().map(|&stage| name(stage)).collect();
        let _ = writeln!(
            self.0,
            "edge from {} to `{}`: {}",
            list(&from),
            name(plan.to),
            routing(plan.routing)
        );
        if let Some(filled) = filled {
            let text = format!(
                "{} of {} at most ({}), {} at the end",
                number(filled.high_water),
                batches(filled.capacity),
                percent(filled.high_water_share()),
                number(filled.fill),
            );
            self.row("filled", &text);
        }
        self.0.push('\n');
    }

    fn stage(&mut self, report: &Report, at: usize, stage: &StageReport) {
        let workers = stage.workers().len() as u64;
        let _ = writeln!(
            self.0,
            "stage {}, `{}`: {}",
            at + 1,
            stage.name(),
            threads(workers)
        );
        if let Some(node) = report.plan.nodes.get(at) {
            self.row("steps", &node.steps.join(" → "));
        }
        let took = passed(stage.items_in(), stage.bytes_in(), stage.batches_in());
        self.row("took", &took);
        let gave = passed(stage.items_out(), stage.bytes_out(), stage.batches_out());
        self.row("gave", &gave);
        let time = format!(
            "busy {}, no input {}, no room {}",
            percent(stage.busy_share()),
            percent(stage.starved_share()),
            percent(stage.blocked_share())
        );
        self.row("time", &time);
        if let Some(skew) = stage.skew().filter(|_| stage.items_in() > 0) {
            let most = stage.workers().iter().enumerate();
            let most = most.max_by_key(|(_, worker)| worker.items_in);
            let share = skew / workers as f64;
            let partition = most.map_or(0, |(at, _)| at);
            let text = format!(
                "partition {partition} took most, {} of the items: {skew:.2} times an even part",
                percent(share)
            );
            self.row("skew", &text);
        }
        self.keyed(stage);
        self.lost(stage);
        self.0.push('\n');
    }

    fn keyed(&mut self, stage: &StageReport) {
        if stage.keys() > 0 {
            self.row("keys", &number(stage.keys()));
        }
        if let Some(ratio) = stage.combine_ratio() {
            let text = format!("{ratio:.1} items into each entry that was sent");
            self.row("combine", &text);
        }
        let hottest: Vec<String> = stage
            .hottest()
            .into_iter()
            .map(|(key, share)| format!("{key} {}", percent(share)))
            .collect();
        if !hottest.is_empty() {
            self.row("hottest", &hottest.join(", "));
        }
    }

    fn lost(&mut self, stage: &StageReport) {
        if stage.late() > 0 {
            self.row("late", &items(stage.late()));
        }
        let rejected = stage.rejected();
        if !rejected.is_empty() {
            let rules = rejected.iter();
            let rules: Vec<String> = rules
                .map(|(rule, n)| format!("{} by `{rule}`", number(*n)))
                .collect();
            self.row("refused", &rules.join(", "));
        }
        if stage.retried() > 0 {
            self.row("retried", &count(stage.retried(), "time", "times"));
        }
        if stage.panics() > 0 {
            self.row("panics", &number(stage.panics()));
        }
    }
}

/// What went in or out.
fn passed(n: u64, size: u64, sent: u64) -> String {
    let mut text = items(n);
    if size > 0 {
        let _ = write!(text, ", {}", bytes(size));
    }
    if sent > 0 {
        let each = n as f64 / sent as f64;
        let _ = write!(text, ", in {}", batches(sent));
        if n > 0 {
            let _ = write!(text, " of {each:.1}");
        }
    }
    text
}
