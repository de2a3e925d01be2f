//! A scraper: `scraper [--pages N] [--rate N]`, all pages of a site, found by their links, at most so many a second.
//!
//! ```text
//!               ┌─ demand 1 ─ fetch-0 ─┐
//!  frontier ────┤                      ├──▶ links found, pushed into the frontier
//!  (pages, rate)└─ demand 1 ─ fetch-1 ─┘
//! ```
//!
//! The frontier is a producer that pages are pushed into while it runs; what nobody has asked for waits in its buffer. Each
//! fetcher asks for one page at a time, so neither has a page in its hands that the other could fetch. The site is a
//! small server that the program starts itself on loopback.
//!
//! The program ends when every page that was found is fetched. On Ctrl-C no new pages are accepted, and those that were
//! are still fetched, at the same rate.

use std::collections::HashSet;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use millstream::stage::{
    self, Answer, Cast, Consumer, Downstream, Emit, Ended, Next, Producer, ProducerRef, Rate,
    Reason, Subscription, Upstream,
};

#[path = "../common/args.rs"]
mod args;
mod site;

/// The fetchers.
const FETCHERS: usize = 2;

/// Pages to fetch, each once.
struct Frontier {
    seen: HashSet<String>,
    /// Accepted and not fetched yet.
    open: usize,
    closed: bool,
    accepted: Sender<usize>,
}

impl Producer for Frontier {
    type Event = String;

    fn handle_demand(&mut self, _: usize, _: &mut Emit<String>) -> Answer {
        Ok(Next::Go)
    }

    /// The page that a fetcher had when it failed has no links, so the others would wait for them for ever.
    fn handle_cancel(&mut self, _: &Downstream, ended: &Ended, _: &mut Emit<String>) -> Answer {
        Ok(match ended.reason() {
            reason if reason.is_good() => Next::Go,
            reason => Next::Stop(reason.clone()),
        })
    }

    fn terminate(&mut self, _: &Reason) {
        // The program may be gone after an error.
        let _ = self.accepted.send(self.seen.len());
    }
}

/// What the frontier is told.
enum News {
    /// Where to begin.
    Start(String),
    /// A page was fetched, and has these links.
    Fetched(Vec<String>),
    /// No more pages are accepted.
    Close,
}

impl Cast<News> for Frontier {
    type Event = String;

    fn handle_cast(&mut self, news: News, out: &mut Emit<String>) -> Answer {
        let links = match news {
            News::Start(page) => vec![page],
            News::Fetched(links) => {
                self.open -= 1;
                links
            }
            News::Close => {
                self.closed = true;
                Vec::new()
            }
        };
        if !self.closed {
            for link in links {
                if self.seen.insert(link.clone()) {
                    self.open += 1;
                    out.push(link);
                }
            }
        }
        // When done, it still gives what is in its buffer.
        Ok(match self.closed || self.open == 0 {
            true => Next::Done,
            false => Next::Go,
        })
    }
}

/// Fetches pages and tells the frontier of their links.
struct Fetcher {
    site: SocketAddr,
    frontier: ProducerRef<Frontier>,
    fetched: usize,
    report: Sender<usize>,
}

impl Consumer for Fetcher {
    type Event = String;

    fn handle_events(&mut self, pages: Vec<String>, _: &Upstream<String>) -> Answer {
        for page in pages {
            let links = match fetch(self.site, &page) {
                Ok(html) => {
                    self.fetched += 1;
                    let links = links(&html);
                    println!("{page}: {} bytes, {} links", html.len(), links.len());
                    links
                }
                // A page that cannot be had has no links; the others are fetched all the same.
                Err(error) => {
                    eprintln!("{page}: {error}");
                    Vec::new()
                }
            };
            // Once closed, the frontier ends with its last page, and wants no links.
            let _ = self.frontier.cast(News::Fetched(links));
        }
        Ok(Next::Go)
    }

    fn handle_cancel(&mut self, _: &Upstream<String>, _: &Ended) -> Answer {
        self.report.send(self.fetched)?;
        Ok(Next::Go)
    }
}

/// The body of a page.
fn fetch(site: SocketAddr, page: &str) -> io::Result<String> {
    let mut connection = TcpStream::connect(site)?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        connection,
        "GET {page} HTTP/1.1\r\nHost: {site}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
        _ => {
            let status = answer.lines().next().unwrap_or("no answer");
            Err(io::Error::other(status))
        }
    }
}

/// Where a page links to.
fn links(html: &str) -> Vec<String> {
    html.split("href=\"")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}

fn main() -> ExitCode {
    args::main("scraper [--pages N] [--rate N]", run)
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let mut args = args.to_vec();
    let pages: u64 = args::option(&mut args, "--pages", 50)?;
    let rate: u32 = args::option(&mut args, "--rate", 25)?;
    args::no_more(&args)?;
    if pages == 0 {
        return Err("--pages needs 1 or more: the page the scraper begins with".into());
    }
    let rate = Rate::new(rate, Duration::from_secs(1))?;
    let site = site::Site::start(pages)?;

    let (accepted, all) = channel();
    let frontier = Frontier {
        seen: HashSet::new(),
        open: 0,
        closed: false,
        accepted,
    };
    // No bound but the site's: a page is in it once at most.
    let frontier = stage::producer(frontier)
        .name("frontier")
        .buffer_unbounded()
        .rate(&rate)
        .start()?;
    let (report, fetched) = channel();
    let mut fetchers = Vec::new();
    for number in 0..FETCHERS {
        let fetcher = stage::consumer(Fetcher {
            site: site.address(),
            frontier: frontier.stage(),
            fetched: 0,
            report: report.clone(),
        });
        let one = Subscription::new().max_demand(1).min_demand(0);
        let fetcher = fetcher.name(format!("fetch-{number}"));
        fetchers.push(fetcher.subscribe_to(&frontier, one).start()?);
    }
    drop(report);

    let started = Instant::now();
    frontier.cast(News::Start("/0".to_owned()))?;
    let closing = frontier.stage();
    ctrlc::set_handler(move || {
        // One that has ended needs no closing.
        let _ = closing.cast(News::Close);
    })?;
    for fetcher in fetchers {
        fetcher.join()?;
    }
    frontier.join()?;
    let fetched: usize = fetched.iter().sum();
    let accepted = all.recv()?;
    let took = started.elapsed().as_secs_f64();
    println!("{accepted} pages accepted, {fetched} fetched in {took:.1} s");
    match accepted - fetched {
        0 => Ok(()),
        missing => Err(format!("{missing} pages could not be fetched").into()),
    }
}
