//! Spans and events: what a subscriber hears of runs, and that it cannot harm one.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::panic_any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use millstream::{Error, Flow, Observer, Skip, StopToken};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, with_default};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_core::span::Current;

type Fields = BTreeMap<String, String>;

/// A span that was made, or an event.
#[derive(Debug, Clone)]
struct Heard {
    name: &'static str,
    about: &'static Metadata<'static>,
    level: Level,
    /// The span that it is in.
    parent: Option<u64>,
    fields: Fields,
    thread: ThreadId,
}

/// A subscriber that notes what it hears of the library and of this test.
#[derive(Clone)]
struct Ear(Arc<Notes>);

struct Notes {
    level: LevelFilter,
    /// Whether it tells others which span a thread is in.
    tells: bool,
    last: AtomicU64,
    spans: Mutex<BTreeMap<u64, Heard>>,
    events: Mutex<Vec<Heard>>,
    /// The spans that each thread is in.
    inside: Mutex<BTreeMap<String, Vec<u64>>>,
    closed: AtomicU64,
}

impl Ear {
    fn of(level: impl Into<LevelFilter>) -> Self {
        Ear::telling(level, true)
    }

    fn telling(level: impl Into<LevelFilter>, tells: bool) -> Self {
        Ear(Arc::new(Notes {
            level: level.into(),
            tells,
            last: AtomicU64::new(0),
            spans: Mutex::default(),
            events: Mutex::default(),
            inside: Mutex::default(),
            closed: AtomicU64::new(0),
        }))
    }

    /// Runs something while this listens.
    fn hears<R>(&self, what: impl FnOnce() -> R) -> R {
        with_default(self.clone(), what)
    }

    fn current(&self) -> Option<u64> {
        let inside = self.0.inside.lock().unwrap();
        let here = inside.get(&format!("{:?}", thread::current().id()))?;
        here.last().copied()
    }

    fn events(&self, name: &str) -> Vec<Heard> {
        let events = self.0.events.lock().unwrap();
        events.iter().filter(|e| e.name == name).cloned().collect()
    }

    fn one(&self, name: &str) -> Heard {
        let events = self.events(name);
        assert_eq!(events.len(), 1, "{name}: {events:?}");
        events[0].clone()
    }

    fn names(&self) -> BTreeSet<&'static str> {
        let events = self.0.events.lock().unwrap();
        events.iter().map(|e| e.name).collect()
    }

    fn spans(&self, name: &str) -> BTreeMap<u64, Heard> {
        let spans = self.0.spans.lock().unwrap();
        let spans = spans.iter().filter(|(_, span)| span.name == name);
        spans.map(|(id, span)| (*id, span.clone())).collect()
    }

    /// The numbers of the spans that an event is in, from the inmost outwards.
    fn path(&self, of: &Heard) -> Vec<&'static str> {
        let spans = self.0.spans.lock().unwrap();
        let mut path = Vec::new();
        let mut at = of.parent;
        while let Some(span) = at {
            path.push(spans[&span].name);
            at = spans[&span].parent;
        }
        path
    }
}

struct Note<'f>(&'f mut Fields);

impl Visit for Note<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

fn ours(about: &Metadata<'_>) -> bool {
    about.target() == "millstream" || about.target().starts_with("observe")
}

impl Subscriber for Ear {
    fn register_callsite(&self, about: &'static Metadata<'static>) -> Interest {
        if ours(about) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        ours(about) && *about.level() <= self.0.level
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.level)
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.last.fetch_add(1, Ordering::SeqCst) + 1;
        let parent = match span.parent() {
            Some(parent) => Some(parent.into_u64()),
            None if span.is_contextual() => self.current(),
            None => None,
        };
        let mut fields = Fields::new();
        span.record(&mut Note(&mut fields));
        let heard = Heard {
            name: span.metadata().name(),
            about: span.metadata(),
            level: *span.metadata().level(),
            parent,
            fields,
            thread: thread::current().id(),
        };
        self.0.spans.lock().unwrap().insert(id, heard);
        Id::from_u64(id)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let parent = match event.parent() {
            Some(parent) => Some(parent.into_u64()),
            None if event.is_contextual() => self.current(),
            None => None,
        };
        let mut fields = Fields::new();
        event.record(&mut Note(&mut fields));
        let heard = Heard {
            name: event.metadata().name(),
            about: event.metadata(),
            level: *event.metadata().level(),
            parent,
            fields,
            thread: thread::current().id(),
        };
        self.0.events.lock().unwrap().push(heard);
    }
    fn enter(&self, span: &Id) {
        let here = format!("{:?}", thread::current().id());
        let mut inside = self.0.inside.lock().unwrap();
        inside.entry(here).or_default().push(span.into_u64());
    }
    fn exit(&self, span: &Id) {
        let here = format!("{:?}", thread::current().id());
        let mut inside = self.0.inside.lock().unwrap();
        assert_eq!(inside.entry(here).or_default().pop(), Some(span.into_u64()));
    }
    fn current_span(&self) -> Current {
        let spans = self.0.spans.lock().unwrap();
        let Some(id) = self.current().filter(|_| self.0.tells) else {
            return Current::none();
        };
        let about = spans[&id].about;
        Current::new(Id::from_u64(id), about)
    }
    fn try_close(&self, _: Id) -> bool {
        self.0.closed.fetch_add(1, Ordering::SeqCst);
        true
    }
}

/// A run in which everything happens that is not an error.
fn run() -> Result<u64, Error> {
    Flow::from_vec((0..20_000u32).map(|n| n.to_string()).collect())
        .name("numbers")
        .flow_name("mixed")
        .stages(2)
        .try_map(|text| if text == "77" { Err("no") } else { Ok(text) })
        .on_error(Skip)
        .partition()
        .name("parts")
        .stages(3)
        .count()
}

/// TE-06: a span has a start and a stop, with what was measured.
#[test]
fn te_06_a_run_is_a_span_with_a_start_and_a_stop() {
    let ear = Ear::of(Level::DEBUG);
    assert_eq!(ear.hears(run).unwrap(), 19_999);

    let flows = ear.spans("flow");
    assert_eq!(flows.len(), 1);
    let (flow, span) = flows.first_key_value().unwrap();
    assert_eq!((span.parent, span.level), (None, Level::INFO));
    assert_eq!(span.fields["flow"], "mixed");

    let start = ear.one("millstream.run.start");
    assert_eq!((start.parent, start.level), (Some(*flow), Level::INFO));
    assert_eq!(
        (&*start.fields["stages"], &*start.fields["workers"]),
        ("2", "5")
    );
    assert_eq!(start.fields["run"], span.fields["run"]);
    assert_eq!(start.fields["message"], "run started");
    let stop = ear.one("millstream.run.stop");
    assert_eq!((stop.parent, stop.level), (Some(*flow), Level::INFO));
    assert_eq!(stop.fields["rejected"], "1");
    assert!(stop.fields["duration_us"].parse::<u64>().unwrap() > 0);

    let workers = ear.spans("worker");
    assert_eq!(workers.len(), 5);
    let mut places = BTreeSet::new();
    for worker in workers.values() {
        assert_eq!(worker.parent, Some(*flow));
        assert_ne!(worker.thread, thread::current().id());
        places.insert((
            worker.fields["stage"].clone(),
            worker.fields["partition"].clone(),
        ));
    }
    assert_eq!(places.len(), 5, "{places:?}");
    for name in ["millstream.worker.start", "millstream.worker.stop"] {
        let events = ear.events(name);
        let within: BTreeSet<_> = events.iter().map(|e| e.parent.unwrap()).collect();
        assert!(within.iter().eq(workers.keys()), "{name}");
    }
    let stops = ear.events("millstream.worker.stop");
    let sum = |field: &str| -> u64 {
        let of = |stop: &Heard| stop.fields[field].parse::<u64>().unwrap();
        stops.iter().map(of).sum()
    };
    assert_eq!(sum("items_in"), 20_000 + 19_999);
    assert_eq!(sum("rejected"), 1);
    // All of them were let go of.
    assert_eq!(ear.0.closed.load(Ordering::SeqCst), 6);
}

/// TE-06: an exception has what the start had, and the error.
#[test]
fn te_06_a_run_that_fails_says_where_and_why() {
    let ear = Ear::of(Level::TRACE);
    let flow = Flow::from_range(0..100u32).name("numbers").stages(1);
    let flow = flow.map(|n| if n == 50 { panic_any("fifty") } else { n });
    ear.hears(|| flow.count()).unwrap_err();
    assert!(ear.events("millstream.run.stop").is_empty());
    for (name, level, within) in [
        ("millstream.run.exception", Level::ERROR, "flow"),
        ("millstream.worker.exception", Level::WARN, "worker"),
    ] {
        let event = ear.one(name);
        assert_eq!((event.level, ear.path(&event)[0]), (level, within));
        assert_eq!(
            (&*event.fields["stage"], &*event.fields["partition"]),
            ("numbers", "0")
        );
        assert_eq!(event.fields["kind"], "Panic");
        assert!(event.fields["error"].contains("fifty"), "{event:?}");
    }
    // A worker stops in any case.
    assert_eq!(ear.events("millstream.worker.stop").len(), 1);

    let (ear, token) = (Ear::of(Level::INFO), StopToken::new());
    token.stop();
    let flow = Flow::from_iter(0..).stop_token(&token);
    ear.hears(|| flow.count()).unwrap_err();
    let event = ear.one("millstream.run.stopped");
    assert_eq!(
        (event.level, &*event.fields["kind"]),
        (Level::WARN, "Stopped")
    );
}

/// TE-06: spans are nested, in those of the caller too, on whatever thread.
#[test]
fn te_06_what_a_closure_says_is_within_the_span_of_its_worker() {
    for (seed, tells) in [(None, true), (Some(5), true), (None, false)] {
        let ear = Ear::telling(Level::INFO, tells);
        ear.hears(|| {
            let _outer = tracing::info_span!("nightly").entered();
            let flow = Flow::from_range(0..10u32).stages(2);
            let flow = match seed {
                Some(seed) => flow.seeded(seed),
                None => flow,
            };
            flow.for_each(|n| {
                if n == 7 {
                    tracing::info!(name: "mine", n, "seven");
                }
            })
            .unwrap();
            tracing::info!(name: "behind", "back in the caller's");
        });
        let mine = ear.one("mine");
        assert_eq!(ear.path(&mine), ["worker", "flow", "nightly"], "{seed:?}");
        assert_eq!(ear.path(&ear.one("behind")), ["nightly"], "{seed:?}");
    }
}

#[test]
fn an_observer_of_a_run_that_is_over_keeps_no_subscriber() {
    let (ear, observer) = (Ear::of(Level::TRACE), Observer::new());
    let flow = Flow::from_range(0..10u32).observe(&observer);
    ear.hears(|| flow.count()).unwrap();
    assert!(!ear.events("millstream.batch.in").is_empty());
    assert!(observer.report().is_some());
    assert_eq!(Arc::strong_count(&ear.0), 1);
}

#[test]
fn a_flow_on_threads_of_its_own_is_heard_too() {
    let ear = Ear::of(Level::INFO);
    let handle = ear.hears(|| Flow::from_range(0..10).start().unwrap());
    // Nobody listens on this thread any more.
    handle.join().unwrap();
    ear.one("millstream.run.start");
    ear.one("millstream.run.stop");
    assert!(ear.current().is_none());
}

/// A thread of the library's starts this one.
#[cfg(feature = "stream")]
#[test]
fn an_async_stream_is_within_the_span_of_whoever_made_it() {
    use futures_core::Stream;
    use std::pin::Pin;

    let ear = Ear::of(Level::INFO);
    let mut items = ear.hears(|| {
        let _outer = tracing::info_span!("request").entered();
        Flow::from_range(0..10u32).into_stream()
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let next = |items: &mut millstream::FlowStream<u32>| {
        runtime.block_on(std::future::poll_fn(|task| {
            Pin::new(&mut *items).poll_next(task)
        }))
    };
    let mut count = 0;
    while let Some(item) = next(&mut items) {
        item.unwrap();
        count += 1;
    }
    assert_eq!(count, 10);
    assert_eq!(
        ear.path(&ear.one("millstream.run.stop")),
        ["flow", "request"]
    );
}

#[test]
fn a_flow_that_is_refused_says_nothing() {
    let ear = Ear::of(Level::TRACE);
    ear.hears(|| {
        let _outer = tracing::info_span!("outer").entered();
        Flow::from_range(0..9).stages(0).count().unwrap_err();
        Flow::from_range(0..9).held().count().unwrap_err();
    });
    assert!(ear.names().is_empty());
    assert_eq!(ear.0.spans.lock().unwrap().len(), 1);
}

/// Batches are told of, items are not.
#[test]
fn batches_are_heard_by_those_who_ask() {
    let ear = Ear::of(Level::TRACE);
    let report = ear.hears(|| {
        let flow = Flow::from_range(0..200_000u64).stages(1).shuffle();
        flow.stages(2).batch(1000).run().unwrap()
    });
    let workers = || report.stages().iter().flat_map(|stage| stage.workers());
    let given: u64 = workers().map(|w| w.batches_out).sum();
    let taken: u64 = workers().map(|w| w.batches_in).sum();
    let (ins, outs) = (
        ear.events("millstream.batch.in"),
        ear.events("millstream.batch.out"),
    );
    assert_eq!((ins.len() as u64, outs.len() as u64), (taken, given));
    let items = |events: &[Heard]| -> u64 {
        let of = |event: &Heard| event.fields["items"].parse::<u64>().unwrap();
        events.iter().map(of).sum()
    };
    assert_eq!(items(&ins), 400_000);
    assert_eq!(items(&outs), report.stages()[0].items_out());
    assert!(outs.iter().all(|event| event.fields["bytes"] != "0"));
    let worked = ear.events("millstream.batch.stop");
    assert_eq!(worked.len() as u64, taken);
    assert!(
        worked
            .iter()
            .all(|event| ear.path(event) == ["worker", "flow"])
    );
    let all = ear.0.events.lock().unwrap().len();
    assert!(all < 20_000, "{all} events");
}

#[test]
fn who_listens_to_less_hears_less() {
    let ear = Ear::of(Level::INFO);
    ear.hears(run).unwrap();
    let names: Vec<_> = ear.names().into_iter().collect();
    assert_eq!(names, ["millstream.run.start", "millstream.run.stop"]);
    let ear = Ear::of(LevelFilter::OFF);
    ear.hears(run).unwrap();
    assert!(ear.names().is_empty() && ear.spans("flow").is_empty());
}

/// TE-03: events have names of their own, and fields: those of the documentation and no others.
#[test]
fn te_03_names_levels_and_fields_are_those_of_the_documentation() {
    let ear = Ear::of(Level::TRACE);
    ear.hears(|| {
        run().unwrap();
        let flow = Flow::from_range(0..9).flow_name("bad");
        flow.try_for_each(|_| Err("no")).unwrap_err();
        drop(
            Flow::from_range(0..9)
                .flow_name("left")
                .held()
                .start()
                .unwrap(),
        );
    });
    let mut heard = BTreeMap::new();
    let spans = ear.0.spans.lock().unwrap().clone();
    for one in spans.values().chain(&*ear.0.events.lock().unwrap()) {
        let fields = one.fields.keys().filter(|field| *field != "message");
        let (level, all) = heard
            .entry(one.name)
            .or_insert((one.level, BTreeSet::new()));
        all.extend(fields.cloned());
        assert_eq!(*level, one.level);
    }
    let mut documented = BTreeMap::new();
    for line in include_str!("../../docs/telemetry.md").lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, level, rest @ ..] = &cells[..] else {
            continue;
        };
        let Ok(level) = level.parse::<Level>() else {
            continue;
        };
        // Spans name their fields before, events behind what they are in.
        let name = name.trim_matches('`');
        let fields = if name.contains('.') { rest[1] } else { rest[0] };
        let fields = fields.split(", ").map(|f| f.trim_matches('`').to_owned());
        documented.insert(name, (level, fields.collect::<BTreeSet<_>>()));
    }
    assert_eq!(heard, documented);
}

/// Panics where it is told to; `everywhere` in each of its methods.
struct Panics {
    at: &'static str,
    panicked: Arc<AtomicBool>,
}

impl Panics {
    fn at(&self, place: &str) {
        if self.at == place || self.at == "everywhere" {
            self.panicked.store(true, Ordering::SeqCst);
            panic_any("a subscriber");
        }
    }
}

impl Subscriber for Panics {
    fn register_callsite(&self, about: &'static Metadata<'static>) -> Interest {
        if about.target() == "millstream" {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        if about.target() == "millstream" {
            self.at("enabled");
            return true;
        }
        false
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        self.at("new_span");
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.at("event");
        self.at(event.metadata().name());
    }
    fn current_span(&self) -> Current {
        self.at("current_span");
        Current::none()
    }
    fn enter(&self, _: &Id) {
        self.at("enter");
    }
    fn exit(&self, _: &Id) {
        self.at("exit");
    }
    fn try_close(&self, _: Id) -> bool {
        self.at("close");
        true
    }
}

/// TE-04: a handler that raises is detached, and what it listened to goes on.
#[test]
fn te_04_a_subscriber_that_panics_harms_no_flow() {
    for at in [
        "enabled",
        "current_span",
        "new_span",
        "event",
        "enter",
        "exit",
        "close",
        "everywhere",
        "millstream.batch.in",
        "millstream.batch.out",
        "millstream.batch.stop",
        "millstream.worker.stop",
        "millstream.run.stop",
    ] {
        for seed in [None, Some(1)] {
            let panicked = Arc::new(AtomicBool::new(false));
            let subscriber = Panics {
                at,
                panicked: panicked.clone(),
            };
            let observer = Observer::new();
            let flow = Flow::from_range(0..10_000u64).partition().stages(2);
            let flow = flow.observe(&observer);
            let flow = match seed {
                Some(seed) => flow.seeded(seed),
                None => flow,
            };
            let sum = with_default(subscriber, || flow.sum::<u64>());
            assert_eq!(sum.unwrap(), 49_995_000, "{at}");
            assert!(panicked.load(Ordering::SeqCst), "{at}");
            // However many of its threads it panicked on.
            assert_eq!(observer.report().unwrap().observer_panics(), 1, "{at}");
        }
    }
}
