//! A client of HTTP that is simple enough to be seen through: a request, and all of the answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// For a test that would wait for ever otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header, by its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) fn get(at: SocketAddr, path: &str) -> Answer {
    ask(at, &format!("GET {path}"), &at.to_string(), "")
}

/// Asks a host for something, and for nothing after it.
pub(crate) fn ask(at: SocketAddr, what: &str, host: &str, body: &str) -> Answer {
    let mut stream = connect(at);
    let length = body.len();
    write!(
        stream,
        "{what} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer {
        status,
        head: head.to_lowercase().replace('\r', ""),
        body: String::new(),
    };
    // Not every server closes a connection because it was asked to.
    match answer.header("content-length") {
        Some(length) => {
            let length = length.parse().unwrap();
            reader.take(length).read_to_string(&mut answer.body)
        }
        None => reader.read_to_string(&mut answer.body),
    }
    .unwrap();
    answer
}

/// Somebody who stays connected.
pub(crate) struct Events(BufReader<TcpStream>);

impl Events {
    pub(crate) fn connect(at: SocketAddr) -> Self {
        let mut stream = connect(at);
        write!(stream, "GET /events HTTP/1.1\r\nHost: {at}\r\n\r\n").unwrap();
        let mut events = Events(BufReader::new(stream));
        assert_eq!(events.line().unwrap(), "HTTP/1.1 200 OK");
        events
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line);
        (read.unwrap_or(0) > 0).then(|| line.trim_end().to_owned())
    }

    /// The next that is told; `None` when there is nothing more.
    pub(crate) fn next(&mut self) -> Option<String> {
        let begun = Instant::now();
        loop {
            // Signs of life are lines too.
            assert!(begun.elapsed() < PATIENCE, "nothing new");
            if let Some(data) = self.line()?.strip_prefix("data: ") {
                return Some(data.to_owned());
            }
        }
    }

    /// The first that contains something.
    pub(crate) fn wait_for(&mut self, what: &str) -> String {
        let begun = Instant::now();
        loop {
            let data = self.next().unwrap();
            if data.contains(what) {
                return data;
            }
            assert!(begun.elapsed() < PATIENCE, "no {what}: {data}");
        }
    }
}
