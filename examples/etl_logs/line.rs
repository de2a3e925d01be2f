//! A line of a log in the combined format, and what is wrong with one that is not.

use std::fmt;

use jiff::fmt::strtime;
use serde::{Deserialize, Serialize};

/// A request, as a row of the table `hits`.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub(crate) struct Hit {
    /// The byte of the log at which its line begins: its key.
    pub(crate) at_byte: u64,
    pub(crate) address: String,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) referrer: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) bot: bool,
}

/// What is missing or wrong in a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong(&'static str);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} where it should be", self.0)
    }
}

impl std::error::Error for Wrong {}

/// What a crawler says of itself.
const BOTS: [&str; 8] = [
    "bot", "crawl", "spider", "slurp", "feed", "fetch", "archiver", "http://",
];

/// Reads `ADDRESS - USER [TIME] "METHOD PATH PROTOCOL" STATUS BYTES "REFERRER" "AGENT"`.
pub(crate) fn parse(at_byte: u64, line: &str) -> Result<Hit, Wrong> {
    let (address, rest) = line.split_once(' ').ok_or(Wrong("address"))?;
    let (_, rest) = rest.split_once('[').ok_or(Wrong("time"))?;
    let (time, rest) = rest.split_once("] ").ok_or(Wrong("time"))?;
    let (request, rest) = quoted(rest).ok_or(Wrong("request in quotes"))?;
    let mut request = request.split(' ');
    let (method, path) = match (request.next(), request.next(), request.next()) {
        (Some(method), Some(path), Some(_)) => (method, path),
        _ => return Err(Wrong("method, path and protocol")),
    };
    let mut numbers = rest.trim_start().splitn(3, ' ');
    let status = numbers.next().and_then(|status| status.parse().ok());
    let bytes = match numbers.next() {
        Some("-") => Some(0),
        Some(bytes) => bytes.parse().ok(),
        None => None,
    };
    let (referrer, rest) =
        quoted(numbers.next().unwrap_or_default()).ok_or(Wrong("referrer in quotes"))?;
    let (agent, _) = quoted(rest).ok_or(Wrong("agent in quotes"))?;
    let given = |text: &str| (text != "-").then(|| text.to_owned());
    let lower = agent.to_ascii_lowercase();
    Ok(Hit {
        at_byte,
        address: address.to_owned(),
        at: millis(time).ok_or(Wrong("time"))?,
        method: method.to_owned(),
        path: path.to_owned(),
        status: status.ok_or(Wrong("status"))?,
        bytes: bytes.ok_or(Wrong("number of bytes"))?,
        referrer: given(referrer),
        agent: given(agent),
        bot: BOTS.iter().any(|word| lower.contains(word)),
    })
}

/// The text between the quotes that a text begins with, where `\"` is no end, and what is behind them.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let end = text.find(|c| {
        let end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        end
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// A time such as `17/May/2015:10:05:03 +0000`.
fn millis(time: &str) -> Option<i64> {
    let parts = strtime::parse("%d/%b/%Y:%H:%M:%S %z", time).ok()?;
    Some(parts.to_timestamp().ok()?.as_millisecond())
}
