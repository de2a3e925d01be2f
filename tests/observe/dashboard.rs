//! The dashboard, by its answers: what it says is what the report says, to whom it says it, and that it ends.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream::stage::{self, DemandMode, Graph, Next, Reason, Subscription};
use millstream::{
    Dashboard, DashboardOptions, ErrorKind, Flow, IntoIter, Report, Skip, StageReport, WorkerReport,
};
use serde_json::Value;

use crate::http::{Events, ask, get};

fn dashboard() -> Dashboard {
    let options = DashboardOptions::new("127.0.0.1:0").every(Duration::from_millis(20));
    Dashboard::bind(options).unwrap()
}

fn flows(dashboard: &Dashboard) -> Value {
    let answer = get(dashboard.address(), "/api/flows");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()["flows"].clone()
}

/// A flow that goes on until somebody takes its items, or drops them.
fn waiting(dashboard: &Dashboard) -> IntoIter<u64> {
    Flow::from_range(0..20_000u64)
        .name("numbers")
        .stages(1)
        .batch(10)
        .flow_name("waits")
        .show_on(dashboard)
        .partition()
        .stages(1)
        .batch(10)
        .name("passes")
        .into_iter()
}

/// Whatever it says of a run is what the report of the run says.
fn agrees(flow: &Value, report: &Report) {
    let number = |value: &Value| value.as_u64().unwrap();
    let seconds = |value: &Value, time: Duration| {
        assert!((value.as_f64().unwrap() - time.as_secs_f64()).abs() < 1e-5);
    };
    seconds(&flow["elapsed"], report.elapsed());
    assert_eq!(
        flow["stages"].as_array().unwrap().len(),
        report.stages().len()
    );
    for (at, (said, stage)) in flow["stages"]
        .as_array()
        .unwrap()
        .iter()
        .zip(report.stages())
        .enumerate()
    {
        assert_eq!(number(&said["id"]), at as u64);
        assert_eq!(said["name"], stage.name());
        assert_eq!(number(&said["threads"]), stage.workers().len() as u64);
        let counts: [(&str, fn(&StageReport) -> u64); 10] = [
            ("items_in", StageReport::items_in),
            ("items_out", StageReport::items_out),
            ("batches_in", StageReport::batches_in),
            ("batches_out", StageReport::batches_out),
            ("bytes_in", StageReport::bytes_in),
            ("bytes_out", StageReport::bytes_out),
            ("late", StageReport::late),
            ("retried", StageReport::retried),
            ("panics", StageReport::panics),
            ("keys", StageReport::keys),
        ];
        for (name, count) in counts {
            assert_eq!(number(&said[name]), count(stage), "{name}");
        }
        let times: [(&str, fn(&WorkerReport) -> Duration); 3] = [
            ("busy", |w| w.busy),
            ("starved", |w| w.waiting_input),
            ("blocked", |w| w.waiting_output),
        ];
        for (name, time) in times {
            seconds(&said[name], stage.workers().iter().map(time).sum());
        }
        let rejected = said["rejected"].as_object().unwrap();
        assert_eq!(rejected.len(), stage.rejected().len());
        for (rule, count) in stage.rejected() {
            assert_eq!(number(&rejected[&rule]), count);
        }
    }
    for (said, edge) in flow["edges"].as_array().unwrap().iter().zip(report.edges()) {
        let from = said["from"].as_array().unwrap().iter();
        let from: Vec<usize> = from.map(|stage| number(stage) as usize).collect();
        assert_eq!(
            (from, number(&said["to"]) as usize),
            (edge.from.clone(), edge.to)
        );
        assert_eq!(number(&said["capacity"]), edge.capacity);
        assert_eq!(number(&said["fill"]), edge.fill);
        assert_eq!(number(&said["high_water"]), edge.high_water);
    }
}

#[test]
fn the_json_is_the_report() {
    let dashboard = dashboard();
    assert_eq!(flows(&dashboard), Value::Array(Vec::new()));
    let report =
        Flow::from_iter((0..5_000u64).map(|n| n.to_string() + if n % 50 == 0 { "?" } else { "" }))
            .stages(2)
            .flow_name("parse")
            .show_on(&dashboard)
            .try_map(|text| text.parse::<u64>())
            .on_error(Skip)
            .count_by(|n| n % 7)
            .stages(2)
            .run()
            .unwrap();
    let flows = flows(&dashboard);
    let flow = &flows[0];
    assert_eq!(flow["name"], "parse");
    assert_eq!(flow["state"], "done");
    assert_eq!(flow["error"], Value::Null);
    agrees(flow, &report);
    assert_eq!(flow["stages"][0]["rejected"]["try_map"], 100);
    assert_eq!(flow["stages"][1]["keys"], 7);
    assert_eq!(flow["stages"][1]["state"], "ended");
}

#[test]
fn a_blocked_stage_is_blocked_while_it_is() {
    let dashboard = dashboard();
    let mut items = waiting(&dashboard);
    assert!(items.next().is_some());
    let blocked = loop {
        let flows = flows(&dashboard);
        let stages = &flows[0]["stages"];
        if stages[0]["state"] == "blocked" && stages[1]["state"] == "blocked" {
            break flows[0].clone();
        }
        std::thread::yield_now();
    };
    assert_eq!(blocked["state"], "running");
    // What it says of now is of now: both wait for the caller, whatever they did before.
    let now = &blocked["stages"][0]["now"];
    assert!(now["blocked"].as_f64() > now["busy"].as_f64(), "{blocked}");
    assert_eq!(blocked["edges"][0]["fill"], blocked["edges"][0]["capacity"]);
    let page = get(dashboard.address(), "/").body;
    assert!(page.contains("<span data-of=\"state\">blocked</span>"));
    drop(items);
    let flows = flows(&dashboard);
    assert_eq!(flows[0]["state"], "stopped");
    assert_eq!(flows[0]["stages"][0]["state"], "ended");
}

#[test]
fn who_stays_connected_is_told() {
    let dashboard = dashboard();
    let mut events = Events::connect(dashboard.address());
    assert!(events.next().unwrap().contains("No flow has run yet"));
    let items = waiting(&dashboard);
    let seen = events.wait_for("data-state=\"running\"");
    assert!(seen.contains("waits") && seen.contains("numbers"));
    // Told while nothing begins or ends, too.
    events.next().unwrap();
    assert_eq!(items.count(), 20_000);
    assert_eq!(flows(&dashboard)[0]["state"], "done");
    let end = events.wait_for("data-state=\"done\"");
    assert!(end.contains("<span data-of=\"items_in\">20,000</span>"));
}

#[test]
fn it_can_only_be_read_and_takes_nothing_from_elsewhere() {
    let dashboard = dashboard();
    let (at, host) = (dashboard.address(), dashboard.address().to_string());
    for path in ["/", "/style.css", "/script.js", "/api/flows", "/none"] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "STOP"] {
            let answer = ask(at, &format!("{method} {path}"), &host, "");
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some("get, head"));
        }
        let answer = get(at, path);
        assert_eq!(answer.status, if path == "/none" { 404 } else { 200 });
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
        ));
        assert!(!policy.contains("unsafe") && !policy.contains('*'));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        for outside in ["//", "@import", "url("] {
            let code = answer.body.replace("http://www.w3.org/2000/svg", "");
            let code: Vec<&str> = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            assert!(!code.join("\n").contains(outside), "{path}: {outside}");
        }
    }
    // A name that leads here is not enough.
    let answer = ask(at, "GET /api/flows", "evil.example", "");
    assert_eq!(answer.status, 421);
    assert!(!answer.body.contains("flows"));
    let named =
        Dashboard::bind(DashboardOptions::new("127.0.0.1:0").host("board.example")).unwrap();
    let answer = ask(named.address(), "GET /api/flows", "board.example:80", "");
    assert_eq!(answer.status, 200);
}

#[test]
fn names_are_text() {
    let dashboard = dashboard();
    let name = "<script>alert('1')</script>\n\"&\\\u{1}é";
    let flow = Flow::from_iter(["1", "<b>"])
        .name(format!("stage {name}"))
        .flow_name(name)
        .show_on(&dashboard);
    let error = flow
        .try_map(|text| text.parse::<u64>().map_err(|_| format!("{text} is {name}")))
        .run()
        .unwrap_err();
    let page = get(dashboard.address(), "/").body;
    assert_eq!(page.matches("<script").count(), 1, "only the page's own");
    assert!(!page.contains("<b>"));
    assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"));
    let flows = flows(&dashboard);
    assert_eq!(flows[0]["name"], name);
    assert_eq!(flows[0]["stages"][0]["name"], format!("stage {name}"));
    assert_eq!(flows[0]["state"], "failed");
    assert_eq!(flows[0]["error"], error.to_string());
    // One event, whatever line ends are in it.
    let mut events = Events::connect(dashboard.address());
    assert!(events.next().unwrap().ends_with("</section>"));
}

#[test]
fn what_ended_long_ago_is_forgotten() {
    let options = DashboardOptions::new("127.0.0.1:0").keep(2);
    let dashboard = Dashboard::bind(options).unwrap();
    for name in ["first", "second", "third"] {
        let flow = Flow::from_range(0..10u64).flow_name(name);
        flow.show_on(&dashboard).run().unwrap();
    }
    let items = waiting(&dashboard);
    let flows = flows(&dashboard);
    let names = flows.as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|flow| flow["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["waits", "third", "second"]);
    drop(items);
}

#[test]
fn it_ends_whoever_is_connected_and_flows_go_on() {
    let dashboard = dashboard();
    let at = dashboard.address();
    let items = waiting(&dashboard);
    let mut events: Vec<Events> = (0..3).map(|_| Events::connect(at)).collect();
    let silent = std::net::TcpStream::connect(at).unwrap();
    for events in &mut events {
        events.wait_for("data-state=\"running\"");
    }
    drop(dashboard);
    for mut events in events {
        while events.next().is_some() {}
    }
    drop(silent);
    assert_eq!(items.count(), 20_000);
}

#[test]
fn it_has_an_end_to_how_many_look() {
    let dashboard = dashboard();
    let looking: Vec<Events> = (0..64)
        .map(|_| Events::connect(dashboard.address()))
        .collect();
    assert_eq!(get(dashboard.address(), "/events").status, 503);
    assert_eq!(get(dashboard.address(), "/").status, 200);
    drop(looking);
}

/// An address that was free a moment ago.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

#[test]
fn the_short_form_is_there_for_one_run() {
    // Somebody else may take the port first.
    let (mut events, ran) = loop {
        let at = free();
        let seen: Arc<Mutex<Option<Events>>> = Arc::default();
        let look = seen.clone();
        let run = Flow::from_range(0..10u64)
            .stages(1)
            .flow_name("short")
            .dashboard(at)
            .inspect(move |n| {
                if *n == 0 {
                    let mut events = Events::connect(at);
                    events.wait_for("data-state=\"running\"");
                    *look.lock().unwrap() = Some(events);
                }
            })
            .run();
        match run {
            Ok(report) => break (seen.lock().unwrap().take().unwrap(), report),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Io),
        }
    };
    // Who looked saw the end, and then nobody was there.
    events.wait_for("data-state=\"done\"");
    while events.next().is_some() {}
    assert_eq!(ran.stages()[0].items_in(), 10);
}

#[test]
fn a_page_that_cannot_be_served_is_an_error_before_anything_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let never = |_: &u64| unreachable!("the flow ran");
    let error = Flow::from_range(0..10u64)
        .dashboard(at)
        .inspect(never)
        .run()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.message().contains(&at.to_string()), "{error}");
    let open = Flow::from_range(0..10u64).dashboard("0.0.0.0:0");
    let error = open.inspect(never).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
    assert_eq!(Dashboard::bind(at).unwrap_err().kind(), ErrorKind::Io);
    let asked = DashboardOptions::new("0.0.0.0:0").anywhere();
    let asked = Dashboard::bind(asked).unwrap();
    assert_eq!(
        asked.url(),
        format!("http://127.0.0.1:{}/", asked.address().port())
    );
    // A run that is refused leaves no page behind.
    let held = Flow::from_range(0..10u64).dashboard("127.0.0.1:0").held();
    assert_eq!(held.count().unwrap_err().kind(), ErrorKind::Plan);
}

#[test]
fn it_lives_beside_a_runtime_of_the_program() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let dashboard = dashboard();
        let flow = Flow::from_range(0..10u64).show_on(&dashboard);
        assert_eq!(flow.dashboard("127.0.0.1:0").count().unwrap(), 10);
        assert_eq!(flows(&dashboard)[0]["state"], "done");
    });
}

#[test]
fn stages_are_on_the_page_while_somebody_has_them() {
    let dashboard = dashboard();
    let graph = Graph::new("sum & co");
    dashboard.show_stages(&graph);
    // Shown twice is shown once.
    dashboard.show_stages(&graph);
    let (word, words) = channel::<()>();
    let numbers = stage::from_iter(0..100u64).name("numbers");
    let numbers = numbers.graph(&graph).start().unwrap();
    let sum = stage::for_each_batch(move |_: Vec<u64>| {
        let _ = words.recv();
        Ok(Next::Go)
    });
    let sum = sum.name("sum").graph(&graph);
    let demand = Subscription::new().max_demand(10).min_demand(5);
    let sum = sum.subscribe_to(&numbers, demand).start().unwrap();
    // Gone before the stage that waits for it, also if this fails.
    let word = word;

    // Before anything has been asked for, it may look the same.
    let held = until(&dashboard, |flow| {
        let asked = flow["edges"][0]["fill"].as_u64() >= Some(5);
        asked && flow["stages"][0]["state"] == "blocked" && flow["stages"][1]["state"] == "busy"
    });
    assert_eq!(held["name"], "sum & co");
    assert_eq!(held["kind"], "stages");
    assert_eq!(held["state"], "running");
    let edge = &held["edges"][0];
    assert_eq!(
        (&edge["from"][0], &edge["to"]),
        (&Value::from(0), &Value::from(1))
    );
    assert_eq!(
        (&edge["unit"], &edge["capacity"]),
        (&Value::from("events"), &Value::from(10))
    );
    // The page is as of the last look, which may have been before.
    let page = loop {
        let page = get(dashboard.address(), "/").body;
        let blocked = page.contains("<span data-of=\"state\">blocked</span>");
        if blocked && page.contains("</span> events</span></td>") {
            break page;
        }
    };
    assert!(page.contains("sum &amp; co") && !page.contains("sum & co"));

    drop(word);
    sum.join().unwrap();
    drop(numbers);
    // All have ended, and one could come.
    let ended = until(&dashboard, |flow| flow["state"] == "done");
    agrees(&ended, &graph.report());
    let again = stage::from_iter(0..0u64).name("again").graph(&graph);
    let again = again.demand(DemandMode::Accumulate).start().unwrap();
    until(&dashboard, |flow| flow["state"] == "running");
    again.stop_with(Reason::other("as it should")).unwrap();
    let failed = until(&dashboard, |flow| flow["state"] == "failed");
    assert_eq!(failed["error"], "as it should (stage again)");
    drop(again);
    drop(graph);
    assert_eq!(
        flows(&dashboard).as_array().unwrap().len(),
        1,
        "what has ended stays"
    );
}

#[test]
fn stages_that_are_over_make_room() {
    let options = DashboardOptions::new("127.0.0.1:0").every(Duration::from_millis(20));
    let dashboard = Dashboard::bind(options.keep(1)).unwrap();
    for name in ["one", "two"] {
        let graph = Graph::new(name);
        dashboard.show_stages(&graph);
        stage::from_iter(0..1u64)
            .graph(&graph)
            .start()
            .unwrap()
            .stop()
            .unwrap();
    }
    let left = until(&dashboard, |flow| {
        let over = flow["name"] == "two" && flow["state"] == "done";
        over && flows(&dashboard).as_array().unwrap().len() == 1
    });
    assert_eq!(left["kind"], "stages");
}

/// The first that is shown, once it is as it should be.
fn until(dashboard: &Dashboard, seen: impl Fn(&Value) -> bool) -> Value {
    loop {
        let flow = flows(dashboard)[0].clone();
        if seen(&flow) {
            return flow;
        }
        std::thread::yield_now();
    }
}
