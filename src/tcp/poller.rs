//! What tells a worker that there is something to read, or somebody to let in. Each event is told once: whoever hears of it
//! goes on until nothing is left.

use std::io;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// The listener's name; connections have theirs from zero.
const LISTENER: Token = Token(usize::MAX);

/// One worker's poller, over its connections and its handle of the listener.
pub(super) struct Poller {
    poll: Poll,
    events: Events,
    /// `None` once nobody else is let in.
    listener: Option<TcpListener>,
    /// Whether somebody may be at the listener.
    pub(super) knocking: bool,
}

impl Poller {
    pub(super) fn new(mut listener: Option<TcpListener>) -> io::Result<Self> {
        let poll = Poll::new()?;
        if let Some(listener) = &mut listener {
            poll.registry()
                .register(listener, LISTENER, Interest::READABLE)?;
        }
        Ok(Poller {
            poll,
            events: Events::with_capacity(256),
            listener,
            knocking: true,
        })
    }

    /// Looks after a connection from here on.
    pub(super) fn add(&self, stream: &mut TcpStream, token: usize) -> io::Result<()> {
        self.poll
            .registry()
            .register(stream, Token(token), Interest::READABLE)
    }

    /// Looks after a connection no longer; it is about to be closed.
    pub(super) fn remove(&self, stream: &mut TcpStream) {
        // There is nothing to do if the poller forgot it before.
        let _ = self.poll.registry().deregister(stream);
    }

    /// Lets go of the listener, so that nobody waits in its queue for nothing.
    pub(super) fn close(&mut self) {
        self.knocking = false;
        if let Some(mut listener) = self.listener.take() {
            // There is nothing to do if the poller forgot it before.
            let _ = self.poll.registry().deregister(&mut listener);
        }
    }

    /// Waits for at most so long, then says which connections have something.
    pub(super) fn look(&mut self, most: Duration, mut has: impl FnMut(usize)) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(most)) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(e) => return Err(e),
        }
        for event in &self.events {
            match event.token() {
                LISTENER => self.knocking = true,
                Token(connection) => has(connection),
            }
        }
        Ok(())
    }
}
