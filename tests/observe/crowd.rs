//! A dashboard among those who hold connections: others are answered, and its end does not wait for them.

use std::io::Write;
use std::net::TcpStream;

use millstream::{Dashboard, Flow};

use crate::http::{Events, get};

#[test]
fn who_holds_it_up_does_not() {
    let dashboard = Dashboard::bind("127.0.0.1:0").unwrap();
    let at = dashboard.address();
    let items = Flow::from_range(0..20_000u64).stages(1).batch(10);
    let mut items = items.show_on(&dashboard).into_iter();
    assert!(items.next().is_some());
    // More than there is room for: who says nothing, who does not come to an end, who does not listen.
    let all = [
        "",
        "GET / HTTP/1.1\r\nX: ",
        "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ];
    let held = all.into_iter().flat_map(|said| (0..44).map(move |_| said));
    let held = held.map(|said| {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(said.as_bytes()).unwrap();
        stream
    });
    let held: Vec<TcpStream> = held.collect();
    assert_eq!(get(at, "/").status, 200);
    let flows = get(at, "/api/flows").json();
    assert_eq!(flows["flows"][0]["state"], "running");
    Events::connect(at).wait_for("data-state=\"running\"");
    drop(dashboard);
    drop(held);
    assert_eq!(items.count(), 19_999);
}

#[test]
fn hundreds_of_short_flows_on_two_dashboards() {
    let [one, other] = [(); 2].map(|()| Dashboard::bind("127.0.0.1:0").unwrap());
    // Somebody who does not read before all is over.
    let mut late = Events::connect(one.address());
    let run = |name: String| {
        let flow = Flow::from_range(0..10u64).stages(1).flow_name(name);
        flow.show_on(&one).show_on(&other).count().unwrap()
    };
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for flow in 0..75 {
                    assert_eq!(run(format!("{thread} {flow}")), 10);
                }
            });
        }
    });
    run("the last".to_owned());
    late.wait_for("the last");
    for dashboard in [&one, &other] {
        let said = get(dashboard.address(), "/api/flows").json();
        let flows = said["flows"].as_array().unwrap();
        assert_eq!((flows.len(), &flows[0]["name"]), (16, &"the last".into()));
        for flow in flows {
            assert_eq!(
                (&flow["state"], &flow["stages"][0]["items_in"]),
                (&"done".into(), &10.into())
            );
        }
    }
}
