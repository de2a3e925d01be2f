//! Tests of what those who are connected may take up: by sockets that say nothing, say it slowly, or do not listen.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::board::Board;
use super::connections::{Connections, Seat};
use super::options::{DashboardOptions, Limits};
use super::routes;
use super::server::Service;

/// For a test that would wait for ever otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longer than any test takes, for a limit that it is not about.
const NEVER: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(30);
/// More than what two sockets keep between them.
const BIG: usize = 64 << 20;

/// A server with a small page and a big one, on a thread of its own.
struct Host {
    at: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Host {
    fn start(limits: Limits) -> Self {
        let big = Bytes::from(vec![b'x'; BIG]);
        let app = Router::new()
            .route("/", get(async || "small"))
            .route("/big", get(async move || big.clone()));
        Host::serve(app, limits)
    }

    fn serve(app: Router, limits: Limits) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let at = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let mut connections = Connections::new(app, limits);
                let admitting = async {
                    loop {
                        connections.admit(listener.accept().await.unwrap().0);
                    }
                };
                tokio::select! {
                    () = admitting => {}
                    _ = stopped => {}
                }
                connections.end(SHORT).await;
            });
        });
        Host { at, stop, thread }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Asks for a page as a browser does, and reads the answer.
    fn read(&self, path: &str) -> String {
        let mut stream = self.connect();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn stop(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

fn limits() -> Limits {
    Limits {
        connections: 8,
        staying: 4,
        asking: NEVER,
        taking: NEVER,
    }
}

/// Reads until the server has ended the connection, in whatever way.
fn read_to_the_end(mut stream: TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    if let Err(error) = stream.read_to_end(&mut read) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    read
}

#[test]
fn who_says_nothing_makes_room_for_who_asks() {
    let host = Host::start(limits());
    let mut silent: Vec<TcpStream> = (0..100).map(|_| host.connect()).collect();
    assert!(host.read("/").ends_with("small"));
    // As many are left as there may be, less the one who asked.
    for gone in silent.drain(..100 - 8 + 1) {
        assert_eq!(read_to_the_end(gone), b"");
    }
    assert!(host.read("/").ends_with("small"));
    host.stop();
    drop(silent);
}

#[test]
fn who_reads_nothing_makes_room_for_who_does() {
    let host = Host::start(limits());
    let deaf: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = host.connect();
            write!(stream, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            stream
        })
        .collect();
    for _ in 0..3 {
        assert!(host.read("/").ends_with("small"));
    }
    // The end does not wait for them, and they have not got all of it.
    host.stop();
    for stream in deaf {
        assert!(read_to_the_end(stream).len() < BIG);
    }
}

#[test]
fn a_request_has_to_come_in_time() {
    let host = Host::start(Limits {
        asking: SHORT,
        ..limits()
    });
    // Nothing, the half of it, and after an answer nothing more. Who is too late to say even that is cut off before.
    assert_eq!(read_to_the_end(host.connect()), b"");
    let mut half = host.connect();
    let _ = half.write_all(b"GET / HTTP/1.1\r\nHost: loc");
    let said = String::from_utf8(read_to_the_end(half)).unwrap();
    assert!(!said.contains("200"), "{said}");
    let answered = (0..1000).any(|_| {
        let mut idle = host.connect();
        let _ = idle.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        read_to_the_end(idle).ends_with(b"small")
    });
    assert!(answered);
    // A byte at a time is no way around it.
    let mut slow = host.connect();
    let _ = slow.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    slow.set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    while slow.write_all(b"x").is_ok() {
        let read = slow.read(&mut [0; 64]);
        // Reading is what takes the time between two bytes.
        let waits = |error: &std::io::Error| {
            matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
        };
        if !read.is_err_and(|error| waits(&error)) {
            break;
        }
    }
    host.stop();
}

#[test]
fn a_request_has_an_end() {
    let host = Host::start(limits());
    let mut endless = host.connect();
    endless.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
    // It is refused while it comes.
    while endless.write_all(&[b'x'; 4096]).is_ok() {}
    assert!(host.read("/").ends_with("small"));
    host.stop();
}

#[test]
fn who_takes_nothing_of_an_answer_is_cut_off() {
    let host = Host::start(Limits {
        taking: SHORT,
        ..limits()
    });
    let mut deaf = host.connect();
    write!(deaf, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    deaf.set_nonblocking(true).unwrap();
    // Without reading anything, it is seen by writing.
    while match deaf.write(b" ") {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    } {
        std::thread::yield_now();
    }
    host.stop();
    // Who does read gets all of it.
    let host = Host::start(limits());
    let answer = host.read("/big");
    assert_eq!(answer.bytes().filter(|byte| *byte == b'x').count(), BIG);
    host.stop();
}

#[test]
fn who_asks_for_the_head_of_the_news_does_not_stay() {
    let options = DashboardOptions::new("127.0.0.1:0");
    let board = Arc::new(Board::new(options.every, options.keep));
    let app = routes::routes(Arc::new(Service::new(board, options)));
    let host = Host::serve(app, limits());
    let heads: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = host.connect();
            write!(stream, "HEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            assert!(head.starts_with(b"HTTP/1.1 200"));
            stream
        })
        .collect();
    // The limit holds for them as for others.
    for stream in heads.into_iter().take(20 - 8) {
        assert_eq!(read_to_the_end(stream), b"");
    }
    host.stop();
}

#[test]
fn who_stays_and_does_not_listen_makes_room_for_who_does() {
    let mut options = DashboardOptions::new("127.0.0.1:0");
    options.limits = Limits {
        staying: 2,
        ..limits()
    };
    let board = Arc::new(Board::new(options.every, options.keep));
    let service = Service::new(board, options);
    let [deaf, other, third] = [(); 3].map(|()| Seat::default());
    let mut unheard = service.connect(deaf.clone()).unwrap();
    let mut heard = service.connect(other.clone()).unwrap();
    assert!(deaf.is_kept() && other.is_kept());
    assert!(service.connect(third.clone()).is_none());
    assert!(!third.is_kept());
    // What is told is not kept without end for who does not take it.
    for _ in 0..10 {
        assert!(heard.try_recv().is_ok());
        service.give(&Bytes::from_static(b"news"));
    }
    let mut late = service.connect(third.clone()).unwrap();
    assert!(!deaf.is_kept() && other.is_kept() && third.is_kept());
    let mut left = 0;
    while unheard.try_recv().is_ok() {
        left += 1;
    }
    assert!(unheard.is_closed() && left == 2, "{left}");
    assert!(late.try_recv().is_ok());
    assert!(heard.try_recv().is_ok() && !heard.is_closed());
}
