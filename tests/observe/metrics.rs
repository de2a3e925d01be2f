//! What a recorder of the crate `metrics` is given.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use millstream::{Flow, Metrics, Observer, Report, Skip, Text, WorkerReport};

/// Adds up what a recorder was given: a snapshot begins anew.
struct Seen {
    snapshots: Snapshotter,
    /// By kind, name and labels.
    values: BTreeMap<(String, String, Vec<(String, String)>), Vec<f64>>,
    units: BTreeMap<String, Option<Unit>>,
}

fn recorder() -> (Metrics, Seen) {
    let recorder = DebuggingRecorder::new();
    let seen = Seen {
        snapshots: recorder.snapshotter(),
        values: BTreeMap::new(),
        units: BTreeMap::new(),
    };
    (Metrics::new().to(Arc::new(recorder)), seen)
}

impl Seen {
    fn look(&mut self) {
        for (key, unit, described, value) in self.snapshots.snapshot().into_vec() {
            let name = key.key().name().to_owned();
            assert!(described.is_some(), "{name} is not described");
            self.units.insert(name.clone(), unit);
            let labels = key.key().labels();
            let labels = labels.map(|l| (l.key().to_owned(), l.value().to_owned()));
            let key = (format!("{:?}", key.kind()), name, labels.collect());
            let values = self.values.entry(key).or_default();
            match value {
                DebugValue::Counter(n) => values.push(n as f64),
                DebugValue::Gauge(n) => *values = vec![n.into_inner()],
                DebugValue::Histogram(all) => {
                    values.extend(all.into_iter().map(|n| n.into_inner()))
                }
            }
        }
    }

    fn all(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        let has = |of: &[(String, String)]| {
            let mut labels = labels.iter();
            labels.all(|(k, v)| of.iter().any(|(key, value)| key == k && value == v))
        };
        let values = self.values.iter();
        values
            .filter(|((_, n, of), _)| n == name && has(of))
            .flat_map(|(_, values)| values.clone())
            .collect()
    }

    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        self.all(name, labels).iter().sum::<f64>() as u64
    }
}

/// A run with something of most things: three stages, an edge with keys, rejected rows.
fn run(metrics: Metrics) -> Report {
    let observer = millstream::Observer::new();
    let counts = Flow::from_vec((0..30_000u32).map(|n| (n % 900).to_string()).collect())
        .name("numbers")
        .flow_name("mixed")
        .stages(2)
        .observe(&observer)
        .metrics_with(metrics)
        .try_map(|text| match text.parse::<u32>() {
            Ok(n) if n % 100 == 7 => Err("seven"),
            Ok(n) => Ok(n),
            Err(_) => Err("no number"),
        })
        .on_error(Skip)
        .count_by(|n| *n)
        .name("counts")
        .stages(3)
        .collect_vec()
        .unwrap();
    assert_eq!(counts.len(), 891);
    observer.report().unwrap()
}

#[test]
fn counters_are_the_reports() {
    let (metrics, mut seen) = recorder();
    let report = run(metrics);
    seen.look();
    type Of = fn(&WorkerReport) -> u64;
    let counters: [(&str, Of); 10] = [
        ("items_in_total", |w| w.items_in),
        ("items_out_total", |w| w.items_out),
        ("batches_in_total", |w| w.batches_in),
        ("batches_out_total", |w| w.batches_out),
        ("bytes_in_total", |w| w.bytes_in),
        ("bytes_out_total", |w| w.bytes_out),
        ("combined_total", |w| w.combined),
        ("busy_microseconds_total", |w| w.busy.as_micros() as u64),
        ("starved_microseconds_total", |w| {
            w.waiting_input.as_micros() as u64
        }),
        ("keys", |w| w.keys),
    ];
    for (name, of) in counters {
        for stage in report.stages() {
            for (partition, worker) in stage.workers().iter().enumerate() {
                let partition = partition.to_string();
                let labels = [
                    ("flow", "mixed"),
                    ("stage", stage.name()),
                    ("partition", &partition),
                ];
                let name = format!("millstream_{name}");
                assert_eq!(seen.sum(&name, &labels), of(worker), "{name} {labels:?}");
            }
        }
    }
    let rejected = seen.sum("millstream_rejected_total", &[("rule", "try_map")]);
    assert_eq!(rejected, report.rejected()["try_map"]);
    let edge = [("edge", "numbers -> counts")];
    let capacity = seen.sum("millstream_edge_capacity_batches", &edge);
    assert_eq!(capacity, report.edges()[0].capacity);
    let high = seen.sum("millstream_edge_high_water_batches", &edge);
    assert_eq!(high, report.edges()[0].high_water);
    let taken = seen.sum("millstream_input_taken", &[("unit", "items")]);
    assert_eq!(taken, 30_000);
    let batches = seen.all("millstream_batch_items", &[("stage", "numbers")]);
    assert!(!batches.is_empty() && batches.iter().all(|n| *n >= 1.0));
    let ratios = seen.all("millstream_edge_fill_ratio", &edge);
    assert!(!ratios.is_empty() && ratios.iter().all(|n| (0.0..=1.0).contains(n)));
}

#[test]
fn runs_are_counted_by_how_they_ended() {
    let (metrics, mut seen) = recorder();
    let flow = |name: &str| {
        Flow::from_range(0..10)
            .flow_name(name)
            .metrics_with(metrics.clone())
    };
    for _ in 0..3 {
        flow("good").run().unwrap();
    }
    flow("bad").try_for_each(|_| Err("no")).unwrap_err();
    drop(flow("left").held().start().unwrap());
    seen.look();
    for (flow, outcome, runs) in [
        ("good", "ok", 3),
        ("bad", "failed", 1),
        ("left", "stopped", 1),
    ] {
        let labels = [("flow", flow), ("outcome", outcome)];
        assert_eq!(seen.sum("millstream_runs_total", &labels), runs, "{flow}");
        let took = seen.all("millstream_run_duration_seconds", &labels);
        assert_eq!(took.len() as u64, runs, "{flow}");
        assert_eq!(seen.all("millstream_runs_active", &[("flow", flow)]), [0.0]);
    }
}

#[test]
fn nothing_is_in_the_edges_of_a_run_that_has_failed() {
    let (metrics, mut seen) = recorder();
    let observer = Observer::new();
    let full = observer.clone();
    let flow = Flow::from_range(0..1_000u64)
        .stages(1)
        .observe(&observer)
        .metrics_with(metrics)
        .shuffle()
        .stages(1)
        .batch(1);
    let error = flow.for_each(move |_| {
        // What is behind the first item fills the edge.
        while full.report().unwrap().edges()[0].fill < 2 {
            std::thread::yield_now();
        }
        panic_any("full");
    });
    let report = error.unwrap_err();
    assert!(report.report().unwrap().edges()[0].fill > 0);
    seen.look();
    assert_eq!(seen.sum("millstream_edge_fill_batches", &[]), 0);
    assert!(seen.sum("millstream_edge_high_water_batches", &[]) > 0);
    assert_eq!(seen.sum("millstream_workers", &[]), 0);
}

#[test]
fn the_shortest_time_between_two_looks_is_a_millisecond() {
    let metrics = format!("{:?}", Metrics::new().every(Duration::ZERO));
    assert!(metrics.contains("every: 1ms"), "{metrics}");
}

/// TM-01: each metric has a type, a name, a unit and a description, and the documentation says the same.
#[test]
fn tm_01_names_types_and_units_are_those_of_the_documentation() {
    let (metrics, mut seen) = recorder();
    run(metrics);
    seen.look();
    let documented = documented();
    let given: BTreeSet<(String, String)> = seen
        .values
        .keys()
        .map(|(kind, name, _)| (kind.to_lowercase(), name.clone()))
        .collect();
    assert_eq!(given, documented);
    for (name, unit) in &seen.units {
        let said = match name {
            n if n.contains("bytes") => Unit::Bytes,
            n if n.contains("microseconds") => Unit::Microseconds,
            n if n.contains("seconds") => Unit::Seconds,
            _ => Unit::Count,
        };
        assert_eq!(*unit, Some(said), "{name}");
    }
}

/// What the tables of the documentation list.
fn documented() -> BTreeSet<(String, String)> {
    let text = include_str!("../../docs/telemetry.md");
    let mut kind = "";
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        match cells.next() {
            Some(of @ ("counter" | "gauge" | "histogram")) => kind = of,
            Some(name) if name.starts_with("`millstream_") => {
                found.insert((kind.to_owned(), name.trim_matches('`').to_owned()));
            }
            _ => {}
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

#[test]
fn what_has_come_is_given_while_the_flow_runs() {
    let (metrics, mut seen) = recorder();
    let text = Text::from("line\n".repeat(1000));
    let held = Mutex::new(Some(&mut seen));
    let count = Flow::from_lines(&text)
        .stages(1)
        .metrics_with(metrics.every(Duration::from_millis(1)))
        .inspect(|_| {
            // The first line waits until the recorder knows that the flow is at work.
            let Some(seen) = held.lock().unwrap().take() else {
                return;
            };
            while seen.sum("millstream_workers", &[("doing", "working")]) != 1
                || seen.sum("millstream_bytes_in_total", &[]) == 0
            {
                seen.look();
                std::thread::yield_now();
            }
        })
        .count();
    assert_eq!(count.unwrap(), 1000);
    seen.look();
    // Nothing is counted twice.
    assert_eq!(seen.sum("millstream_bytes_in_total", &[]), 5000);
    assert_eq!(seen.sum("millstream_workers", &[]), 0);
}

#[test]
fn a_flow_without_a_name_or_a_recorder_runs() {
    let (metrics, mut seen) = recorder();
    Flow::from_range(0..10).metrics_with(metrics).run().unwrap();
    seen.look();
    assert_eq!(seen.sum("millstream_runs_total", &[("flow", "flow")]), 1);
    assert_eq!(Flow::from_range(0..10).metrics().count().unwrap(), 10);
}

/// Panics where it is told to.
struct Panics(&'static str);

impl Panics {
    fn at(&self, place: &'static str) {
        if self.0 == place {
            panic_any(place);
        }
    }
}

impl GaugeFn for Panics {
    fn increment(&self, _: f64) {
        self.at("increment");
    }
    fn decrement(&self, _: f64) {
        self.at("decrement");
    }
    fn set(&self, _: f64) {
        self.at("set");
    }
}

impl Recorder for Panics {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        self.at("describe");
    }
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        self.at("register");
        Counter::noop()
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(Panics(self.0)))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// TM-02: a reporter that meets something bad is not fatal.
#[test]
fn tm_02_a_recorder_that_panics_harms_no_flow() {
    for place in ["describe", "register", "increment", "set", "decrement"] {
        let metrics = Metrics::new().to(Arc::new(Panics(place)));
        let observer = Observer::new();
        let flow = Flow::from_range(0..1000u64).observe(&observer);
        let flow = flow.metrics_with(metrics.every(Duration::from_millis(1)));
        let sum = flow.partition().stages(2).sum::<u64>();
        assert_eq!(sum.unwrap(), 499_500, "{place}");
        // Once, though it would have been told of the end, too.
        assert_eq!(observer.report().unwrap().observer_panics(), 1, "{place}");
    }
}
