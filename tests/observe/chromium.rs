//! The page of a dashboard in a real browser, driven by chromedriver.

use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use millstream::stage::{self, Graph, Next, Subscription};
use millstream::{Dashboard, DashboardOptions, Flow, Observer, Skip};
use serde_json::{Value, json};

use crate::http::{Answer, ask};

/// A browser with one tab.
struct Browser {
    driver: SocketAddr,
    session: String,
}

impl Browser {
    fn start() -> Self {
        let driver = std::env::var("MILLSTREAM_CHROMEDRIVER");
        let driver = driver.expect("the address of chromedriver, as `.ci/chromium` gives it");
        let driver = driver.parse().unwrap();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let mut browser = Browser {
            driver,
            session: "/session".to_owned(),
        };
        let made = browser.post("", &wanted);
        browser.session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        browser
    }

    fn value(answer: &Answer) -> Value {
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["value"].clone()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let what = format!("POST {}{path}", self.session);
        let host = self.driver.to_string();
        Browser::value(&ask(self.driver, &what, &host, &body.to_string()))
    }

    fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Opens the page of a dashboard, and waits until it is told what changes.
    fn look_at(&self, dashboard: &Dashboard) {
        self.open(&dashboard.url());
        self.wait_until("return document.getElementById('link').textContent === 'live'");
    }

    /// What a function's body returns in the page.
    fn eval(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits for a condition in the page.
    fn wait_until(&self, script: &str) {
        let begun = Instant::now();
        while self.eval(script) != json!(true) {
            let page = || self.eval("return document.body.innerText");
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{script}\n{}",
                page()
            );
            std::thread::yield_now();
        }
    }

    /// The number (or the word) that the page shows of a stage of the first flow.
    fn shown(&self, stage: usize, of: &str) -> String {
        let cell = format!("section:first-of-type .stages [data-stage='{stage}'] [data-of='{of}']");
        let text = self.eval(&format!(
            "return document.querySelector(\"{cell}\").textContent"
        ));
        text.as_str().unwrap().replace(',', "")
    }

    fn size(&self, width: u32, scheme: &str) {
        let size =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500});
        self.post(
            "/goog/cdp/execute",
            &json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": size}),
        );
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.post(
            "/goog/cdp/execute",
            &json!({"cmd": "Emulation.setEmulatedMedia", "params": scheme}),
        );
    }

    /// Presses a key, wherever the page has its focus.
    fn press(&self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "text": if key == "Enter" { "\r" } else { "" },
                "windowsVirtualKeyCode": if key == "Enter" { 13 } else { 9 }});
            let event = json!({"cmd": "Input.dispatchKeyEvent", "params": event});
            self.post("/goog/cdp/execute", &event);
        }
    }

    /// What a screen reader is given: the role and the name of everything.
    fn read_out(&self) -> Vec<(String, String)> {
        let tree = json!({"cmd": "Accessibility.getFullAXTree", "params": {}});
        let tree = self.post("/goog/cdp/execute", &tree);
        let nodes = tree["nodes"].as_array().unwrap().iter();
        let heard = nodes.filter(|node| node["ignored"] != json!(true));
        let word = |of: &Value| of["value"].as_str().unwrap_or_default().to_owned();
        heard
            .map(|node| (word(&node["role"]), word(&node["name"])))
            .collect()
    }

    /// What the browser complained of.
    fn complaints(&self) -> Value {
        self.post("/se/log", &json!({"type": "browser"}))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if self.session == "/session" {
            return;
        }
        let what = format!("DELETE {}", self.session);
        ask(self.driver, &what, &self.driver.to_string(), "");
    }
}

fn dashboard() -> Dashboard {
    let options = DashboardOptions::new("127.0.0.1:0").every(Duration::from_millis(100));
    Dashboard::bind(options).unwrap()
}

/// The word for what a stage of the first flow does, as an expression.
fn state(stage: usize) -> String {
    format!(
        "document.querySelector(\".stages [data-stage='{stage}'] [data-of='state']\")?.textContent"
    )
}

#[test]
#[ignore = "needs Chromium: .ci/chromium cargo test --features dashboard --test observe chromium -- --ignored"]
fn the_page_shows_what_the_report_says() {
    let dashboard = dashboard();
    let browser = Browser::start();
    browser.look_at(&dashboard);

    let observer = Observer::new();
    let mut items = Flow::from_range(0..30_000u64)
        .name("<b>fast</b>")
        .stages(1)
        .batch(16)
        .flow_name("blocked & <i>seen</i>")
        .observe(&observer)
        .show_on(&dashboard)
        .try_map(|n| {
            if n % 1_000 == 7 {
                Err("a seven")
            } else {
                Ok(n)
            }
        })
        .on_error(Skip)
        .partition()
        .stages(2)
        .batch(16)
        .name("next")
        .into_iter();
    assert!(items.next().is_some());

    // Nobody takes the items: the page comes to say so without being loaded again.
    browser.wait_until(&format!(
        "return {} === 'blocked' && {} === 'blocked'",
        state(0),
        state(1)
    ));
    let bars = "const wide = (of) => +document.querySelector(`.stages [data-stage='0'] rect.${of}`).getAttribute('width'); \
                return wide('blocked') > wide('busy') && wide('blocked') > wide('starved')";
    browser.wait_until(bars);
    browser.wait_until("return document.querySelector('.line.hot') !== null");
    browser.wait_until("return document.querySelectorAll('.spark .curve').length === 2");
    // Names are text, also in the page.
    let name = browser.eval("return document.querySelector('h2').textContent");
    assert_eq!(name, "blocked & <i>seen</i>");
    assert_eq!(
        browser.eval("return document.querySelectorAll('main b, main i').length"),
        0
    );
    // What a reader has scrolled stays so.
    for (width, scheme, back) in [
        (1280, "light", "rgb(255, 255, 255)"),
        (1280, "dark", "rgb(20, 23, 28)"),
        (400, "light", "rgb(255, 255, 255)"),
        (400, "dark", "rgb(20, 23, 28)"),
    ] {
        browser.size(width, scheme);
        browser.wait_until(&format!("return innerWidth === {width}"));
        let seen = browser.eval(
            "return [document.documentElement.scrollWidth, getComputedStyle(document.body).backgroundColor]",
        );
        assert_eq!(
            seen,
            json!([width, back]),
            "nothing stands out to the right"
        );
    }

    assert_eq!(1 + items.count(), 29_970);
    browser.wait_until("return document.querySelector('section').dataset.state === 'done'");
    let report = observer.report().unwrap();
    for (at, stage) in report.stages().iter().enumerate() {
        assert_eq!(browser.shown(at, "items_in"), stage.items_in().to_string());
        assert_eq!(
            browser.shown(at, "items_out"),
            stage.items_out().to_string()
        );
        let rejected: u64 = stage.rejected().values().sum();
        assert_eq!(browser.shown(at, "rejected"), rejected.to_string());
        assert_eq!(browser.shown(at, "state"), "ended");
    }
    assert_eq!(browser.shown(0, "rejected"), "30");
    for (at, edge) in report.edges().iter().enumerate() {
        let cell = |of| {
            format!(
                "return document.querySelector(\".edges [data-edge='{at}'] [data-of='{of}']\").textContent"
            )
        };
        assert_eq!(
            browser.eval(&cell("high_water")),
            edge.high_water.to_string()
        );
        assert_eq!(browser.eval(&cell("fill")), edge.fill.to_string());
    }
    // Nothing was refused by the page's own policy, and nothing failed.
    assert_eq!(browser.complaints(), json!([]));

    drop(dashboard);
    browser.wait_until("return document.getElementById('link').className === 'lost'");
    assert_eq!(
        browser.shown(0, "items_in"),
        report.stages()[0].items_in().to_string()
    );
}

#[test]
#[ignore = "needs Chromium: .ci/chromium cargo test --features dashboard --test observe chromium -- --ignored"]
fn the_page_is_for_keyboards_and_screen_readers() {
    let dashboard = dashboard();
    let run = |name: &str| {
        let flow = Flow::from_range(0..1_000u64)
            .name("numbers")
            .flow_name(name);
        let flow = flow.show_on(&dashboard).broadcast();
        let flow = flow
            .to(|flow| flow.name("left"))
            .to(|flow| flow.name("middle"));
        flow.to(|flow| flow.name("right")).merge().run().unwrap();
    };
    run("first");
    run("second");
    let browser = Browser::start();
    browser.size(400, "light");
    browser.look_at(&dashboard);

    // What is too wide begins in its middle, and does not make the page wider.
    browser.wait_until(
        "const box = document.querySelector('.drawn'); \
         return box.scrollWidth > box.clientWidth && box.scrollLeft > 0 && document.documentElement.scrollWidth === 400",
    );
    // Tables are tables also where they do not look like it; pictures have words.
    let heard = browser.read_out();
    let has = |role: &str, name: &str| {
        let found = heard.iter().any(|(r, n)| r == role && n.starts_with(name));
        assert!(found, "{role} {name}: {heard:?}");
    };
    has("button", "Pause");
    has("region", "second");
    has("heading", "second");
    has("group", "stages of second");
    has("table", "");
    has("rowheader", "numbers");
    has("cell", "");
    has("image", "busy ");
    has("image", "5 stages: numbers to left, numbers to middle");
    let nameless = heard.iter().filter(|(role, name)| {
        ["button", "heading", "image", "region"].contains(&role.as_str()) && name.is_empty()
    });
    assert_eq!(nameless.count(), 0, "{heard:?}");

    // The latest is open and the one before is not, until a reader opens it; then it stays so.
    let open = |name: &str| {
        format!(
            "[...document.querySelectorAll('section')].find((run) => run.querySelector('h2').textContent === '{name}')\
             ?.querySelector('details').open"
        )
    };
    browser.wait_until(&format!(
        "return {} === true && {} === false",
        open("second"),
        open("first")
    ));
    let focused = "return document.activeElement.querySelector('h2')?.textContent === 'first'";
    browser.eval("document.getElementById('pause').focus()");
    for _ in 0..20 {
        if browser.eval(focused) == json!(true) {
            break;
        }
        browser.press("Tab");
    }
    assert_eq!(browser.eval(focused), json!(true));
    browser.press("Enter");
    browser.wait_until(&format!("return {} === true", open("first")));
    run("third");
    browser.wait_until(&format!(
        "return {} === true && {} === false && {} === true",
        open("third"),
        open("second"),
        open("first")
    ));
    assert_eq!(browser.eval(focused), json!(true), "the focus stays");

    // A page that is paused stays as it is, and catches up.
    browser.eval("document.getElementById('pause').focus()");
    browser.press("Enter");
    browser.wait_until("return document.getElementById('link').textContent === 'paused'");
    browser.eval(
        "window.told = 0; const news = new EventSource('/events'); \
         news.addEventListener('flows', (event) => { if (event.data.includes('fourth')) window.told = 1; });",
    );
    run("fourth");
    browser.wait_until("return window.told === 1");
    assert_eq!(
        browser.eval(&format!("return {}", open("fourth"))),
        Value::Null
    );
    browser.press("Enter");
    browser.wait_until(&format!("return {} === true", open("fourth")));
    assert_eq!(browser.complaints(), json!([]));
}

#[test]
#[ignore = "needs Chromium: .ci/chromium cargo test --features dashboard --test observe chromium -- --ignored"]
fn stages_that_ask_are_on_the_page() {
    let dashboard = dashboard();
    let browser = Browser::start();
    browser.look_at(&dashboard);

    let graph = Graph::new("readings");
    dashboard.show_stages(&graph);
    let (word, words) = channel::<()>();
    let numbers = stage::from_iter(0..100u64).name("numbers");
    let numbers = numbers.graph(&graph).start().unwrap();
    let held = stage::for_each_batch(move |_: Vec<u64>| {
        // Until the test says so.
        let _ = words.recv();
        Ok(Next::Go)
    });
    let demand = Subscription::new().max_demand(10).min_demand(5);
    let held = held.name("held").graph(&graph);
    let held = held.subscribe_to(&numbers, demand).start().unwrap();

    browser.wait_until(&format!(
        "return {} === 'blocked' && {} === 'busy'",
        state(0),
        state(1)
    ));
    // Both are in the picture, with a line between them that is red.
    browser.wait_until("return document.querySelectorAll('.drawn [data-stage]').length === 2");
    browser.wait_until("return document.querySelector('.line.hot[data-edge=\"0\"]') !== null");
    let room = "document.querySelector('.edges [data-of=\"capacity\"]').parentNode.textContent";
    assert_eq!(browser.eval(&format!("return {room}")), "10 events");

    drop(word);
    held.join().unwrap();
    drop(numbers);
    browser.wait_until("return document.querySelector('section').dataset.state === 'done'");
    let report = graph.report();
    for (at, stage) in report.stages().iter().enumerate() {
        assert_eq!(browser.shown(at, "items_in"), stage.items_in().to_string());
        assert_eq!(
            browser.shown(at, "items_out"),
            stage.items_out().to_string()
        );
        assert_eq!(browser.shown(at, "state"), "ended");
    }
    assert_eq!(browser.complaints(), json!([]));
}
