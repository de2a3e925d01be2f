//! Where a dashboard listens, and who may ask it.
//!
//! Unless its owner says so, it listens on loopback alone. A page of another site that a name leads here (DNS rebinding) is refused
//! by the name that the browser then sends.

use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs};
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// How a [`Dashboard`](crate::Dashboard) is served (feature `dashboard`): an address is enough, as text.
///
/// # Examples
/// ```
/// use millstream::{Dashboard, DashboardOptions};
/// use std::time::Duration;
///
/// let options = DashboardOptions::new("127.0.0.1:0").every(Duration::from_millis(200)).keep(4);
/// let dashboard = Dashboard::bind(options)?;
/// assert!(dashboard.url().starts_with("http://127.0.0.1:"));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "options do nothing before a dashboard is bound"]
pub struct DashboardOptions {
    address: String,
    anywhere: bool,
    hosts: Vec<String>,
    pub(super) every: Duration,
    pub(super) keep: usize,
    pub(super) limits: Limits,
}

/// What those who are connected may take up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many may be connected at once.
    pub(super) connections: usize,
    /// How many of them may stay to be told; less than all, so that there is always somebody who can go.
    pub(super) staying: usize,
    /// How long a request may take to come, from the moment when one could.
    pub(super) asking: Duration,
    /// How long somebody may take nothing of an answer.
    pub(super) taking: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 128,
            staying: 64,
            asking: Duration::from_secs(10),
            taking: Duration::from_secs(10),
        }
    }
}

/// The shortest and the longest time between two looks.
const BETWEEN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(24 * 3600));

impl DashboardOptions {
    /// At an address with a port, such as `127.0.0.1:8080`, `localhost:8080` or `[::1]:0`.
    pub fn new(address: impl Into<String>) -> Self {
        DashboardOptions {
            address: address.into(),
            anywhere: false,
            hosts: Vec::new(),
            every: Duration::from_secs(1),
            keep: 16,
            limits: Limits::default(),
        }
    }

    /// Lets other machines reach it, if the address does: everybody who can then sees the names and numbers of the flows, without
    /// a password and not encrypted.
    pub fn anywhere(mut self) -> Self {
        self.anywhere = true;
        self
    }

    /// A name under which browsers may ask for it, beside `localhost` and addresses; without a port. Any other name is refused, so that a
    /// page from elsewhere cannot read what is here by giving itself a name that leads here.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.hosts.push(name.into());
        self
    }

    /// How long it is from one look at the flows to the next: a second, unless told otherwise, at least 20 milliseconds and at
    /// most a day. The curves show 180 looks.
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time.clamp(BETWEEN.0, BETWEEN.1);
        self
    }

    /// How many flows that have ended stay on the page: 16, unless told otherwise.
    pub fn keep(mut self, flows: usize) -> Self {
        self.keep = flows;
        self
    }

    /// Listens.
    pub(super) fn listen(&self) -> Result<TcpListener, Error> {
        let resolved = self.address.to_socket_addrs().map_err(|error| {
            Error::new(
                ErrorKind::Option,
                format!(
                    "the dashboard cannot listen on `{}`: {error}; write an address and a port, such as `127.0.0.1:8080`",
                    self.address
                ),
            )
        })?;
        let addresses: Vec<SocketAddr> = resolved.collect();
        let open = addresses.iter().find(|at| !is_loopback(at.ip()));
        if let Some(open) = open.filter(|_| !self.anywhere) {
            return Err(Error::new(
                ErrorKind::Option,
                format!(
                    "other machines may reach a dashboard on `{open}`: use an address of this machine alone, such as \
                     `127.0.0.1:{}`, or say `DashboardOptions::anywhere`",
                    open.port()
                ),
            ));
        }
        TcpListener::bind(&*addresses).map_err(|error| {
            Error::new(
                ErrorKind::Io,
                format!("the dashboard cannot listen on `{}`: {error}", self.address),
            )
            .because(Box::new(error))
        })
    }

    /// Whether it answers those who ask for it by this name, as the header `Host` has it.
    pub(super) fn answers(&self, host: &str) -> bool {
        let name = without_port(host);
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let known = |host: &String| host.eq_ignore_ascii_case(name);
        name.eq_ignore_ascii_case("localhost")
            || bare.parse::<IpAddr>().is_ok()
            || self.hosts.iter().any(known)
    }
}

impl From<&str> for DashboardOptions {
    fn from(address: &str) -> Self {
        DashboardOptions::new(address)
    }
}

impl From<String> for DashboardOptions {
    fn from(address: String) -> Self {
        DashboardOptions::new(address)
    }
}

impl From<SocketAddr> for DashboardOptions {
    fn from(address: SocketAddr) -> Self {
        DashboardOptions::new(address.to_string())
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// A host without the port behind it.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_unless_asked_otherwise() {
        for open in ["0.0.0.0:0", "[::]:0", "192.0.2.7:80"] {
            let error = DashboardOptions::new(open).listen().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Option);
            assert!(
                error.message().contains("DashboardOptions::anywhere"),
                "{error}"
            );
        }
        assert!(DashboardOptions::new("127.0.0.1:0").listen().is_ok());
        let open = DashboardOptions::new("0.0.0.0:0").anywhere();
        assert!(open.listen().is_ok());
    }

    #[test]
    fn what_is_no_address_is_an_error() {
        for wrong in ["", "127.0.0.1", "127.0.0.1:x", "::1"] {
            let error = DashboardOptions::new(wrong).listen().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Option, "{wrong}");
        }
    }

    #[test]
    fn names_that_lead_here_are_not_enough() {
        let options = DashboardOptions::new("127.0.0.1:0").host("board.example");
        for host in [
            "localhost",
            "LocalHost:80",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
            "10.0.0.1:80",
            "Board.example:8080",
        ] {
            assert!(options.answers(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:80",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
        ] {
            assert!(!options.answers(host), "{host}");
        }
    }
}
