//! A web site of so many pages on loopback, for the scraper: page `/n` links to `/2n+1` and `/2n+2`. The plainest HTTP server
//! there is: one thread, one connection at a time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Nobody on loopback is slower than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that runs until it is dropped.
pub(crate) struct Site {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    /// Serves so many pages at a port that the system chooses.
    pub(crate) fn start(pages: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let closing = Arc::new(AtomicBool::new(false));
        let closed = closing.clone();
        let thread = thread::Builder::new().name("site".into()).spawn(move || {
            for connection in listener.incoming() {
                if closed.load(Ordering::Acquire) {
                    break;
                }
                // A client that goes away is its own loss.
                let _ = connection.and_then(|connection| answer(connection, pages));
            }
        })?;
        Ok(Site {
            address,
            closing,
            thread: Some(thread),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        // The thread waits for a connection: this is one.
        let woken = TcpStream::connect(self.address).is_ok();
        if let (true, Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

fn answer(connection: TcpStream, pages: u64) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let mut request = BufReader::new((&connection).take(8_192));
    let mut first = String::new();
    request.read_line(&mut first)?;
    let mut header = String::new();
    while request.read_line(&mut header)? > 2 {
        header.clear();
    }
    let page = first
        .strip_prefix("GET /")
        .and_then(|rest| rest.split(' ').next())
        .and_then(|page| page.parse().ok())
        .filter(|page| *page < pages);
    let (status, body) = match page {
        Some(page) => ("200 OK", html(page, pages)),
        None => (
            "404 Not Found",
            "<p>There is no such page.</p>\n".to_owned(),
        ),
    };
    let length = body.len();
    write!(
        &connection,
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn html(page: u64, pages: u64) -> String {
    let mut html = format!("<h1>Page {page}</h1>\n<a href=\"/0\">home</a>\n");
    for link in [2 * page + 1, 2 * page + 2] {
        if link < pages {
            html += &format!("<a href=\"/{link}\">page {link}</a>\n");
        }
    }
    html
}
