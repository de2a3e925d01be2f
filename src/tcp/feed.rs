//! One worker's connections: a poller, a queue of those that may have something, and a buffer for the one being read.
//!
//! Whatever is in the queue is read until it would block, in turns of one buffer, so that a client that sends much does
//! not keep the others waiting. The buffer is cut into chunks before anything else is read into it.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec;

use super::connection::Connection;
use super::fault::{self, Fault};
use super::poller::Poller;
use super::silence::Silence;
use super::source::{FromTcp, Knock};
use crate::error::Error;
use crate::run::Context;
use crate::source::{Form, begin};
use crate::step::{Feed, Pace, Pull};

/// The longest wait before the worker looks at the stop token again.
const LOOK: Duration = Duration::from_millis(5);

/// How much is read of a connection at a time.
const READ: usize = 64 * 1024;

/// How many reads there may be between two looks for new connections and for more that have something.
const READS: u32 = 16;

/// One worker's end of the connections.
pub struct TcpFeed<'s, F: Form + ?Sized> {
    source: &'s FromTcp<F>,
    cx: &'s Context,
    pace: Pace,
    /// `None` if it could not be opened, which the next pull says.
    poller: Option<Poller>,
    /// What the next pull has to say.
    failed: Option<Error>,
    /// By their tokens.
    connections: Vec<Option<Connection>>,
    /// Places in it that are free.
    free: Vec<usize>,
    /// Those that may have something.
    ready: VecDeque<usize>,
    /// What was read last, of which connection, and the part that was not cut yet.
    buffer: Vec<u8>,
    current: usize,
    left: Range<usize>,
    /// What ends connections that say nothing, if that was asked for.
    silence: Option<Silence>,
    /// Reads since the last look at the poller.
    reads: u32,
}

/// How it is with new connections.
#[derive(PartialEq, Eq)]
enum Door {
    /// One was let in, and there may be more.
    Came,
    /// Nobody is there.
    Open,
    /// Nobody else is let in.
    Over,
}

/// What came of looking for something to read.
enum Found {
    /// The buffer has something.
    Bytes,
    /// A connection ended, with a last line or without.
    End(Option<usize>),
    /// All is read.
    Nothing,
}

impl<'s, F: Form + ?Sized> TcpFeed<'s, F> {
    pub(super) fn new(source: &'s FromTcp<F>, cx: &'s Context) -> Self {
        let opened = source.listener().and_then(Poller::new);
        let (poller, failed) = match opened {
            Ok(poller) => (Some(poller), None),
            Err(error) => (None, Some(fault::io("wait for", &"connections", error))),
        };
        TcpFeed {
            source,
            cx,
            pace: Pace::new(1, cx.group.items(size_of::<F::Owned>())),
            poller,
            failed,
            connections: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            buffer: vec![0; READ],
            current: 0,
            left: 0..0,
            silence: (source.rules.idle).map(|most| Silence::new(most, cx.now())),
            reads: 0,
        }
    }

    /// Cuts a chunk off what was read.
    fn cut(&mut self) -> Pull<TcpChunk<'s, F>> {
        let size = self.pace.next(self.cx.now());
        let token = self.current;
        let Some(Some(connection)) = self.connections.get_mut(token) else {
            self.left = 0..0;
            return Pull::Again;
        };
        let longest = self.source.rules.longest;
        let mut lines = Vec::new();
        let cut = connection.cut::<F>(&self.buffer, &mut self.left, (size, longest), &mut lines);
        let name = connection.name.clone();
        if let Err(fault) = cut {
            self.left = 0..0;
            self.end(token, Some(fault));
        }
        self.give(lines, name)
    }

    /// A chunk of these lines, if there are any.
    fn give(&self, lines: Vec<(u64, F::Owned)>, name: Arc<Path>) -> Pull<TcpChunk<'s, F>> {
        if lines.is_empty() {
            return Pull::Again;
        }
        begin(self.cx, self.source.ticket(), lines.len());
        self.cx.file.replace(Some(name));
        Pull::Chunk(TcpChunk {
            cx: self.cx,
            lines: lines.into_iter(),
        })
    }

    /// Lets one connection in, if there is one.
    fn let_in(&mut self) -> Result<Door, Error> {
        let Some(poller) = &mut self.poller else {
            return Ok(Door::Over);
        };
        if self.source.is_over() {
            poller.close();
            return Ok(Door::Over);
        }
        if !poller.knocking {
            return Ok(Door::Open);
        }
        match self.source.knock() {
            Ok(Knock::Come(stream, peer)) => {
                let mut connection = Connection::new(stream, peer, self.cx.now());
                let token = self.free.pop().unwrap_or_else(|| {
                    self.connections.push(None);
                    self.connections.len() - 1
                });
                if let Err(error) = poller.add(&mut connection.stream, token) {
                    self.free.push(token);
                    self.source.watch.closed();
                    return Err(fault::io("read from", &peer, error));
                }
                connection.ready = true;
                self.ready.push_back(token);
                self.connections[token] = Some(connection);
                Ok(Door::Came)
            }
            Ok(Knock::Nobody) => {
                poller.knocking = false;
                Ok(Door::Open)
            }
            Ok(Knock::Later) => Ok(Door::Open),
            Ok(Knock::Over) => {
                poller.close();
                Ok(Door::Over)
            }
            Err(error) => Err(fault::accept(error)),
        }
    }

    /// Reads from the next connection that has something.
    fn read(&mut self) -> Found {
        while let Some(token) = self.ready.pop_front() {
            let Some(Some(connection)) = self.connections.get_mut(token) else {
                continue;
            };
            self.reads += 1;
            match connection.read(&mut self.buffer) {
                Ok(0) => {
                    let begun = connection.begun();
                    if begun == 0 {
                        self.end(token, None);
                    } else if self.source.rules.keep_last {
                        return Found::End(Some(token));
                    } else {
                        self.end(token, Some(Fault::Torn(begun)));
                    }
                    return Found::End(None);
                }
                Ok(n) => {
                    connection.heard = self.cx.now();
                    self.ready.push_back(token);
                    self.current = token;
                    self.left = 0..n;
                    return Found::Bytes;
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => connection.ready = false,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => self.ready.push_front(token),
                Err(e) => {
                    self.end(token, Some(Fault::Broken(e)));
                    return Found::End(None);
                }
            }
        }
        Found::Nothing
    }

    /// Gives the last line of a connection that has ended without a line end.
    fn last(&mut self, token: usize) -> Pull<TcpChunk<'s, F>> {
        let Some(Some(connection)) = self.connections.get_mut(token) else {
            return Pull::Again;
        };
        let name = connection.name.clone();
        match connection.last::<F>() {
            Ok(line) => {
                self.end(token, None);
                self.give(vec![line], name)
            }
            Err(fault) => {
                self.end(token, Some(fault));
                Pull::Again
            }
        }
    }

    /// Ends a connection, with what was wrong with it.
    fn end(&mut self, token: usize, fault: Option<Fault>) {
        let Some(mut connection) = self.connections.get_mut(token).and_then(Option::take) else {
            return;
        };
        self.free.push(token);
        if let Some(poller) = &self.poller {
            poller.remove(&mut connection.stream);
        }
        if let (Some(Fault::Broken(_) | Fault::Silent(_)) | None, begun @ 1..) =
            (&fault, connection.begun())
        {
            self.count(&Fault::Torn(begun));
        }
        if let Some(fault) = fault {
            if self.source.rules.strict {
                self.source.watch.count(&fault);
                let error = fault.error(&connection.name, connection.at);
                self.failed.get_or_insert(error);
            } else {
                self.count(&fault);
            }
        }
        drop(connection);
        self.source.watch.closed();
    }

    /// Counts something that does not fail the run.
    fn count(&self, fault: &Fault) {
        self.source.watch.count(fault);
        self.cx.count_rejected(fault.rule());
    }

    /// Asks the poller who has something, for at most so long.
    fn look(&mut self, most: Duration) -> io::Result<()> {
        self.reads = 0;
        let Some(poller) = &mut self.poller else {
            return Ok(());
        };
        let (connections, ready) = (&mut self.connections, &mut self.ready);
        poller.look(most, |token| {
            if let Some(Some(connection)) = connections.get_mut(token) {
                if !connection.ready {
                    connection.ready = true;
                    ready.push_back(token);
                }
            }
        })
    }

    /// Ends connections over which nothing has come for too long; whether there were any.
    fn end_silent(&mut self) -> io::Result<bool> {
        let silence = self.silence.as_ref();
        if !silence.is_some_and(|silence| silence.is_due(self.cx.now())) {
            return Ok(false);
        }
        // What lies in a socket, because there was no room here to read it, is no silence.
        self.look(Duration::ZERO)?;
        let Some(silence) = &mut self.silence else {
            return Ok(false);
        };
        let most = silence.most;
        let over = silence.over(&self.connections, self.cx.now());
        for token in &over {
            self.end(*token, Some(Fault::Silent(most)));
        }
        Ok(!over.is_empty())
    }

    /// How many connections are open.
    fn open(&self) -> usize {
        self.connections.len() - self.free.len()
    }
}

impl<'s, F: Form + ?Sized> Feed for TcpFeed<'s, F> {
    type Iter = TcpChunk<'s, F>;

    fn pull(&mut self) -> Result<Pull<Self::Iter>, Error> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if !self.left.is_empty() {
            return Ok(self.cut());
        }
        if self.cx.shared.draining() {
            return Ok(Pull::End);
        }
        let waiting = |e| fault::io("wait for", &"connections", e);
        if self.reads >= READS {
            self.look(Duration::ZERO).map_err(waiting)?;
        }
        if self.end_silent().map_err(waiting)? {
            return Ok(Pull::Again);
        }
        let door = self.let_in()?;
        match self.read() {
            Found::Bytes => Ok(self.cut()),
            Found::End(None) => Ok(Pull::Again),
            Found::End(Some(token)) => Ok(self.last(token)),
            Found::Nothing if door == Door::Came => Ok(Pull::Again),
            Found::Nothing if door == Door::Over && self.open() == 0 => Ok(Pull::End),
            Found::Nothing => {
                self.pace.pause();
                Ok(Pull::Pending)
            }
        }
    }

    fn wait(&mut self, until: Option<Instant>) {
        if self.failed.is_some() || !self.left.is_empty() || !self.ready.is_empty() {
            return;
        }
        let most = until.map_or(LOOK, |until| {
            until.saturating_duration_since(Instant::now()).min(LOOK)
        });
        if let Err(error) = self.look(most) {
            self.failed = Some(fault::io("wait for", &"connections", error));
        }
    }
}

impl<F: Form + ?Sized> Drop for TcpFeed<'_, F> {
    fn drop(&mut self) {
        for token in 0..self.connections.len() {
            self.end(token, None);
        }
    }
}

/// Lines of one connection, with where in it they begin.
pub struct TcpChunk<'s, F: Form + ?Sized> {
    cx: &'s Context,
    lines: vec::IntoIter<(u64, F::Owned)>,
}

impl<F: Form + ?Sized> Iterator for TcpChunk<'_, F> {
    type Item = F::Owned;

    #[inline]
    fn next(&mut self) -> Option<F::Owned> {
        let (at, line) = self.lines.next()?;
        self.cx.byte.set(at);
        Some(line)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.lines.size_hint()
    }
}

impl<F: Form + ?Sized> fmt::Debug for TcpFeed<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpFeed")
            .field("open", &self.open())
            .finish_non_exhaustive()
    }
}

impl<F: Form + ?Sized> fmt::Debug for TcpChunk<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpChunk").finish_non_exhaustive()
    }
}
