//! Lines over TCP: what clients send and what a flow makes of it, whatever the pieces that they send it in; connections
//! that break, are torn, or send what they must not; and flows that end before their clients do.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind as Io, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use millstream::{ErrorKind, Flow, ManualClock, StopToken, TcpLines};
use proptest::prelude::*;

fn local() -> TcpLines {
    TcpLines::bind("127.0.0.1:0").expect("a free port")
}

/// Connects, sends, and closes.
fn send(to: SocketAddr, bytes: &[u8]) -> SocketAddr {
    let mut client = TcpStream::connect(to).expect("a listener");
    client.write_all(bytes).expect("somebody who reads");
    client.local_addr().expect("an address")
}

/// The lines of a connection: those that have an end, and what is left behind the last of them.
fn lines_of(sent: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = sent.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let rest = lines.pop().expect("one part at least");
    for line in &mut lines {
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    (lines, rest)
}

/// What clients send: each has a list of pieces, which are sent one at a time.
fn clients() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let byte = prop_oneof![
        3 => Just(b'\n'),
        1 => Just(b'\r'),
        6 => b'a'..=b'e',
        1 => Just(0xff),
    ];
    let piece = proptest::collection::vec(byte, 0..30);
    let client = proptest::collection::vec(piece, 0..8);
    proptest::collection::vec(client, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Each connection's lines are those of a split at line ends, in its order; its name comes with the position.
    #[test]
    fn lines_are_what_was_sent(
        clients in clients(),
        workers in 1..4usize,
        batch in 1..5usize,
        keep in any::<bool>(),
        seed in proptest::option::of(0..100u64),
    ) {
        let lines = local().connections(clients.len() as u64).keep_last(keep);
        let (at, watch) = (lines.local_addr(), lines.watch());
        let mut expected = Vec::new();
        let mut torn = 0;
        for (number, pieces) in clients.iter().enumerate() {
            let (mut lines, rest) = lines_of(&pieces.concat());
            if keep && !rest.is_empty() {
                lines.push(rest);
            } else {
                torn += u64::from(!rest.is_empty());
            }
            // So that it is known who sent a line.
            expected.push((number, lines));
        }
        let sending = thread::spawn(move || {
            let mut names = BTreeMap::new();
            for (number, pieces) in clients.into_iter().enumerate() {
                let mut client = TcpStream::connect(at)?;
                client.set_nodelay(true)?;
                names.insert(number, client.local_addr()?);
                for piece in pieces {
                    client.write_all(&piece)?;
                    thread::yield_now();
                }
            }
            io::Result::Ok(names)
        });
        let mut flow = Flow::from_tcp_bytes(lines).stages(workers).batch(batch);
        if let Some(seed) = seed {
            flow = flow.seeded(seed);
        }
        let mut got = flow.collect_vec().expect("nothing is wrong with bytes");
        sending.join().expect("no panic").expect("somebody who listens");
        // Lines of several clients may be mixed, so all together are compared here, and the order of each below.
        let mut all: Vec<Vec<u8>> = expected.into_iter().flat_map(|(_, lines)| lines).collect();
        got.sort();
        all.sort();
        prop_assert_eq!(got, all);
        prop_assert_eq!((watch.torn(), watch.open()), (torn, 0));
    }
}

#[test]
fn the_lines_of_a_connection_keep_their_order() {
    let lines = local().connections(8);
    let at = lines.local_addr();
    let clients: Vec<_> = (0..8)
        .map(|client| {
            thread::spawn(move || {
                let text: String = (0..5000).map(|n| format!("{client} {n}\r\n")).collect();
                send(at, text.as_bytes())
            })
        })
        .collect();
    let next: Mutex<BTreeMap<u32, u32>> = Mutex::default();
    let count = Flow::from_tcp(lines)
        .stages(3)
        .batch(7)
        .inspect(|line| {
            let (client, n) = line.split_once(' ').expect("two numbers");
            let (client, n): (u32, u32) = (client.parse().unwrap(), n.parse().unwrap());
            let mut next = next.lock().unwrap();
            let next = next.entry(client).or_default();
            assert_eq!(*next, n);
            *next += 1;
        })
        .count()
        .expect("a run");
    assert_eq!(count, 40_000);
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn a_connection_under_ordered_comes_in_its_order() {
    let lines = local().connections(1);
    let at = lines.local_addr();
    let client = thread::spawn(move || {
        let text: String = (0..10_000).map(|n| format!("{n}\n")).collect();
        send(at, text.as_bytes())
    });
    let got = Flow::from_tcp(lines)
        .stages(4)
        .ordered()
        .try_map(|line| line.parse::<u32>())
        .collect_vec()
        .expect("numbers");
    assert!(got.into_iter().eq(0..10_000));
    client.join().unwrap();
}

/// All are open at the same time, and no worker has one of its own for each.
#[test]
fn a_few_workers_serve_many_connections() {
    let lines = local().connections(100);
    let (at, watch) = (lines.local_addr(), lines.watch());
    let clients = thread::spawn(move || {
        let mut clients: Vec<TcpStream> =
            (0..100).map(|_| TcpStream::connect(at).unwrap()).collect();
        for half in ["one\nha", "lf\ntwo\n"] {
            for client in &mut clients {
                client.write_all(half.as_bytes()).unwrap();
            }
        }
    });
    let mut got = Flow::from_tcp(lines)
        .stages(2)
        .count_by(|line| line.clone())
        .collect_vec()
        .expect("a run");
    got.sort();
    let expected = ["half", "one", "two"].map(|line| (line.to_owned(), 100));
    assert_eq!(got, expected);
    assert_eq!((watch.accepted(), watch.open(), watch.torn()), (100, 0, 0));
    clients.join().unwrap();
}

#[test]
fn a_torn_line_is_counted_and_not_given() {
    let lines = local().connections(1);
    let watch = lines.watch();
    send(lines.local_addr(), b"whole\nha");
    let report = Flow::from_tcp(lines).run().unwrap();
    assert_eq!(report.stages()[0].items_in(), 1);
    assert_eq!((watch.torn(), watch.broken()), (1, 0));
    let rejected = BTreeMap::from([("torn line".to_owned(), 1)]);
    assert_eq!(report.rejected(), rejected);
}

#[test]
fn a_torn_line_of_a_strict_flow_is_an_error_with_the_address() {
    let lines = local().strict(true);
    let client = send(lines.local_addr(), b"whole\nha");
    let error = Flow::from_tcp(lines).stages(2).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    let position = error.position().expect("a position");
    assert_eq!(position.byte, 6);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("tcp://{client}, byte 6: ")),
        "{text}"
    );
    assert!(text.contains("after 2 bytes of a line"), "{text}");
}

/// A listener that is closed resets the connections that it has not accepted.
#[test]
fn a_connection_that_breaks_is_an_error_or_counted() {
    for strict in [true, false] {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let lines = TcpLines::connect(at).unwrap().strict(strict);
        let watch = lines.watch();
        drop(server);
        let ended = Flow::from_tcp(lines).count();
        if strict {
            let error = ended.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.to_string().contains(&at.to_string()), "{error}");
        } else {
            assert_eq!(ended.unwrap(), 0);
        }
        assert_eq!((watch.broken(), watch.open()), (1, 0));
    }
}

#[test]
fn a_line_may_be_as_long_as_allowed_and_no_longer() {
    let long = "x".repeat(100_000);
    for (longest, whole) in [(100_000, true), (99_999, false)] {
        for end in ["\n", "\r\n"] {
            let lines = local().connections(2).longest(longest);
            let (at, watch) = (lines.local_addr(), lines.watch());
            let text = format!("before\n{long}{end}after\n");
            let client = thread::spawn(move || {
                // The connection may be closed in the middle.
                let mut client = TcpStream::connect(at).unwrap();
                let _ = client.write_all(text.as_bytes());
                drop(client);
                send(at, b"another\n")
            });
            let mut got = Flow::from_tcp(lines).collect_vec().unwrap();
            client.join().unwrap();
            got.sort();
            let mut expected = vec!["another", "before"];
            if whole {
                expected = vec!["after", "another", "before", &long];
            }
            assert_eq!(got, expected);
            assert_eq!(watch.too_long(), u64::from(!whole));
        }
    }
}

/// What has no line end must not be kept without bound.
#[test]
fn a_line_without_end_is_cut_off_before_it_ends() {
    let lines = local().longest(10).strict(true);
    let mut client = TcpStream::connect(lines.local_addr()).unwrap();
    client.write_all(b"fine\n01234567890").unwrap();
    let error = Flow::from_tcp(lines).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    assert!(error.message().contains("more than 10 bytes"), "{error}");
    assert_eq!(error.position().unwrap().byte, 5);
}

#[test]
fn bytes_that_are_not_utf8_end_the_connection_or_the_run() {
    let sent = b"good\nca\xf1on\nnever seen\n";
    let lines = local().connections(2);
    let (at, watch) = (lines.local_addr(), lines.watch());
    send(at, sent);
    send(at, b"fine\n");
    let mut got = Flow::from_tcp(lines).collect_vec().unwrap();
    got.sort();
    assert_eq!(got, ["fine", "good"]);
    assert_eq!((watch.not_utf8(), watch.torn()), (1, 0));

    let lines = local().strict(true);
    send(lines.local_addr(), sent);
    let error = Flow::from_tcp(lines).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Utf8);
    assert_eq!(error.position().unwrap().byte, 7);
}

/// The lines before an error are worked on.
#[test]
fn what_came_before_an_error_is_given_first() {
    for batch in [1, 2, 1000] {
        let lines = local().strict(true).longest(3);
        send(lines.local_addr(), b"a\nb\nc\nlong\nd\n");
        let seen = Mutex::new(Vec::new());
        let ended = Flow::from_tcp(lines)
            .stages(1)
            .batch(batch)
            .for_each(|line| seen.lock().unwrap().push(line));
        assert!(ended.is_err());
        assert_eq!(*seen.lock().unwrap(), ["a", "b", "c"]);
    }
}

#[test]
fn the_error_of_a_step_names_the_client_and_the_byte() {
    let lines = local();
    let client = send(lines.local_addr(), b"12\r\n345\nx6\n7\n");
    let error = Flow::from_tcp(lines)
        .try_map(|line| line.parse::<u32>())
        .count()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Step);
    let position = error.position().expect("a position");
    assert_eq!(position.byte, 8);
    let file = position.file.as_ref().expect("the client");
    assert_eq!(file.to_str(), Some(format!("tcp://{client}").as_str()));
    assert_eq!(position.line, None);
}

/// A client that sends more than anybody takes is held back, and nothing of it is lost.
#[test]
fn a_flow_that_is_not_asked_holds_its_clients_back() {
    const MOST: usize = 256 << 20;
    let lines = local().connections(1);
    let mut client = TcpStream::connect(lines.local_addr()).unwrap();
    let mut items = Flow::from_tcp(lines)
        .stages(1)
        .batch(10)
        .buffer(1)
        .into_iter();
    let piece = format!("{}\n", "y".repeat(1023)).repeat(64).into_bytes();
    // How long somebody must be held back to count as such.
    let timeout = Some(Duration::from_millis(200));
    client.set_write_timeout(timeout).unwrap();
    let mut sent = 0;
    let held_back = loop {
        assert!(sent < MOST, "{sent} bytes went somewhere");
        match client.write(&piece[sent % piece.len()..]) {
            Ok(n) => sent += n,
            Err(e) => break e,
        }
    };
    assert!(matches!(held_back.kind(), Io::WouldBlock | Io::TimedOut));
    drop(client);
    let whole = items.try_fold(0, |sum, line| line.map(|line| sum + line.len() + 1));
    assert_eq!(whole.unwrap(), sent - sent % 1024);
}

/// A fast client does not keep the others waiting.
#[test]
fn a_client_that_never_stops_is_not_alone() {
    let lines = local();
    let at = lines.local_addr();
    let token = StopToken::new();
    let mut endless = TcpStream::connect(at).unwrap();
    let mut quiet = TcpStream::connect(at).unwrap();
    let endless = thread::spawn(move || {
        let piece = "noise\n".repeat(10_000);
        // Until the flow has ended.
        while endless.write_all(piece.as_bytes()).is_ok() {}
    });
    let (heard, noise) = crossbeam_channel::bounded(1);
    let quiet = thread::spawn(move || {
        noise.recv().unwrap();
        quiet.write_all(b"signal\n").unwrap();
        // It ends when the flow has.
        let _ = quiet.read(&mut [0]);
    });
    let inside = token.clone();
    let error = Flow::from_tcp(lines)
        .stages(1)
        .inspect(move |line| {
            if line == "signal" {
                inside.stop();
            }
            let _ = heard.try_send(());
        })
        .stop_token(&token)
        .count()
        .unwrap_err();
    assert!(error.is_stopped());
    endless.join().unwrap();
    quiet.join().unwrap();
}

#[test]
fn a_drained_flow_ends_well_and_closes_its_connections() {
    for seed in [None, Some(3)] {
        let lines = local();
        let (at, watch) = (lines.local_addr(), lines.watch());
        let (saw, seen) = crossbeam_channel::unbounded();
        let mut flow = Flow::from_tcp(lines)
            .stages(2)
            .inspect(move |line: &String| {
                saw.send(line.clone()).unwrap();
            });
        if let Some(seed) = seed {
            flow = flow.seeded(seed);
        }
        let handle = flow.start().unwrap();
        let mut client = TcpStream::connect(at).unwrap();
        client.write_all(b"1\n2\n3\nbegun").unwrap();
        let got: Vec<String> = seen.iter().take(3).collect();
        assert_eq!(got, ["1", "2", "3"]);
        handle.drain();
        let report = handle.join().unwrap();
        assert_eq!(report.stages()[0].items_in(), 3);
        assert_eq!((watch.open(), watch.torn()), (0, 1));
        // The end, or a reset: something was begun that nobody took.
        assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
    }
}

#[test]
fn idle_flows_are_stopped_and_meet_their_deadlines() {
    let error = Flow::from_tcp(local())
        .deadline(Duration::from_millis(20))
        .count()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);

    let handle = Flow::from_tcp(local()).start().unwrap();
    handle.stop();
    assert!(handle.join().unwrap_err().is_stopped());

    // Dropping stops.
    let lines = local();
    let _client = TcpStream::connect(lines.local_addr()).unwrap();
    drop(Flow::from_tcp(lines).start().unwrap());
}

#[test]
fn a_flow_that_has_enough_leaves_its_clients() {
    let lines = local();
    let mut client = TcpStream::connect(lines.local_addr()).unwrap();
    client.write_all(b"1\n2\n3\n4\n5\n").unwrap();
    let got = Flow::from_tcp(lines).stages(1).take(3).collect_vec();
    assert_eq!(got.unwrap(), ["1", "2", "3"]);
    assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn a_panic_in_a_step_ends_the_run_with_the_client_waiting() {
    let lines = local();
    let watch = lines.watch();
    let mut client = TcpStream::connect(lines.local_addr()).unwrap();
    client.write_all(b"fine\nboom\n").unwrap();
    let error = Flow::from_tcp(lines)
        .inspect(|line| {
            if line == "boom" {
                std::panic::resume_unwind(Box::new("boom"));
            }
        })
        .count()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panic);
    assert_eq!(error.position().unwrap().byte, 5);
    assert_eq!(watch.open(), 0);
}

#[test]
fn no_more_connections_than_asked_for_are_let_in() {
    let none = local().connections(0);
    let mut refused = TcpStream::connect(none.local_addr()).unwrap();
    assert_eq!(Flow::from_tcp(none).count().unwrap(), 0);
    assert!(matches!(refused.read(&mut [0]), Ok(0) | Err(_)));

    let lines = local().connections(2);
    let (at, watch) = (lines.local_addr(), lines.watch());
    // The third waits to be let in.
    let mut clients: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(at).unwrap()).collect();
    for client in &mut clients {
        client.write_all(b"line\n").unwrap();
    }
    let mut third = clients.pop().unwrap();
    drop(clients);
    assert_eq!(Flow::from_tcp(lines).stages(3).count().unwrap(), 2);
    assert!(matches!(third.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(watch.accepted(), 2);
}

#[test]
fn no_more_are_open_at_once_than_allowed() {
    let lines = local().connections(20).at_once(2);
    let (at, watch) = (lines.local_addr(), lines.watch());
    let mut clients: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(at).unwrap()).collect();
    for client in &mut clients {
        client.write_all(b"line\n").unwrap();
    }
    let most = AtomicU64::new(0);
    let clients = Mutex::new(Some(clients));
    let count = Flow::from_tcp(lines)
        .stages(3)
        .inspect(|_| {
            most.fetch_max(watch.open(), Ordering::SeqCst);
            // Nobody else is let in while the first are open.
            drop(clients.lock().unwrap().take());
        })
        .count()
        .unwrap();
    assert_eq!(count, 20);
    assert!(most.load(Ordering::SeqCst) <= 2);
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_silent_client_makes_room_for_another() {
    let lines = local().connections(2).at_once(1).idle(MINUTE);
    let (at, watch) = (lines.local_addr(), lines.watch());
    let clock = ManualClock::new();
    let hands = clock.clone();
    let mut silent = TcpStream::connect(at).unwrap();
    silent.write_all(b"one\nbegun").unwrap();
    send(at, b"two\n");
    let report = Flow::from_tcp(lines)
        .stages(3)
        .inspect(move |_| hands.advance(MINUTE))
        .clock(&clock)
        .run()
        .unwrap();
    assert_eq!(report.stages()[0].items_in(), 2);
    assert_eq!((watch.silent(), watch.torn(), watch.open()), (1, 1, 0));
    let rejected = [("silent connection", 1), ("torn line", 1)];
    assert_eq!(
        report.rejected(),
        BTreeMap::from(rejected.map(|(rule, n)| (rule.to_owned(), n)))
    );
    // The end, or a reset.
    assert!(matches!(silent.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn a_client_that_never_says_a_thing_is_silent() {
    let lines = local().connections(1).idle(Duration::from_millis(1));
    let (at, watch) = (lines.local_addr(), lines.watch());
    let _client = TcpStream::connect(at).unwrap();
    assert_eq!(Flow::from_tcp(lines).count().unwrap(), 0);
    assert_eq!((watch.silent(), watch.torn()), (1, 0));
}

#[test]
fn a_client_that_says_something_in_time_is_not_silent() {
    for stages in [1, 3] {
        let lines = local().connections(1).idle(MINUTE);
        let watch = lines.watch();
        let mut client = TcpStream::connect(lines.local_addr()).unwrap();
        client.write_all(b"0\n").unwrap();
        let client = Mutex::new(Some(client));
        let clock = ManualClock::new();
        let hands = clock.clone();
        let got = Flow::from_tcp(lines)
            .stages(stages)
            .inspect(move |line| {
                let mut client = client.lock().unwrap();
                match line.parse::<u32>().unwrap() {
                    5 => *client = None,
                    // The time of the last is over when the worker looks, but the line is there.
                    4 => {
                        client.as_mut().unwrap().write_all(b"5\n").unwrap();
                        hands.advance(MINUTE * 3);
                    }
                    n => {
                        hands.advance(MINUTE - Duration::from_nanos(1));
                        let mut client = client.as_ref().unwrap();
                        writeln!(client, "{}", n + 1).unwrap();
                    }
                }
            })
            .clock(&clock)
            .ordered()
            .collect_vec()
            .unwrap();
        assert_eq!(got, ["0", "1", "2", "3", "4", "5"]);
        assert_eq!((watch.silent(), watch.torn()), (0, 0));
    }
}

#[test]
fn a_silent_server_is_the_error_of_the_run() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let lines = TcpLines::connect(server.local_addr().unwrap()).unwrap();
    let mut client = server.accept().unwrap().0;
    client.write_all(b"hello\nwor").unwrap();
    let clock = ManualClock::new();
    let hands = clock.clone();
    let error = Flow::from_tcp(lines.idle(MINUTE).keep_last(true))
        .inspect(move |_| hands.advance(MINUTE))
        .clock(&clock)
        .count()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    assert!(
        error.message().contains("nothing has come for 60s"),
        "{error}"
    );
    assert_eq!(error.position().unwrap().byte, 6);
}

#[test]
fn options_that_cannot_work_are_refused() {
    let error = Flow::from_tcp(local().idle(Duration::ZERO))
        .count()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
    assert!(error.message().contains("idle(0)"), "{error}");
    let error = Flow::from_tcp(local().at_once(0)).count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Option);
    assert!(error.message().contains("at_once(0)"), "{error}");
}

#[test]
fn the_plan_says_what_connections_may_hold() {
    let plan = Flow::from_tcp(local().longest(100).at_once(7)).explain();
    assert!(
        plan.contains("at most 100 bytes for each of at most 7"),
        "{plan}"
    );
}

/// A server that sends lines and closes.
#[test]
fn lines_of_a_server() {
    for keep in [false, true] {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let lines = TcpLines::connect(server.local_addr().unwrap()).unwrap();
        let (local, watch) = (lines.local_addr(), lines.watch());
        let serving = thread::spawn(move || {
            let (mut peer, from) = server.accept().unwrap();
            assert_eq!(from, local);
            peer.write_all(b"one\n\ntwo\nlast").unwrap();
        });
        let got = Flow::from_tcp(lines.keep_last(keep))
            .stages(3)
            .ordered()
            .collect_vec();
        serving.join().unwrap();
        match keep {
            true => assert_eq!(got.unwrap(), ["one", "", "two", "last"]),
            false => assert_eq!(got.unwrap_err().kind(), ErrorKind::Source),
        }
        assert_eq!((watch.accepted(), watch.open()), (1, 0));
    }
}

#[test]
fn an_address_that_is_none_is_an_error_that_names_it() {
    for failed in [
        TcpLines::connect("127.0.0.1:none"),
        TcpLines::bind("127.0.0.1:none"),
    ] {
        let error = failed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains("127.0.0.1:none"), "{error}");
    }
}
