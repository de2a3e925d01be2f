//! The runs of a dashboard as JSON, for programs: the names are those that [`Dashboard`](crate::Dashboard) lists, and stay.

use std::time::Duration;

use super::board::{Kind, Run};
use crate::plan::{json_array, json_text};
use crate::run::{EdgeReport, StageReport};

/// All runs.
pub(super) fn flows(runs: &[Run]) -> String {
    let flows = json_array(runs.iter().map(flow));
    format!("{{\"flows\":{flows}}}\n")
}

fn flow(run: &Run) -> String {
    let stages = run.report.stages().iter().enumerate();
    let edges = run.report.edges().iter().enumerate();
    format!(
        "{{\"number\":{},\"name\":{},\"kind\":\"{}\",\"state\":\"{}\",\"error\":{},\"elapsed\":{},\"stages\":{},\"edges\":{}}}",
        run.number,
        or_null(run.name.as_deref()),
        match run.kind {
            Kind::Flow => "flow",
            Kind::Stages => "stages",
        },
        run.state.word(),
        or_null(run.error.as_deref()),
        seconds(run.report.elapsed()),
        json_array(stages.map(|(at, report)| stage(run, at, report))),
        json_array(edges.map(|(at, report)| edge(at, report)))
    )
}

fn stage(run: &Run, at: usize, stage: &StageReport) -> String {
    let time = |of: fn(&crate::run::WorkerReport) -> Duration| {
        seconds(stage.workers().iter().map(of).sum())
    };
    let counts = [
        ("items_in", stage.items_in()),
        ("items_out", stage.items_out()),
        ("batches_in", stage.batches_in()),
        ("batches_out", stage.batches_out()),
        ("bytes_in", stage.bytes_in()),
        ("bytes_out", stage.bytes_out()),
        ("late", stage.late()),
        ("retried", stage.retried()),
        ("panics", stage.panics()),
        ("keys", stage.keys()),
    ];
    let counts: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("\"{name}\":{count}"))
        .collect();
    let rejected: Vec<String> = stage
        .rejected()
        .iter()
        .map(|(rule, count)| format!("{}:{count}", json_text(rule)))
        .collect();
    let now = run.recent.stages().get(at);
    let share = |of: fn(&StageReport) -> f64| real(now.map_or(0.0, of));
    format!(
        "{{\"id\":{at},\"name\":{},\"threads\":{},\"state\":\"{}\",{},\"rejected\":{{{}}},\"busy\":{},\"starved\":{},\"blocked\":{},\
         \"now\":{{\"rate\":{},\"busy\":{},\"starved\":{},\"blocked\":{}}}}}",
        json_text(stage.name()),
        stage.workers().len(),
        run.doing(at),
        counts.join(","),
        rejected.join(","),
        time(|w| w.busy),
        time(|w| w.waiting_input),
        time(|w| w.waiting_output),
        real(run.rate(at)),
        share(StageReport::busy_share),
        share(StageReport::starved_share),
        share(StageReport::blocked_share)
    )
}

fn edge(at: usize, edge: &EdgeReport) -> String {
    format!(
        "{{\"id\":{at},\"from\":{},\"to\":{},\"capacity\":{},\"fill\":{},\"high_water\":{},\"unit\":\"{}\"}}",
        json_array(edge.from.iter().map(ToString::to_string)),
        edge.to,
        edge.capacity,
        edge.fill,
        edge.high_water,
        edge.unit.word(2)
    )
}

fn or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), json_text)
}

fn seconds(time: Duration) -> String {
    format!("{:.6}", time.as_secs_f64())
}

/// JSON has no infinity.
fn real(n: f64) -> String {
    format!("{:.4}", if n.is_finite() { n } else { 0.0 })
}
