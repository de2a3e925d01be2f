//! Lines that come over TCP (feature `tcp`): a listener or a connection as a source.
//!
//! Nothing here has a thread. Each worker of the first stage has a poller of its own, over the listener, which all share,
//! and over the connections that it has accepted; what it accepted stays its own to the end. A worker that has no room
//! downstream does not read, so TCP holds the clients back.
//!
//! - `source.rs` is the pipe, with what the workers share; `feed.rs` is one worker's end, with its `poller.rs`
//! - `connection.rs` cuts what comes over one connection into lines
//! - `fault.rs` is what can be wrong with a connection, and `watch.rs` counts it; `silence.rs` finds those that say nothing

mod connection;
mod fault;
mod feed;
mod poller;
mod silence;
mod source;
mod watch;

use std::fmt;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

pub use source::FromTcp;
pub use watch::TcpWatch;

use crate::error::Error;
use source::Origin;

/// Where lines come from over TCP, for [`Flow::from_tcp`](crate::Flow::from_tcp): clients that connect, or a server.
///
/// Lines end with `\n` or `\r\n`, which is not part of them. The socket is open from here on: clients that connect before
/// the flow runs wait for it.
///
/// # What a client does wrong
/// Five things can be wrong with a connection: it breaks, it ends in the middle of a line, a line is
/// [too long](TcpLines::longest), a line is not UTF-8 (only where lines are strings), nothing comes for
/// [too long](TcpLines::idle) (only if that was asked for). Each ends that connection. The lines
/// before it have been given; the line it happened in is not. Behind [`bind`](TcpLines::bind) the flow goes on, since the
/// clients are other people's programs; [`watch`](TcpLines::watch) counts what happened, and so does the report of the run,
/// as [rejected](crate::Report::rejected). Behind
/// [`connect`](TcpLines::connect), or when it is told to be [`strict`](TcpLines::strict), it is the error of the run.
///
/// # Examples
/// ```
/// use millstream::{Flow, TcpLines};
/// use std::io::Write;
/// use std::net::TcpStream;
///
/// let lines = TcpLines::bind("127.0.0.1:0")?.connections(2);
/// let (at, watch) = (lines.local_addr(), lines.watch());
/// let clients = std::thread::spawn(move || -> std::io::Result<()> {
///     TcpStream::connect(at)?.write_all(b"1\n2\n")?;
///     TcpStream::connect(at)?.write_all(b"30\n4")
/// });
///
/// let sum = Flow::from_tcp(lines).try_map(|line| line.parse::<u32>()).sum::<u32>()?;
/// assert_eq!(sum, 33);
/// assert_eq!((watch.accepted(), watch.torn()), (2, 1));
/// clients.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nobody reads from the socket until `Flow::from_tcp` has it"]
pub struct TcpLines {
    origin: Origin,
    local: SocketAddr,
    /// How many connections are accepted at all.
    connections: Option<u64>,
    /// How many are open at a time.
    at_once: u64,
    rules: Rules,
    watch: TcpWatch,
}

/// What a connection may do, and what comes of it if it does otherwise.
#[derive(Debug, Clone, Copy)]
struct Rules {
    /// Bytes of a line, without its end.
    longest: usize,
    /// Whether what a client does wrong fails the run.
    strict: bool,
    /// Whether the last line may lack its end.
    keep_last: bool,
    /// For how long it may say nothing; `None` is for ever.
    idle: Option<Duration>,
}

impl TcpLines {
    /// Listens on an address; port 0 lets the system choose a free one, see [`local_addr`](TcpLines::local_addr).
    ///
    /// # Errors
    /// Of kind [`Io`](crate::ErrorKind::Io), if nobody can listen there.
    pub fn bind(address: impl ToSocketAddrs + fmt::Debug) -> Result<Self, Error> {
        let listen = || {
            let listener = TcpListener::bind(&address)?;
            listener.set_nonblocking(true)?;
            let local = listener.local_addr()?;
            Ok((listener, local))
        };
        let (listener, local) = listen().map_err(|e| fault::io("listen on", &address, e))?;
        Ok(TcpLines::new(Origin::Listen(listener), local, false))
    }

    /// Connects to a server, which sends lines until it closes the connection.
    ///
    /// One worker reads them. Several servers are several flows, [merged](crate::Flow::merge).
    ///
    /// # Errors
    /// Of kind [`Io`](crate::ErrorKind::Io), if nobody answers there.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, TcpLines};
    /// use std::io::Write;
    /// use std::net::TcpListener;
    ///
    /// let server = TcpListener::bind("127.0.0.1:0")?;
    /// let lines = TcpLines::connect(server.local_addr()?)?;
    /// server.accept()?.0.write_all(b"one\r\ntwo\n")?;
    /// assert_eq!(Flow::from_tcp(lines).ordered().collect_vec()?, ["one", "two"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect(address: impl ToSocketAddrs + fmt::Debug) -> Result<Self, Error> {
        let connect = || {
            let stream = TcpStream::connect(&address)?;
            stream.set_nonblocking(true)?;
            let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
            Ok((stream, local, peer))
        };
        let (stream, local, peer) = connect().map_err(|e| fault::io("connect to", &address, e))?;
        Ok(TcpLines::new(Origin::Peer(stream, peer), local, true))
    }

    fn new(origin: Origin, local: SocketAddr, strict: bool) -> Self {
        TcpLines {
            origin,
            local,
            connections: None,
            at_once: 1000,
            rules: Rules {
                longest: 1 << 20,
                strict,
                keep_last: false,
                idle: None,
            },
            watch: TcpWatch::default(),
        }
    }

    /// The address of this end of the socket, with the port that the system chose.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Counts of connections and of what was wrong with them, also while the flow runs.
    pub fn watch(&self) -> TcpWatch {
        self.watch.clone()
    }

    /// The flow ends when so many connections have been accepted and have ended; others are refused. Without it, it ends
    /// when it is drained or stopped. Only for [`bind`](TcpLines::bind).
    pub fn connections(mut self, n: u64) -> Self {
        self.connections = Some(n);
        self
    }

    /// How many connections may be open at a time; others wait in the system's queue. The default is 1,000. Zero is an error
    /// when the flow starts. Only for [`bind`](TcpLines::bind).
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, TcpLines};
    ///
    /// let few = TcpLines::bind("127.0.0.1:0")?.at_once(50).longest(1000);
    /// let plan = Flow::from_tcp(few).explain();
    /// assert!(plan.contains("at most 1000 bytes for each of at most 50 connections"));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn at_once(mut self, n: u64) -> Self {
        self.at_once = n;
        self
    }

    /// How many bytes a line may have, without its end. The default is 1 MiB.
    pub fn longest(mut self, bytes: usize) -> Self {
        self.rules.longest = bytes;
        self
    }

    /// For how long a client may send nothing, before its connection is closed; it makes room for others then. The default is
    /// for ever, since a client may have nothing to say. Zero is an error when the flow starts.
    ///
    /// The time is that of the run ([`Flow::clock`](crate::Flow::clock)), seen within five milliseconds. What a client has sent
    /// and the flow had no room to read is no silence. A line that it has begun is lost, even with
    /// [`keep_last`](TcpLines::keep_last).
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, ManualClock, TcpLines};
    /// use std::io::Write;
    /// use std::net::TcpStream;
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let hands = clock.clone();
    /// let minute = Duration::from_secs(60);
    /// let lines = TcpLines::bind("127.0.0.1:0")?.connections(1).idle(minute);
    /// let watch = lines.watch();
    /// let mut client = TcpStream::connect(lines.local_addr())?;
    /// client.write_all(b"one\ntw")?;
    ///
    /// // The client stays, and says no more.
    /// let flow = Flow::from_tcp(lines).inspect(move |_| hands.advance(minute)).clock(&clock);
    /// assert_eq!(flow.collect_vec()?, ["one"]);
    /// assert_eq!((watch.silent(), watch.torn()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn idle(mut self, time: Duration) -> Self {
        self.rules.idle = Some(time);
        self
    }

    /// Whether the last line of a connection may lack its line end, if the client closed the connection in order. The
    /// default is no: a client that was killed looks the same, and half a line must not pass for a whole one.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, TcpLines};
    /// use std::io::Write;
    /// use std::net::TcpStream;
    ///
    /// let lines = TcpLines::bind("127.0.0.1:0")?.connections(1).keep_last(true);
    /// TcpStream::connect(lines.local_addr())?.write_all(b"one\ntwo")?;
    /// assert_eq!(Flow::from_tcp(lines).count()?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep_last(mut self, keep: bool) -> Self {
        self.rules.keep_last = keep;
        self
    }

    /// Whether the run fails with what a client does wrong. The error has the address of the client, and the byte.
    ///
    /// # Examples
    /// ```
    /// use millstream::{ErrorKind, Flow, TcpLines};
    /// use std::io::Write;
    /// use std::net::TcpStream;
    ///
    /// let lines = TcpLines::bind("127.0.0.1:0")?.longest(5).strict(true);
    /// let mut client = TcpStream::connect(lines.local_addr())?;
    /// client.write_all(b"short\nlonger\n")?;
    /// let error = Flow::from_tcp(lines).count().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Source);
    /// assert!(error.to_string().contains(&client.local_addr()?.to_string()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn strict(mut self, strict: bool) -> Self {
        self.rules.strict = strict;
        self
    }

    /// What is wrong with the options.
    pub(crate) fn refused(&self) -> Option<&'static str> {
        if self.at_once == 0 {
            Some("TcpLines::at_once(0) accepts no connection: use 1 or more, or leave it out")
        } else if self.rules.idle.is_some_and(|time| time.is_zero()) {
            Some("TcpLines::idle(0) closes every connection: allow some time, or leave it out")
        } else {
            None
        }
    }

    /// How much the connections of a flow may hold, in words.
    pub(crate) fn keeps(&self) -> String {
        let most = self.at_once.min(self.connections.unwrap_or(u64::MAX));
        format!(
            "64 KiB a thread, and a begun line of at most {} bytes for each of at most {most} connections",
            self.rules.longest
        )
    }
}

impl fmt::Debug for TcpLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpLines")
            .field("local", &self.local)
            .field("connections", &self.connections)
            .field("at_once", &self.at_once)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_address_that_is_taken_is_an_error_that_names_it() {
        let first = TcpLines::bind("127.0.0.1:0").unwrap();
        let address = first.local_addr();
        let error = TcpLines::bind(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.message().contains(&address.to_string()), "{error}");
    }
}
