//! Counters, gauges and histograms of a run for a recorder of the crate `metrics` (feature `metrics`).
//!
//! A watcher: one thread takes the report once a second, and the end of the run once more; it adds to the counters what has
//! come since. Workers know nothing of it. The names are in `metrics_names.rs` and, for users, in `docs/telemetry.md`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, Label, Recorder};

use super::metrics_names::{self as names, COUNTERS, Name};
use super::sampler::Sampler;
use crate::error::Error;
use crate::run::{Doing, EdgeReport, Report, Unit, Watch, Watched, Watching, WorkerReport};

/// How often the report is taken.
const EVERY: Duration = Duration::from_secs(1);

/// A recorder that the program did not install for all.
type Own = Arc<dyn Recorder + Send + Sync>;

/// How [`Flow::metrics_with`](crate::Flow::metrics_with) gives a run to a recorder of the crate `metrics` (feature `metrics`).
///
/// The recorder is the one that the program has installed for all (an exporter), or one that is given. The names, their labels
/// and units are listed in `docs/telemetry.md`; all begin with `millstream_`. The label `flow` is the
/// [name of the flow](crate::Flow::flow_name), or `flow`. Gauges of several runs of one name at a time are those of the one
/// that was looked at last.
///
/// # Examples
/// ```
/// use metrics_util::debugging::DebuggingRecorder;
/// use millstream::{Flow, Metrics};
/// use std::sync::Arc;
///
/// let recorder = DebuggingRecorder::new();
/// let seen = recorder.snapshotter();
/// let metrics = Metrics::new().to(Arc::new(recorder));
/// Flow::from_range(0..1000).stages(1).flow_name("numbers").metrics_with(metrics).run()?;
/// let seen = seen.snapshot().into_vec();
/// let items = seen.iter().find(|(key, ..)| key.key().name() == "millstream_items_in_total").unwrap();
/// assert_eq!(items.3, metrics_util::debugging::DebugValue::Counter(1000));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone)]
pub struct Metrics {
    every: Duration,
    own: Option<Own>,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics {
            every: EVERY,
            own: None,
        }
    }
}

impl Metrics {
    /// To the recorder that the program has installed, once a second.
    pub fn new() -> Self {
        Metrics::default()
    }

    /// How often, besides once at the end. Less than a millisecond counts as one.
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time.max(Duration::from_millis(1));
        self
    }

    /// To this recorder, instead of the one that is installed for all. One that is set for a thread alone
    /// (`metrics::with_local_recorder`) is given this way too: it is another thread that records.
    pub fn to(mut self, recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        self.own = Some(recorder);
        self
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

impl Watch for Metrics {
    fn begin(&self, run: &Watched) -> Box<dyn Watching> {
        let to = To(self.own.clone());
        to.with(names::describe);
        let series = Series::new(to, run);
        series.active.increment(1.0);
        let here = run.clone();
        let look = move |series: &mut Series| series.take(&here.report_now());
        let sampler = Sampler::start("flow:metrics", self.every, run.lost(), series, look);
        let run = run.clone();
        Box::new(move |outcome: Result<(), &Error>| {
            sampler.stop(|series| series.end(&run.report(), outcome));
        })
    }
}

/// Where it goes.
struct To(Option<Own>);

impl To {
    fn with<R>(&self, record: impl FnOnce(&dyn Recorder) -> R) -> R {
        match &self.0 {
            Some(own) => record(&**own),
            None => metrics::with_recorder(record),
        }
    }

    fn counter(&self, name: &Name, labels: Vec<Label>) -> Counter {
        let key = Key::from_parts(name.0, labels);
        self.with(|to| to.register_counter(&key, &names::METADATA))
    }

    fn gauge(&self, name: &Name, labels: Vec<Label>) -> Gauge {
        let key = Key::from_parts(name.0, labels);
        self.with(|to| to.register_gauge(&key, &names::METADATA))
    }

    fn histogram(&self, name: &Name, labels: Vec<Label>) -> Histogram {
        let key = Key::from_parts(name.0, labels);
        self.with(|to| to.register_histogram(&key, &names::METADATA))
    }
}

/// All that is recorded of one run, with what was there when it was looked at last.
struct Series {
    to: To,
    flow: Label,
    active: Gauge,
    /// How much of the input was taken, once it is known how much there is.
    input: Option<(Gauge, Gauge)>,
    stages: Vec<StageSeries>,
    edges: Vec<EdgeSeries>,
}

struct StageSeries {
    name: Label,
    /// Workers at work, without input, and without room.
    doing: [(Doing, Gauge); 3],
    batch: Histogram,
    workers: Vec<WorkerSeries>,
}

struct WorkerSeries {
    partition: Label,
    counters: Vec<Counter>,
    keys: Gauge,
    rejected: BTreeMap<String, Counter>,
    last: WorkerReport,
}

struct EdgeSeries {
    fill: Gauge,
    high_water: Gauge,
    ratio: Histogram,
}

impl Series {
    fn new(to: To, run: &Watched) -> Self {
        let report = run.report();
        let flow = Label::new("flow", run.name().unwrap_or("flow").to_owned());
        let stages = report.stages().iter().map(|stage| {
            let name = Label::new("stage", stage.name().to_owned());
            let of = |labels: &[&Label]| {
                let all = [&flow, &name].into_iter().chain(labels.iter().copied());
                all.cloned().collect::<Vec<_>>()
            };
            let doing = |what: Doing, said: &'static str| {
                let said = Label::from_static_parts("doing", said);
                (what, to.gauge(&names::WORKERS, of(&[&said])))
            };
            let worker = |partition: usize| {
                let partition = Label::new("partition", partition.to_string());
                let all = COUNTERS.iter();
                WorkerSeries {
                    counters: all
                        .map(|(name, _)| to.counter(name, of(&[&partition])))
                        .collect(),
                    keys: to.gauge(&names::KEYS, of(&[&partition])),
                    rejected: BTreeMap::new(),
                    last: WorkerReport::default(),
                    partition,
                }
            };
            StageSeries {
                doing: [
                    doing(Doing::Working, "working"),
                    doing(Doing::Starved, "starved"),
                    doing(Doing::Blocked, "blocked"),
                ],
                batch: to.histogram(&names::BATCH_ITEMS, of(&[])),
                workers: (0..stage.workers().len()).map(worker).collect(),
                name: name.clone(),
            }
        });
        let stages: Vec<_> = stages.collect();
        let edges = report.edges().iter().map(|edge| {
            let labels = || vec![flow.clone(), Label::new("edge", said(&report, edge))];
            to.gauge(&names::EDGE_CAPACITY, labels())
                .set(edge.capacity as f64);
            EdgeSeries {
                fill: to.gauge(&names::EDGE_FILL, labels()),
                high_water: to.gauge(&names::EDGE_HIGH_WATER, labels()),
                ratio: to.histogram(&names::EDGE_FILL_RATIO, labels()),
            }
        });
        let edges = edges.collect();
        Series {
            active: to.gauge(&names::RUNS_ACTIVE, vec![flow.clone()]),
            input: None,
            stages,
            edges,
            flow,
            to,
        }
    }

    /// Records what has come since it was called before.
    fn take(&mut self, report: &Report) {
        for (stage, seen) in self.stages.iter_mut().zip(report.stages()) {
            for (doing, gauge) in &stage.doing {
                let workers = seen.workers().iter().filter(|w| w.doing == *doing);
                gauge.set(workers.count() as f64);
            }
            for (worker, seen) in stage.workers.iter_mut().zip(seen.workers()) {
                let last = std::mem::replace(&mut worker.last, seen.clone());
                for (counter, (_, of)) in worker.counters.iter().zip(COUNTERS) {
                    counter.increment(of(seen).saturating_sub(of(&last)));
                }
                let batches = seen.batches_out.saturating_sub(last.batches_out);
                if batches > 0 {
                    let items = seen.items_out.saturating_sub(last.items_out);
                    stage.batch.record(items as f64 / batches as f64);
                }
                worker.keys.set(seen.keys as f64);
                for (rule, count) in &seen.rejected {
                    let before = last.rejected.get(rule).copied().unwrap_or(0);
                    let counter = worker.rejected.entry(rule.clone()).or_insert_with(|| {
                        let mut labels = vec![self.flow.clone(), stage.name.clone()];
                        labels.push(worker.partition.clone());
                        labels.push(Label::new("rule", rule.clone()));
                        self.to.counter(&names::REJECTED, labels)
                    });
                    counter.increment(count.saturating_sub(before));
                }
            }
        }
        for (edge, seen) in self.edges.iter().zip(report.edges()) {
            edge.fill.set(seen.fill as f64);
            edge.high_water.set(seen.high_water as f64);
            edge.ratio
                .record(seen.fill as f64 / seen.capacity.max(1) as f64);
        }
        if let Some(size) = report.input_size() {
            let (total, taken) = self.input.get_or_insert_with(|| {
                let unit = match size.unit {
                    Unit::Items => "items",
                    Unit::Bytes => "bytes",
                    Unit::Splits => "splits",
                };
                let labels = || vec![self.flow.clone(), Label::from_static_parts("unit", unit)];
                let total = self.to.gauge(&names::INPUT_SIZE, labels());
                (total, self.to.gauge(&names::INPUT_TAKEN, labels()))
            });
            total.set(size.total as f64);
            taken.set(size.taken as f64);
        }
    }

    /// Records how it ended.
    fn end(&mut self, report: &Report, outcome: Result<(), &Error>) {
        self.take(report);
        // What a failed run left in its edges is gone, and so are workers that never began.
        self.edges.iter().for_each(|edge| edge.fill.set(0.0));
        let doing = self.stages.iter().flat_map(|stage| &stage.doing);
        doing.for_each(|(_, gauge)| gauge.set(0.0));
        self.active.decrement(1.0);
        let outcome = match outcome {
            Ok(()) => "ok",
            Err(error) if error.is_stopped() => "stopped",
            Err(_) => "failed",
        };
        let outcome = Label::from_static_parts("outcome", outcome);
        let labels = vec![self.flow.clone(), outcome];
        self.to.counter(&names::RUNS, labels.clone()).increment(1);
        let took = report.elapsed().as_secs_f64();
        self.to.histogram(&names::RUN_DURATION, labels).record(took);
    }
}

/// The stages that an edge joins, in words.
fn said(report: &Report, edge: &EdgeReport) -> String {
    let name = |at: usize| report.stages().get(at).map_or("", |stage| stage.name());
    let from: Vec<&str> = edge.from.iter().map(|&at| name(at)).collect();
    format!("{} -> {}", from.join(", "), name(edge.to))
}
