//! Flows of lines that come over TCP (feature `tcp`).

use super::Flow;
use crate::source::Form;
use crate::tcp::{FromTcp, TcpLines};

impl<'env> Flow<'env, FromTcp<str>> {
    /// A flow of the lines that come over TCP, as strings (feature `tcp`): see [`TcpLines`].
    ///
    /// Any number of clients need no more than a few workers: each worker waits for all its connections at once. When the
    /// flow is slower than the clients, it reads no more than it can pass on, and TCP holds them back. A failing step's
    /// error has the address of the client, as `tcp://address`, and the byte at which the line began.
    ///
    /// - **Order**: that of the lines of one connection; across connections there is none. Under
    ///   [`ordered`](Flow::ordered), chunks come out in the order in which they were taken.
    /// - **Threads**: a connection belongs to the worker that accepted it. Workers without one wait for the next.
    /// - **Memory**: a chunk a worker, of [`batch`](Flow::batch) lines at most, beside its buffer of 64 KiB and the begun
    ///   line of each connection: see [`longest`](TcpLines::longest) and [`at_once`](TcpLines::at_once).
    /// - **Ends**: when [so many](TcpLines::connections) connections have been accepted and have ended, or when a
    ///   [drained](crate::Handle::drain) flow has worked on what it had read. Connections that are open then are closed; what
    ///   clients sent and nobody read is lost to them. A stop or a deadline is seen within five milliseconds while it
    ///   waits.
    /// - **Fails**: with [`Io`](crate::ErrorKind::Io) if nothing can be accepted; with what clients do wrong only if it
    ///   is [`strict`](TcpLines::strict).
    ///
    /// In event time a worker's connections are one input: a line may be late that another client was ahead of. In a
    /// [`seeded`](Flow::seeded) run clients are outside, as the channel of [`from_receiver`](Flow::from_receiver) is.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, TcpLines};
    /// use std::collections::HashMap;
    /// use std::io::Write;
    /// use std::net::TcpStream;
    ///
    /// let lines = TcpLines::bind("127.0.0.1:0")?.connections(3);
    /// let at = lines.local_addr();
    /// let clients = std::thread::spawn(move || {
    ///     for words in ["a b\n", "b c\n", "c c\n"] {
    ///         TcpStream::connect(at)?.write_all(words.as_bytes())?;
    ///     }
    ///     std::io::Result::Ok(())
    /// });
    ///
    /// let counts: HashMap<String, u64> = Flow::from_tcp(lines)
    ///     .flat_map(|line| line.split(' ').map(String::from).collect::<Vec<_>>())
    ///     .count_by(|word| word.clone())
    ///     .collect()?;
    /// assert_eq!((counts["a"], counts["b"], counts["c"]), (1, 2, 3));
    /// clients.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_tcp(lines: TcpLines) -> Self {
        over("tcp lines", lines)
    }
}

impl<'env> Flow<'env, FromTcp<[u8]>> {
    /// A flow of the lines that come over TCP, as bytes, in any encoding in which `\n` ends a line (feature `tcp`).
    ///
    /// It is [`from_tcp`](Flow::from_tcp) without the check of UTF-8: order, threads, memory and end are the same. To
    /// say for each line what comes of one that is not UTF-8, check it in a step.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Flow, TcpLines};
    /// use std::io::Write;
    /// use std::net::TcpStream;
    ///
    /// let lines = TcpLines::bind("127.0.0.1:0")?.connections(1);
    /// TcpStream::connect(lines.local_addr())?.write_all(b"caf\xe9\ntea\n")?;
    /// let text = Flow::from_tcp_bytes(lines).filter_map(|line| String::from_utf8(line).ok());
    /// assert_eq!(text.collect_vec()?, ["tea"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_tcp_bytes(lines: TcpLines) -> Self {
        over("tcp byte lines", lines)
    }
}

fn over<'env, F: Form + ?Sized>(kind: &'static str, lines: TcpLines) -> Flow<'env, FromTcp<F>> {
    let (refused, keeps) = (lines.refused(), lines.keeps());
    let mut flow = Flow::from_pipe(kind, FromTcp::new(lines));
    flow.group.refused = refused;
    flow.keeps.push(keeps.into());
    flow
}
